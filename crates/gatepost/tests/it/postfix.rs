//! A real Postfix of our own, on free ports.

pub use testkit::postfix::Postfix;
