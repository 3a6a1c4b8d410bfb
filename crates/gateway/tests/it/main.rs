//! Tests of the gateway over real sockets and real files. One binary: every further one would be linked anew.

mod dkim;
mod dns;
mod smtp;
mod tls;
