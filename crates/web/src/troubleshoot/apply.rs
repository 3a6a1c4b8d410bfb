//! Applying a fix that is ours, taking it back, and looking whether it worked.
//!
//! Invariants: each goes the way its feature goes, with that feature's permission, checks and line in the audit log; what is kept to take
//! it back never holds a secret; what is of the settings file is not changed here.

use super::fix::{ConnectorChange, Fix};
use super::run::Diagnosis;
use super::sql;
use crate::App;
use crate::audit::{self, Entry};
use crate::connector::{self, sql::Named};
use crate::entry::{self, NewEntry};
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use crate::rules;
use crate::trace::{Queued, on_queue};
use gateway::directory::sql::{self as directory_sql, FROM_PAGE, Removable};
use gateway::directory::{ConnectorSettings, Effect, EntryKind, Standing, TlsLevel};
use gateway::entry as entries;
use gateway::quarantine::Decision;
use gateway::rules::sql as rule_sql;
use gateway::scope::OrgScope;
use gateway::trace::{self, Query};
use mail::id::EntryId;
use mail::{Address, MailId, OrgId, RuleId};
use serde::{Deserialize, Serialize};
use store::Error;

/// A fix that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Cause and fix by their places in the answer.
    pub cause: usize,
    pub fix: usize,
    pub at_ms: i64,
    pub who: String,
    /// What takes it back; `None` when nothing can.
    pub undo: Option<Undo>,
    pub is_undone: bool,
}

/// What takes a fix back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Undo {
    EndEntry {
        entry: String,
    },
    RenewEntry {
        entry: String,
        expires_ms: Option<i64>,
        note: String,
    },
    RuleOn {
        rule: String,
    },
    RemoveRecipient {
        address: String,
    },
    /// One setting of a connector as it was.
    Connector {
        name: String,
        allow_private: bool,
        tls: TlsLevel,
        tls_name: String,
        pin: String,
    },
}

/// Whether it worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    Works,
    /// It is under way.
    NotYet,
    DoesNot,
}

impl Verified {
    /// In JSON; words `verified-…`.
    pub fn name(self) -> &'static str {
        match self {
            Verified::Works => "works",
            Verified::NotYet => "not-yet",
            Verified::DoesNot => "does-not",
        }
    }
}

/// Applies one fix of a diagnosis and keeps that it was.
pub async fn apply(app: &App, person: &Person, diagnosis: &Diagnosis, at: (usize, usize)) -> Result<Applied, Fault> {
    let fix = fix_at(diagnosis, at)?;
    if diagnosis.applied.iter().any(|one| (one.cause, one.fix) == at && !one.is_undone) {
        return Err(Fault::Conflict(Say::new("diagnosis-applied-already")));
    }
    let undo = act(app, person, diagnosis.org, fix).await?;
    let applied = Applied { cause: at.0, fix: at.1, at_ms: app.now_ms(), who: person.shown().to_string(), undo, is_undone: false };
    let mut all = diagnosis.applied.clone();
    all.retain(|one| (one.cause, one.fix) != at);
    all.push(applied.clone());
    keep(app, person, diagnosis, (&all, "diagnosis.apply", fix)).await?;
    Ok(applied)
}

/// Takes an applied fix back.
pub async fn undo(app: &App, person: &Person, diagnosis: &Diagnosis, at: (usize, usize)) -> Result<(), Fault> {
    let fix = fix_at(diagnosis, at)?;
    let mut all = diagnosis.applied.clone();
    let one = all.iter_mut().find(|one| (one.cause, one.fix) == at && !one.is_undone).ok_or(Fault::NotFound)?;
    let undo = one.undo.clone().ok_or_else(|| Fault::Conflict(Say::new("diagnosis-no-undo")))?;
    take_back(app, person, diagnosis.org, &undo).await?;
    one.is_undone = true;
    keep(app, person, diagnosis, (&all, "diagnosis.undo", fix)).await
}

/// The fix at this place, when it is one of ours.
pub fn fix_at(diagnosis: &Diagnosis, (cause, fix): (usize, usize)) -> Result<&Fix, Fault> {
    let answer = diagnosis.answer.as_ref().ok_or(Fault::NotFound)?;
    answer.causes.get(cause).and_then(|one| one.fixes.get(fix)).filter(|fix| fix.is_ours()).ok_or(Fault::NotFound)
}

