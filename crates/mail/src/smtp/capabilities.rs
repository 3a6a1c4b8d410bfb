//! What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).

use super::Reply;

/// Extensions we use when sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The name the server gives itself.
    pub host: String,
    /// RFC 1870; `Some(0)` says there is no fixed limit.
    pub size: Option<u64>,
    pub pipelining: bool,
    pub eight_bit: bool,
    pub smtputf8: bool,
    pub starttls: bool,
    pub dsn: bool,
    pub chunking: bool,
    pub enhanced_status: bool,
    pub require_tls: bool,
    pub auth_plain: bool,
    pub auth_login: bool,
    pub xclient: bool,
    /// RFC 9422: the most recipients a transaction may have, and the most mails a connection may carry.
    pub recipients_max: Option<u64>,
    pub mails_max: Option<u64>,
}

impl Capabilities {
    /// Reads the lines of a 250 reply. Unknown keywords are passed over.
    pub fn read(reply: &Reply) -> Capabilities {
        let mut lines = reply.text.iter();
        let host = lines.next().and_then(|line| line.split(' ').next()).unwrap_or_default().to_string();
        let mut found = Capabilities { host, ..Capabilities::default() };
        for line in lines {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else { continue };
            found.add(&keyword.to_ascii_uppercase(), words);
        }
        found
    }

    fn add<'a>(&mut self, keyword: &str, mut words: impl Iterator<Item = &'a str>) {
        match keyword {
            "SIZE" => self.size = Some(words.next().and_then(|digits| digits.parse().ok()).unwrap_or(0)),
            "PIPELINING" => self.pipelining = true,
            "8BITMIME" => self.eight_bit = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "STARTTLS" => self.starttls = true,
            "DSN" => self.dsn = true,
            "CHUNKING" => self.chunking = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status = true,
            "REQUIRETLS" => self.require_tls = true,
            "XCLIENT" => self.xclient = true,
            "AUTH" => words.for_each(|word| self.add_mechanism(word)),
            "LIMITS" => words.for_each(|word| self.add_limit(word)),
            // "AUTH=PLAIN LOGIN" of servers older than RFC 2554.
            _ => {
                if let Some(first) = keyword.strip_prefix("AUTH=") {
                    self.add_mechanism(first);
                    words.for_each(|word| self.add_mechanism(word));
                }
            }
        }
    }

    fn add_mechanism(&mut self, name: &str) {
        self.auth_plain |= name.eq_ignore_ascii_case("PLAIN");
        self.auth_login |= name.eq_ignore_ascii_case("LOGIN");
    }

    fn add_limit(&mut self, word: &str) {
        // RFC 9422 §4: a limit of 0 or without a number is to be ignored.
        let Some((name, number)) = word.split_once('=') else { return };
        let number = number.parse().ok().filter(|number| *number > 0);
        if name.eq_ignore_ascii_case("RCPTMAX") {
            self.recipients_max = number;
        } else if name.eq_ignore_ascii_case("MAILMAX") {
            self.mails_max = number;
        }
    }
}
