//! Fuzz targets: one function per parser of octets from outside, with what must hold for every input.
//!
//! `fuzz/` runs them under libFuzzer; the test below runs them on every `cargo test`, on random octets and on the seeds.
//! A target returns nothing: it panics when an invariant breaks.

use crate::address::{self, Address};
use crate::auth::{AuthSettings, authenticate};
pub use crate::beside::fuzzing::{milter, spamd};
use crate::dns::{Answer, Dns, DnsError, Record, RecordType};
use crate::envelope::{BodyType, Envelope, Mail, Peer, Reverse};
use crate::imap;
use crate::jmap;
use crate::message::{Budget, DefectKind, Message};
use crate::report::received::{self, Report};
use crate::report::{bounce, dsn};
use crate::smtp::{BdatReader, Capabilities, Command, DataReader, Line, LineReader, ReplyReader};
use crate::smtp::{dot_stuff, parse_command, proxy, sasl, xclient};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::net::Ipv4Addr;

/// Larger than any input of a fuzzer.
const OCTETS_MAX: u64 = 1 << 30;

/// All targets by name, as under `fuzz/corpus`.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("command", command),
    ("data", data),
    ("bdat", bdat),
    ("reply", reply),
    ("imap", imap_response),
    ("jmap", jmap_answer),
    ("proxy", proxy_header),
    ("addresses", addresses),
    ("dsn", notice),
    ("message", message),
    ("container", container),
    ("authentication", authentication),
    ("report", report),
    ("milter", milter),
    ("spamd", spamd),
];

/// Command lines, in pieces of a size that the first octet chooses: the pieces change nothing, and nothing that is taken
/// could forge a line.
pub fn command(input: &[u8]) {
    let Some((step, input)) = input.split_first() else { return };
    let lines = |step: usize| {
        let mut reader = LineReader::new(512);
        let mut found = Vec::new();
        for piece in input.chunks(step.max(1)) {
            reader.buffer().extend_from_slice(piece);
            loop {
                match reader.next_line() {
                    Line::Pending => break,
                    line => found.push(line),
                }
            }
        }
        found
    };
    let found = lines(usize::from(*step));
    assert_eq!(found, lines(input.len()), "pieces change the lines");
    for line in found {
        let Line::Complete(line) = line else { continue };
        match parse_command(&line) {
            Ok(command) => check_command(command),
            Err(error) => {
                let mut wire = Vec::new();
                error.reply.write_to(&mut wire);
                assert!(wire.ends_with(b"\r\n") && wire.iter().filter(|octet| **octet == b'\n').count() == 1);
            }
        }
    }
}

fn check_command(command: Command) {
    let is_plain = |text: &str| !text.chars().any(char::is_control);
    match command {
        Command::Mail(mail) => {
            mail.sender.iter().for_each(check_address);
            assert!(mail.envid.iter().chain(&mail.auth).all(|text| is_plain(text)));
        }
        Command::Rcpt(rcpt) => {
            check_address(&rcpt.address);
            assert!(rcpt.orcpt.iter().all(|text| is_plain(text) && text.contains(';')));
        }
        Command::Helo(name) | Command::Ehlo(name) | Command::Lhlo(name) => assert!(name.bytes().all(|octet| octet.is_ascii_graphic())),
        Command::Xforward(attributes) => {
            assert!(attributes.iter().all(|(_, value)| is_plain(value)));
            let _ = crate::smtp::xforward::Forwarded::default().add(&attributes);
        }
        Command::Xclient(attributes) => {
            assert!(attributes.iter().all(|(_, value)| is_plain(value)));
            let _ = xclient::Client::read(&attributes);
        }
        Command::Auth { initial: Some(initial), .. } => {
            let _ = sasl::decode_plain(&initial);
            let _ = sasl::decode_login(&initial, &initial);
        }
        Command::Vrfy(name) | Command::Expn(name) => assert!(is_plain(&name)),
        _ => {}
    }
}

fn check_address(found: &Address) {
    let text = found.to_string();
    assert!(!text.chars().any(char::is_control));
    if !found.domain().is_empty() {
        assert_eq!(Address::parse(&text).as_ref(), Ok(found), "an address reads back");
        let _ = address::organisational_domain(found.domain());
    }
}