async fn keep(
    app: &App,
    person: &Person,
    diagnosis: &Diagnosis,
    (all, action, fix): (&[Applied], &'static str, &Fix),
) -> Result<(), Fault> {
    let (org, id, json) = (diagnosis.org, diagnosis.id, serde_json::to_string(all).unwrap_or_default());
    let entry = Entry::new(Some(org), action, diagnosis.name()).with(serde_json::json!({ "fix": fix.kind() }));
    let (ids, person, now_ms) = (app.ids.clone(), person.clone(), app.now_ms());
    let kept: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::set_applied(tx, org, id, &json).await?;
                audit::note(tx, &person, &ids, now_ms, entry).await
            })
        })
        .await;
    Ok(kept?)
}

/// What this person needs to apply it.
pub fn needs(fix: &Fix) -> May {
    match fix {
        Fix::Release { .. } | Fix::Retry { .. } => May::Release,
        Fix::Allow { .. } | Fix::EndEntry { .. } => May::Entries,
        Fix::RuleOff { .. } => May::Rules,
        Fix::AddRecipient { .. } => May::Domains,
        Fix::Connector { .. } => May::Connectors,
        Fix::Publish { .. } | Fix::Tell { .. } | Fix::Open { .. } => May::ReadSettings,
    }
}

async fn act(app: &App, person: &Person, org: OrgId, fix: &Fix) -> Result<Option<Undo>, Fault> {
    person.require(needs(fix))?;
    match fix {
        Fix::Release { mail, recipient } => release(app, person, *mail, recipient).await.map(|()| None),
        Fix::Retry { mail } => on_queue(app, person, *mail, Queued::Retry).await.map(|_| None),
        Fix::Allow { value, scope, days } => allow(app, person, org, (value, scope, *days)).await.map(Some),
        Fix::EndEntry { entry, .. } => end_entry(app, person, entry).await.map(Some),
        Fix::RuleOff { rule, .. } => switch(app, person, rule, false).await.map(|()| Some(Undo::RuleOn { rule: rule.clone() })),
        Fix::AddRecipient { address } => add_recipient(app, person, org, address).await.map(Some),
        Fix::Connector { name, change } => change_connector(app, person, name, change).await.map(Some),
        Fix::Publish { .. } | Fix::Tell { .. } | Fix::Open { .. } => Err(Fault::NotFound),
    }
}

async fn release(app: &App, person: &Person, mail: MailId, recipient: &str) -> Result<(), Fault> {
    let held = app.quarantine.rows(person.scope(), mail).await?;
    let row = held.iter().find(|row| row.recipient.eq_ignore_ascii_case(recipient)).ok_or(Fault::NotFound)?;
    let decision = Decision { scope: person.scope(), mail, recipient: Some(row.n), who: person.email.clone(), now_ms: app.now_ms() };
    let (org, ids, who, now_ms) = (row.org, app.ids.clone(), person.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                gateway::quarantine::release_in(tx, &decision, &ids).await?;
                let entry = Entry::new(Some(org), "quarantine.release", mail).with(serde_json::json!({ "by": "diagnosis" }));
                audit::note(tx, &who, &ids, now_ms, entry).await?;
                Ok::<_, Fault>(())
            })
        })
        .await
}

async fn allow(app: &App, person: &Person, org: OrgId, (value, scope, days): (&str, &str, i64)) -> Result<Undo, Fault> {
    let kind = match value {
        value if value.parse::<std::net::IpAddr>().is_ok() => EntryKind::Ip,
        value if value.contains('@') => EntryKind::Address,
        _ => EntryKind::Domain,
    };
    let note = Say::new("diagnosis-entry-note").in_lang(person.lang.unwrap_or_default());
    let typed = NewEntry { effect: Effect::Allow, kind, value: value.into(), scope: scope.into(), days: Some(days), note };
    let new = NewEntry::checked(app, org, typed).map_err(Fault::Invalid)?;
    let (id, now_ms, who) = (app.fresh_id(), app.now_ms(), person.clone());
    crate::policy::change(app, person, move |tx| Box::pin(async move { entry::save(tx, (org, id, now_ms), new, &who).await })).await?;
    Ok(Undo::EndEntry { entry: EntryId(id).to_string() })
}

