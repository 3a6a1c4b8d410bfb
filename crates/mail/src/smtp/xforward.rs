//! XFORWARD: a server that hands us its mail tells from whom it has it (Postfix XFORWARD_README).
//!
//! Unlike XCLIENT it changes nothing in the session: who may do what still follows from the server; only the mail is judged as its client's.

use super::xclient::{address, is_unavailable, port, protocol};
use std::net::IpAddr;

/// What was told so far of the client of the next mail. Several commands add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Its verified name; `Some(None)`: it has none.
    pub name: Option<Option<String>>,
    /// `Some(None)`: there is none, since the mail was made on the server itself.
    pub ip: Option<Option<IpAddr>>,
    pub port: Option<u16>,
    pub helo: Option<Option<String>>,
    pub esmtp: Option<bool>,
    /// The id that the server gave the mail.
    pub ident: Option<String>,
    /// The mail comes from inside of what the server calls its own.
    pub is_local: bool,
}

impl Forwarded {
    /// Adds what [`super::Command::Xforward`] holds; `None` (`501 5.5.4`) for unknown names and unreadable values.
    pub fn add(&mut self, attributes: &[(String, String)]) -> Option<()> {
        let mut more = self.clone();
        for (name, value) in attributes {
            let given = (!is_unavailable(value)).then(|| value.clone());
            match name.as_str() {
                "NAME" => more.name = Some(given),
                "HELO" => more.helo = Some(given),
                "ADDR" => more.ip = Some(address(given)?.map(|ip| ip.to_canonical())),
                "PORT" => more.port = port(given)?,
                "PROTO" => more.esmtp = protocol(given)?,
                "IDENT" => more.ident = given,
                "SOURCE" => more.is_local = given.is_some_and(|source| source.eq_ignore_ascii_case("LOCAL")),
                _ => return None,
            }
        }
        *self = more;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, parse_command};
    use super::*;

    fn told(lines: &[&str]) -> Option<Forwarded> {
        let mut forwarded = Forwarded::default();
        for line in lines {
            let Ok(Command::Xforward(attributes)) = parse_command(line.as_bytes()) else { return None };
            forwarded.add(&attributes)?;
        }
        Some(forwarded)
    }

    #[test]
    fn a_client_is_told_in_one_command_or_several() {
        let whole = Forwarded {
            name: Some(Some("mx.client.example".into())),
            ip: Some(Some([192, 0, 2, 7].into())),
            port: Some(4_711),
            helo: Some(Some("client.example".into())),
            esmtp: Some(true),
            ident: Some("4bQ1".into()),
            is_local: false,
        };
        for (lines, want, why) in [
            (
                vec![
                    "XFORWARD NAME=mx.client.example ADDR=192.0.2.7 PORT=4711",
                    "XFORWARD PROTO=ESMTP HELO=client.example IDENT=4bQ1 SOURCE=REMOTE",
                ],
                Some(whole),
                "as Postfix splits it",
            ),
            (
                vec!["xforward NAME=[UNAVAILABLE] ADDR=IPv6:2001:db8::7"],
                Some(Forwarded { name: Some(None), ip: Some(Some("2001:db8::7".parse().expect("an address"))), ..Forwarded::default() }),
                "no name",
            ),
            (
                vec!["XFORWARD ADDR=[UNAVAILABLE] SOURCE=LOCAL"],
                Some(Forwarded { ip: Some(None), is_local: true, ..Forwarded::default() }),
                "made on the server",
            ),
            (
                vec!["XFORWARD ADDR=::ffff:192.0.2.7"],
                Some(Forwarded { ip: Some(Some([192, 0, 2, 7].into())), ..Forwarded::default() }),
                "a mapped address",
            ),
            (vec!["XFORWARD HELO=a+20b"], Some(Forwarded { helo: Some(Some("a b".into())), ..Forwarded::default() }), "xtext"),
            (vec!["XFORWARD"], None, "nothing"),
            (vec!["XFORWARD ADDR=192.0.2"], None, "no address"),
            (vec!["XFORWARD LOGIN=ann"], None, "XCLIENT has it, XFORWARD has not"),
            (vec!["XFORWARD PORT=99999"], None, "no port"),
            (vec!["XFORWARD HELO=a+0Ab"], None, "a line end in the value"),
            (vec!["XFORWARD HELO=a HELO=b"], None, "twice"),
        ] {
            assert_eq!(told(&lines), want, "{why}");
        }
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let mut forwarded = told(&["XFORWARD ADDR=192.0.2.7"]).expect("it is told");
        let before = forwarded.clone();
        assert_eq!(forwarded.add(&[("HELO".into(), "x".into()), ("PORT".into(), "no".into())]), None);
        assert_eq!(forwarded, before);
    }
}
