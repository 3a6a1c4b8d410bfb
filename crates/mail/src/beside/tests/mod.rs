//! Parsers of what neighbours send, by tables and by properties.

mod header_edits;
mod milter;
mod spamd;
