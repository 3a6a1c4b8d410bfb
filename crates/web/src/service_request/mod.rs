//! Service requests: somebody of an organisation asks support, with the evidence in it, and the conversation until it is solved.
//!
//! In: a form, REST, a mail to the address of a request, a transcript of the virtual agent. Out: a [`Request`], its [`Event`]s, letters.
//! Others call the functions of [`change`] in their transaction: `open(tx, at, scope, New { …, evidence })`, `reply`, `remark` (internal
//! note), `call`, `change_state`, `change_severity`, `assign`, `set_plan`, and `event` for what has no function of its own. Rows of
//! `request_event` are only added ([`sql::events`] reads them in order): kind, side, person, internal or not, automatic or not, `at_ms`,
//! so that clocks follow from events alone. Evidence ([`Evidence`]) is frozen text with its source ("mail", "held-mail", "bounce",
//! "refusal", "issue", "connector", "diagnosis", "agent") and the source's id. Who may read: people of the organisation with
//! [`May::Requests`], support with [`May::Support`] ([`Person::desk_scope`]). Invariants: internal events never reach the organisation;
//! support sees nothing of an organisation but its requests, unless a [`consent`] stands. Not here: clocks, queues (`support_desk`).

pub mod change;
pub mod consent;
pub mod model;
pub mod sql;

pub use model::*;
