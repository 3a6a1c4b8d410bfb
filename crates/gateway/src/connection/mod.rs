//! Connections: listeners, TLS, PROXY protocol, limits per address, the live DNS resolver.
//!
//! [`listen`] opens what `[listen]` names and hands every connection to `session`. Not here: the SMTP protocol
//! (`session`), and who is welcome by its address (`intake`).

pub mod acme;
pub mod handed;
pub mod limits;
mod listener;
mod prompt;
mod proxy;
pub mod resolver;
pub mod reverse;
pub mod settings;
pub mod stop;
pub mod tls;
pub mod validity;

pub use listener::{ListenError, Running, Setup, listen, open, open_std, own_name};
pub use prompt::Prompt;
