//! Addresses of a JMAP server: where the session is, and what the session names (RFC 8620 §2).

/// Characters of one.
const CHARS_MAX: usize = 2_000;

/// An `https` or `http` address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub is_tls: bool,
    /// Lower-case; an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
    /// Path with query, from the first slash.
    pub path: String,
}

impl Url {
    /// `None`: not an address of this kind, or one with a user, a space or a control in it.
    pub fn parse(text: &str) -> Option<Url> {
        if text.len() > CHARS_MAX || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split('#').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':').filter(|_| !authority.ends_with(']')) {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
            None => (authority, if is_tls { 443 } else { 80 }),
        };
        let path = match path.is_empty() || path.starts_with('/') {
            true => path.to_string(),
            false => format!("/{path}"),
        };
        is_host(host).then(|| Url { is_tls, host: host.to_ascii_lowercase(), port, path: if path.is_empty() { "/".into() } else { path } })
    }

    /// Another address as this one's server writes it: whole, or from the first slash (RFC 3986 §4.2).
    pub fn joined(&self, reference: &str) -> Option<Url> {
        if reference.starts_with("//") {
            let scheme = if self.is_tls { "https" } else { "http" };
            return Url::parse(&format!("{scheme}:{reference}"));
        }
        match reference.starts_with('/') {
            true => Url::parse(&format!("{}{reference}", self.origin())),
            false => Url::parse(reference),
        }
    }

    /// What a password for one is good for.
    pub fn is_same_place(&self, other: &Url) -> bool {
        self.is_tls == other.is_tls && self.port == other.port && self.host == other.host
    }

    /// `https://host:port`
    pub fn origin(&self) -> String {
        format!("{}://{}:{}", if self.is_tls { "https" } else { "http" }, self.host, self.port)
    }

    /// `host:port`, as next hops are written.
    pub fn host_with_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(literal) => literal.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_')),
    }
}

/// A template of RFC 6570, level 1, with these variables (RFC 8620 §6.2). Other variables become nothing.
pub fn filled(template: &str, variables: &[(&str, &str)]) -> String {
    let mut whole = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        whole.push_str(before);
        let value = variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        for octet in value.bytes() {
            match octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
                true => whole.push(char::from(octet)),
                false => whole.push_str(&format!("%{octet:02X}")),
            }
        }
        rest = after;
    }
    whole.push_str(rest);
    whole
}
