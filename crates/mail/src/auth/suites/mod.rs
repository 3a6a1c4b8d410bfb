//! Conformance suites, from the shared folder.
mod arc_suite;
mod dkim_suite;
mod rsa;
mod spf_suite;

pub(super) use rsa::ShortRsa;