/// Message data: a slow reader that looks at the whole input agrees, and what is taken goes out unharmed.
pub fn data(input: &[u8]) {
    let Some((step, input)) = input.split_first() else { return };
    let mut reader = DataReader::new(None, OCTETS_MAX);
    let mut used = 0;
    let mut is_done = false;
    for piece in input.chunks(usize::from(*step).max(1)) {
        let fed = reader.feed(piece);
        used += fed.used;
        is_done = fed.is_done;
        if is_done {
            break;
        }
    }
    let end = if input.starts_with(b".\r\n") { Some(3) } else { memchr::memmem::find(input, b"\r\n.\r\n").map(|at| at + 5) };
    assert_eq!(is_done.then_some(used), end, "the end is CRLF.CRLF");
    let taken = reader.finish();
    let Some(end) = end else { return };
    let has_bare_end = has_bare_line_end(&input[..end]);
    if let Ok(message) = &taken {
        assert!(!has_bare_end, "a bare CR or LF was taken");
        let mut wire = Vec::new();
        dot_stuff(message, &mut wire);
        check_wire(&wire);
    }
    assert!(taken.is_ok() || has_bare_end || input[..end].contains(&0), "refused for no reason");
}

fn has_bare_line_end(octets: &[u8]) -> bool {
    octets.iter().enumerate().any(|(at, octet)| match octet {
        b'\n' => at == 0 || octets[at - 1] != b'\r',
        b'\r' => octets.get(at + 1) != Some(&b'\n'),
        _ => false,
    })
}

/// What we send ends where it ends, for every reader.
fn check_wire(wire: &[u8]) {
    assert!(!has_bare_line_end(wire));
    let end = if wire == b".\r\n" { 0 } else { memchr::memmem::find(wire, b"\r\n.\r\n").expect("the wire form has an end") + 2 };
    assert_eq!(end + 3, wire.len(), "an end before the end");
    for lure in [&b"\r\n\0.\r\n"[..], b"\r\n.\0\r\n"] {
        assert!(memchr::memmem::find(wire, lure).is_none());
    }
}

/// Chunks: the first octet says where the message is cut. The cut changes nothing.
pub fn bdat(input: &[u8]) {
    let Some((cut, message)) = input.split_first() else { return };
    let read = |cut: usize| {
        let mut reader = BdatReader::new(None, OCTETS_MAX);
        let (first, second) = message.split_at(cut.min(message.len()));
        for chunk in [first, second] {
            reader.begin(chunk.len() as u64);
            let fed = reader.feed(chunk);
            assert!(fed.is_done && fed.used == chunk.len());
        }
        reader.finish()
    };
    let found = read(usize::from(*cut));
    assert_eq!(found, read(0), "the cut changes the message");
    assert_eq!(has_bare_line_end(message), found == Err(crate::smtp::DataError::BareLineEnd));
    let mut wire = Vec::new();
    dot_stuff(message, &mut wire); // whatever it is, sending it must be safe
    check_wire(&wire);
    if let Ok(kept) = found {
        assert_eq!(kept, message);
    }
}

/// Replies of a server, in pieces of a size that the first octet chooses.
pub fn reply(input: &[u8]) {
    let Some((step, input)) = input.split_first() else { return };
    let read = |step: usize| {
        let mut reader = ReplyReader::new();
        let mut replies = Vec::new();
        for mut piece in input.chunks(step.max(1)) {
            while !piece.is_empty() {
                let Ok((used, reply)) = reader.feed(piece) else { return (replies, true) };
                replies.extend(reply);
                piece = &piece[used..];
            }
        }
        (replies, false)
    };
    let found = read(usize::from(*step));
    assert_eq!(found, read(input.len()), "pieces change the replies");
    for reply in found.0 {
        assert!((200..600).contains(&reply.code) && !reply.text.is_empty());
        assert!(!reply.to_string().chars().any(char::is_control));
        let _ = Capabilities::read(&reply);
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert!(wire.is_ascii() && !has_bare_line_end(&wire) && wire.len() < 64 * 512 + 1);
    }
}

