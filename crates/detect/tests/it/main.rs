//! Tests against files and servers that others made.

mod cases;
mod clamd;
mod eicar;
mod icap;
mod reload;
mod scene;
mod suite;
