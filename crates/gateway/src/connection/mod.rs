//! Listeners, TLS, PROXY protocol, limits per address, the live DNS resolver.