/// Responses of an IMAP server, in pieces of a size that the first octet chooses.
pub fn imap_response(input: &[u8]) {
    const LITERAL_OCTETS_MAX: usize = 4_096;
    let Some((step, input)) = input.split_first() else { return };
    let read = |step: usize| {
        let mut reader = imap::ResponseReader::new(LITERAL_OCTETS_MAX);
        let mut found = Vec::new();
        for piece in input.chunks(step.max(1)) {
            reader.buffer().extend_from_slice(piece);
            loop {
                match reader.next_response() {
                    Ok(Some(one)) => found.push(one),
                    Ok(None) => break,
                    Err(_) => return (found, true),
                }
            }
        }
        (found, false)
    };
    let found = read(usize::from(*step));
    assert_eq!(found, read(input.len()), "pieces change the responses");
    for one in found.0 {
        assert!(!one.tag.is_empty());
        assert!(one.found().is_none_or(|numbers| numbers.len() <= imap::FOUND_MAX));
        assert!(one.fetched().is_none_or(|fetched| fetched.octets.len() <= LITERAL_OCTETS_MAX.max(64 << 10)));
        let _ = (one.capabilities(), one.copied(), one.uid_validity());
        if let Some(folder) = one.folder() {
            assert!(!imap::folder_from_wire(&folder.wire_name).chars().any(char::is_control));
        }
    }
    if let Some(quoted) = std::str::from_utf8(input).ok().and_then(imap::quoted) {
        assert!(quoted.is_ascii() && !quoted.contains(['\r', '\n']));
    }
    if let Ok(name) = std::str::from_utf8(input) {
        let wire = imap::folder_to_wire(name);
        assert!(wire.chars().all(|c| matches!(c, ' '..='~')), "{wire:?}");
        if !name.chars().any(char::is_control) {
            assert_eq!(imap::folder_from_wire(&wire), name, "a name reads back");
        }
    }
}

/// Answers of a JMAP server over HTTP, and what they hold: more octets change nothing of a whole answer, limits hold, and nothing that goes
/// into our next request could forge one.
pub fn jmap_answer(input: &[u8]) {
    if let Ok(Some(answer)) = jmap::read_answer(input, false) {
        assert_eq!(jmap::read_answer(input, true), Ok(Some(answer.clone())));
        assert!(!answer.location.chars().any(char::is_control) && answer.body.len() <= input.len());
        jmap_body(&answer.body);
    }
    jmap_body(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    // What is made of one may be a little longer than what is read.
    if let Some(url) = jmap::Url::parse(text).filter(|_| text.len() < 1_900) {
        assert!(url.path.starts_with('/') && url.path.bytes().chain(url.host.bytes()).all(|octet| octet.is_ascii_graphic()));
        assert_eq!(jmap::Url::parse(&format!("{}{}", url.origin(), url.path)).as_ref(), Some(&url), "an address reads back");
        let inside = url.joined("/api").expect("a path of the same server");
        assert!(inside.is_same_place(&url));
    }
    let filled = jmap::filled("/a/{id}?{name}", &[("id", text), ("name", text)]);
    assert!(filled.bytes().all(|octet| octet.is_ascii_graphic()));
}

fn jmap_body(body: &[u8]) {
    if let Ok(session) = jmap::Session::read(body) {
        assert!(session.accounts.iter().all(|account| jmap::is_id(&account.id) && !account.name.chars().any(char::is_control)));
        assert!(!session.api_url.is_empty() && session.own().is_none_or(|own| own.id == session.primary));
    }
    let Ok(results) = jmap::Results::read(body) else { return };
    let Ok(answer) = results.of("0") else { return };
    if let Ok(folders) = jmap::mailboxes(answer) {
        assert!(folders.len() <= jmap::MAILBOXES_MAX);
        assert!(folders.iter().all(|one| jmap::is_id(&one.id) && !one.path.chars().any(char::is_control)));
    }
    if let Ok(ids) = jmap::found(answer) {
        assert!(ids.len() <= jmap::EMAILS_MAX && ids.iter().all(|id| jmap::is_id(id)));
    }
    for email in jmap::emails(answer).into_iter().flatten() {
        assert!(jmap::is_id(&email.id) && email.mailboxes.iter().all(|id| jmap::is_id(id)));
        // Each line is a field of ours, or goes on with one.
        let lines: Vec<&[u8]> = email.header.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).collect();
        assert!(
            lines.iter().all(|line| line.starts_with(b"X-Gatepost-Report:") || line.starts_with(b"Received:") || line.starts_with(b"\t"))
        );
    }
    let _ = (jmap::updated(answer, "updated", "M1"), jmap::updated(answer, "created", "new"));
}

