//! Settings of listeners, TLS, limits and DNS. The settings reference is printed from these comments.

use crate::settings::{Networks, Span};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// One or more `address:port`, written as one text or a list of texts; empty: this service is off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Addresses(pub Vec<SocketAddr>);

/// An `address:port`, or the path of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// One or more places, written as one text or a list of texts: "127.0.0.1:8891", "unix:/run/gatepost/milter", or as Postfix and
/// sendmail name milters ("inet:127.0.0.1:8891", "inet:8891@127.0.0.1"); empty: this service is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(pub Vec<Place>);

/// `[listen]`: where we listen, and whom we believe about who is connecting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSettings {
    /// Our name in greetings and in `Received`; empty: the name of this machine.
    pub name: String,
    /// Mail from other servers, such as "0.0.0.0:25" or ["0.0.0.0:25", "[::]:25"]. Default "127.0.0.1:2525".
    pub smtp: Addresses,
    /// Mail from our own people, who sign in after STARTTLS (port 587). Default: off.
    pub submission: Addresses,
    /// The same with TLS from the first octet (port 465, RFC 8314). Default: off.
    pub submission_tls: Addresses,
    /// The admin centre and the REST API. Default "127.0.0.1:8025".
    pub web: Addresses,
    /// The status pages. Default "127.0.0.1:8026".
    pub status: Addresses,
    /// Milter: a mail server beside us asks what to do with each mail, such as "127.0.0.1:8891" or "unix:/run/gatepost/milter". Default: off.
    pub milter: Places,
    /// The protocol of spamd, for spamc and what speaks like it (port 783). Default: off.
    pub spamd: Places,
    /// The HTTP protocol of rspamd (/checkv2, /learnspam, /learnham, /ping), for rspamc, Haraka and scripts (port 11333). Default: off.
    pub rspamd: Addresses,
    /// Networks of load balancers: connections from there must begin with a PROXY header (version 1 or 2), connections
    /// from elsewhere must not. Default: none.
    pub proxy: Networks,
    /// Addresses that may say with XCLIENT on whose behalf they connect. Default: none.
    pub xclient: Networks,
    /// Servers that hand us their clients' mail and say with XFORWARD whose it is: Postfix with us as its content filter. Default: none.
    pub xforward: Networks,
    /// How long we listen for a peer that talks before our greeting; such programs are not mail servers and are refused.
    /// Loopback and private addresses do not wait. Default "300ms".
    pub greeting_delay: Span,
    /// How long open sessions may go on after we were told to stop. Default "20s".
    pub stop_within: Span,
}

/// `[tls]`: our certificate. Both files are read again when they change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with our certificate and its chain; empty: one is made at start, signed by itself.
    pub certificate: PathBuf,
    /// PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// Never offer STARTTLS. Default false.
    pub off: bool,
    /// Ask clients for a certificate; one that proves itself is written into the receipt. Default false.
    pub ask_client_certificate: bool,
    /// A certificate from an ACME server such as Let's Encrypt.
    pub acme: AcmeSettings,
}

/// `[tls.acme]`: our certificate comes from an ACME server (RFC 8555), and is renewed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcmeSettings {
    /// Directory of the ACME server: its address, "letsencrypt", or "letsencrypt-staging" to try out; empty: off. Default "".
    pub directory: String,
    /// You have read the terms of the authority and accept them; without it nothing is asked for. Default false.
    pub agree: bool,
    /// Names the certificate is for; empty: our name in greetings ([listen] name).
    pub names: Vec<String>,
    /// Mail address that the authority may write to; empty: none.
    pub contact: String,
    /// Where the authority's question is answered, as it looks at port 80 of each name (HTTP-01), such as "0.0.0.0:80". Empty: only the
    /// web listener answers it, for a proxy that hands /.well-known/acme-challenge/ on. Default: off.
    pub listen: Addresses,
    /// PEM file with the root that the ACME server's own certificate is signed by, for an authority in your own network; empty: the roots of
    /// this system.
    pub root: PathBuf,
    /// How long before the end of the certificate the next is asked for. Default "30d".
    pub renew_before: Span,
}

