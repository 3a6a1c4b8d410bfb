//! The pages and the API, asked in the process on both databases; and what holds for all of them.

mod access;
mod api;
mod health;
mod help;
mod overview;
mod quarantine;
mod entry;
mod past;
mod policy;
mod connector;
mod domain;
mod routes;
mod rules;
mod scene;
mod templates;
mod things;
mod trace;
mod words;
