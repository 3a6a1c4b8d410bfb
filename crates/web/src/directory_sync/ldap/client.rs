//! One connection to a directory: bind, search, nothing else; always under TLS.
//!
//! In: settings of a source. Out: entries, one by one. Invariants: no password goes over a connection without TLS; the address that
//! was looked at is the one that is connected to; octets, entries and time are bounded. Not here: what entries mean ([`super::entry`]).

use super::ber::{self, Reader};
use super::transport::{self, Stream};
use super::{Entry, filter};
use crate::directory_sync::fault::SyncError;
use crate::directory_sync::settings::SourceSettings;
use std::collections::HashMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Octets of one message: a group with a hundred thousand members is ten.
const MESSAGE_OCTETS_MAX: usize = 32 << 20;
/// Octets of one run.
const OCTETS_MAX: u64 = 512 << 20;
/// Entries asked for at once (RFC 2696).
const PAGE: i64 = 500;
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Values of one attribute that are kept.
const VALUES_MAX: usize = 100_000;

/// How far below the base is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Base = 0,
    One = 1,
    Subtree = 2,
}

/// One search.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub base: &'a str,
    pub scope: Scope,
    pub filter: &'a str,
    /// Names; "1.1" alone is none (RFC 4511 §4.5.1.8).
    pub attributes: &'a [&'a str],
}

pub struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    octets: u64,
    last_id: i64,
    entries_left: u64,
    entries_max: u64,
    /// The server takes the control for pages.
    is_paged: bool,
}

/// LDAPResult (RFC 4511 §4.1.9).
struct Outcome {
    code: i64,
    said: String,
}

impl Client {
    /// Connects and makes itself known.
    pub async fn open(settings: &SourceSettings) -> Result<Client, SyncError> {
        let stream = transport::connect(settings).await?;
        let entries_max = u64::from(settings.entries_max);
        let mut client =
            Client { stream, buffer: Vec::new(), octets: 0, last_id: 0, entries_left: entries_max, entries_max, is_paged: false };
        client.bind(&settings.bind_dn, &settings.password).await?;
        Ok(client)
    }

    async fn bind(&mut self, name: &str, password: &str) -> Result<(), SyncError> {
        // RFC 4513 §5.1.2: a name without a password is let in as nobody; that is never what is meant here.
        let name = if password.is_empty() { "" } else { name };
        let parts = [ber::number(ber::INTEGER, 3), ber::text(ber::OCTETS, name), ber::text(0x80, password)];
        let id = self.send(&ber::joined(0x60, &parts), None).await?;
        let (tag, content, _) = self.answer(id).await?;
        let outcome = outcome(tag, 0x61, &content)?;
        if outcome.code == 0 { Ok(()) } else { Err(refused(&outcome, name)) }
    }

    /// What the server says of itself (RFC 4512 §5.1).
    pub async fn root(&mut self) -> Result<Entry, SyncError> {
        let attributes = &["namingContexts", "supportedControl", "highestCommittedUSN", "dnsHostName"];
        let found = self.all(&Ask { base: "", scope: Scope::Base, filter: "(objectClass=*)", attributes }).await?;
        let root = found.into_iter().next().unwrap_or_default();
        self.is_paged = root.texts("supportedcontrol").iter().any(|control| control == PAGED);
        Ok(root)
    }

    pub async fn all(&mut self, ask: &Ask<'_>) -> Result<Vec<Entry>, SyncError> {
        let mut found = Vec::new();
        self.search(ask, &mut |entry| found.push(entry)).await?;
        Ok(found)
    }

    /// Every entry, page by page.
    pub async fn search(&mut self, ask: &Ask<'_>, take: &mut (dyn FnMut(Entry) + Send)) -> Result<(), SyncError> {
        let filter = filter::encoded(ask.filter).map_err(|_| SyncError::WrongFilter(ask.filter.to_string()))?;
        let attributes: Vec<Vec<u8>> = ask.attributes.iter().map(|name| ber::text(ber::OCTETS, name)).collect();
        let request = ber::joined(
            0x63,
            &[
                ber::text(ber::OCTETS, ask.base),
                ber::number(ber::ENUMERATED, ask.scope as i64),
                ber::number(ber::ENUMERATED, 0), // aliases are not followed: an entry is found once
                ber::number(ber::INTEGER, 0),
                ber::number(ber::INTEGER, 0),
                ber::boolean(false),
                filter,
                ber::joined(ber::SEQUENCE, &attributes),
            ],
        );
        let is_paged = self.is_paged && ask.scope != Scope::Base;
        let mut cookie = Vec::new();
        loop {
            let id = self.send(&request, is_paged.then_some(cookie.as_slice())).await?;
            let controls = self.entries(id, ask, take).await?;
            cookie = if is_paged { next_page(&controls)? } else { Vec::new() };
            if cookie.is_empty() {
                return Ok(());
            }
        }
    }

