//! The demo: an organisation, its mailboxes in a folder, a few domains that answer in DNS, and some fifty mails sent through the real port.

pub mod community;
mod mails;
mod send;
mod zone;

pub use send::send_samples;
pub use zone::Overlay;

use crate::settings::Settings;
use anyhow::Context;
use gateway::directory::{ConnectorSettings, DomainSettings, OrganisationSettings, Protocol, RecipientSettings};
use std::path::Path;

/// People of the demo organisation; the names are protected from impersonation.
const PEOPLE: [(&str, &str); 4] = [
    ("alice@demo.example", "Alice Martin"),
    ("bo@demo.example", "Bo Lindqvist"),
    ("li@demo.example", "李伟"),
    ("postmaster@demo.example", ""),
];

const ORGANISATION: &str = "demo";
const MAILBOXES: &str = "mailboxes";

/// Adds the demo organisation to the settings, unless a settings file brought organisations of its own.
pub fn add(settings: &mut Settings, data: &Path) {
    if !settings.organisation.is_empty() {
        return;
    }
    settings.organisation.push(OrganisationSettings { name: ORGANISATION.into(), connector: MAILBOXES.into(), ..Default::default() });
    settings.connector.push(ConnectorSettings {
        name: MAILBOXES.into(),
        organisation: ORGANISATION.into(),
        protocol: Protocol::Folder,
        folder: data.join(MAILBOXES).display().to_string(),
        ..Default::default()
    });
    settings.domain.push(DomainSettings { name: "demo.example".into(), organisation: ORGANISATION.into(), ..Default::default() });
    let people = PEOPLE.iter().map(|(address, name)| RecipientSettings { address: address.to_string(), name: name.to_string() });
    settings.recipient.extend(people);
}

/// The numbers of the service's published table, with hours of the demo's own; a directory that somebody wrote stays.
pub async fn fill_directory(app: &web::App) -> anyhow::Result<()> {
    let entries = web::phone::table::read(include_str!("phone.csv"), || app.fresh_id());
    let entries = entries.map_err(|wrong| anyhow::anyhow!("the demo's phone directory is wrong: {wrong:?}"))?;
    let now_ms = app.now_ms();
    let work = app.db.tx(move |tx| Box::pin(async move { web::phone::fill_empty(tx, &entries, (now_ms, "demo")).await }));
    Ok(work.await?)
}

/// Who looks after the demo; operates the service as well.
pub const ADMINISTRATOR: &str = "admin@demo.example";

/// A link that signs the administrator in once.
pub async fn sign_in_link(app: &web::App, pages: std::net::SocketAddr) -> anyhow::Result<String> {
    let org = app.directory.snapshot().organisation_named(ORGANISATION).map(|found| found.id);
    let administrator = web::people::sql::NewPerson {
        email: ADMINISTRATOR.into(),
        name: "Demo administrator".into(),
        role: web::people::Role::Operator,
        org,
    };
    let path = web::people::link_for(app, &administrator).await.context("making a sign-in link")?;
    Ok(format!("http://{pages}{path}"))
}

/// What to try next, for the person who just started the demo.
pub fn what_to_try(smtp: std::net::SocketAddr, data: &Path) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "gatepost".into());
    let data = data.display();
    format!(
        "\nThe demo organisation is demo.example, with alice@, bo@, li@ and postmaster@. Try, in another terminal:\n\n\
         \x20 {program} trace list --data {data}             what happened to the sample mails\n\
         \x20 {program} explain ID --data {data}             why (add --lang zh for Chinese)\n\
         \x20 {program} quarantine list --data {data}        what is held\n\
         \x20 {program} trace balance --data {data}          every accepted mail accounted for\n\
         \x20 swaks --server {smtp} --to alice@demo.example      a mail of your own\n\
         \x20 swaks --server {smtp} --to nobody@demo.example     an unknown recipient: 550 5.4.1\n\
         \x20 swaks --server {smtp} --to bo@demo.example --header 'From: x@bank.example'   a forged sender: DMARC p=reject\n\n\
         Delivered mail lies in {data}/{MAILBOXES}. Stop with Ctrl-C.\n"
    )
}
