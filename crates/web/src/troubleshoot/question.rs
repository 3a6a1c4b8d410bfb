//! What is asked: a symptom and what is known of the mail, from fields, from free words, and from what was pasted.
//!
//! In: what somebody typed. Out: a [`Question`] whose parts are checked and bounded. Invariant: what a field says is never replaced by
//! what words or pasted text say; a person without [`May::Trace`] asks about their own mail only.

use super::pasted::{self, Pasted};
use super::symptom::Symptom;
use crate::page::fault::Wrong;
use crate::page::{Fault, View, time};
use crate::people::{May, Person};
use gateway::directory::Directory;
use mail::{Address, MailId};
use serde::{Deserialize, Serialize};

/// Characters of the words, and octets of what is pasted.
const TEXT_CHARS_MAX: usize = 2_000;
pub const PASTED_OCTETS_MAX: usize = 512 << 10;

/// As it is typed. What is '' is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// "not-received", "not-delivered", "late", "in-junk", "good-held", "bad-delivered", "bounce", "forged", "duplicate", "sign-in",
    /// "connector", "digest"; empty: read from `text`.
    pub symptom: String,
    /// In somebody's own words, any language; English and Chinese are understood.
    pub text: String,
    /// An address, or a domain.
    pub sender: String,
    /// An address, or a domain.
    pub recipient: String,
    /// About when it was sent: RFC 3339, or a local date and time of the reader's zone.
    pub about: String,
    pub message_id: String,
    /// A bounce, a header or a reply such as `550 5.7.1 …`.
    pub pasted: String,
    /// A mail of the trace, m….
    pub mail: String,
    /// Name of a connector.
    pub connector: String,
}

/// One end of the mail in question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    Address(String),
    Domain(String),
}

impl End {
    fn read(text: &str) -> Option<End> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>').trim_start_matches("mailto:");
        if let Ok(address) = Address::parse(text) {
            return Some(End::Address(address.to_string()));
        }
        let domain = mail::address::domain_to_ascii(text.trim_start_matches('@'))?;
        domain.contains('.').then_some(End::Domain(domain))
    }

    /// As a search wants it: an address, or `@domain`.
    pub fn as_query(&self) -> String {
        match self {
            End::Address(address) => address.clone(),
            End::Domain(domain) => format!("@{domain}"),
        }
    }

    /// As searches want it: as it was typed, and in lower case, which is how nearly all servers write it.
    pub fn queries(&self) -> Vec<String> {
        let typed = self.as_query();
        let lower = typed.to_lowercase();
        if typed == lower { vec![lower] } else { vec![typed, lower] }
    }

    pub fn domain(&self) -> &str {
        match self {
            End::Address(address) => address.rsplit('@').next().unwrap_or_default(),
            End::Domain(domain) => domain,
        }
    }

    pub fn address(&self) -> Option<&str> {
        match self {
            End::Address(address) => Some(address),
            End::Domain(_) => None,
        }
    }

    /// Whether this address is meant.
    pub fn is(&self, address: &str) -> bool {
        match self {
            End::Address(wanted) => {
                wanted.eq_ignore_ascii_case(address) || untagged(address).is_some_and(|plain| wanted.eq_ignore_ascii_case(&plain))
            }
            End::Domain(domain) => {
                let of = address.rsplit('@').next().unwrap_or_default().to_lowercase();
                of == *domain || of.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }

    /// Whether the address is of the same organisation in DNS: senders bounce to other names than they write from.
    pub fn is_related(&self, address: &str) -> bool {
        let organisation = |name: &str| mail::address::organisational_domain(name).unwrap_or(name).to_lowercase();
        let domain = address.rsplit('@').next().unwrap_or_default();
        !domain.is_empty() && organisation(domain) == organisation(self.domain())
    }

    pub fn shown(&self) -> &str {
        match self {
            End::Address(text) | End::Domain(text) => text,
        }
    }
}

/// `ann+shop@x.example` is Ann's: people name their address, not the tag that they gave to somebody.
fn untagged(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (plain, _) = local.split_once('+').filter(|(plain, _)| !plain.is_empty())?;
    Some(format!("{plain}@{domain}"))
}

/// What is asked, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub symptom: Symptom,
    pub text: String,
    pub sender: Option<End>,
    pub recipient: Option<End>,
    /// Unix milliseconds.
    pub about_ms: Option<i64>,
    pub message_id: Option<String>,
    pub mail: Option<MailId>,
    pub connector: Option<String>,
    /// What the pasted text came to.
    pub pasted: Option<Pasted>,
    /// Nobody said what is wrong: the symptom only follows from the way the mail goes.
    #[serde(default)]
    pub is_guessed: bool,
    /// No word says which address sent: they may stand the wrong way round.
    #[serde(default)]
    pub may_turn: bool,
    /// The recipient is an address that somebody here has: one that is nearly the same is somebody else's.
    #[serde(default)]
    pub is_recipient_known: bool,
}

