//! Tests of the SMTP grammar, in the order of a session.

mod command;
mod end_of_data;
mod reply;
mod trust;
