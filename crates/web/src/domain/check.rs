//! All checks of one domain at once, kept as its last result. What they find is acted on where that was asked for: a shown claim is
//! served, a published key is noted as such.

use super::{Named, claim};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::check::{self, CheckResult, Checked, Line, Practice, PublicKey, Target, shown};
use crate::diagnostics::outside::{DnsAt, View};
use crate::diagnostics::{fetch, sql as results};
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use futures_util::future::join_all;
use gateway::delivery::Tls;
use gateway::dkim::{self, DomainKey, KeyState};
use gateway::mail_reports;
use gateway::scope::OrgScope;
use mail::dns::{Dns, Record, RecordType};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Error};

/// One check, its slowest answers included.
const CHECK_WITHIN: Duration = Duration::from_secs(14);
/// Checks that one person may ask for in five minutes.
const CHECKS_MAX: u32 = 60;
/// In `check_result.kind`.
pub const KIND: &str = "domain";

/// What was found when a domain was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub at_ms: i64,
    /// The domain's own servers that were asked; empty when only our resolver was.
    pub servers: Vec<String>,
    pub checks: Vec<Checked>,
}

impl Report {
    pub fn of(&self, id: &str) -> Option<&Checked> {
        self.checks.iter().find(|checked| checked.id == id)
    }
}

/// The last result, if there is one that this version can read.
pub async fn last(app: &App, named: &Named) -> Result<Option<Report>, Fault> {
    let (org, name) = (named.org, named.name.clone());
    let found = app.db.read(move |tx| Box::pin(async move { results::last(tx, org, KIND, &name).await })).await.map_err(Fault::from)?;
    Ok(found.and_then(|(_, json)| serde_json::from_str(&json).ok()))
}

/// Looks at everything, keeps the result, and acts on it.
pub async fn run(app: &App, person: &Person, named: &Named) -> Result<Report, Fault> {
    person.require(May::Domains)?;
    app.turns.take(person.id, "domain-check", CHECKS_MAX)?;
    let keys = keys(app, named).await?;
    let (chain, practice) = (app.door.chain(), practice(&app.db, named, app.now_ms()).await?);
    let eyes = Eyes {
        dns: &app.dns,
        dns_at: &app.dns_at,
        tls: &app.courier.tls,
        hostname: &app.hostname,
        chain: &chain,
        practice,
        now_ms: app.now_ms(),
    };
    let report = look(&eyes, named, &keys).await;
    let organisation = claim::organisation_name(app, named.org)?;
    let is_shown = !named.is_served() && report.of("domain.ownership").is_some_and(|checked| checked.result == CheckResult::Ok);
    let published: Vec<DomainKey> = keys.into_iter().filter(|key| key.state == KeyState::Made && is_there(&report, key)).collect();
    let (named, kept, person, ids) = (named.clone(), report.clone(), person.clone(), app.ids.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let (now_ms, json) = (kept.at_ms, serde_json::to_string(&kept).unwrap_or_default());
                results::put(tx, named.org, (KIND, &named.name), now_ms, &json).await?;
                if is_shown && claim::serve(tx, &named, &organisation, ("dns", ""), now_ms).await? {
                    audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "domain.serve", &named.name)).await?;
                }
                for key in published {
                    dkim::sql::change(tx, &key, KeyState::Published, now_ms).await?;
                }
                Ok::<_, Fault>(())
            })
        })
        .await?;
    if is_shown {
        super::follow(app).await;
    }
    Ok(report)
}

/// What DMARC reports of the last month come to; `None` without any.
/// # Errors
/// The database's.
pub async fn practice(db: &Db, named: &Named, now_ms: i64) -> Result<Option<Practice>, Error> {
    const BACK_MS: i64 = 30 * mail_reports::DAY_MS;
    let (scope, name) = (OrgScope::One(named.org), named.name.clone());
    let days: Vec<mail_reports::sql::DmarcSum> =
        db.read(move |tx| Box::pin(async move { mail_reports::sql::dmarc_days(tx, scope, now_ms - BACK_MS, &name).await })).await?;
    let add = |sum: Practice, day: &mail_reports::sql::DmarcSum| Practice {
        messages: sum.messages + day.counts.messages,
        passed: sum.passed + day.counts.passed,
    };
    Ok((!days.is_empty()).then(|| days.iter().fold(Practice::default(), add)))
}

fn is_there(report: &Report, key: &DomainKey) -> bool {
    let name = key.record_name();
    report.of("domain.dkim").is_some_and(|checked| checked.publish.iter().any(|publish| publish.name == name && publish.is_there))
}

async fn keys(app: &App, named: &Named) -> Result<Vec<DomainKey>, Fault> {
    let (org, name) = (named.org, named.name.clone());
    let all = app.db.read(move |tx| Box::pin(async move { dkim::sql::of_domain(tx, OrgScope::One(org), &name).await })).await;
    Ok(all.map_err(Fault::from)?.into_iter().filter(|key| key.state != KeyState::Retired).collect())
}