async fn listed(app: &App, person: &Person, entry: &str) -> Result<entries::Listed, Fault> {
    let (id, scope): (EntryId, _) = (entry.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { entries::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    found.ok_or(Fault::NotFound)
}

async fn end_entry(app: &App, person: &Person, entry: &str) -> Result<Undo, Fault> {
    let found = listed(app, person, entry).await?;
    let undo = Undo::RenewEntry { entry: entry.into(), expires_ms: found.entry.expires_ms, note: found.entry.note.clone() };
    let now_ms = app.now_ms();
    crate::policy::change(app, person, move |tx| Box::pin(async move { entry::end(tx, &found, now_ms).await })).await?;
    Ok(undo)
}

async fn switch(app: &App, person: &Person, rule: &str, enabled: bool) -> Result<(), Fault> {
    let (id, scope): (RuleId, _) = (rule.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let row = app.db.read(move |tx| Box::pin(async move { rule_sql::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    let row = row.ok_or(Fault::NotFound)?;
    if row.is_of_file() {
        return Err(Fault::Conflict(Say::new("diagnosis-of-file")));
    }
    let settings = gateway::rules::RuleSettings { enabled, ..row.settings.clone() };
    rules::replace(app, person, &row, settings).await
}

async fn add_recipient(app: &App, person: &Person, org: OrgId, address: &str) -> Result<Undo, Fault> {
    let parsed = Address::parse(address).map_err(|_| Fault::NotFound)?;
    let directory = app.directory.snapshot();
    let domain = directory.domain_of(&parsed).filter(|domain| domain.org == org).ok_or(Fault::NotFound)?.name.clone();
    let key = parsed.key();
    recipient(app, person, (org, domain), (key.clone(), true)).await?;
    Ok(Undo::RemoveRecipient { address: key })
}

async fn recipient(app: &App, person: &Person, (org, domain): (OrgId, String), (key, is_there): (String, bool)) -> Result<(), Fault> {
    let (ids, who, now_ms) = (app.ids.clone(), person.clone(), app.now_ms());
    let done: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                match is_there {
                    true => directory_sql::put_recipient(tx, &key, "", FROM_PAGE).await?,
                    false => {
                        directory_sql::remove(tx, Removable::Recipient, &key).await?;
                    }
                }
                directory_sql::bump(tx).await?;
                let detail = if is_there { serde_json::json!({ "put": [key] }) } else { serde_json::json!({ "removed": [key] }) };
                audit::note(tx, &who, &ids, now_ms, Entry::new(Some(org), "domain.recipients", &domain).with(detail)).await
            })
        })
        .await;
    done?;
    connector::follow(app).await;
    Ok(())
}

async fn connector_named(app: &App, person: &Person, name: &str) -> Result<Named, Fault> {
    let (scope, name) = (person.scope(), name.to_string());
    let found = app.db.read(move |tx| Box::pin(async move { connector::sql::one(tx, scope, &name).await })).await.map_err(Fault::from)?;
    let named = found.ok_or(Fault::NotFound)?;
    if named.is_fixed() { Err(Fault::Conflict(Say::new("connector-is-fixed"))) } else { Ok(named) }
}

async fn change_connector(app: &App, person: &Person, name: &str, change: &ConnectorChange) -> Result<Undo, Fault> {
    let named = connector_named(app, person, name).await?;
    if *change == ConnectorChange::AllowPrivate && !connector::may_name_private(app, person) {
        return Err(Fault::Denied(May::Operate));
    }
    let was = named.settings.clone();
    let mut settings = was.clone();
    match change {
        ConnectorChange::AllowPrivate => settings.allow_private = true,
        ConnectorChange::Tls { level } => {
            settings.tls = serde_json::from_value(serde_json::Value::String(level.clone())).map_err(|_| Fault::NotFound)?;
        }
        ConnectorChange::TlsName { name } => settings.tls_name.clone_from(name),
        ConnectorChange::Pin { sha256 } => {
            settings.pin.clone_from(sha256);
            // A pinned certificate is trusted whoever signed it: checking who did would refuse it again.
            settings.tls = TlsLevel::Required;
        }
    }
    if !settings.login.is_empty() && settings.tls == TlsLevel::Off {
        return Err(Fault::Conflict(Say::new("connector-wrong-login-tls")));
    }
    connector::change(app, person, named, settings).await?;
    Ok(Undo::Connector { name: name.into(), allow_private: was.allow_private, tls: was.tls, tls_name: was.tls_name, pin: was.pin })
}

async fn take_back(app: &App, person: &Person, org: OrgId, undo: &Undo) -> Result<(), Fault> {
    match undo {
        Undo::EndEntry { entry } => {
            person.require(May::Entries)?;
            end_entry(app, person, entry).await.map(drop)
        }
        Undo::RenewEntry { entry, expires_ms, note } => {
            person.require(May::Entries)?;
            let found = listed(app, person, entry).await?;
            let (expires_ms, note) = (*expires_ms, note.clone());
            crate::policy::change(app, person, move |tx| Box::pin(async move { entry::restore(tx, &found, (expires_ms, &note)).await }))
                .await
        }
        Undo::RuleOn { rule } => {
            person.require(May::Rules)?;
            switch(app, person, rule, true).await
        }
        Undo::RemoveRecipient { address } => {
            person.require(May::Domains)?;
            let domain = address.rsplit('@').next().unwrap_or_default().to_string();
            recipient(app, person, (org, domain), (address.clone(), false)).await
        }
        Undo::Connector { name, allow_private, tls, tls_name, pin } => {
            person.require(May::Connectors)?;
            let named = connector_named(app, person, name).await?;
            let settings = ConnectorSettings {
                allow_private: *allow_private,
                tls: *tls,
                tls_name: tls_name.clone(),
                pin: pin.clone(),
                ..named.settings.clone()
            };
            connector::change(app, person, named, settings).await
        }
    }
}

/// Looks whether an applied fix did what it was for.
pub async fn verify(app: &App, person: &Person, diagnosis: &Diagnosis, at: (usize, usize)) -> Result<Verified, Fault> {
    let fix = fix_at(diagnosis, at)?;
    let directory = app.directory.snapshot();
    let works = |is: bool| if is { Verified::Works } else { Verified::DoesNot };
    Ok(match fix {
        Fix::Release { mail, recipient } => arrived(app, person, *mail, Some(recipient)).await?,
        Fix::Retry { mail } => arrived(app, person, *mail, None).await?,
        Fix::Allow { .. } => match diagnosis.applied.iter().find(|one| (one.cause, one.fix) == at).and_then(|one| one.undo.clone()) {
            Some(Undo::EndEntry { entry }) => works(holds(app, person, &entry).await?),
            _ => Verified::DoesNot,
        },
        Fix::EndEntry { entry, .. } => works(!holds(app, person, entry).await?),
        Fix::RuleOff { rule, .. } => {
            let id: RuleId = rule.parse().map_err(|_| Fault::NotFound)?;
            let scope = person.scope();
            let row = app.db.read(move |tx| Box::pin(async move { rule_sql::one(tx, scope, id).await })).await.map_err(Fault::from)?;
            works(row.is_none_or(|row| !row.settings.enabled))
        }
        Fix::AddRecipient { address } => {
            works(Address::parse(address).is_ok_and(|address| matches!(directory.standing(&address), Standing::Ours(..))))
        }
        Fix::Connector { name, .. } => {
            let ground = super::ground::Ground::of(app, person.scope());
            works(super::judge::connector_works(&ground, name).await)
        }
        Fix::Publish { .. } | Fix::Tell { .. } | Fix::Open { .. } => Verified::NotYet,
    })
}

async fn holds(app: &App, person: &Person, entry: &str) -> Result<bool, Fault> {
    let found = listed(app, person, entry).await?;
    Ok(found.entry.expires_ms.is_none_or(|end| end > app.now_ms()))
}

/// Whether a mail was taken by its next hop since.
async fn arrived(app: &App, person: &Person, mail: MailId, recipient: Option<&str>) -> Result<Verified, Fault> {
    let (scope, query): (OrgScope, _) = (person.scope(), Query { mail: Some(mail), limit: 1, ..Query::default() });
    let found = app.db.read(move |tx| Box::pin(async move { trace::search(tx, scope, &query).await })).await.map_err(Fault::from)?;
    let row = found.rows.into_iter().next().ok_or(Fault::NotFound)?;
    let wanted = |address: &str| recipient.is_none_or(|to| to.eq_ignore_ascii_case(address));
    let states: Vec<&str> = row.recipients.iter().filter(|one| wanted(&one.address)).map(|one| one.state.as_str()).collect();
    Ok(match () {
        () if states.iter().all(|state| *state == "delivered") => Verified::Works,
        () if states.contains(&"queued") => Verified::NotYet,
        () => Verified::DoesNot,
    })
}
