//! What every handler may use, and the routes of all features.

use crate::{api, audit, connector, domain, entry, health, help, overview, page, people, policy, quarantine, rules, trace};
use axum::Router;
use bytes::Bytes;
use detect::Thresholds;
use gateway::directory::Watch;
use gateway::feedback::Feedback;
use gateway::quarantine::Quarantine;
use mail::MailId;
use mail::dns::Dns;
use mail::id::IdMaker;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;
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
}

impl Default for WebSettings {
    fn default() -> WebSettings {
        WebSettings { url: String::new(), api_per_minute: 600 }
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
    pub thresholds: Thresholds,
    pub dns: Arc<dyn Dns>,
    /// Host name of this installation: greetings, and where letters come from.
    pub hostname: String,
    /// What the parts of health share.
    pub health: health::Health,
    /// Days that receipts and trace are kept.
    pub trace_days: u32,
    /// Unix milliseconds.
    pub clock: fn() -> i64,
}

/// State of the router; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    pub fn new(parts: Parts) -> App {
        App(Arc::new(parts))
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
        trace::routes(),
        quarantine::routes(),
        policy::routes(),
        entry::routes(),
        rules::routes(),
        domain::routes(),
        connector::routes(),
        help::routes(),
        health::routes(),
        health::graph::routes(),
        api::routes(&app),
    ];
    let all = pages.into_iter().fold(Router::new(), Router::merge);
    let counted = axum::middleware::from_fn_with_state(app.clone(), health::bell::counted);
    page::guard::guard(all.layer(counted), app)
}
