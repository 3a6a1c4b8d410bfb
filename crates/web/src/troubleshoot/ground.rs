//! What a diagnosis stands on: the records, the directory, DNS, and a way to next hops. Made from the running service, or by a command
//! beside it.

use crate::App;
use detect::Thresholds;
use gateway::delivery::Courier;
use gateway::directory::Directory;
use gateway::feedback::Deltas;
use gateway::health::HealthSettings;
use gateway::intake::Lists;
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::dns::{Dns, Record, RecordType};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use store::Db;

/// Finding out under which addresses we are known.
const OWN_WITHIN: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Ground {
    pub db: Db,
    pub directory: Arc<Directory>,
    pub dns: Arc<dyn Dns>,
    pub courier: Arc<Courier>,
    pub thresholds: Thresholds,
    /// Our name, as MX records have it.
    pub hostname: String,
    /// Whose records are read.
    pub scope: OrgScope,
    pub trace_days: u32,
    /// From when on a part of ours counts as wrong.
    pub health: HealthSettings,
    /// Lists that connections are looked up in.
    pub lists: Arc<Lists>,
    /// When the model that judges mail was trained, Unix milliseconds.
    pub model_ms: Option<i64>,
    /// What people taught.
    pub learned: Deltas,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Ground {
    pub fn of(app: &App, scope: OrgScope) -> Ground {
        Ground {
            db: app.db.clone(),
            directory: app.directory.snapshot(),
            dns: app.dns.clone(),
            courier: app.courier.clone(),
            thresholds: app.thresholds,
            hostname: app.hostname.clone(),
            scope,
            trace_days: app.trace_days,
            health: app.health.settings(),
            lists: app.lists.clone(),
            model_ms: app.feedback.model.made_ms(),
            learned: app.feedback.deltas.clone(),
            now_ms: app.now_ms(),
        }
    }

    /// Whether the domain is served here, for somebody in this scope.
    pub fn org_of(&self, domain: &str) -> Option<OrgId> {
        self.directory.domain_named(domain).map(|found| found.org).filter(|org| self.scope.allows(*org))
    }

    /// The organisation that is asked about, where it is clear.
    pub fn org(&self) -> Option<OrgId> {
        match self.scope {
            OrgScope::One(org) => Some(org),
            OrgScope::All => {
                (self.directory.organisations.len() == 1).then(|| self.directory.organisations.keys().next().copied()).flatten()
            }
        }
    }

    /// Addresses that our name has.
    pub async fn own_addresses(&self) -> Vec<IpAddr> {
        let both =
            async { tokio::join!(self.dns.lookup(&self.hostname, RecordType::A), self.dns.lookup(&self.hostname, RecordType::Aaaa)) };
        let Ok((four, six)) = tokio::time::timeout(OWN_WITHIN, both).await else { return Vec::new() };
        let address = |record: &Record| match record {
            Record::A(ip) => Some(IpAddr::V4(*ip)),
            Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
            _ => None,
        };
        [four, six].into_iter().flatten().flat_map(|records| records.iter().filter_map(address).collect::<Vec<_>>()).collect()
    }
}
