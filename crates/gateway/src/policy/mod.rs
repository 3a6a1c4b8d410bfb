//! Which policy applies to a recipient, and what it wants done with a verdict.
//!
//! In: a verdict, a recipient, the directory. Out: a [`Decision`] that names the policy that applied, those that did not, and
//! every override considered with why it won or lost. Invariant: malware is never let through by a policy or an entry.
//! Order (`service.md` §1.1): strict preset, standard preset, custom by priority, default; the first that matches, never merged.
//! Not here: doing it (`action`).

mod decide;
mod outbound;
mod preset;
mod replay;
mod settings;
pub mod sql;

#[cfg(test)]
mod tests;
pub use decide::{Considered, Decision, Evidence, Question, applying, decide};
pub use outbound::decide_outbound;
pub use preset::{Preset, in_order};
pub use replay::{Bounds, Change, Draft, Progress, Replay};
pub use settings::{OUTBOUND, PolicyAction, PolicySettings, PolicyThresholds, RecipientFilter};