impl Question {
    /// Nothing was named at all: whose mail, from where, which.
    pub fn is_of_all(&self) -> bool {
        self.sender.is_none() && self.recipient.is_none() && self.connector.is_none() && self.is_general()
    }

    /// Whether a mail to this address may be meant although another was asked about: people misspell addresses that nobody has.
    pub fn is_nearly_to(&self, address: &str) -> bool {
        !self.is_recipient_known && self.recipient.as_ref().is_some_and(|end| super::gather::is_nearly(end, address))
    }

    /// It is about mail in general, not about one that could be named.
    pub fn is_general(&self) -> bool {
        let has_address = [&self.sender, &self.recipient].into_iter().flatten().any(|end| end.address().is_some());
        !has_address && self.mail.is_none() && self.message_id.is_none() && self.pasted.is_none()
    }

    /// Checks what was typed, and takes from words and pasted text what no field says.
    /// # Errors
    /// [`Fault::Invalid`] names each field that cannot be read.
    pub fn read(view: &View, asked: &Asked, directory: &Directory) -> Result<Question, Fault> {
        let mut wrong = Vec::new();
        let text: String = asked.text.trim().chars().take(TEXT_CHARS_MAX).collect();
        let mut end = |field: &'static str, typed: &str| match typed.trim() {
            "" => None,
            typed => End::read(typed).or_else(|| {
                wrong.push(Wrong::new(field, "diagnosis-wrong-address"));
                None
            }),
        };
        let (sender, recipient) = (end("sender", &asked.sender), end("recipient", &asked.recipient));
        let about_ms = moment(view, &asked.about).unwrap_or_else(|()| {
            wrong.push(Wrong::new("about", "trace-wrong-time"));
            None
        });
        let mail = match asked.mail.trim() {
            "" => None,
            id => id.parse().map_err(|_| wrong.push(Wrong::new("mail", "diagnosis-wrong-mail"))).ok(),
        };
        let symptom = match asked.symptom.trim() {
            "" => Some(said(&text, [&sender, &recipient], directory)),
            name => Symptom::named(name),
        };
        let symptom = symptom.unwrap_or_else(|| {
            wrong.push(Wrong::new("symptom", "diagnosis-wrong-symptom"));
            Symptom::Unknown
        });
        if asked.pasted.len() > PASTED_OCTETS_MAX {
            wrong.push(Wrong::new("pasted", "diagnosis-wrong-pasted"));
        }
        if !wrong.is_empty() {
            return Err(Fault::Invalid(wrong));
        }
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        let pasted = some(&asked.pasted).map(|text| pasted::read(&text));
        let mut question = Question {
            symptom,
            text,
            sender,
            recipient,
            about_ms,
            message_id: some(&asked.message_id),
            mail,
            connector: some(&asked.connector),
            pasted,
            is_guessed: symptom == Symptom::Unknown,
            may_turn: false,
            is_recipient_known: false,
        };
        question.take_pasted();
        question.take_words(directory);
        question.settle_symptom(directory);
        question.settle_recipient(directory);
        if question.is_empty() {
            return Err(Fault::Invalid(vec![Wrong::new("text", "diagnosis-wrong-nothing")]));
        }
        Ok(question)
    }

    fn is_empty(&self) -> bool {
        let has_symptom = !matches!(self.symptom, Symptom::Unknown);
        let has_mail = self.mail.is_some() || self.message_id.is_some() || self.pasted.is_some();
        !has_symptom && !has_mail && self.sender.is_none() && self.recipient.is_none() && self.connector.is_none()
    }

    /// A person who may not look at everybody's mail asks about their own.
    /// # Errors
    /// [`Fault::Denied`] when the question is about somebody else's.
    pub fn confined(mut self, person: &Person) -> Result<Question, Fault> {
        if person.may(May::Trace) {
            return Ok(self);
        }
        person.require(May::OwnQuarantine)?;
        let is_own =
            |end: &Option<End>| end.as_ref().is_some_and(|end| end.address().is_some_and(|a| a.eq_ignore_ascii_case(&person.email)));
        if self.mail.is_some() || self.connector.is_some() {
            return Err(Fault::Denied(May::Trace));
        }
        match (is_own(&self.sender), is_own(&self.recipient), &self.recipient) {
            (true, ..) | (_, true, _) => Ok(self),
            (false, false, None) => {
                self.recipient = Some(End::Address(person.email.clone()));
                Ok(self)
            }
            _ => Err(Fault::Denied(May::Trace)),
        }
    }

    fn take_pasted(&mut self) {
        let Some(pasted) = &self.pasted else { return };
        let end = |text: &str| End::read(text);
        self.sender = self.sender.take().or_else(|| end(&pasted.sender));
        self.recipient = self.recipient.take().or_else(|| end(&pasted.recipient));
        self.message_id = self.message_id.take().or_else(|| Some(pasted.message_id.clone()).filter(|id| !id.is_empty()));
        self.mail = self.mail.or(pasted.mail);
        self.about_ms = self.about_ms.or(pasted.written_ms);
        if self.symptom == Symptom::Unknown && !pasted.failures.is_empty() {
            self.symptom = Symptom::Bounce;
        }
    }

    /// Addresses in the words: by what stands before each, else ours is at our end and a foreign one at the other.
    fn take_words(&mut self, directory: &Directory) {
        let outward = self.is_outward();
        // What a field or a pasted mail says stays where it is.
        let are_said = self.sender.is_some() || self.recipient.is_some();
        let narrow = pasted::narrow(&self.text);
        let text = narrow.to_lowercase();
        let found: Vec<String> = pasted::addresses(&narrow).collect();
        let are_several = found.len() > 1;
        let mut open = Vec::new();
        for address in found {
            let Some(end) = End::read(&address) else { continue };
            if self.sender.as_ref() == Some(&end) || self.recipient.as_ref() == Some(&end) {
                continue;
            }
            let address = address.to_lowercase();
            let (before, after) = text.split_once(&address).unwrap_or_default();
            let slot = match place(before, after, are_several) {
                Some(Place::Sender) => &mut self.sender,
                Some(Place::Recipient) => &mut self.recipient,
                Some(Place::Speaker) if outward => &mut self.sender,
                Some(Place::Speaker) => &mut self.recipient,
                None => {
                    open.push(end);
                    continue;
                }
            };
            if slot.is_none() { *slot = Some(end) } else { open.push(end) }
        }
        let were_open = !open.is_empty() && (self.sender.is_none() || self.recipient.is_none());
        let has_own =
            [&self.sender, &self.recipient].into_iter().flatten().chain(&open).any(|end| directory.domain_named(end.domain()).is_some());
        for end in open {
            // Who misspells their own domain means it all the same, where no other address is of ours.
            let is_ours = directory.domain_named(end.domain()).is_some() || !has_own && is_nearly_ours(directory, end.domain());
            let (first, second) = match is_ours == outward {
                true => (&mut self.sender, &mut self.recipient),
                false => (&mut self.recipient, &mut self.sender),
            };
            // An address is told for something: where its own place is taken it is at the other end.
            match (first.is_none(), second.is_none()) {
                (true, _) => *first = Some(end),
                (false, true) => *second = Some(end),
                (false, false) => {}
            }
        }
        self.may_turn = were_open && !are_said;
        self.take_domains(&narrow, directory);
        self.mail = self.mail.or_else(|| pasted::mail_in(&narrow));
        self.message_id = self.message_id.take().or_else(|| pasted::message_id_in(&narrow));
    }

    /// A domain named without an address stands for anybody there, at the end that nothing else was said of.
    fn take_domains(&mut self, text: &str, directory: &Directory) {
        for domain in pasted::domains(text) {
            let is_known = [&self.sender, &self.recipient].into_iter().flatten().any(|end| end.domain() == domain);
            if is_known {
                continue;
            }
            let is_ours = directory.domain_named(&domain).is_some();
            let slot = if is_ours == self.is_outward() { &mut self.sender } else { &mut self.recipient };
            if slot.is_none() {
                *slot = Some(End::Domain(domain));
            }
        }
    }

    /// The complaint of somebody who sent.
    fn is_outward(&self) -> bool {
        matches!(self.symptom, Symptom::NotDelivered | Symptom::Bounce)
    }

    /// The same question with its ends the other way round.
    pub fn turned(&self, directory: &Directory) -> Question {
        let (sender, recipient) = (self.recipient.clone(), self.sender.clone());
        let mut turned = Question { sender, recipient, may_turn: false, ..self.clone() };
        turned.settle_symptom(directory);
        turned.settle_recipient(directory);
        turned
    }

    /// The same question about this recipient.
    pub fn about(&self, recipient: End, directory: &Directory) -> Question {
        let mut other = Question { recipient: Some(recipient), may_turn: false, ..self.clone() };
        other.settle_symptom(directory);
        other.settle_recipient(directory);
        other
    }

    fn settle_recipient(&mut self, directory: &Directory) {
        let key =
            self.recipient.as_ref().and_then(End::address).and_then(|address| Address::parse(address).ok()).map(|address| address.key());
        self.is_recipient_known = key.is_some_and(|key| directory.recipients.contains_key(&key));
    }

    /// Which way the mail goes says more than how it was worded.
    fn settle_symptom(&mut self, directory: &Directory) {
        let is_ours = |end: &Option<End>| end.as_ref().map(|end| directory.domain_named(end.domain()).is_some());
        self.symptom = match (self.symptom, is_ours(&self.sender), is_ours(&self.recipient)) {
            // A forged name that is not ours: how that mail came in, not what protects our own name.
            (Symptom::Forged, Some(false), Some(true)) => Symptom::BadDelivered,
            (Symptom::Forged, Some(false), None) if self.sender.as_ref().is_some_and(|end| end.address().is_some()) => {
                Symptom::BadDelivered
            }
            (Symptom::Unknown, None, Some(false)) if self.recipient.as_ref().is_some_and(|end| is_nearly_ours(directory, end.domain())) => {
                Symptom::NotReceived
            }
            (Symptom::NotDelivered, Some(false) | None, Some(true)) => Symptom::NotReceived,
            (Symptom::NotReceived, Some(true), Some(false)) => Symptom::NotDelivered,
            (Symptom::Unknown, Some(true), Some(false)) => Symptom::NotDelivered,
            (Symptom::Unknown, _, Some(true)) | (Symptom::Unknown, Some(false), None) => Symptom::NotReceived,
            (symptom, ..) => symptom,
        };
    }
}

