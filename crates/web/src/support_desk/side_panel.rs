//! What stands beside a request for whoever works on it: mails of the requester, service health and settings of the organisation.
//!
//! In: a request, and which parts are to be looked at. Out: a [`SidePanel`]. Invariant: a part is read in the scope of the organisation and
//! only under a consent of this request, after a line of the look was written (`consent::lent`); a part without one stays empty and says so.

use super::desk;
use crate::App;
use crate::connector::sql as connector_sql;
use crate::domain::{self, sql as domain_sql};
use crate::health;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::Person;
use crate::service_request::consent::{self, Wish};
use crate::service_request::{Event, File, Request, See, change, is_letter, sql as request_sql, sql_file};
use gateway::policy::sql as policy_sql;
use gateway::receipt::{self, Language, Receipt};
use gateway::rules::sql as rule_sql;
use gateway::scope::OrgScope;
use gateway::trace::api::MailBody;
use gateway::trace::{self, Query};
use mail::MailId;
use mail::id::RequestId;
use serde::Serialize;
use std::time::Duration;
use store::{Error, Tx};
use utoipa::ToSchema;

/// What the panel has, in order. Held mail is a part of the mails: what became of each stands with it.
pub const PARTS: [See; 3] = [See::Trace, See::Health, See::Settings];

/// Mails that the request names, and the latest of the requester.
const NAMED_MAX: usize = 10;
const LATEST_MAX: usize = 8;
/// Words of the conversation in which mails may be named.
const WORDS_MAX: usize = 20_000;
/// Characters of an identifier of a mail: "m" and 13 more.
const IDENTIFIER_CHARS: usize = 14;
/// How long the latest mails are looked for.
const LATEST_WITHIN: Duration = Duration::from_millis(300);
/// Recipients of one mail, and lines of settings of one kind.
const RECIPIENTS_MAX: usize = 5;
const LINES_MAX: usize = 30;

/// What stands beside a request. Each part: until when the requester lets it be seen (Unix milliseconds; null: there is no consent for it), and
/// what was seen (null: it was not looked at).
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct SidePanel {
    pub mails_until_ms: Option<i64>,
    pub mails: Option<PanelMails>,
    pub health_until_ms: Option<i64>,
    pub health: Option<PanelHealth>,
    pub settings_until_ms: Option<i64>,
    pub settings: Option<PanelSettings>,
}

/// Mails that matter to a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelMails {
    /// Attached to the request, or named in its words.
    pub named: Vec<PanelMail>,
    /// The latest to and from the requester.
    pub latest: Vec<PanelMail>,
}

/// A mail with the receipt in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelMail {
    pub mail: String,
    pub at_ms: i64,
    /// '' is the null reverse-path.
    pub sender: String,
    pub subject: String,
    pub verdict: String,
    pub tone: &'static str,
    pub recipients: Vec<PanelRecipient>,
    /// The strongest reasons of its verdict, in words.
    pub reasons: Vec<String>,
}

/// What became of a mail for one recipient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelRecipient {
    pub address: String,
    pub state: String,
    pub last_reply: String,
}

/// How the service is for the organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelHealth {
    pub services: Vec<PanelService>,
    pub issues: Vec<PanelIssue>,
}

/// One service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelService {
    /// Such as "intake" or "connector:main".
    pub service: String,
    pub name: String,
    /// As Microsoft Graph spells `serviceHealthStatus`.
    pub status: String,
    pub tone: &'static str,
}

/// An open issue that concerns the organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelIssue {
    pub issue: String,
    pub title: String,
    pub status: String,
    /// It concerns this organisation alone.
    pub is_own: bool,
}

/// Settings in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelSettings {
    pub domains: Vec<PanelDomain>,
    pub connectors: Vec<PanelConnector>,
    pub policies: Vec<PanelPolicy>,
    pub rules: usize,
}

/// A domain.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelDomain {
    pub name: String,
    pub kind: String,
    pub is_served: bool,
    /// Checks of the last look that found a problem, such as "domain.mx".
    pub problems: Vec<String>,
    /// null: nobody looked yet.
    pub looked_ms: Option<i64>,
}

/// A connector.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelConnector {
    pub name: String,
    pub kind: String,
    pub hosts: Vec<String>,
    pub tls: String,
    /// Recipients that wait for it.
    pub waiting: i64,
}

/// A filter policy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PanelPolicy {
    pub name: String,
    pub is_on: bool,
}

