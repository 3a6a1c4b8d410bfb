//! Why a recipient was not reached, from what was said, to which command, and with which codes.

use super::Phase;
use super::known::KNOWN;
use super::pattern::{self, WORDS};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $party:ident);* $(;)?) => {
        /// Why mail did not arrive. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant),* }

        impl Reason {
            pub const ALL: &[Reason] = &[$(Reason::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name),* }
            }

            /// Whose turn it is.
            pub fn party(self) -> Party {
                match self { $(Reason::$variant => Party::$party),* }
            }
        }
    };
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// Whoever wrote the mail: check the address, send less.
    Sender,
    /// Whoever runs the sending side: authentication, names, reputation.
    SenderAdministrator,
    /// The person with the mailbox.
    Recipient,
    /// Whoever runs the receiving side.
    RecipientAdministrator,
    /// Nobody: it passes, or nothing is wrong.
    Nobody,
}

reasons! {
    /// Nobody has this address.
    NoSuchUser = "no-such-user", Sender;
    /// The domain of the address is not in DNS.
    NoSuchHost = "no-such-host", Sender;
    /// The domain says that it takes no mail.
    NoMailService = "no-mail-service", Sender;
    /// The person has moved.
    Moved = "moved", Sender;
    MailboxFull = "mailbox-full", Recipient;
    /// The account is switched off.
    Suspended = "suspended", RecipientAdministrator;
    /// The mailbox or its filter refused after the message was seen.
    Filtered = "filtered", RecipientAdministrator;
    /// The sender's address was refused.
    SenderRefused = "sender-refused", SenderAdministrator;
    /// SPF, DKIM or DMARC.
    NotAuthenticated = "not-authenticated", SenderAdministrator;
    /// The sending address has no name, or none that leads back.
    NoReverseName = "no-reverse-name", SenderAdministrator;
    /// The sending address is on a list.
    Blocked = "blocked", SenderAdministrator;
    /// The sending address is known for bad mail.
    BadReputation = "bad-reputation", SenderAdministrator;
    /// Too many connections at once or in a time.
    TooManyConnections = "too-many-connections", SenderAdministrator;
    /// Too much mail in a time.
    TooFast = "too-fast", SenderAdministrator;
    Spam = "spam", Sender;
    Virus = "virus", Sender;
    /// A rule of the receiving side.
    Policy = "policy", SenderAdministrator;
    /// A login or leave is missing.
    NotPermitted = "not-permitted", SenderAdministrator;
    /// The server does not pass mail on for us.
    NoRelay = "no-relay", SenderAdministrator;
    /// The message breaks the standard.
    NotCompliant = "not-compliant", SenderAdministrator;
    /// Its content cannot be taken.
    BadContent = "bad-content", Sender;
    /// Larger than the server takes.
    TooBig = "too-big", Sender;
    /// Larger than this recipient takes.
    OverLimit = "over-limit", Sender;
    /// The address cannot be read.
    BadAddress = "bad-address", Sender;
    /// No connection, no DNS, a circle.
    Network = "network", RecipientAdministrator;
    /// The receiving server is out of disk.
    DiskFull = "disk-full", RecipientAdministrator;
    ServerTrouble = "server-trouble", RecipientAdministrator;
    /// The program behind the mailbox failed.
    MailerTrouble = "mailer-trouble", RecipientAdministrator;
    /// Put off without a reason.
    OnHold = "on-hold", Nobody;
    /// Nobody took it in time.
    Expired = "expired", RecipientAdministrator;
    /// The person is away; the mail arrived.
    AutomaticReply = "automatic-reply", Nobody;
    Unknown = "unknown", RecipientAdministrator;
}

impl Reason {
    /// Whether it passes by itself.
    pub(super) fn passes(self) -> bool {
        use Reason::*;
        matches!(self, MailboxFull | TooManyConnections | TooFast | Network | DiskFull | OnHold | Expired)
    }
}

/// What a reason is found from.
pub(super) struct Evidence<'a> {
    /// The answer of the server.
    pub said: &'a str,
    /// What the bounce says around it.
    pub around: &'a str,
    pub status: Option<(u8, u16, u16)>,
    pub code: Option<u16>,
    pub phase: Option<Phase>,
}

/// The answer decides; then what was written around it; then the codes; then the command that was answered.
pub(super) fn of(seen: &Evidence<'_>) -> Reason {
    let said = plain(seen.said);
    let sure = seen.status.and_then(by_status);
    let worded = by_words(&said, seen);
    if sure == Some(Reason::BadContent) && !matches!(worded, Some(Reason::Spam | Reason::Virus | Reason::NotAuthenticated)) {
        return Reason::BadContent;
    }
    if worded == Some(Reason::NoSuchUser) && pattern::SWITCHED_OFF.iter().any(|cue| plain(seen.around).contains(cue)) {
        return Reason::Suspended;
    }
    if let Some(reason) = worded.or(sure).or(seen.code.and_then(by_code)) {
        return settled(reason, &said, seen);
    }
    let around = plain(seen.around);
    let has_answer = seen.code.is_some();
    // Words around an answer are the servers' boilerplate; they tell something only where nobody answered, or nothing telling.
    let guessed = by_words(&around, seen).filter(|reason| !has_answer || pattern::tells(*reason));
    guessed.map(|reason| settled(reason, &around, seen)).or_else(|| seen.status.and_then(by_vague_status)).unwrap_or_else(|| by_phase(seen))
}