/// PROXY protocol: a header that is complete stays what it is when more follows, and is incomplete without its last octet.
pub fn proxy_header(input: &[u8]) {
    match proxy::parse(input) {
        Ok(Some((used, proxied))) => {
            assert!(used <= input.len());
            assert_eq!(proxy::parse(&input[..used]), Ok(Some((used, proxied))));
            assert_eq!(proxy::parse(&input[..used - 1]), Ok(None));
        }
        Ok(None) => assert!(input.len() < proxy::V2_OCTETS_MAX),
        Err(_) => {}
    }
}

/// Header fields with addresses and encoded words; the envelope's paths.
pub fn addresses(input: &[u8]) {
    if let address::FromField::One { display, address } = address::read_from(&[input]) {
        assert!(!display.chars().any(char::is_control));
        check_address(&address);
        // The lenient reader must not see somebody else where the strict one sees one mailbox.
        let others = address::mailboxes(input);
        assert!(others.iter().all(|(_, other)| *other == address), "{address} and {others:?}");
    }
    let mailboxes = address::mailboxes(input);
    assert!(mailboxes.len() <= address::MAILBOXES_MAX);
    mailboxes.iter().for_each(|(_, found)| check_address(found));
    assert!(!address::decode_words(input).chars().any(char::is_control));
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(Some(found)) = address::parse_path(text) {
        check_address(&found);
    }
    if let Some(domain) = address::domain_to_ascii(text) {
        assert_eq!(address::domain_to_ascii(&domain).as_deref(), Some(domain.as_str()), "A-labels stay what they are");
    }
}

/// Notices of other servers, those for programs and those for people.
pub fn notice(input: &[u8]) {
    if let Some(found) = bounce::read(input) {
        assert!(!found.failures.is_empty() && found.failures.len() <= bounce::FAILURES_MAX);
        let texts = found.failures.iter().flat_map(|one| [Some(&one.recipient), Some(&one.said), one.remote.as_ref()]);
        assert!(texts.flatten().all(|text| !text.chars().any(char::is_control)));
    }
    if let Ok(reply) = std::str::from_utf8(input) {
        bounce::explain(reply);
    }
    let Some(report) = dsn::parse(input) else { return };
    assert!(!report.recipients.is_empty() && report.recipients.len() <= dsn::RECIPIENTS_MAX);
    for told in &report.recipients {
        let texts = [&told.final_recipient, &told.original_recipient, &told.action, &told.remote_mta, &told.diagnostic];
        assert!(texts.into_iter().flatten().all(|text| !text.chars().any(char::is_control)));
    }
}

/// Whole messages: reading never fails, stays within a small budget, and says so when it ends.
pub fn message(input: &[u8]) {
    let budget = Budget {
        expanded_octets_max: 1 << 20,
        parts_max: 50,
        depth_max: 8,
        archive_depth_max: 3,
        archive_files_max: 50,
        links_max: 50,
        text_octets_max: 64 << 10,
        ..Budget::default()
    };
    let read = Message::parse(Bytes::copy_from_slice(input), &budget);
    assert_eq!(&read.raw()[..], input);
    assert!(read.links.len() <= budget.links_max && read.spent.depth <= budget.depth_max + 1);
    let texts: usize = read.texts.iter().map(|text| text.visible.len() + text.hidden.len() + text.html.len()).sum();
    assert!(texts <= 4 * budget.text_octets_max, "{texts} octets of text");
    assert!(read.attachments.len() <= budget.parts_max + budget.archive_files_max + 1);
    assert!(!read.subject.chars().any(char::is_control));
    assert!(read.defects.iter().all(|defect| defect.detail.chars().count() <= 200));
    assert!(read.spent.parts <= budget.parts_max || read.has_defect(DefectKind::OverBudget));
    assert!(read.fields().all(|(name, _)| !name.contains(&b':')));
    if let Some(from) = read.from.address() {
        check_address(from);
    }
}