impl Default for AcmeSettings {
    fn default() -> AcmeSettings {
        AcmeSettings {
            directory: String::new(),
            agree: false,
            names: Vec::new(),
            contact: String::new(),
            listen: Addresses::default(),
            root: PathBuf::new(),
            renew_before: Span::days(30),
        }
    }
}

impl AcmeSettings {
    pub fn is_on(&self) -> bool {
        !self.directory.is_empty()
    }

    /// Names the certificate is for; `own` is our name in greetings.
    pub fn names_or(&self, own: &str) -> Vec<String> {
        if self.names.is_empty() { vec![own.to_string()] } else { self.names.clone() }
    }
}

impl TlsSettings {
    /// What is wrong although every key is right.
    pub fn complaint(&self) -> Option<String> {
        if !self.acme.is_on() {
            return None;
        }
        if !self.certificate.as_os_str().is_empty() || !self.key.as_os_str().is_empty() {
            return Some("[tls] certificate and key are files of yours, [tls.acme] gets others: set one or the other".into());
        }
        if !self.acme.agree {
            return Some("[tls.acme] agree: read the terms of the authority and set it to true, or it gives no certificate".into());
        }
        let is_known = self.acme.directory.starts_with("https://") || self.acme.directory.starts_with("letsencrypt");
        (!is_known).then(|| "[tls.acme] directory: write \"letsencrypt\", \"letsencrypt-staging\" or an address with https://".into())
    }
}

/// `[limits]`: what one peer, one session and all of them together may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Open connections in all. Default 2000.
    pub connections_max: usize,
    /// Open connections from one address (IPv6: from one /64). Default 250.
    pub connections_per_address_max: usize,
    /// New connections a minute from one address (IPv6: one /64); loopback and private addresses are not counted. Default 600.
    pub connections_per_minute_max: u32,
    /// Octets of one message. Default 36700160 (35 MiB).
    pub message_octets_max: u64,
    /// Octets of all messages being received at the same time; above it, mail is asked to come later. Default 268435456 (256 MiB).
    pub messages_in_memory_octets_max: u64,
    /// Recipients of one mail (RFC 5321 §4.5.3.1.8 wants 100 or more). Default 1000.
    pub recipients_max: usize,
    /// Mails in one session. Default 1000.
    pub mails_per_session_max: usize,
    /// Commands we refused in one session until we hang up. Default 20.
    pub errors_max: u32,
    /// Recipients refused in one session until we hang up. Default 100.
    pub recipients_refused_max: u32,
    /// Commands in one session that bring no mail forward (NOOP, RSET, HELP, VRFY), since the last mail. Default 100.
    pub idle_commands_max: u32,
    /// Failed sign-ins in one session until we hang up. Default 3.
    pub sign_in_failures_max: u32,
    /// Failed sign-ins within an hour from one address (IPv6: one /64) until it has to wait. Default 30.
    pub sign_in_failures_per_address_max: u32,
    /// Wait before a failed sign-in is answered; doubles with each. Default "1s".
    pub sign_in_delay: Span,
    /// Wait for a command (RFC 5321 §4.5.3.2.7). Default "5m".
    pub command_wait: Span,
    /// Wait for the next octets of a message (RFC 5321 §4.5.3.2.5). Default "3m".
    pub data_wait: Span,
    /// Wait until the peer has taken our reply. Default "5m".
    pub reply_wait: Span,
    /// Wait for a TLS handshake. Default "1m".
    pub handshake_wait: Span,
    /// Octets a second that a message must bring on average after its first minute. Default 256.
    pub data_octets_per_second_min: u64,
}

