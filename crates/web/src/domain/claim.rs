//! Saying that a domain is one's own, and showing it.

use super::{Claim, Named, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use gateway::directory::{DomainSettings, RecipientCheck};
use mail::OrgId;
use store::{Error, Tx};

/// Octets of the word that shows ownership.
const TOKEN_OCTETS: usize = 20;
/// Domains on their way of one organisation.
const CLAIMS_MAX: usize = 200;
pub const REASON_CHARS_MAX: usize = 500;

/// The name as DNS has it, or what is wrong with it.
pub fn checked_name(written: &str) -> Result<String, Vec<Wrong>> {
    let written = written.trim().trim_end_matches('.');
    let bare = written.rsplit_once('@').map_or(written, |(_, domain)| domain); // people paste addresses
    let name = mail::address::domain_to_ascii(bare).filter(|name| name.contains('.') && bare.parse::<std::net::IpAddr>().is_err());
    let Some(name) = name else { return Err(vec![Wrong::new("name", "domain-wrong-name")]) };
    match mail::address::organisational_domain(&name).is_some() {
        true => Ok(name),
        false => Err(vec![Wrong::new("name", "domain-wrong-suffix")]), // nobody owns co.uk
    }
}

/// Adds a claim; the one that is there already is given back with `false`.
pub async fn start(app: &App, person: &Person, written: &str) -> Result<(Named, bool), Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let name = checked_name(written).map_err(Fault::Invalid)?;
    let mut octets = [0; TOKEN_OCTETS];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Fault::Ours("the random source gave nothing".into()))?;
    let token = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    let claim = Claim { id: app.fresh_id(), token, made_ms: now_ms, shown_ms: None, how: String::new(), reason: String::new() };
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let scope = gateway::scope::OrgScope::One(org);
                if let Some(there) = sql::one(tx, scope, &name).await? {
                    return Ok((there, false));
                }
                let waiting = sql::list(tx, scope, "", "", CLAIMS_MAX + 1).await?;
                if waiting.iter().filter(|named| !named.is_served()).count() >= CLAIMS_MAX {
                    return Err(Fault::Conflict(Say::new("domain-too-many").with("count", CLAIMS_MAX)));
                }
                sql::claim(tx, org, &name, &claim).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "domain.add", &name)).await?;
                let named = sql::one(tx, scope, &name).await?.ok_or_else(|| Fault::Ours("a claim that was just made is gone".into()))?;
                Ok((named, true))
            })
        })
        .await
}

/// From now on its mail is taken. Called in the transaction that found the record, or in which an operator vouches.
/// # Errors
/// [`Fault::Conflict`] when another organisation is served with it: whoever shows the domain learns that much, and asks the operator.
pub async fn serve(tx: &mut Tx, named: &Named, organisation: &str, shown: (&str, &str), now_ms: i64) -> Result<bool, Fault> {
    let Some(claim) = &named.claim else { return Ok(false) };
    if !sql::show(tx, claim.id, shown, now_ms).await? {
        return Ok(false);
    }
    let settings = DomainSettings {
        name: named.name.clone(),
        organisation: organisation.into(),
        // Nobody listed any recipient yet: the next hop knows.
        recipients: RecipientCheck::CallOut,
        ..DomainSettings::default()
    };
    match directory_sql::put_domain(tx, &settings, FROM_PAGE).await {
        Ok(()) => {}
        Err(Error::Exists(_)) => return Err(Fault::Conflict(Say::new("domain-served-elsewhere"))),
        Err(why) => return Err(why.into()),
    }
    directory_sql::bump(tx).await?;
    Ok(true)
}

/// The organisation's name, as settings refer to it.
pub fn organisation_name(app: &App, org: OrgId) -> Result<String, Fault> {
    let directory = app.directory.snapshot();
    directory.organisation(org).map(|found| found.name.clone()).ok_or_else(|| Fault::Conflict(Say::new("people-choose-organisation")))
}

/// An operator says that the domain is the organisation's, and why.
pub async fn vouch(app: &App, person: &Person, named: Named, reason: &str) -> Result<(), Fault> {
    person.require(May::Operate)?;
    let reason: String = reason.trim().chars().take(REASON_CHARS_MAX).collect();
    if reason.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("reason", "domain-wrong-reason")]));
    }
    let organisation = organisation_name(app, named.org)?;
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if serve(tx, &named, &organisation, ("operator", &reason), now_ms).await? {
                    let entry = Entry::new(Some(named.org), "domain.vouch", &named.name).with(serde_json::json!({ "reason": reason }));
                    audit::note(tx, &person, &ids, now_ms, entry).await?;
                }
                Ok::<_, Fault>(())
            })
        })
        .await?;
    super::follow(app).await;
    Ok(())
}
