//! Values of a request: what it is, in which state, who acts next, what happened.

use mail::id::{ConsentId, FileId, RequestEventId, RequestId, TokenId};
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};

/// An enum whose names are stored, serialised and looked up in words.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$inner])* #[serde(rename = $text)] $variant),* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            pub fn parse(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }
        }
    };
}

named!(
    /// What is asked.
    Kind { Technical = "technical", PrePurchase = "pre-purchase", Billing = "billing" }
);

named!(
    /// How bad it is, as the requester says and support confirms.
    Severity {
        /// Mail of the organisation stands still or is lost, or is open to attack.
        A = "a",
        /// An important part does not work, or many are hindered.
        B = "b",
        /// A hindrance with a way around it, or a question.
        C = "c",
    }
);

named!(
    /// Part of the product.
    Area {
        MailFlow = "mail-flow", Filtering = "filtering", Quarantine = "quarantine", Rules = "rules", Domains = "domains", Connectors = "connectors",
        People = "people", Health = "health", Installation = "installation", Accessibility = "accessibility", Other = "other",
    }
);

named!(
    /// Where a request stands.
    State {
        /// Nobody of support has taken it up.
        New = "new",
        /// Somebody of support works on it.
        Open = "open",
        /// Support asked something.
        WaitingCustomer = "waiting-customer",
        /// The requester said something that support has not answered.
        WaitingUs = "waiting-us",
        /// Support says it is solved; the requester has not said so.
        Resolved = "resolved",
        /// The requester said that it is solved, or kept silent as long as the rule says.
        Closed = "closed",
    }
);

named!(
    /// Who has to do something next.
    Ball { Support = "support", Requester = "requester", Nobody = "nobody" }
);

named!(
    /// Who did something.
    Side { Requester = "requester", Support = "support", System = "system" }
);

named!(
    /// By which way.
    Via { Web = "web", Mail = "mail", Api = "api", Phone = "phone", Rule = "rule" }
);

named!(
    /// What happened. Clocks look at `Opened`, `Word`, `Call`, `State`, `Severity` and `Plan`.
    What {
        Opened = "opened",
        /// Words that both sides read.
        Word = "word",
        /// Words of support to itself.
        Note = "note",
        /// What was said on the telephone.
        Call = "call",
        /// `detail`: `{"from", "to"}`.
        State = "state",
        /// `detail`: `{"from", "to"}`; the body says why.
        Severity = "severity",
        /// `detail`: `{"from", "to", "name"}`, persons by number.
        Assign = "assign",
        /// `detail`: `{"version"}`.
        Plan = "plan",
        File = "file",
        Consent = "consent",
        Proposal = "proposal",
        /// `detail`: `{"address", "is_added"}`.
        Copy = "copy",
        /// `detail`: `{"into"}` or `{"from"}`.
        Merge = "merge",
        /// `detail`: `{"issue"}`.
        Issue = "issue",
        /// The rule of silence spoke. `detail`: `{"count", "closes_ms"}`.
        Reminder = "reminder",
        /// `detail`: `{"stars"}`, 1 to 5.
        Rating = "rating",
        Solution = "solution",
        /// An engineer put it aside, or took it back. `detail`: `{"until_ms"}`; null: taken back.
        Snooze = "snooze",
        /// The requester asks for more attention; the body says why.
        Escalation = "escalation",
        /// Support looked for the cause under a consent. `detail`: `{"diagnosis"}`, its name.
        Diagnosis = "diagnosis",
    }
);

named!(
    /// How the requester wants to be reached.
    Way { Web = "web", Mail = "mail", Phone = "phone" }
);

impl State {
    /// # Source
    /// Issue 7, item 3: "who holds the ball" is shown to both.
    pub fn ball(self) -> Ball {
        match self {
            State::New | State::Open | State::WaitingUs => Ball::Support,
            State::WaitingCustomer | State::Resolved => Ball::Requester,
            State::Closed => Ball::Nobody,
        }
    }

    /// Colour of its badge.
    pub fn tone(self) -> &'static str {
        match self {
            State::New | State::Open | State::WaitingUs => "info",
            State::WaitingCustomer => "warn",
            State::Resolved => "good",
            State::Closed => "plain",
        }
    }

    pub fn is_over(self) -> bool {
        matches!(self, State::Resolved | State::Closed)
    }

    /// Where a word of this side leads.
    pub fn after_word(self, side: Side) -> State {
        match (side, self) {
            (Side::System, state) => state,
            (Side::Requester, State::New) => State::New,
            // A word after the end opens it again, whenever it comes.
            (Side::Requester, _) => State::WaitingUs,
            // An answer is thought to be the last word until the requester says otherwise; it asks them to go on.
            (Side::Support, State::Closed | State::Resolved) => self,
            (Side::Support, _) => State::WaitingCustomer,
        }
    }
}

/// Whom and what it concerns. Nothing is known of what is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Impact {
    /// How many people are hindered.
    pub people: Option<u32>,
    /// How many mails it concerns.
    pub mails: Option<u32>,
    /// Since when, Unix milliseconds.
    pub since_ms: Option<i64>,
}

