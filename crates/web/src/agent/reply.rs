//! From what was said to a reply. Pure: no database, no clock, nothing kept.

use super::caller;
use super::intent::{self, Intent};
use crate::help::search::answers::Fit;
use crate::help::{Article, Kind, Library, name_of_nothing, named};
use crate::page::words::Lang;
use crate::phone::book::{self, Answer, Caller, Entry, Purpose};
use crate::troubleshoot::symptom::Symptom;

/// Sources of one reply: the first is quoted, the others are named.
const SOURCES_MAX: usize = 3;
/// Paragraphs and lists that are quoted.
const BLOCKS_MAX: usize = 6;
/// Questions without an answer, one after the other, after which a person is offered first.
const MISSES_MAX: usize = 2;
/// A question that only adds to the one before: "and in Japan?"
const ADDITION_WORDS_MAX: usize = 5;
const ADDITION_CHARS_MAX: usize = 12;

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub text: String,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// What replies are made of.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    pub library: &'a Library,
    /// The phone directory.
    pub entries: &'a [Entry],
    /// Of the reader; a question in the other language is answered in that one.
    pub lang: Lang,
}

#[derive(Debug)]
pub struct Reply<'a> {
    pub says: Says<'a>,
    pub offers: Vec<Offer>,
    /// Language of what is quoted.
    pub lang: Lang,
}

#[derive(Debug)]
pub enum Says<'a> {
    Greeting,
    Thanks,
    /// How to reach a person.
    Person,
    /// The number to call; the country is '' when it is not known, the moment is the one that was asked about.
    Call {
        country: &'static str,
        purpose: Purpose,
        lang: String,
        at_ms: i64,
        answer: Box<Answer>,
    },
    /// A number is wanted, and the country is not said.
    WhichCountry,
    /// Best first, never empty.
    Sources(Vec<Source<'a>>),
    /// No source speaks of it; how many times running, the name that was asked about when nothing has it, and sources that may speak of it.
    Unknown {
        times: usize,
        name: Option<String>,
        perhaps: Vec<Source<'a>>,
    },
}

impl Says<'_> {
    /// In the API, and in keys of words.
    pub fn name(&self) -> &'static str {
        match self {
            Says::Greeting => "greeting",
            Says::Thanks => "thanks",
            Says::Person => "person",
            Says::Call { .. } => "call",
            Says::WhichCountry => "which-country",
            Says::Sources(_) => "sources",
            Says::Unknown { .. } => "unknown",
        }
    }
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub article: &'a Article,
    /// Number of its part.
    pub part: usize,
}

impl<'a> Source<'a> {
    /// The page, at the paragraph.
    pub fn path(&self) -> String {
        let part = self.article.english.parts.get(self.part).filter(|_| self.part > 0);
        part.map_or_else(|| self.article.path(), |part| format!("{}#p{}", self.article.path(), part.from + 1))
    }

    pub fn title(&self, lang: Lang) -> String {
        let text = self.article.text(lang);
        let heading = text.parts.get(self.part).map(|part| part.heading.as_str()).unwrap_or_default();
        if heading.is_empty() { text.title.clone() } else { format!("{} › {heading}", text.title) }
    }

    /// What the source says, word by word: its blocks as HTML, without the heading.
    pub fn quote(&self, lang: Lang) -> Vec<&'a str> {
        let text = self.article.text(lang);
        let Some(part) = text.parts.get(self.part) else { return Vec::new() };
        let from = if part.heading.is_empty() { part.from } else { part.from + 1 };
        // Before any heading often stands one sentence: what comes after it belongs to the answer.
        let next = text.parts.get(self.part + 1).filter(|_| part.heading.is_empty());
        let blocks = text.blocks[from..part.to].iter().chain(next.map_or(&[][..], |next| &text.blocks[next.from + 1..next.to]));
        blocks.map(String::as_str).take(BLOCKS_MAX).collect()
    }

    /// The same without marks.
    pub fn words(&self, lang: Lang) -> String {
        let text = self.article.text(lang);
        let part = |at: usize| text.parts.get(at).map(|part| part.plain.trim().to_string()).unwrap_or_default();
        let first = part(self.part);
        if self.part == 0 { format!("{first} {}", part(1)).trim().to_string() } else { first }
    }
}

