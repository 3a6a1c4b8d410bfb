//! Formats of mail: bytes in, values out.
//!
//! Addresses, SMTP grammar, messages and MIME, authentication, reports. Nothing here opens a socket, a file
//! or a database, or reads a clock: DNS comes in through [`dns::Dns`], time as `now_ms`.
//! Not here: judging a message (`detect`), receiving or sending one (`gateway`).

pub mod address;
pub mod auth;
pub mod beside;
pub mod dns;
pub mod envelope;
#[doc(hidden)]
pub mod fuzz;
pub mod id;
pub mod imap;
pub mod jmap;
pub mod message;
pub mod report;
pub mod smtp;

pub use address::Address;
pub use auth::AuthResults;
pub use envelope::{Envelope, EnvelopeRecipient, Mail, Peer};
pub use id::{MailId, OrgId, PersonId, RuleId};
pub use message::Message;