/// What looking takes.
pub struct Eyes<'a> {
    pub dns: &'a Arc<dyn Dns>,
    pub dns_at: &'a DnsAt,
    pub tls: &'a Tls,
    /// Our name, as MX records have it.
    pub hostname: &'a str,
    /// The certificate that we show, with those that vouch for it; empty: none, or not known.
    pub chain: &'a [CertificateDer<'static>],
    /// What others reported of mail in the domain's name.
    pub practice: Option<Practice>,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// Everything that can be seen of the domain, without writing anything.
pub async fn look(eyes: &Eyes<'_>, named: &Named, keys: &[DomainKey]) -> Report {
    let view = View::of(&named.name, eyes.dns, eyes.dns_at).await;
    let target = Target {
        domain: named.name.clone(),
        token: named.claim.as_ref().filter(|claim| claim.how != "operator").map(|claim| claim.token.clone()).unwrap_or_default(),
        hostname: eyes.hostname.to_string(),
        addresses: own_addresses(eyes).await,
        keys: keys.iter().map(public).collect(),
        policy: check::policy_text(named.settings.mta_sts, eyes.hostname),
        chain: eyes.chain.to_vec(),
        practice: eyes.practice,
        now_ms: eyes.now_ms,
    };
    let (target, view) = (&target, &view);
    let (ownership, mx, spf, dkim, dmarc, mta_sts, tls_rpt) = tokio::join!(
        limited("domain.ownership", check::ownership(target, view)),
        limited("domain.mx", check::mx(target, view)),
        limited("domain.spf", check::spf(target, view)),
        limited("domain.dkim", check::dkim(target, view)),
        limited("domain.dmarc", check::dmarc(target, view)),
        limited("domain.mta-sts", mta_sts(eyes, target, view)),
        limited("domain.tls-rpt", check::tls_rpt(target, view)),
    );
    let mut checks = vec![ownership, mx, spf, dkim, dmarc, mta_sts, tls_rpt];
    checks.extend(wider(eyes, target, view).await);
    join_all(checks.iter_mut().flat_map(|checked| &mut checked.seen).map(|seen| async {
        let kind = match seen.kind.as_str() {
            "MX" => RecordType::Mx,
            "TXT" => RecordType::Txt,
            _ => return, // of another zone, or what its servers say themselves
        };
        let outside = tokio::time::timeout(CHECK_WITHIN, view.outside(&seen.name, kind)).await.ok().flatten();
        seen.outside = outside.and_then(Result::ok).map(|records| records.iter().map(shown).take(SHOWN_MAX).collect());
    }))
    .await;
    Report { at_ms: eyes.now_ms, servers: view.servers.clone(), checks }
}

/// What is looked at besides the steps of setting up: the ground that a domain and we stand on.
async fn wider(eyes: &Eyes<'_>, target: &Target, view: &View) -> [Checked; 6] {
    let (delegation, dnssec, names, lists, dane, bimi) = tokio::join!(
        limited("domain.delegation", check::delegation(target, view)),
        limited("domain.dnssec", check::dnssec(target, eyes.dns.as_ref(), view)),
        limited("domain.names", check::names(target, view)),
        limited("domain.lists", check::lists(target, eyes.dns.as_ref())),
        limited("domain.dane", check::dane(target, view)),
        limited("domain.bimi", check::bimi(target, view)),
    );
    [delegation, dnssec, names, lists, dane, bimi]
}

/// Values of one name that are kept.
const SHOWN_MAX: usize = 20;

/// A check that takes too long could not tell.
async fn limited(id: &'static str, checked: impl Future<Output = Checked>) -> Checked {
    tokio::time::timeout(CHECK_WITHIN, checked).await.unwrap_or_else(|_| Checked {
        id: id.into(),
        result: CheckResult::CannotTell,
        lines: vec![Line { result: CheckResult::CannotTell, say: Say::new("check-dns-silent").with("what", "time-out") }],
        fixes: Vec::new(),
        publish: Vec::new(),
        seen: Vec::new(),
    })
}

/// The policy host is asked where the domain says it has one, or we serve one.
async fn mta_sts(eyes: &Eyes<'_>, target: &Target, view: &View) -> Checked {
    let record = view.lookup(&format!("_mta-sts.{}", target.domain), RecordType::Txt).await;
    let is_asked = !target.policy.is_empty() || record.is_ok_and(|records| !records.is_empty());
    let host = format!("mta-sts.{}", target.domain);
    let served = match is_asked {
        true => Some(fetch::https(&host, "/.well-known/mta-sts.txt", view, eyes.tls).await),
        false => None,
    };
    check::mta_sts(target, view, served).await
}

async fn own_addresses(eyes: &Eyes<'_>) -> Vec<IpAddr> {
    let (four, six) = tokio::join!(eyes.dns.lookup(eyes.hostname, RecordType::A), eyes.dns.lookup(eyes.hostname, RecordType::Aaaa));
    let records = [four, six].into_iter().flatten();
    let address = |record: &Record| match record {
        Record::A(ip) => Some(IpAddr::V4(*ip)),
        Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    };
    records.flat_map(|records| records.iter().filter_map(address).collect::<Vec<_>>()).collect()
}

fn public(key: &DomainKey) -> PublicKey {
    PublicKey { selector: key.selector.clone(), record: key.record.clone(), state: key.state.name().into() }
}
