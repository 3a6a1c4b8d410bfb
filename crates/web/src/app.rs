//! What every handler may use, and the routes of all features.

use crate::diagnostics::outside::DnsAt;
use crate::diagnostics::turns::Turns;
use crate::{
    acme, agent, api, audit, community, connectivity, connector, destinations, directory_sync, doctor, domain, draft, entry, health, help,
    help_desk, mail_reports, overview, page, people, phone, policy, quarantine, removal, restricted, rules, service_request, submission,
    support_desk, trace, troubleshoot,
};
use axum::Router;
use bytes::Bytes;
use detect::Thresholds;
use gateway::delivery::Courier;
use gateway::directory::Watch;
use gateway::dkim::Seal;
use gateway::feedback::Feedback;
use gateway::intake::again::Again;
use gateway::quarantine::Quarantine;
use mail::MailId;
use mail::dns::Dns;
use mail::id::IdMaker;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use store::Db;
use store::bodies::Bodies;

/// `[web]`: the admin centre and the REST API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// Address under which people reach it, such as "https://gatepost.example.com"; it stands in links in mail. Empty: as the
    /// browser asked. Cookies are only sent over TLS when it begins with https.
    pub url: String,
    /// Requests one person's programs may send to the REST API in a minute. Default 600.
    pub api_per_minute: u32,
    /// Proxies before the web listener, as addresses or networks: where a request came from is read from their X-Forwarded-For.
    pub proxies: gateway::settings::Networks,
    /// Organisations may use OpenID Connect providers on private addresses and without TLS. Default false.
    pub private_providers: bool,
    /// The connectivity analyzer and the help desk may test private addresses, and any port. Default false.
    pub private_targets: bool,
}

impl Default for WebSettings {
    fn default() -> WebSettings {
        WebSettings {
            url: String::new(),
            api_per_minute: 600,
            proxies: Default::default(),
            private_providers: false,
            private_targets: false,
        }
    }
}

/// Everything the pages need of the rest.
pub struct Parts {
    pub settings: WebSettings,
    pub db: Db,
    pub bodies: Arc<Bodies>,
    pub ids: Arc<IdMaker>,
    pub directory: Arc<Watch>,
    pub quarantine: Quarantine,
    pub feedback: Feedback,
    pub again: Again,
    pub thresholds: Thresholds,
    pub dns: Arc<dyn Dns>,
    /// Articles.
    pub help: Arc<help::Shelf>,
    /// Asks the servers of a domain itself, past every cache.
    pub dns_at: DnsAt,
    /// The lists in DNS that connections are looked up in.
    pub lists: Arc<gateway::intake::Lists>,
    /// Looks at the installation itself; `None` where nobody above us can.
    pub doctor: Option<doctor::Hands>,
    /// How often people may have us talk to the outside.
    pub turns: Turns,
    /// Connects to next hops when a connector is tried.
    pub courier: Arc<Courier>,
    /// What waits to be delivered by this server; `None` where nothing is.
    pub queue: Option<gateway::queue::Queue>,
    /// What others meet when they bring us mail.
    pub door: Door,
    /// Seals the private keys of domains.
    pub seal: Arc<Seal>,
    /// Host name of this installation: greetings, and where letters come from.
    pub hostname: String,
    /// What the parts of health share.
    pub health: health::Health,
    /// Days that receipts and trace are kept.
    pub trace_days: u32,
    /// Reports of other servers: where they come to, how long they are kept.
    pub reports: gateway::mail_reports::MailReportSettings,
    /// Unix milliseconds.
    pub clock: fn() -> i64,
}

/// Our own door, as others meet it.
#[derive(Clone, Default)]
pub struct Door {
    /// `None` without TLS.
    pub keys: Option<Arc<gateway::connection::tls::Keys>>,
    /// The largest message that is taken.
    pub octets_max: u64,
}

impl Door {
    /// The certificate that is shown, with those that vouch for it.
    pub fn chain(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
        self.keys.as_ref().map(|keys| keys.chain()).unwrap_or_default()
    }
}

/// State of the router; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>, people::Limits, Arc<OnceLock<String>>);

impl App {
    pub fn new(parts: Parts) -> App {
        App(Arc::new(parts), people::Limits::default(), Arc::default())
    }

    /// The listener we are reached under, for links when the settings name no address.
    pub(crate) fn listens_on(&self, address: std::net::SocketAddr) {
        // Only the first counts.
        let _ = self.2.set(format!("http://{address}"));
    }

    /// The whole address of a path of ours, for links in mail.
    pub fn link(&self, path: &str) -> String {
        let own = || self.2.get().cloned().unwrap_or_else(|| format!("https://{}", self.hostname));
        let base = if self.settings.url.is_empty() { own() } else { self.settings.url.trim_end_matches('/').to_string() };
        format!("{base}{path}")
    }

    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub fn fresh_id(&self) -> i64 {
        self.ids.next(self.now_ms())
    }

    /// The octets of a mail while they are kept: until it is delivered, released, deleted or expired. The caller has checked that the
    /// mail is in its scope.
    pub async fn octets_of(&self, mail: MailId) -> Result<Option<Bytes>, store::Error> {
        let found = self.db.read(move |tx| Box::pin(async move { gateway::queue::body_of(tx, mail).await })).await?;
        match found {
            None => Ok(None),
            Some((place, octets)) if place.is_empty() => Ok(Some(octets)),
            Some((place, _)) => self.bodies.read(&place).await,
        }
    }

    /// How often somebody may try to sign in.
    pub fn limits(&self) -> &people::Limits {
        &self.1
    }

    /// Whether people come over TLS, so that cookies must not travel without it.
    pub fn is_secure(&self) -> bool {
        self.settings.url.starts_with("https://")
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// All routes with everything that stands before them, in the order of [`page::guard`].
pub fn router(app: App) -> Router {
    let pages = [
        page::routes(),
        people::routes(),
        audit::routes(),
        overview::routes(),
        mail_reports::routes(),
        trace::routes(),
        removal::routes(),
        quarantine::routes(),
        policy::routes(),
        entry::routes(),
        draft::routes(),
        rules::routes(),
        domain::routes(),
        connector::routes(),
        directory_sync::routes(),
        directory_sync::scim::routes(&app),
        help::routes(),
        agent::routes(),
        phone::routes(),
        troubleshoot::routes(),
        connectivity::routes(),
        help_desk::routes(),
        support_desk::routes(),
        crate::premier::routes(),
        crate::call::routes(),
        doctor::routes(),
        service_request::routes(),
        community::routes(),
        restricted::routes(),
        submission::routes(),
        destinations::routes(),
        health::routes(),
        health::graph::routes(),
        acme::routes(),
        api::routes(&app),
    ];
    let all = pages.into_iter().fold(Router::new(), Router::merge);
    let counted = axum::middleware::from_fn_with_state(app.clone(), health::bell::counted);
    page::guard::guard(all.layer(counted), app)
}
