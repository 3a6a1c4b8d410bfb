//! What tests share: synthetic mails, the shared folder, dialogue runner, fixed DNS server, sinks with faults, throw-away databases.

pub mod cases;
pub mod cyrus;
pub mod dialogue;
pub mod dovecot;
pub mod pebble;
pub mod port;
pub mod postfix;
pub mod postgres;
pub mod s3;
pub mod shared;
pub mod sink;
pub mod slapd;
pub mod tap;
pub mod transcript;
pub mod unbound;