    /// Takes the answers to one request until its end; the controls of the end.
    async fn entries(&mut self, id: i64, ask: &Ask<'_>, take: &mut (dyn FnMut(Entry) + Send)) -> Result<Vec<u8>, SyncError> {
        loop {
            let (tag, content, controls) = self.answer(id).await?;
            match tag {
                0x64 => {
                    // What the server says of itself is none of the entries that are counted.
                    if ask.scope != Scope::Base {
                        let left = self.entries_left.checked_sub(1);
                        self.entries_left = left.ok_or_else(|| SyncError::TooMany(self.entries_max.to_string()))?;
                    }
                    take(entry(&content)?);
                }
                0x73 | 0x79 => {} // another server knows more: it is a source of its own
                _ => {
                    let outcome = outcome(tag, 0x65, &content)?;
                    return if outcome.code == 0 { Ok(controls) } else { Err(refused(&outcome, ask.base)) };
                }
            }
        }
    }

    async fn send(&mut self, operation: &[u8], page: Option<&[u8]>) -> Result<i64, SyncError> {
        self.last_id += 1;
        let mut parts = vec![ber::number(ber::INTEGER, self.last_id), operation.to_vec()];
        if let Some(cookie) = page {
            let value = ber::joined(ber::SEQUENCE, &[ber::number(ber::INTEGER, PAGE), ber::tlv(ber::OCTETS, cookie)]);
            let control = [ber::text(ber::OCTETS, PAGED), ber::boolean(true), ber::tlv(ber::OCTETS, &value)];
            parts.push(ber::joined(0xa0, &[ber::joined(ber::SEQUENCE, &control)]));
        }
        self.stream.write_all(&ber::joined(ber::SEQUENCE, &parts)).await.map_err(|_| SyncError::Closed)?;
        self.stream.flush().await.map_err(|_| SyncError::Closed)?;
        Ok(self.last_id)
    }

    /// The next message to this request: tag and content of the operation, and its controls.
    async fn answer(&mut self, id: i64) -> Result<(u8, Vec<u8>, Vec<u8>), SyncError> {
        let message = self.message().await?;
        let mut reader = Reader(&message);
        let not_ldap = |_| SyncError::NotLdap;
        let of = reader.number(ber::INTEGER).map_err(not_ldap)?;
        let (tag, content) = reader.frame().map_err(not_ldap)?;
        if of == 0 {
            // RFC 4511 §4.4.1: notice of disconnection.
            return Err(SyncError::Busy);
        }
        if of != id {
            return Err(SyncError::NotLdap);
        }
        let controls = if reader.is_empty() { &[][..] } else { reader.frame().map_err(not_ldap)?.1 };
        Ok((tag, content.to_vec(), controls.to_vec()))
    }

    /// The content of one whole message.
    async fn message(&mut self) -> Result<Vec<u8>, SyncError> {
        loop {
            let found = ber::head(&self.buffer).map_err(|_| SyncError::NotLdap)?;
            if self.buffer.first().is_some_and(|tag| *tag != ber::SEQUENCE) {
                return Err(SyncError::NotLdap);
            }
            if let Some((from, length)) = found {
                if length > MESSAGE_OCTETS_MAX {
                    return Err(SyncError::TooLarge);
                }
                if self.buffer.len() >= from + length {
                    let rest = self.buffer.split_off(from + length);
                    let mut whole = std::mem::replace(&mut self.buffer, rest);
                    return Ok(whole.split_off(from));
                }
            }
            let mut chunk = [0u8; 16 << 10];
            let octets = self.stream.read(&mut chunk).await.map_err(|_| SyncError::Closed)?;
            if octets == 0 {
                return Err(SyncError::Closed);
            }
            self.octets += octets as u64;
            if self.octets > OCTETS_MAX {
                return Err(SyncError::TooLarge);
            }
            self.buffer.extend_from_slice(&chunk[..octets]);
        }
    }

    /// Says goodbye; whoever does not is not missed.
    pub async fn close(mut self) {
        let _ = self.send(&ber::tlv(0x42, &[]), None).await;
        let _ = self.stream.shutdown().await;
    }
}

fn outcome(tag: u8, wanted: u8, content: &[u8]) -> Result<Outcome, SyncError> {
    let not_ldap = |_| SyncError::NotLdap;
    if tag != wanted {
        return Err(SyncError::NotLdap);
    }
    let mut reader = Reader(content);
    let code = reader.number(ber::ENUMERATED).map_err(not_ldap)?;
    reader.expect(ber::OCTETS).map_err(not_ldap)?;
    let said = reader.text().map_err(not_ldap)?;
    Ok(Outcome { code, said: plain(&said) })
}

