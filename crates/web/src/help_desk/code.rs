//! What somebody pasted: the codes of ours in it, and what shows that they know the mail.
//!
//! Invariant: pasted text is anybody's, bounded, and only ever compared with what we kept; it is not kept itself.

use gateway::trace::{Refusal, RefusalCode};
use mail::report::bounce;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Codes looked up of one text.
const CODES_MAX: usize = 5;
/// Words of a text that are looked at.
const WORDS_MAX: usize = 20_000;
/// Domains and addresses of a text that are compared: knowing is not guessing.
const KNOWN_MAX: usize = 20;
/// Letter and digits of an identifier.
const CODE_CHARS: usize = 14;

/// Codes in a text, in order, each once. Bounces are read as well: their reply may be encoded or folded.
pub fn codes(text: &str) -> Vec<RefusalCode> {
    let mut found = Vec::new();
    add(&mut found, text);
    if found.is_empty() {
        // Soft line breaks of quoted-printable, and lines that a mail program broke.
        add(&mut found, &text.replace("=\r\n", "").replace("=\n", ""));
        let raw = text.replace("\r\n", "\n").replace('\n', "\r\n");
        for failure in bounce::read(raw.as_bytes()).iter().flat_map(|bounce| &bounce.failures) {
            add(&mut found, &failure.said);
        }
    }
    found
}

fn add(found: &mut Vec<RefusalCode>, text: &str) {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).take(WORDS_MAX);
    for word in words.filter(|word| word.len() == CODE_CHARS) {
        if let Ok(code) = word.to_ascii_lowercase().parse::<RefusalCode>()
            && found.len() < CODES_MAX
            && !found.contains(&code)
        {
            found.push(code);
        }
    }
}

/// What in `shown` is the sender's domain or the address of this refusal; `None`: nothing, so whoever shows it only has a code.
pub fn known(refusal: &Refusal, shown: &str) -> Option<String> {
    let domain = sender_domain(refusal);
    let (domains, addresses) = (domains(shown), addresses(shown));
    let ip = refusal.ip.parse::<IpAddr>().ok();
    if !domain.is_empty() && domains.contains(&domain) {
        return Some(domain);
    }
    // The null reverse-path has no domain: its server has a name.
    let helo = refusal.helo.trim_end_matches('.').to_ascii_lowercase();
    if domain.is_empty() && helo.contains('.') && domains.contains(&helo) {
        return Some(helo);
    }
    ip.filter(|ip| addresses.contains(ip)).map(|ip| ip.to_string())
}

/// Domain of the envelope sender; '' for the null reverse-path.
pub fn sender_domain(refusal: &Refusal) -> String {
    refusal.sender.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('.').to_ascii_lowercase()).unwrap_or_default()
}

/// Domains of addresses in a text; a text that is nothing but a name is one.
fn domains(text: &str) -> BTreeSet<String> {
    let alone = Some(text.trim()).filter(|name| name.contains('.') && !name.contains(|c: char| c.is_whitespace() || c == '@'));
    let is_edge = |c: char| c.is_whitespace() || "<>()[]{},;\"'“”‘’«»：，。；、（）【】=".contains(c);
    let of_addresses = text.split(is_edge).take(WORDS_MAX).filter_map(|word| word.rsplit_once('@')).map(|(_, domain)| domain);
    let named = of_addresses.chain(alone);
    let plain = named
        .filter_map(|name| mail::address::domain_to_ascii(name.trim_matches(['.', ':', '!', '?'])))
        .map(|name| name.to_ascii_lowercase());
    plain.take(KNOWN_MAX * 10).collect::<BTreeSet<_>>().into_iter().take(KNOWN_MAX).collect()
}

fn addresses(text: &str) -> BTreeSet<IpAddr> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':')).take(WORDS_MAX);
    let parsed = words.filter_map(|word| word.trim_matches(['.']).parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    parsed.take(KNOWN_MAX * 10).collect::<BTreeSet<_>>().into_iter().take(KNOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::MailId;
    use mail::id::EventId;

    #[test]
    fn codes_are_found_wherever_they_stand() {
        let (event, mail) = (EventId(1_795_521_600_000 << 21), MailId((1_795_521_600_000 << 21) + 7));
        let whole = event.to_string();
        let (begin, end) = whole.split_at(6);
        let folded = format!("{begin}=\r\n{end}");
        let bounce = format!(
            "From: MAILER-DAEMON@x.example\nTo: bob@x.example\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}",
            base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                format!("<li@a.example>: host mx.a.example said: 550 5.7.1 Refused by the policy ({mail}) (in reply to end of DATA)")
            )
        );
        for (text, want) in [
            (event.to_string(), vec![RefusalCode::Event(event)]),
            (format!("550 5.4.1 Recipient address rejected: Access denied ({event})"), vec![RefusalCode::Event(event)]),
            (
                format!("dsn=5.7.1, status=bounced (host mx said: 550 … ({mail}))\n{event} {mail}"),
                vec![RefusalCode::Mail(mail), RefusalCode::Event(event)],
            ),
            (event.to_string().to_uppercase(), vec![RefusalCode::Event(event)]),
            (folded, vec![RefusalCode::Event(event)]),
            (bounce, vec![RefusalCode::Mail(mail)]),
            ("550 5.7.1 no code of ours in here".into(), vec![]),
            (String::new(), vec![]),
        ] {
            assert_eq!(codes(&text), want, "{text}");
        }
    }

    #[test]
    fn who_knows_a_mail_shows_its_sender_or_address() {
        let refusal = Refusal {
            ip: "203.0.113.7".into(),
            helo: "mx.x.example".into(),
            sender: "bob@X.example".into(),
            recipients: vec!["li@a.example".into()],
            ..Refusal::default()
        };
        let bounce = Refusal { sender: String::new(), ..refusal.clone() };
        for (of, shown, want) in [
            (&refusal, "From: Bob <bob@x.example>", Some("x.example")),
            (&refusal, "x.example", Some("x.example")),
            (&refusal, "somebody.else@x.example", Some("x.example")),
            (&refusal, "client [203.0.113.7]", Some("203.0.113.7")),
            (&refusal, "::ffff:203.0.113.7", Some("203.0.113.7")),
            (&refusal, "to=<li@a.example>", None),
            (&refusal, "bob@sub.x.example", None),
            (&refusal, "203.0.113.8", None),
            (&refusal, "mx.x.example", None),
            (&refusal, "", None),
            (&bounce, "mx.x.example", Some("mx.x.example")),
            (&bounce, "x.example", None),
        ] {
            assert_eq!(known(of, shown).as_deref(), want, "{shown}");
        }
        let guesses: String = (0..100).map(|n| format!("a@g{n}.example ")).collect::<String>() + "bob@zz.example";
        let rare = Refusal { sender: "bob@zz.example".into(), ip: String::new(), ..Refusal::default() };
        assert_eq!(known(&rare, &guesses), None, "a list of guesses is no knowledge");
    }
}