/// How the requester is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub way: Way,
    /// E.164; '' unless by phone.
    #[serde(default)]
    pub number: String,
    /// When they can be called, in their own words.
    #[serde(default)]
    pub hours: String,
    /// BCP 47.
    #[serde(default)]
    pub lang: String,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    pub org: OrgId,
    pub requester: PersonId,
    pub address: String,
    pub name: String,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub area: Area,
    pub severity: Severity,
    pub impact: Impact,
    pub contact: Contact,
    pub lang: String,
    pub state: State,
    /// `None`: nobody of support yet.
    pub assignee: Option<PersonId>,
    /// Version of the plan whose clocks run; 0: none.
    pub plan: i64,
    pub queue: String,
    pub issue: String,
    pub merged_into: Option<RequestId>,
    pub solution: String,
    pub probe: String,
    pub secret: String,
    pub told: i64,
    pub next_ms: i64,
    pub last_ms: i64,
}

impl Request {
    /// When it was opened, Unix milliseconds.
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(mail::MailId(self.id.0))
    }

    /// Who is shown as the requester.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: RequestEventId,
    pub org: OrgId,
    pub request: RequestId,
    pub at_ms: i64,
    pub what: What,
    pub side: Side,
    pub person: PersonId,
    pub who: String,
    pub via: Via,
    pub is_internal: bool,
    pub is_automatic: bool,
    pub body: String,
    pub quoted: String,
    pub detail: serde_json::Value,
    pub message_id: String,
}

/// Whoever acts on a request, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub side: Side,
    pub via: Via,
    /// `PersonId(0)`: nobody who signs in.
    pub person: PersonId,
    pub address: String,
    pub name: String,
    pub ip: String,
    pub token: Option<TokenId>,
}

impl By {
    pub fn of(person: &crate::people::Person, side: Side, via: Via) -> By {
        By {
            side,
            via,
            person: person.id,
            address: person.email.clone(),
            name: person.name.clone(),
            ip: person.ip.clone(),
            token: person.token,
        }
    }

    /// A rule of ours acts.
    pub fn rule() -> By {
        By {
            side: Side::System,
            via: Via::Rule,
            person: PersonId(0),
            address: String::new(),
            name: String::new(),
            ip: String::new(),
            token: None,
        }
    }

    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

/// Where a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub id: FileId,
    pub org: OrgId,
    pub request: Option<RequestId>,
    pub event: Option<RequestEventId>,
    pub person: PersonId,
    pub is_evidence: bool,
    pub name: String,
    pub media: String,
    pub octets: i64,
    pub received: i64,
    pub digest: String,
    pub state: FileState,
    pub found: String,
    pub is_internal: bool,
    pub source: String,
    pub source_id: String,
    pub made_ms: i64,
}

impl File {
    /// Whether its text can be shown as text.
    pub fn is_text(&self) -> bool {
        matches!(self.media.as_str(), "text/plain" | "application/json")
    }

    /// Places where a secret was hidden before it was kept.
    pub fn hidden(&self) -> i64 {
        self.found.strip_prefix("hidden ").and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    pub fn is_clean(&self) -> bool {
        self.state == FileState::Clean
    }
}

named!(
    /// What may be done with a file.
    FileState {
        /// Pieces are missing.
        Arriving = "arriving",
        /// Read by our engines; it can be fetched.
        Clean = "clean",
        /// Our engines found something, or could not look into it; nobody can fetch it.
        Refused = "refused",
    }
);

/// Evidence that a request carries: text, frozen as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// "mail", "held-mail", "bounce", "refusal", "issue", "connector", "diagnosis", "agent".
    pub source: String,
    pub source_id: String,
    /// File name as shown, such as "receipt-m01….json".
    pub name: String,
    /// `application/json` or `text/plain`.
    pub media: &'static str,
    pub text: String,
}

/// A consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    pub org: OrgId,
    pub request: RequestId,
    pub what: Vec<See>,
    /// `None`: whoever of support works on the request.
    pub person: Option<PersonId>,
    pub given_by: String,
    pub given_ms: i64,
    pub until_ms: i64,
    pub ended_ms: Option<i64>,
    pub ended_by: String,
}

impl Consent {
    pub fn stands(&self, now_ms: i64) -> bool {
        self.ended_ms.is_none() && now_ms < self.until_ms
    }
}

named!(
    /// What support may see under a consent.
    See { Trace = "trace", Quarantine = "quarantine", Settings = "settings", Health = "health" }
);

impl See {
    /// The permission that it stands for, to read only.
    pub fn may(self) -> crate::people::May {
        use crate::people::May;
        match self {
            See::Trace => May::Trace,
            See::Quarantine => May::Quarantine,
            See::Settings => May::ReadSettings,
            See::Health => May::Overview,
        }
    }

    pub fn read(names: &str) -> Vec<See> {
        names.split(' ').filter_map(See::parse).collect()
    }

    pub fn written(what: &[See]) -> String {
        what.iter().map(|see| see.name()).collect::<Vec<_>>().join(" ")
    }
}