/// Lower case, white space as one space, quotes alike.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace(['’', '‘'], "'");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn by_words(text: &str, seen: &Evidence<'_>) -> Option<Reason> {
    KNOWN.iter().chain(WORDS).find(|rule| rule.fits(text, seen)).map(|rule| rule.reason)
}

/// Statuses that leave no doubt (RFC 3463 and the IANA registry of enhanced status codes; 5.7.5xx and 5.7.6xx of Exchange Online).
fn by_status(status: (u8, u16, u16)) -> Option<Reason> {
    Some(match (status.1, status.2) {
        (1, 1 | 10) => Reason::NoSuchUser,
        (1, 2) => Reason::NoSuchHost,
        (1, 3) => Reason::NoSuchUser,
        (1, 6) => Reason::Moved,
        (1, 7 | 8) => Reason::SenderRefused,
        (2, 2) => Reason::MailboxFull,
        (2, 3) => Reason::OverLimit,
        (3, 2) if status.0 == 5 => Reason::NoMailService,
        (3, 4) => Reason::TooBig,
        (1, 90) => Reason::TooFast,
        (4, 6 | 14) => Reason::Network,
        (4, 310) => Reason::NoSuchHost,
        (4, 7) => Reason::Expired,
        (6, _) => Reason::BadContent,
        (7, 13) => Reason::Suspended,
        (7, 20..=24 | 26 | 29 | 509) => Reason::NotAuthenticated,
        (7, 25) => Reason::NoReverseName,
        (7, 27) => Reason::NoMailService,
        (7, 501) => Reason::Spam,
        (7, 60 | 502 | 503 | 511) => Reason::SenderRefused,
        (7, 505 | 507) => Reason::Filtered,
        (7, 508 | 705) => Reason::TooFast,
        (7, 510) => Reason::NoMailService,
        (7, 606..=649) => Reason::Blocked,
        (7, 12 | 124 | 133..=136 | 321..=324 | 750) => Reason::NotPermitted,
        (7, 16) => Reason::TooBig,
        (7, 28) => Reason::TooFast,
        (7, 9) => Reason::Policy,
        _ => return None,
    })
}

/// Reply codes of one meaning, whatever is written behind them.
fn by_code(code: u16) -> Option<Reason> {
    match code {
        530 | 534 | 535 | 538 => Some(Reason::NotPermitted), // RFC 4954 §6: authentication
        521 | 556 => Some(Reason::NoMailService),            // RFC 7504 §3
        _ => None,
    }
}

/// Statuses that say little, once nothing else says more.
fn by_vague_status(status: (u8, u16, u16)) -> Option<Reason> {
    Some(match (status.1, status.2) {
        (1, 0) => Reason::NoSuchUser,
        (2, 1) => Reason::NoSuchUser,
        (2, 4) => Reason::MailerTrouble,
        (3, 1) => Reason::DiskFull,
        (3, 3 | 5) | (4, 3 | 5) => Reason::ServerTrouble,
        (4, 1 | 2 | 4) => Reason::Network,
        (5, 3) => Reason::TooFast,
        (7, 2 | 4 | 5 | 6 | 8 | 10 | 14 | 30) => Reason::NotPermitted,
        (7, 17 | 18) => Reason::NoSuchUser,
        (7, 0) if status.0 == 5 => Reason::Policy,
        _ => return None,
    })
}

/// What the same words mean at another command.
fn settled(reason: Reason, text: &str, seen: &Evidence<'_>) -> Reason {
    let subject = seen.status.map(|status| (status.1, status.2));
    match (reason, seen.phase) {
        // RFC 5321 §3.3: after DATA the recipient was known; "user unknown" then is what a filter behind the server says.
        (Reason::NoSuchUser, Some(Phase::Data))
            if !matches!(subject, Some((1, 1 | 10 | 0))) && pattern::NOBODY.iter().any(|cue| text.contains(cue)) =>
        {
            Reason::Filtered
        }
        // Without a status and a command this is what servers say to whatever they do not want to explain.
        (Reason::NoSuchUser, None) if seen.code.is_some() && seen.status.is_none() && text.contains("mailbox unavailable") => {
            Reason::Filtered
        }
        (Reason::NoSuchUser, None) if matches!(subject, Some((2, 0))) => Reason::Filtered,
        // x.2.1: the mailbox exists and takes nothing. Where RCPT was answered so, servers mean that nobody is there.
        (Reason::NoSuchUser, None) if matches!(subject, Some((2, 1))) && pattern::NOBODY.iter().any(|cue| text.contains(cue)) => {
            Reason::Filtered
        }
        // Mobile carriers say this, without the address, when the reader's own filter refuses.
        (Reason::NoSuchUser, _) if text.contains("550 : user unknown") || text == ": user unknown" => Reason::Filtered,
        // At MAIL nothing is known but the sender.
        (Reason::NoSuchUser | Reason::NoSuchHost, Some(Phase::Mail)) => Reason::SenderRefused,
        (reason, _) => reason,
    }
}

fn by_phase(seen: &Evidence<'_>) -> Reason {
    match (seen.phase, seen.code) {
        (Some(Phase::Connect), Some(_)) => Reason::Blocked,
        (Some(Phase::Mail), Some(code)) if code >= 500 => Reason::SenderRefused,
        (Some(Phase::Rcpt), Some(code)) if code >= 500 => Reason::NoSuchUser,
        (Some(Phase::Data), Some(code)) if code >= 500 => Reason::Filtered,
        (_, Some(551)) => Reason::Moved,
        (_, Some(552)) => Reason::MailboxFull,
        (_, Some(code)) if code < 500 => Reason::OnHold,
        _ => Reason::Unknown,
    }
}