/// Containers of every format as an attachment. The first octet moves what follows to where discs have their marks.
pub fn container(input: &[u8]) {
    let Some((place, rest)) = input.split_first() else { return };
    let lead = if place & 1 == 1 { 16 * 2048 } else { 0 };
    let content = Bytes::from([&vec![0; lead][..], rest].concat());
    let budget = Budget { expanded_octets_max: 1 << 20, archive_depth_max: 3, archive_files_max: 50, links_max: 50, ..Budget::default() };
    let read = Message::of_file(content, &budget);
    assert!(read.attachments.len() <= budget.parts_max + budget.archive_files_max + 1);
    assert!(read.spent.archive_files <= budget.archive_files_max && read.spent.depth <= budget.depth_max + 1);
    let most = budget.expanded_octets_max.max(10 * (lead + rest.len()) as u64);
    assert!(read.spent.expanded_octets <= most, "{:?}", read.spent);
    assert!(read.attachments.iter().all(|found| found.inside.len() <= budget.depth_max + 1));
}

/// Reports of other servers, as files and as mails: bounded, and clean of what could forge a line.
pub fn report(input: &[u8]) {
    let octets = Bytes::copy_from_slice(input);
    for found in [received::read_file(octets.clone()), received::read(&Message::parse(octets, &Budget::default()))] {
        assert!(!found.is_empty() && found.len() <= received::REPORTS_MAX + 1);
        for report in found.into_iter().flatten() {
            let texts = match &report {
                Report::Aggregate(found) => [&found.reporter, &found.contact, &found.report_id, &found.policy.domain],
                Report::Tls(found) => [&found.reporter, &found.contact, &found.report_id, &found.policies[0].domain],
                Report::Feedback(found) => [&found.from, &found.subject, &found.auth_results, &found.reported_domain],
            };
            assert!(texts.iter().all(|text| !text.chars().any(char::is_control)), "{report:?}");
        }
    }
}

/// SPF, DMARC and key record on the first three lines, then a message: checking never fails and asks no more than it may.
pub fn authentication(input: &[u8]) {
    let mut lines = input.splitn(4, |octet| *octet == b'\n');
    let (Some(spf), Some(dmarc), Some(key), Some(raw)) = (lines.next(), lines.next(), lines.next(), lines.next()) else { return };
    let zone = OneAnswer { spf, dmarc, key };
    let message = Message::parse(Bytes::copy_from_slice(raw), &Budget::default());
    let peer = Peer {
        ip: Ipv4Addr::new(192, 0, 2, 1).into(),
        port: 40_000,
        local: (Ipv4Addr::LOCALHOST, 25).into(),
        reverse: Reverse::Confirmed("mx.example.com".to_string()),
        helo: "mx.example.com".to_string(),
        esmtp: true,
        tls: None,
        authenticated: None,
        via: None,
    };
    let envelope = Envelope {
        sender: Address::parse("ann@example.com").ok(),
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::SevenBit,
        require_tls: false,
        ret: None,
        envid: None,
    };
    let settings = AuthSettings {
        authserv_id: "mx.gate.example".to_string(),
        trusted_sealers: vec!["example.com".to_string()],
        dkim_signatures_max: 5,
        dns_lookups_max: 50,
        own_domains: Default::default(),
    };
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: 1_795_000_000_000 };
    let found = authenticate(mail, &zone, &settings).now_or_never().expect("fixed answers do not wait");
    assert!(found.dns_lookups <= settings.dns_lookups_max && found.dkim.len() <= settings.dkim_signatures_max + 1);
    assert!(found.arc.instances <= 50);
}

/// Answers every question for TXT with the record of its kind.
struct OneAnswer<'i> {
    spf: &'i [u8],
    dmarc: &'i [u8],
    key: &'i [u8],
}

