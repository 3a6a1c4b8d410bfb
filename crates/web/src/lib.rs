//! People's side: the admin centre, help and support, and the REST API. One folder per feature, from route to SQL.
//!
//! In: HTTP requests on the web listener. Out: pages (work without scripts), JSON, streams of events. Invariant: whoever asks is
//! known before anything of an organisation is read, and every such read takes a [`gateway::scope::OrgScope`]. Not here: the mail
//! path and its tables (`gateway`), settings and wiring (`gatepost`).

pub mod acme;
pub mod agent;
pub mod api;
pub mod app;
pub mod audit;
pub mod call;
pub mod community;
pub mod connectivity;
pub mod connector;
pub mod destinations;
pub mod diagnostics;
pub mod directory_sync;
pub mod doctor;
pub mod domain;
pub mod draft;
pub mod entry;
pub mod health;
pub mod help;
pub mod help_desk;
pub mod mail_reports;
pub mod overview;
pub mod page;
pub mod people;
pub mod phone;
pub mod policy;
pub mod premier;
pub mod quarantine;
pub mod removal;
pub mod restricted;
pub mod rules;
mod server;
pub mod service_request;
pub mod submission;
pub mod support_desk;
pub mod trace;
pub mod troubleshoot;

pub use app::{App, Door, Parts, WebSettings};
pub use server::{Serving, serve};

/// The schema of everything: the mail path's steps and ours, in order.
pub fn migrations() -> Vec<store::Migration> {
    #[rustfmt::skip]
    let ours: &[&[store::Migration]] = &[
        gateway::MIGRATIONS,
        people::MIGRATIONS,
        quarantine::MIGRATIONS,
        removal::MIGRATIONS,
        api::MIGRATIONS,
        health::MIGRATIONS,
        overview::MIGRATIONS,
        mail_reports::MIGRATIONS,
        policy::MIGRATIONS,
        diagnostics::MIGRATIONS,
        troubleshoot::MIGRATIONS,
        phone::MIGRATIONS,
        help_desk::MIGRATIONS,
        directory_sync::MIGRATIONS,
        help::MIGRATIONS,
        support_desk::MIGRATIONS,
        service_request::MIGRATIONS,
        premier::MIGRATIONS,
        community::MIGRATIONS,
    ];
    let mut all = ours.concat();
    all.sort_by_key(|step| step.number);
    all
}
