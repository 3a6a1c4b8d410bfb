//! The settings file: one TOML document, every table documented where its feature lives.
//!
//! In: a file, or nothing. Out: [`Settings`]. Errors name file, line and key, and the key that was probably meant.

mod bodies;
mod mistake;
pub mod reference;
#[cfg(test)]
mod tests;

pub use bodies::{BodiesPlace, BodyBucketSettings};

use crate::traces::TraceSettings;
use gateway::beside::BesideSettings;
use gateway::connection::settings::{DnsSettings, LimitSettings, ListenSettings, TlsSettings};
use gateway::delivery::security::settings::{DeliverySettings, TlsReportSettings};
use gateway::directory::settings::{DirectorySettings, DomainSettings, EntrySettings, OrganisationSettings, RecipientSettings};
use gateway::directory::{ConnectorSettings, InboundSettings};
use gateway::feedback::by_mail::FeedbackSettings;
use gateway::health::HealthSettings;
use gateway::intake::IntakeSettings;
use gateway::mail_reports::MailReportSettings;
use gateway::outflow::settings::OutboundSettings;
use gateway::policy::PolicySettings;
use gateway::queue::QueueSettings;
use gateway::return_path::ReturnPathSettings;
use gateway::rules::RuleSettings;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use web::WebSettings;

/// Everything an operator can set. A missing table stands for its defaults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub listen: ListenSettings,
    pub tls: TlsSettings,
    pub limits: LimitSettings,
    pub beside: BesideSettings,
    pub dns: DnsSettings,
    pub store: StoreSettings,
    pub intake: IntakeSettings,
    pub detect: detect::DetectSettings,
    pub feedback: FeedbackSettings,
    pub reports: MailReportSettings,
    pub queue: QueueSettings,
    pub delivery: DeliverySettings,
    pub tls_reports: TlsReportSettings,
    pub return_path: ReturnPathSettings,
    pub outbound: OutboundSettings,
    pub web: WebSettings,
    pub health: HealthSettings,
    pub traces: TraceSettings,
    pub organisation: Vec<OrganisationSettings>,
    pub domain: Vec<DomainSettings>,
    pub recipient: Vec<RecipientSettings>,
    pub connector: Vec<ConnectorSettings>,
    pub inbound: Vec<InboundSettings>,
    pub policy: Vec<PolicySettings>,
    pub entry: Vec<EntrySettings>,
    pub rule: Vec<RuleSettings>,
}

/// `[store]`: where mail and receipts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Database: "sqlite:PATH" or "postgres://user:password@host/name"; empty: gatepost.db in the data folder.
    pub url: String,
    /// Large messages: "file:PATH" for a folder, or "s3:BUCKET/FOLDER" for a bucket of an S3-compatible store (`[store.bucket]`), so that nodes
    /// keep nothing of their own; empty: the folder bodies in the data folder.
    pub bodies: String,
    /// The store of that bucket.
    pub bucket: BodyBucketSettings,
    /// Number of this node, 1 to 31; differs between the nodes that share a database. Default 1.
    pub node: u8,
    /// Days that receipts and trace are kept. Default 90.
    pub trace_days: u32,
    /// PostgreSQL connections at most. Default 16.
    pub connections_max: usize,
    /// File with the key that seals secrets in the database, mode 600; made if it is not there. The nodes that share a database share it.
    /// Empty: seal.key in the data folder.
    pub seal_file: String,
}

impl Default for StoreSettings {
    fn default() -> StoreSettings {
        StoreSettings {
            url: String::new(),
            bodies: String::new(),
            bucket: BodyBucketSettings::default(),
            node: 1,
            trace_days: 90,
            connections_max: 16,
            seal_file: String::new(),
        }
    }
}

/// Settings and data folder of one start.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub settings: Settings,
    pub data: PathBuf,
}

/// The settings cannot be used; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// Reads settings from a file, or takes the defaults.
pub fn read(file: Option<&Path>) -> Result<Settings, SettingsError> {
    let Some(file) = file else { return Ok(Settings::default()) };
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|why| SettingsError(format!("{shown}: the settings file cannot be read: {why}")))?;
    parse(&shown, &text)
}

