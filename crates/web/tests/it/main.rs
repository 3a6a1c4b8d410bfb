//! The pages and the API, asked in the process on both databases; and what holds for all of them.

mod access;
mod api;
mod health;
mod routes;
mod scene;
mod templates;
mod things;
mod words;
