//! The pages and the API, asked in the process on both databases; and what holds for all of them.

mod access;
mod api;
mod connector;
mod domain;
mod entry;
mod health;
mod help;
mod lab;
mod overview;
mod past;
mod people;
mod phone;
mod policy;
mod provider;
mod publish;
mod quarantine;
mod remedy;
mod routes;
mod rules;
mod scene;
mod templates;
mod things;
mod trace;
mod words;
