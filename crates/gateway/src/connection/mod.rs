//! Connections: listeners, TLS, PROXY protocol, limits per address, the live DNS resolver.

pub mod settings;
