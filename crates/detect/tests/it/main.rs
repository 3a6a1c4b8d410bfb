//! Tests against files and servers that others made.

mod clamd;
mod eicar;
mod scene;