/// What a server says, on one line and cut.
pub(super) fn plain(said: &str) -> String {
    const SAID_CHARS_MAX: usize = 200;
    said.chars().take(SAID_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_string()
}

/// RFC 4511 appendix A.1, as far as somebody does something different.
fn refused(outcome: &Outcome, about: &str) -> SyncError {
    match outcome.code {
        3 | 4 | 11 => SyncError::TheirLimit,
        8 | 48 | 53 if about.is_empty() => SyncError::NoAnonymous,
        // Active Directory says so to a search without a bind.
        1 if outcome.said.contains("bind must be completed") => SyncError::NoAnonymous,
        49 => SyncError::WrongPassword,
        50 => SyncError::NoRights,
        10 | 32 => SyncError::WrongBase(about.to_string()),
        34 => SyncError::WrongName(about.to_string()),
        51 | 52 => SyncError::Busy,
        code => SyncError::Said(format!("{code} {}", outcome.said).trim().to_string()),
    }
}

/// The cookie that leads on; empty at the end (RFC 2696 §3).
fn next_page(controls: &[u8]) -> Result<Vec<u8>, SyncError> {
    let not_ldap = |_| SyncError::NotLdap;
    let mut all = Reader(controls);
    while !all.is_empty() {
        let mut control = Reader(all.expect(ber::SEQUENCE).map_err(not_ldap)?);
        let name = control.text().map_err(not_ldap)?;
        let mut value = None;
        while !control.is_empty() {
            let (tag, content) = control.frame().map_err(not_ldap)?;
            value = value.or((tag == ber::OCTETS).then_some(content));
        }
        if let (PAGED, Some(value)) = (name.as_str(), value) {
            let mut parts = Reader(Reader(value).expect(ber::SEQUENCE).map_err(not_ldap)?);
            parts.number(ber::INTEGER).map_err(not_ldap)?;
            return Ok(parts.expect(ber::OCTETS).map_err(not_ldap)?.to_vec());
        }
    }
    Ok(Vec::new())
}

/// SearchResultEntry (RFC 4511 §4.5.2).
fn entry(content: &[u8]) -> Result<Entry, SyncError> {
    let not_ldap = |_| SyncError::NotLdap;
    let mut reader = Reader(content);
    let mut entry = Entry { dn: reader.text().map_err(not_ldap)?, attributes: HashMap::new() };
    let mut attributes = Reader(reader.expect(ber::SEQUENCE).map_err(not_ldap)?);
    while !attributes.is_empty() {
        let mut attribute = Reader(attributes.expect(ber::SEQUENCE).map_err(not_ldap)?);
        let name = attribute.text().map_err(not_ldap)?.to_lowercase();
        let mut values = Reader(attribute.expect(ber::SET).map_err(not_ldap)?);
        let kept = entry.attributes.entry(name).or_default();
        while !values.is_empty() {
            let value = values.expect(ber::OCTETS).map_err(not_ldap)?;
            if kept.len() >= VALUES_MAX {
                return Err(SyncError::TooLarge);
            }
            kept.push(value.to_vec());
        }
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_and_what_is_none_is_refused() {
        let values = ber::joined(ber::SET, &[ber::text(ber::OCTETS, "bo@a.example"), ber::text(ber::OCTETS, "b@a.example")]);
        let attribute = ber::joined(ber::SEQUENCE, &[ber::text(ber::OCTETS, "Mail"), values]);
        let made = [ber::text(ber::OCTETS, "cn=bo"), ber::joined(ber::SEQUENCE, &[attribute])].concat();
        let read = entry(&made).expect("an entry");
        assert_eq!((read.dn.as_str(), read.texts("mail")), ("cn=bo", vec!["bo@a.example".to_string(), "b@a.example".into()]));
        for cut in 1..made.len() {
            assert!(entry(&made[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn answers_say_whose_turn_it_is() {
        let said = |code, about: &str| refused(&Outcome { code, said: "no\r\nno".into() }, about);
        for (code, about, want) in [
            (49, "cn=a", SyncError::WrongPassword),
            (32, "dc=x", SyncError::WrongBase("dc=x".into())),
            (48, "", SyncError::NoAnonymous),
            (4, "dc=x", SyncError::TheirLimit),
            (34, "x", SyncError::WrongName("x".into())),
            (80, "dc=x", SyncError::Said("80 no\r\nno".into())),
        ] {
            assert_eq!(said(code, about), want, "{code}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_an_entry_or_none(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = (entry(&octets), next_page(&octets), outcome(0x65, 0x65, &octets));
        }
    }
}