/// Names of parts between spaces or commas, or "all".
/// # Errors
/// [`Fault::Invalid`] names the field.
pub fn parts(names: &str) -> Result<Vec<See>, Fault> {
    if names.trim() == "all" {
        return Ok(PARTS.to_vec());
    }
    let named = names.split([' ', ',']).filter(|name| !name.is_empty());
    let known = |name: &str| See::parse(name).filter(|see| PARTS.contains(see));
    named.map(known).collect::<Option<_>>().ok_or_else(|| Fault::Invalid(vec![Wrong::new("see", "request-wrong-choice")]))
}

/// Reads those parts of `sees` that may be looked at; `path` stands in the lines of the looks.
pub async fn read(app: &App, view: &View, person: &Person, (id, sees, path): (RequestId, &[See], &str)) -> Result<SidePanel, Fault> {
    let scope = desk(person)?;
    let standing = consent::standing_for(app, person, scope, id).await?;
    let until_ms = |see: See| standing.iter().filter(|consent| consent.what.contains(&see)).map(|consent| consent.until_ms).max();
    let open: Vec<See> = sees.iter().copied().filter(|see| until_ms(*see).is_some()).collect();
    let mut panel = SidePanel {
        mails_until_ms: until_ms(See::Trace),
        health_until_ms: until_ms(See::Health),
        settings_until_ms: until_ms(See::Settings),
        ..SidePanel::default()
    };
    if open.is_empty() {
        return Ok(panel);
    }
    let lent = consent::lent(app, person, scope, Wish { request: id, sees: &open, path: Some(path) }).await?;
    if open.contains(&See::Trace) {
        panel.mails = Some(mails(app, view, &lent, id).await?);
    }
    if open.contains(&See::Health) {
        panel.health = Some(health_of(app, view, &lent).await?);
    }
    if open.contains(&See::Settings) {
        panel.settings = Some(settings(app, &lent).await?);
    }
    Ok(panel)
}

async fn mails(app: &App, view: &View, lent: &Person, id: RequestId) -> Result<PanelMails, Fault> {
    let (scope, language) = (lent.scope(), view.lang.of_receipt());
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, scope, id).await?;
                let events = request_sql::events(tx, scope, id, true).await?;
                let files = sql_file::of_request(tx, scope, id, true).await?;
                let ids = named_in(&request, &events, &files);
                let mut named = Vec::new();
                for mail in &ids {
                    let query = Query { mail: Some(*mail), limit: 1, ..Query::default() };
                    for row in trace::search(tx, scope, &query).await?.rows {
                        named.push(mail_of(tx, scope, &row, language).await?);
                    }
                }
                let mut latest = Vec::new();
                for row in latest_of(tx, scope, &request.address, &ids).await? {
                    latest.push(mail_of(tx, scope, &row, language).await?);
                }
                Ok::<_, Fault>(PanelMails { named, latest })
            })
        })
        .await
}

/// Mails that are attached, then those that words name, each once.
fn named_in(request: &Request, events: &[Event], files: &[File]) -> Vec<MailId> {
    let attached = files.iter().filter(|file| matches!(file.source.as_str(), "mail" | "held-mail")).map(|file| file.source_id.as_str());
    let texts = [request.title.as_str(), request.description.as_str()].into_iter().chain(events.iter().map(|event| event.body.as_str()));
    let words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric())).take(WORDS_MAX);
    let mut found: Vec<MailId> = Vec::new();
    for mail in attached.chain(words.filter(|word| word.len() == IDENTIFIER_CHARS)).filter_map(|word| word.parse::<MailId>().ok()) {
        if !found.contains(&mail) && found.len() < NAMED_MAX {
            found.push(mail);
        }
    }
    found
}

/// The latest to and from an address, newest first, without those that are `named` and without our own letters about requests.
async fn latest_of(tx: &mut Tx, scope: OrgScope, address: &str, named: &[MailId]) -> Result<Vec<MailBody>, Error> {
    let query = |sender: Option<&str>, recipient: Option<&str>| Query {
        sender: sender.map(str::to_string),
        recipient: recipient.map(str::to_string),
        limit: LATEST_MAX + NAMED_MAX,
        within: LATEST_WITHIN,
        ..Query::default()
    };
    let mut rows = trace::search(tx, scope, &query(None, Some(address))).await?.rows;
    rows.extend(trace::search(tx, scope, &query(Some(address), None)).await?.rows);
    rows.sort_by_key(|row| std::cmp::Reverse(row.mail));
    rows.dedup_by_key(|row| row.mail);
    rows.retain(|row| !(named.contains(&row.mail) || row.sender.is_empty() && is_letter(&row.subject)));
    rows.truncate(LATEST_MAX);
    Ok(rows)
}