/// What can be done next. Nothing of it happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The troubleshooter, with what was said; it reads records once the asker agrees.
    Diagnose(Symptom),
    /// What was pasted looks like a bounce or a reply.
    Bounce,
    /// A refusal of ours is named.
    Refused,
    /// How the service is now.
    State,
    /// A person.
    Person,
}

/// The reply to the last of `turns`. An empty conversation is greeted.
pub fn reply<'a>(knowledge: Knowledge<'a>, turns: &[Turn]) -> Reply<'a> {
    let Some((turn, before)) = turns.split_last() else {
        return Reply { says: Says::Greeting, offers: Vec::new(), lang: knowledge.lang };
    };
    let lang = lang_of(&turn.text, knowledge.lang);
    let says = match call(knowledge, turn, before, lang) {
        Some(says) => says,
        None => match intent::of(&turn.text) {
            Intent::Greeting => Says::Greeting,
            Intent::Thanks => Says::Thanks,
            Intent::Person => Says::Person,
            Intent::Question => question(knowledge, turn, before),
        },
    };
    let offers = offers(&says, &turn.text);
    Reply { says, offers, lang }
}

/// Chinese when there is any, English when there is a sentence of it, else that of the reader.
pub fn lang_of(text: &str, reader: Lang) -> Lang {
    const SENTENCE_WORDS: usize = 3;
    if text.chars().any(crate::help::search::words::is_han) {
        Lang::Chinese
    } else if intent::words_of(text).len() >= SENTENCE_WORDS {
        Lang::English
    } else {
        reader
    }
}

fn question<'a>(knowledge: Knowledge<'a>, turn: &Turn, before: &[Turn]) -> Says<'a> {
    let name = name_of_nothing(knowledge.library, &turn.text);
    let (sources, fit) = sources(knowledge.library, &turn.text);
    if name.is_none() && fit == Fit::Answer {
        return Says::Sources(sources);
    }
    let missed = |turn: &&Turn| {
        intent::of(&turn.text) == Intent::Question && !is_call(turn) && self::sources(knowledge.library, &turn.text).1 != Fit::Answer
    };
    let times = 1 + before.iter().rev().take_while(missed).count();
    let perhaps = if fit == Fit::Resembles { Vec::new() } else { sources };
    Says::Unknown { times, name, perhaps }
}

/// A number was wanted, and told.
fn is_call(turn: &Turn) -> bool {
    intent::wants_number(&turn.text, caller::read(&turn.text).country.is_some())
}

/// What is named comes first, and is an answer; then what was found, and what that is to the question.
fn sources<'a>(library: &'a Library, text: &str) -> (Vec<Source<'a>>, Fit) {
    let mut found: Vec<Source<'a>> = named(library, text).into_iter().map(|article| Source { article, part: 0 }).collect();
    let is_named = !found.is_empty();
    let (answers, fit) = library.answers(text, SOURCES_MAX);
    if fit == Fit::Answer || !is_named && fit == Fit::Perhaps {
        for (article, one) in answers {
            if !found.iter().any(|other| std::ptr::eq(other.article, article)) {
                found.push(Source { article, part: one.part });
            }
        }
    }
    found.truncate(SOURCES_MAX);
    (found, if is_named { Fit::Answer } else { fit })
}

