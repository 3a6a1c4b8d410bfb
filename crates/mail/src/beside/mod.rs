//! What the programs around us speak when they ask about a mail: milter, and the protocols of spamd and rspamd.
//!
//! In: octets of a neighbour, in any pieces. Out: values, or one reason why they cannot be read. Out again: the octets that answer it.
//! Invariants: every length is checked before it is believed, every count and text has a limit, and no text of ours can end a line or a
//! packet early. Not here: sockets, what is judged and what is answered (`gateway::beside`).

pub(crate) mod fuzzing;
pub mod header_edits;
pub mod milter;
pub mod spamd;

#[cfg(test)]
mod tests;
