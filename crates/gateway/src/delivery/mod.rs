//! Sending mail on.