/// What the words complain of. An address such as slow@… says nothing of it; where somebody outside is named, a mail is meant and not this
/// service: their "connector" is a plug, their "verification code" one that they sent.
fn said(text: &str, fields: [&Option<End>; 2], directory: &Directory) -> Symptom {
    let narrow = pasted::narrow(text);
    let words = pasted::without_addresses(&narrow);
    let symptom = Symptom::read(&words);
    if !symptom.is_of_service() || symptom == Symptom::SignIn && Symptom::is_kept_out(&words) {
        return symptom;
    }
    let named = pasted::addresses(&narrow).filter_map(|address| address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()));
    let named = named.chain(fields.into_iter().flatten().map(|end| end.domain().to_string()));
    let (own, foreign): (Vec<String>, Vec<String>) = named.partition(|domain| directory.domain_named(domain).is_some());
    match Symptom::read_of_mail(&words) {
        _ if foreign.is_empty() => symptom,
        // Nothing else is complained of: with both ends named it is their mail that is asked about all the same.
        Symptom::Unknown if own.is_empty() || symptom == Symptom::Connector => symptom,
        of_mail => of_mail,
    }
}

fn is_nearly_ours(directory: &Directory, domain: &str) -> bool {
    directory.domains.values().any(|own| super::gather::is_near_name(domain, &own.name))
}

