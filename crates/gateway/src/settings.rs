//! Value types that settings of several parts share: spans of time and networks.
//!
//! Both are written as one short text in the settings file, and print back as they are read.

mod network;
mod span;

pub use network::{Network, NetworkError, Networks};
pub use span::{Span, SpanError};