/// Reads settings from text; `shown` names the file in errors.
pub fn parse(shown: &str, text: &str) -> Result<Settings, SettingsError> {
    let settings: Settings = toml::from_str(text).map_err(|why| SettingsError(mistake::describe(shown, text, &why)))?;
    let complaints = settings.complaints();
    match complaints.first() {
        None => Ok(settings),
        Some(_) => Err(SettingsError(complaints.iter().map(|complaint| format!("{shown}: {complaint}")).collect::<Vec<_>>().join("\n"))),
    }
}

impl Settings {
    /// The part that belongs into the database.
    pub fn directory(&self) -> DirectorySettings {
        DirectorySettings {
            organisation: self.organisation.clone(),
            domain: self.domain.clone(),
            recipient: self.recipient.clone(),
            connector: self.connector.clone(),
            inbound: self.inbound.clone(),
            policy: self.policy.clone(),
            entry: self.entry.clone(),
            rule: self.rule.clone(),
        }
    }

    /// What is wrong although every key is right.
    fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !(1..=31).contains(&self.store.node) {
            wrong.push(format!("[store] node: {} is not between 1 and 31", self.store.node));
        }
        let url = &self.store.url;
        if !(url.is_empty() || url.starts_with("sqlite:") || url.starts_with("postgres:") || url.starts_with("postgresql:")) {
            wrong.push("[store] url: write \"sqlite:PATH\" or \"postgres://user:password@host/name\"".into());
        }
        wrong.extend(bodies::complaint(&self.store.bodies, &self.store.bucket, self.limits.message_octets_max));
        wrong.extend(self.tls.complaint());
        wrong.extend(self.intake.complaint());
        wrong.extend(self.beside.complaint(|name| self.organisation.is_empty() || self.organisation.iter().any(|one| one.name == name)));
        wrong.extend(self.traces.complaint());
        wrong.extend(web::health::site::bucket::complaint(&self.health.bucket));
        wrong.extend(self.tls_reports.complaint());
        for rule in &self.rule {
            wrong.extend(rule.complaints().into_iter().map(|complaint| format!("[[rule]] “{}”: {complaint}", rule.name)));
        }
        for policy in &self.policy {
            wrong.extend(policy.complaints().into_iter().map(|complaint| format!("[[policy]] “{}”: {complaint}", policy.name)));
        }
        for entry in &self.entry {
            wrong.extend(entry.checked().err().map(|complaint| format!("[[entry]] {complaint}")));
        }
        for (what, name) in self.missing_connectors() {
            wrong.push(format!("{what}: there is no [[connector]] named “{name}”"));
        }
        wrong
    }

    fn missing_connectors(&self) -> Vec<(String, String)> {
        let named = |name: &str| name.is_empty() || self.connector.iter().any(|connector| connector.name == name);
        let organisations = self.organisation.iter().flat_map(|organisation| {
            [&organisation.connector, &organisation.outbound_connector]
                .map(|name| (format!("[[organisation]] “{}”", organisation.name), name))
        });
        let domains = self.domain.iter().map(|domain| (format!("[[domain]] “{}”", domain.name), &domain.connector));
        organisations.chain(domains).filter(|(_, name)| !named(name)).map(|(what, name)| (what, name.clone())).collect()
    }
}

impl Chosen {
    /// The database, as the store wants it.
    pub fn store_url(&self) -> String {
        match self.settings.store.url.as_str() {
            "" => format!("sqlite:{}", self.data.join("gatepost.db").display()),
            url => url.to_string(),
        }
    }

    /// The key that seals secrets.
    pub fn seal_file(&self) -> PathBuf {
        match self.settings.store.seal_file.as_str() {
            "" => self.data.join("seal.key"),
            file => PathBuf::from(file),
        }
    }

    /// The folder of certificates that an ACME server gives.
    pub fn acme_folder(&self) -> PathBuf {
        self.data.join("acme")
    }
}