/// At which end an address stands by the words before it.
enum Place {
    Sender,
    Recipient,
    /// Whoever complains.
    Speaker,
}

/// The words around an address that say at which end it is. Some say so only where another address stands beside.
fn place(before: &str, after: &str, are_several: bool) -> Option<Place> {
    const SPEAKER: [&str; 5] = ["i am", "i'm", "我是", "this is", "我("];
    const RECIPIENT: [&str; 12] = ["to", "for", "reach", "给", "至", "发到", "发往", "寄给", "发不到", "送不到", "写不到", "寄不到"];
    /// Where mail lies.
    const PLACES: [&str; 7] = ["junk of", "junk folder of", "spam folder of", "inbox of", "mailbox of", "quarantine of", "folder of"];
    /// What belongs to whoever gets it.
    const BOXES: [&str; 8] = ["inbox", "mailbox", "junk", "spam", "quarantine", "folder", "的收件箱", "的邮箱"];
    /// What somebody sent.
    const THINGS: [&str; 4] = ["mail", "message", "e-mail", "email"];
    /// With a few words between, in the same clause.
    const RECIPIENT_HAN: [&str; 5] = ["发到", "发往", "寄到", "送到", "投到"];
    const SENDER: [&str; 4] = ["from", "来自", "从", "发件人"];
    const SENDER_BESIDE: [&str; 6] = ["of", "by", "收到", "收不到", "允许", "allowed"];
    /// What follows whoever sends, and whoever gets or does not.
    const SENDS: [&str; 12] =
        ["sent", "sends", "wrote", "writes", "mailed", "mails to", "emailed", "has sent", "has written", "同时发", "发了", "写了"];
    const SENDS_HAN: [&str; 8] = ["发给", "写给", "寄给", "发来", "发的", "写的", "把", "往外发"];
    const GETS: [&str; 16] = [
        "did not get",
        "didn't get",
        "does not get",
        "doesn't get",
        "never got",
        "gets no",
        "got no",
        "has nothing",
        "still has",
        "has not got",
        "misses",
        "waits",
        "is waiting",
        "should have had",
        "receives no",
        "收不到",
    ];
    const GETS_HAN: [&str; 8] = ["没收到", "没有收到", "还没", "这里没", "那里没", "一直没", "早该收到", "白等"];
    let before = before.trim_end_matches([' ', '<', '"', '“', '：', ':', '(', '\t', '\n', '\r']);
    let ends = |words: &[&str]| {
        words.iter().any(|word| {
            let rest = before.strip_suffix(word.trim_end_matches('('));
            // "into" is no "to"; Chinese has no spaces between words.
            rest.is_some_and(|rest| !word.is_ascii() || rest.chars().next_back().is_none_or(|c| !c.is_ascii_alphabetic()))
        })
    };
    let then = after.trim_start_matches([' ', '>', '"', '”', ')', '）']);
    let begins = |words: &[&str]| words.iter().any(|word| then.starts_with(word));
    match () {
        () if ends(&SPEAKER) => Some(Place::Speaker),
        () if ends(&RECIPIENT) || ends(&PLACES) || in_clause(before, &RECIPIENT_HAN) => Some(Place::Recipient),
        () if owns(after, &BOXES) || BOXES.iter().any(|word| !word.is_ascii() && after.starts_with(word)) => Some(Place::Recipient),
        () if owns(after, &THINGS) && are_several => Some(Place::Sender),
        () if ends(&SENDER) || are_several && ends(&SENDER_BESIDE) => Some(Place::Sender),
        () if are_several && (begins(&SENDS) || begins(&SENDS_HAN)) => Some(Place::Sender),
        () if are_several && (begins(&GETS) || begins(&GETS_HAN)) => Some(Place::Recipient),
        () => None,
    }
}

/// Whether one of the words stands in the last clause, with no other address behind it.
fn in_clause(before: &str, words: &[&str]) -> bool {
    let clause = before.rsplit(['，', '。', '；', '、', '！', '？', ',', ';', '\n']).next().unwrap_or_default();
    words.iter().any(|word| clause.rsplit_once(word).is_some_and(|(_, rest)| !rest.contains('@')))
}

/// `'s mail`, `'s big mails`: whose it is.
fn owns(after: &str, things: &[&str]) -> bool {
    let Some(rest) = after.strip_prefix("'s ").or_else(|| after.strip_prefix("’s ")) else { return false };
    rest.split_whitespace().take(2).any(|word| things.iter().any(|thing| word.trim_end_matches(['s', ',', '.']) == *thing))
}

fn moment(view: &View, text: &str) -> Result<Option<i64>, ()> {
    match text.trim() {
        "" => Ok(None),
        text => {
            let read = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()).or_else(|| time::parse_local(view, text));
            read.map(Some).ok_or(())
        }
    }
}