async fn mail_of(tx: &mut Tx, scope: OrgScope, row: &MailBody, language: Language) -> Result<PanelMail, Error> {
    let kept = trace::receipt_of(tx, scope, row.mail).await?.unwrap_or_default();
    let receipt: Option<Receipt> = serde_json::from_str(&kept).ok();
    let reasons = receipt.as_ref().map(|receipt| reasons(receipt, language)).unwrap_or_default();
    let recipient = |one: &gateway::trace::api::RecipientBody| PanelRecipient {
        address: one.address.clone(),
        state: one.state.clone(),
        last_reply: one.last_reply.clone(),
    };
    Ok(PanelMail {
        mail: row.mail.to_string(),
        at_ms: row.at_ms,
        sender: row.sender.clone(),
        subject: row.subject.clone(),
        verdict: row.verdict.clone(),
        tone: crate::trace::verdict_tone(&row.verdict),
        recipients: row.recipients.iter().take(RECIPIENTS_MAX).map(recipient).collect(),
        reasons,
    })
}

fn reasons(receipt: &Receipt, language: Language) -> Vec<String> {
    let said =
        |finding: &detect::Finding| format!("{}: {}", receipt::title(&finding.check, language), receipt::evidence(finding, language));
    receipt::strongest(receipt).into_iter().map(said).collect()
}

async fn health_of(app: &App, view: &View, lent: &Person) -> Result<PanelHealth, Fault> {
    let known = health::known_to(app, lent).await?;
    let service = |service: &gateway::health::Service| {
        let status = known.status(service);
        PanelService {
            service: service.to_string(),
            name: health::service_name(view, service),
            status: status.name().into(),
            tone: health::site::tone(status),
        }
    };
    let issue = |issue: &health::issue::Issue| PanelIssue {
        issue: issue.id.to_string(),
        title: issue.body.title.in_lang(view.lang),
        status: issue.status.name().into(),
        is_own: issue.org != 0,
    };
    Ok(PanelHealth {
        services: health::services_of(app, lent, &known).iter().map(service).collect(),
        issues: known.issues.iter().take(LINES_MAX).map(issue).collect(),
    })
}

async fn settings(app: &App, lent: &Person) -> Result<PanelSettings, Fault> {
    let (scope, org) = (lent.scope(), lent.acting_org()?);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let domains = domain_sql::list(tx, scope, "", "", LINES_MAX).await?;
            let mut connectors = Vec::new();
            for one in connector_sql::list(tx, scope).await?.into_iter().take(LINES_MAX) {
                let waiting = connector_sql::waiting(tx, org, &one.settings.name).await?;
                connectors.push((one.settings, waiting));
            }
            let policies = policy_sql::list(tx, org).await?;
            Ok::<_, Error>((domains, connectors, policies, rule_sql::list(tx, scope).await?.len()))
        })
    });
    let (named, connectors, policies, rules) = read.await?;
    let mut domains = Vec::new();
    for one in &named {
        let looked = domain::check::last(app, one).await?;
        let problems = looked.iter().flat_map(|report| &report.checks).filter(|checked| checked.result.name() == "problem");
        domains.push(PanelDomain {
            name: one.shown(),
            kind: word(&one.settings.kind),
            is_served: one.is_served(),
            problems: problems.map(|checked| checked.id.clone()).collect(),
            looked_ms: looked.as_ref().map(|report| report.at_ms),
        });
    }
    let connector = |(settings, waiting): (gateway::directory::ConnectorSettings, i64)| PanelConnector {
        kind: word(&settings.kind),
        tls: word(&settings.tls),
        hosts: settings.hosts,
        name: settings.name,
        waiting,
    };
    let policies = policies.iter().take(LINES_MAX);
    Ok(PanelSettings {
        domains,
        connectors: connectors.into_iter().map(connector).collect(),
        policies: policies.map(|one| PanelPolicy { name: one.settings.name.clone(), is_on: one.settings.enabled }).collect(),
        rules,
    })
}

/// A variant as settings write it, for words.
fn word<T: Serialize>(variant: &T) -> String {
    serde_json::to_value(variant).ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_asked_for_by_name() {
        for (names, want) in [
            ("", Some(vec![])),
            ("all", Some(PARTS.to_vec())),
            ("trace", Some(vec![See::Trace])),
            ("settings, health", Some(vec![See::Settings, See::Health])),
            ("quarantine", None),
            ("everything", None),
        ] {
            assert_eq!(parts(names).ok(), want, "{names}");
        }
    }
}
