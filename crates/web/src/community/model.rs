//! What there is in the community: spaces, questions, and posts, which are questions, answers and comments alike.

use crate::people::{May, Person, Role};
use mail::id::{PostId, SolutionId};
use mail::{MailId, OrgId, PersonId};
use store::Value;

/// A place to ask in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    pub id: i64,
    /// Whose people read and write here; `None`: all of the installation.
    pub org: Option<OrgId>,
    /// In addresses.
    pub name: String,
    pub title: String,
    pub about: String,
    pub is_public: bool,
    /// Nothing more is written.
    pub is_closed: bool,
}

/// The spaces that somebody may read. Only [`Spaces::readable`] makes one, and every function that reads posts takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spaces(Vec<Space>);

impl Spaces {
    /// Of all spaces, those whose posts are for this person; without one, for everybody.
    pub fn readable(all: Vec<Space>, person: Option<&Person>) -> Spaces {
        let is_for = |space: &Space| match (person, space.org) {
            (None, org) => org.is_none() && space.is_public,
            (Some(_), None) => true,
            (Some(person), Some(org)) => person.scope().allows(org),
        };
        Spaces(all.into_iter().filter(is_for).collect())
    }

    /// Those that anybody on the Internet may read.
    pub fn public(all: Vec<Space>) -> Spaces {
        Spaces::readable(all, None)
    }

    /// For who works on the command line of the machine.
    pub fn all(all: Vec<Space>) -> Spaces {
        Spaces(all)
    }

    pub fn list(&self) -> &[Space] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn named(&self, name: &str) -> Option<&Space> {
        self.0.iter().find(|space| space.name == name)
    }

    pub fn of(&self, id: i64) -> Option<&Space> {
        self.0.iter().find(|space| space.id == id)
    }

    /// The condition that `column` is one of them, to stand in a WHERE clause; binds its arguments behind those in `args`.
    pub fn condition(&self, column: &str, args: &mut Vec<Value>) -> String {
        let place = |space: &Space| {
            args.push(Value::Int(space.id));
            format!("${}", args.len())
        };
        let places: Vec<String> = self.0.iter().map(place).collect();
        if places.is_empty() { "1 = 0".into() } else { format!("{column} IN ({})", places.join(", ")) }
    }

    /// Only this one of them.
    pub fn only(&self, id: i64) -> Spaces {
        Spaces(self.0.iter().filter(|space| space.id == id).cloned().collect())
    }

    /// Those in which this person decides about posts of others: people of the service everywhere they read, people of an organisation in
    /// its own.
    pub fn moderated(&self, person: &Person) -> Spaces {
        Spaces(self.0.iter().filter(|space| moderates(person, space.org)).cloned().collect())
    }
}

/// Whether this person decides about posts of others in a space of `org`.
pub fn moderates(person: &Person, org: Option<OrgId>) -> bool {
    let is_theirs = match org {
        Some(org) => person.scope().allows(org),
        None => person.home.is_none() || person.may(May::Operate),
    };
    person.may(May::Moderate) && is_theirs
}

/// The name beside what somebody writes. Addresses are nobody's business: without a name it is what stands before the @.
pub fn shown_name(person: &Person) -> String {
    let name = if person.name.is_empty() { person.email.split('@').next().unwrap_or_default() } else { person.name.as_str() };
    super::text::plain_line(name, NAME_CHARS_MAX)
}

const NAME_CHARS_MAX: usize = 60;

/// The role of somebody of the service, for the badge; "" for everybody else.
pub fn staff(person: &Person) -> &'static str {
    match person.role {
        Role::Operator | Role::SupportEngineer | Role::AccountManager => person.role.name(),
        _ => "",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostKind {
    Question,
    Answer,
    Comment,
}

impl PostKind {
    pub fn name(self) -> &'static str {
        match self {
            PostKind::Question => "question",
            PostKind::Answer => "answer",
            PostKind::Comment => "comment",
        }
    }

    pub fn parse(name: &str) -> PostKind {
        match name {
            "question" => PostKind::Question,
            "answer" => PostKind::Answer,
            _ => PostKind::Comment,
        }
    }
}

/// Whether a post is shown to others than its writer and moderators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostState {
    Shown,
    /// A moderator looks at it first.
    Held,
    /// By a moderator.
    Removed,
    /// By whoever wrote it.
    Withdrawn,
}

impl PostState {
    pub fn name(self) -> &'static str {
        match self {
            PostState::Shown => "shown",
            PostState::Held => "held",
            PostState::Removed => "removed",
            PostState::Withdrawn => "withdrawn",
        }
    }

    /// What this version does not know is not shown.
    pub fn parse(name: &str) -> PostState {
        match name {
            "shown" => PostState::Shown,
            "held" => PostState::Held,
            "withdrawn" => PostState::Withdrawn,
            _ => PostState::Removed,
        }
    }
}

/// A question, an answer or a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub id: PostId,
    pub org: OrgId,
    pub space: i64,
    pub question: PostId,
    pub parent: PostId,
    pub kind: PostKind,
    pub person: PersonId,
    pub who: String,
    /// Role of somebody of the service, or "".
    pub staff: String,
    /// Markdown.
    pub body: String,
    pub state: PostState,
    pub reason: String,
    pub score: i64,
    pub edits: i64,
    pub edited_ms: i64,
    /// That nobody settled yet.
    pub reports: i64,
}

impl Post {
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(MailId(self.id.0))
    }

    pub fn is_shown(&self) -> bool {
        self.state == PostState::Shown
    }

    /// Whether this person may see it although it is not shown to everybody.
    pub fn is_seen_by(&self, person: Option<&Person>) -> bool {
        let is_own = |person: &Person| person.id == self.person && self.state == PostState::Held;
        self.is_shown() || person.is_some_and(|person| is_own(person) || moderates(person, self.space_org()))
    }

    /// `None`: of all of the installation.
    pub fn space_org(&self) -> Option<OrgId> {
        Some(self.org).filter(|org| org.0 != 0)
    }

    pub fn is_by(&self, person: &Person) -> bool {
        self.person == person.id && person.id.0 != 0
    }
}

/// What a question has besides its post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub id: PostId,
    pub org: OrgId,
    pub space: i64,
    pub person: PersonId,
    pub title: String,
    /// BCP 47.
    pub lang: String,
    pub tags: Vec<String>,
    pub is_listed: bool,
    pub is_locked: bool,
    pub duplicate_of: Option<PostId>,
    pub accepted: Option<PostId>,
    /// That are shown.
    pub answers: i64,
    /// Published from one of its answers.
    pub solution: Option<SolutionId>,
    pub last_ms: i64,
}

impl Question {
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(MailId(self.id.0))
    }

    pub fn path(&self) -> String {
        path(self.id)
    }

    pub fn space_org(&self) -> Option<OrgId> {
        Some(self.org).filter(|org| org.0 != 0)
    }

    /// Whether nothing more is to be said to it.
    pub fn is_over(&self) -> bool {
        self.is_locked || self.duplicate_of.is_some()
    }
}

/// Address of a question.
pub fn path(question: PostId) -> String {
    format!("/community/questions/{question}")
}

/// A question in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub question: Question,
    pub who: String,
    pub staff: String,
    pub score: i64,
    /// The first words.
    pub excerpt: String,
}

/// Why somebody reports a post.
pub const REASONS: [&str; 5] = ["spam", "rude", "private", "wrong-place", "other"];
