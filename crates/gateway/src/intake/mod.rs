//! From the last octet of a message to `250`.