impl Dns for OneAnswer<'_> {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        let record = match kind {
            RecordType::Txt if name.starts_with("_dmarc.") => Record::Txt(self.dmarc.to_vec()),
            RecordType::Txt if name.contains("._domainkey.") => Record::Txt(self.key.to_vec()),
            RecordType::Txt => Record::Txt(self.spf.to_vec()),
            RecordType::A => Record::A(Ipv4Addr::new(192, 0, 2, 2)),
            RecordType::Mx => Record::Mx { preference: 1, exchange: "mx.example.com".to_string() },
            RecordType::Ptr => Record::Ptr("mx.example.com".to_string()),
            _ => return Box::pin(ready(Err(DnsError::NoSuchName(name.to_string())))),
        };
        Box::pin(ready(Ok([record].into())))
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use proptest::prelude::*;

    /// Octets the grammars care about, so that random input gets somewhere.
    #[rustfmt::skip]
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::sample::select(vec![
            &b"\r\n"[..], b"\r\n.\r\n", b"\n", b"\r", b".", b"\0", b"MAIL FROM:<", b"RCPT TO:<", b"a@b.example", b">", b" SIZE=1", b"BDAT 3 LAST",
            b"250-", b"250 ", b"5.1.1", b"PROXY TCP4 ", b"192.0.2.1 ", b"=?utf-8?B?", b"?=", b"\"", b"(", b")", b",", b";", b":", b"<", b"+41", b"xn--",
            b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n", b"Content-Type: message/delivery-status\r\n\r\n", b"Status: 5.1.1\r\n", b"\xe6\x9d\x8e", b"\xff",
            b"v=spf1 include:%{i}.b.example -all\n", b"v=DMARC1; p=reject; sp=none\n", b"v=DKIM1; k=rsa; p=AAAA\n", b"From: a@b.example\r\n",
            b"DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; h=From; bh=AAAA; b=AAAA\r\n", b"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=b.example; s=s; b=AA\r\n",
            b"* ", b"OK ", b"FETCH (", b"BODY[] ", b"{3}\r\n", b"SEARCH 1 2", b"LIST () \".\" ", b"[COPYUID 1 2 3]", b"&V4M-",
            b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 3\r\n\r\n", b"0\r\n\r\n",
            b"{\"methodResponses\":[[\"Email/get\",{\"list\":[{\"id\":\"M1\",\"mailboxIds\":{\"a\":true}}],\"ids\":[\"M1\"]},\"0\"]]}", b"https://a.example/",
            b"Content-Type: text/html\r\n\r\n<a href=http://b.example>x</a>", b"Content-Transfer-Encoding: base64\r\n\r\nUEsDBA==",
        ]);
        prop::collection::vec(words, 0..24).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn random_input_breaks_no_target(step in 0u8..9, input in input()) {
            for (_, target) in TARGETS {
                target(&input);
                target(&[&[step], &input[..]].concat());
            }
        }
    }

    /// Octets of a target's seeds.
    fn seeds(name: &str) -> Vec<Vec<u8>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut paths: Vec<_> = std::fs::read_dir(folder).expect("it has seeds").flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).expect("a seed is readable")).collect()
    }

    proptest! {
        /// Containers need their marks to get anywhere, so the seeds are changed instead of made up.
        #[test]
        fn changed_containers_break_nothing(
            seed in any::<prop::sample::Index>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>(), any::<prop::sample::Index>()), 1..8),
        ) {
            let seeds = seeds("container");
            let mut octets = seeds[seed.index(seeds.len())].clone();
            for (place, how, octet, other) in changes {
                let at = place.index(octets.len());
                match how {
                    0 => octets[at] = octet,
                    1 => octets[at] ^= 1 << (octet & 7),
                    2 => octets[at..].iter_mut().take(4).for_each(|four| *four = octet | 0x80),
                    3 if octets.len() > 2 => octets.truncate(at.max(2)),
                    _ => {
                        let from = other.index(octets.len());
                        let piece = octets[from.min(at)..from.max(at)].to_vec();
                        octets.splice(at..at, piece);
                    }
                }
            }
            super::container(&octets);
        }
    }

    #[test]
    fn the_seeds_break_no_target() {
        for (name, target) in TARGETS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
            let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let mut seeds = 0;
            for entry in entries.flatten() {
                target(&std::fs::read(entry.path()).expect("a seed is readable"));
                seeds += 1;
            }
            assert!(seeds > 0, "{name} has no seeds");
        }
    }
}