/// `[dns]`: whom we ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsSettings {
    /// Resolvers as "address" or "address:port"; empty: those of /etc/resolv.conf; "off": every name does not exist.
    pub servers: Servers,
    /// Wait for one answer; each question is asked twice. Default "2s".
    pub wait: Span,
    /// Answers kept in memory. Default 50000.
    pub cache_max: u64,
    /// Longest time an answer is kept. Default "1h".
    pub keep_max: Span,
    /// Longest time we remember that there is nothing. Default "5m".
    pub keep_nothing_max: Span,
    /// Connection lists, each a table of its own.
    pub list: Vec<crate::intake::ListSettings>,
}

/// The value of `[dns] servers`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Servers {
    /// As the system is set up.
    #[default]
    System,
    /// DNS is not asked: every name does not exist.
    Off,
    These(Vec<SocketAddr>),
}

impl Default for ListenSettings {
    fn default() -> ListenSettings {
        let local = |port| Addresses(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
        ListenSettings {
            name: String::new(),
            smtp: local(2525),
            submission: Addresses::default(),
            submission_tls: Addresses::default(),
            web: local(8025),
            status: local(8026),
            milter: Places::default(),
            spamd: Places::default(),
            rspamd: Addresses::default(),
            proxy: Networks::default(),
            xclient: Networks::default(),
            xforward: Networks::default(),
            greeting_delay: Span::ms(300),
            stop_within: Span::seconds(20),
        }
    }
}

impl Default for LimitSettings {
    fn default() -> LimitSettings {
        LimitSettings {
            connections_max: 2_000,
            connections_per_address_max: 250,
            connections_per_minute_max: 600,
            message_octets_max: 35 << 20,
            messages_in_memory_octets_max: 256 << 20,
            recipients_max: 1_000,
            mails_per_session_max: 1_000,
            errors_max: 20,
            recipients_refused_max: 100,
            idle_commands_max: 100,
            sign_in_failures_max: 3,
            sign_in_failures_per_address_max: 30,
            sign_in_delay: Span::seconds(1),
            command_wait: Span::minutes(5),
            data_wait: Span::minutes(3),
            reply_wait: Span::minutes(5),
            handshake_wait: Span::minutes(1),
            data_octets_per_second_min: 256,
        }
    }
}

impl Default for DnsSettings {
    fn default() -> DnsSettings {
        DnsSettings {
            servers: Servers::System,
            wait: Span::seconds(2),
            cache_max: 50_000,
            keep_max: Span::hours(1),
            keep_nothing_max: Span::minutes(5),
            list: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn texts(self) -> Vec<String> {
        match self {
            OneOrMore::One(text) => vec![text],
            OneOrMore::More(texts) => texts,
        }
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Addresses, D::Error> {
        let read = |text: String| {
            text.trim().parse().map_err(|_| {
                serde::de::Error::custom(format!("“{text}” is not an address with a port; write \"127.0.0.1:2525\" or \"[::1]:2525\""))
            })
        };
        let texts = OneOrMore::deserialize(from)?.texts();
        texts.into_iter().filter(|text| !text.is_empty()).map(read).collect::<Result<_, _>>().map(Addresses)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Tcp(address) => address.fmt(f),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Place {
    fn read(text: &str) -> Option<Place> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:").or_else(|| text.strip_prefix("local:")) {
            return path.starts_with('/').then(|| Place::Unix(path.into()));
        }
        let text = ["inet:", "inet6:"].iter().find_map(|tag| text.strip_prefix(tag)).unwrap_or(text);
        let turned =
            text.split_once('@').map(|(port, host)| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") });
        turned.as_deref().unwrap_or(text).parse().ok().map(Place::Tcp)
    }
}

impl Serialize for Places {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(Place::to_string))
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Places, D::Error> {
        let read = |text: String| {
            let wrong = || {
                serde::de::Error::custom(format!(
                    "“{text}” is no place to listen; write \"127.0.0.1:8891\" or \"unix:/run/gatepost/milter\""
                ))
            };
            Place::read(&text).ok_or_else(wrong)
        };
        let texts = OneOrMore::deserialize(from)?.texts();
        texts.into_iter().filter(|text| !text.is_empty()).map(read).collect::<Result<_, _>>().map(Places)
    }
}

const DNS_PORT: u16 = 53;

impl<'de> Deserialize<'de> for Servers {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Servers, D::Error> {
        let texts = OneOrMore::deserialize(from)?.texts();
        if texts.iter().any(|text| text == "off") {
            return match texts.len() {
                1 => Ok(Servers::Off),
                _ => Err(serde::de::Error::custom("“off” stands alone, not beside addresses")),
            };
        }
        let read = |text: &String| {
            let text = text.trim();
            let with_default = || text.parse().map(|ip: std::net::IpAddr| SocketAddr::new(ip, DNS_PORT));
            text.parse().or_else(|_| with_default()).map_err(|_| {
                serde::de::Error::custom(format!("“{text}” is not the address of a resolver; write \"192.0.2.53\" or \"192.0.2.53:5353\""))
            })
        };
        let servers: Vec<SocketAddr> = texts.iter().filter(|text| !text.is_empty()).map(read).collect::<Result<_, _>>()?;
        Ok(if servers.is_empty() { Servers::System } else { Servers::These(servers) })
    }
}

impl Serialize for Servers {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Servers::System => to.collect_seq(std::iter::empty::<String>()),
            Servers::Off => to.serialize_str("off"),
            Servers::These(servers) => to.collect_seq(servers.iter().map(SocketAddr::to_string)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(given: serde_json::Value, want: Option<T>) {
        assert_eq!(serde_json::from_value::<T>(given.clone()).ok(), want, "{given}");
    }

    #[test]
    fn addresses_are_one_text_or_a_list() {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        check(json!("127.0.0.1:25"), Some(Addresses(vec![local(25)])));
        check(json!(["127.0.0.1:25", "127.0.0.1:26"]), Some(Addresses(vec![local(25), local(26)])));
        check(json!(""), Some(Addresses(vec![])));
        check(json!("localhost:25"), None::<Addresses>);
        check(json!("127.0.0.1"), None::<Addresses>);
    }

    #[test]
    fn places_are_addresses_or_sockets() {
        let local = |port| Place::Tcp(SocketAddr::from(([127, 0, 0, 1], port)));
        check(json!("127.0.0.1:8891"), Some(Places(vec![local(8891)])));
        check(json!(["inet:127.0.0.1:8891", "inet:8892@127.0.0.1"]), Some(Places(vec![local(8891), local(8892)])));
        check(json!("inet6:8891@::1"), Some(Places(vec![Place::Tcp("[::1]:8891".parse().expect("an address"))])));
        check(json!("unix:/run/milter"), Some(Places(vec![Place::Unix("/run/milter".into())])));
        check(json!(""), Some(Places(vec![])));
        check(json!("unix:milter"), None::<Places>);
        check(json!("/run/milter"), None::<Places>);
        check(json!("8891"), None::<Places>);
    }

    #[test]
    fn servers_are_addresses_or_off() {
        let server = |port| SocketAddr::from(([192, 0, 2, 53], port));
        check(json!("192.0.2.53"), Some(Servers::These(vec![server(53)])));
        check(json!(["192.0.2.53:5353"]), Some(Servers::These(vec![server(5353)])));
        check(json!("off"), Some(Servers::Off));
        check(json!([]), Some(Servers::System));
        check(json!(["off", "192.0.2.53"]), None::<Servers>);
        check(json!("resolver.example"), None::<Servers>);
    }

    #[test]
    fn defaults_read_back_and_unknown_keys_do_not() {
        check(serde_json::to_value(ListenSettings::default()).expect("writes"), Some(ListenSettings::default()));
        check(serde_json::to_value(LimitSettings::default()).expect("writes"), Some(LimitSettings::default()));
        check(serde_json::to_value(DnsSettings::default()).expect("writes"), Some(DnsSettings::default()));
        check(serde_json::to_value(TlsSettings::default()).expect("writes"), Some(TlsSettings::default()));
        check(json!({"smpt": "127.0.0.1:25"}), None::<ListenSettings>);
    }
}