/// The number to call, when that is what is wanted or what the last question was about.
fn call<'a>(knowledge: Knowledge<'a>, turn: &Turn, before: &[Turn], lang: Lang) -> Option<Says<'a>> {
    let mut said = caller::read(&turn.text);
    if !intent::wants_number(&turn.text, said.country.is_some()) {
        let last = before.last().map(|last| (last, caller::read(&last.text)));
        let (_, last) = last.filter(|(last, said)| intent::wants_number(&last.text, said.country.is_some()))?;
        let is_short = intent::words_of(&turn.text).len() <= ADDITION_WORDS_MAX && turn.text.chars().count() <= ADDITION_CHARS_MAX.max(40);
        if said.is_empty() || !is_short {
            return None;
        }
        said = said.or(&last);
    }
    let Some(country) = said.country else { return Some(Says::WhichCountry) };
    let spoken = said.lang.map_or_else(|| lang.tag().to_string(), str::to_string);
    let purpose = said.purpose.unwrap_or(Purpose::Technical);
    let at_ms = said.at.map_or(turn.at_ms, |at| at.at_ms(turn.at_ms, &caller::zone(knowledge.entries, country)));
    let answer = book::call(knowledge.entries, Caller { country, purpose, lang: &spoken, now_ms: at_ms });
    Some(Says::Call { country, purpose, lang: spoken, at_ms, answer: Box::new(answer) })
}

fn offers(says: &Says<'_>, text: &str) -> Vec<Offer> {
    let mut offers = Vec::new();
    if looks_refused_here(text) {
        offers.push(Offer::Refused);
    } else if looks_like_a_bounce(text) {
        offers.push(Offer::Bounce);
    }
    match says {
        Says::Sources(sources) => {
            let first = sources.first().filter(|source| source.article.kind == Kind::Article).map(|source| source.article.name.as_str());
            if matches!(first, Some("service-health" | "maintenance")) {
                offers.push(Offer::State);
            }
            offers.extend(first.and_then(symptom_of).map(Offer::Diagnose));
        }
        Says::Unknown { times, .. } => {
            if *times >= MISSES_MAX {
                offers.push(Offer::Person);
            }
            if text.contains('@') {
                offers.push(Offer::Diagnose(Symptom::Unknown));
            }
        }
        _ => {}
    }
    offers
}

/// What the troubleshooter asks about where an article tells of the same trouble.
fn symptom_of(article: &str) -> Option<Symptom> {
    Some(match article {
        "mail-is-missing" => Symptom::NotReceived,
        "mail-is-late" => Symptom::Late,
        "why-was-it-held" | "release" => Symptom::GoodHeld,
        "spam-came-through" | "phishing" => Symptom::BadDelivered,
        "bounces" | "recipients" | "outgoing-mail" => Symptom::Bounce,
        "forged-in-our-name" => Symptom::Forged,
        "duplicates" => Symptom::Duplicate,
        "bulk-mail" | "report-mail" => Symptom::InJunk,
        "sign-in-problems" => Symptom::SignIn,
        "connect-a-server" => Symptom::Connector,
        "digest" => Symptom::Digest,
        _ => return None,
    })
}

/// A reply line or a notice: a reply code with an enhanced code, or the words that notices begin with.
fn looks_like_a_bounce(text: &str) -> bool {
    const MARKS: [&str; 5] =
        ["mailer-daemon", "diagnostic-code", "final-recipient", "delivery status notification", "undelivered mail returned"];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').peekable();
    let is_reply = |word: &str| word.len() == 3 && matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9']);
    while let Some(word) = words.next() {
        let is_code = words.peek().is_some_and(|next| next.starts_with(['4', '5']) && next.matches('.').count() == 2);
        if is_reply(word) && is_code {
            return true;
        }
    }
    MARKS.iter().any(|mark| lower.contains(mark))
}

/// A code of a refusal of ours, (e…) or (m…) with 13 characters.
fn looks_refused_here(text: &str) -> bool {
    const CODE_CHARS: usize = 14;
    let is_code = |word: &str| {
        word.len() == CODE_CHARS
            && word.starts_with(['e', 'm'])
            && word.contains(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_code)
}
