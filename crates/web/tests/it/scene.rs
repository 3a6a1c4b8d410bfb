//! An installation with two organisations and people in both, and requests to it.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use gateway::directory::settings::{DirectorySettings, DomainSettings, OrganisationSettings, RecipientSettings};
use gateway::directory::{Watch, sql as directory_sql};
use gateway::feedback::{Deltas, Feedback};
use gateway::intake::again::Again;
use gateway::quarantine::Quarantine;
use gateway::reputation::Reputation;
use mail::OrgId;
use mail::id::IdMaker;
use std::sync::{Arc, LazyLock};
use store::bodies::Bodies;
use store::{Db, DbSettings, Error};
use testkit::postgres::Database;
use tower::ServiceExt;
use web::people::Role;
use web::people::session::{self, Peer};
use web::people::sql::{self as people_sql, NewPerson};
use web::{App, Parts, WebSettings};

/// Tuesday, 24 November 2026, 12:00 UTC.
pub const NOW_MS: i64 = 1_795_521_600_000;

/// Compiling its rules takes longer than a test.
static DETECTOR: LazyLock<Arc<detect::Detector>> = LazyLock::new(|| Arc::new(detect::Detector::built_in()));

/// One installation on one database.
pub struct Scene {
    pub app: App,
    pub acme: OrgId,
    pub other: OrgId,
    routes: axum::Router,
    _database: Database,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Scene {
    /// `acme.example` of “acme” with alice and bo, `other.example` of “other” with eve.
    pub async fn new(database: Database) -> Scene {
        Scene::with_dns(database, mail::dns::Zone::new()).await
    }

    pub async fn with_dns(database: Database, zone: mail::dns::Zone) -> Scene {
        Scene::with(database, zone, WebSettings::default()).await
    }

    pub async fn with(database: Database, zone: mail::dns::Zone, web: WebSettings) -> Scene {
        Scene::made(database, zone, web, Default::default()).await
    }

    pub async fn with_reports(database: Database, zone: mail::dns::Zone, reports: gateway::mail_reports::MailReportSettings) -> Scene {
        Scene::made(database, zone, WebSettings::default(), reports).await
    }

    async fn made(
        database: Database,
        zone: mail::dns::Zone,
        web: WebSettings,
        reports: gateway::mail_reports::MailReportSettings,
    ) -> Scene {
        let dns: Arc<dyn mail::dns::Dns> = Arc::new(zone);
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, &web::migrations()).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        let ids = Arc::new(IdMaker::new(1));
        let bodies = Arc::new(Bodies::open(&database.folder.path().join("bodies")).expect("a folder"));
        fill(&db, ids.clone()).await;
        let directory = Watch::open(db.clone(), Default::default()).await.expect("the directory");
        let named = |name: &str| directory.snapshot().organisation_named(name).expect("was just added").id;
        let (acme, other) = (named("acme"), named("other"));
        let feedback = Feedback {
            db: db.clone(),
            ids: ids.clone(),
            model: detect::classify::Model::built_in(),
            deltas: Deltas::follow(db.clone()).await,
            reputation: Reputation::start(db.clone()),
        };
        let again = Again {
            detector: DETECTOR.clone(),
            dns: dns.clone(),
            directory: directory.clone(),
            deltas: feedback.deltas.clone(),
            reputation: feedback.reputation.clone(),
            thresholds: Default::default(),
            trusted_sealers: Vec::new(),
            hostname: "mx.gatepost.example".into(),
        };
        let app = App::new(Parts {
            feedback,
            again,
            settings: web,
            quarantine: Quarantine::new(db.clone(), bodies.clone(), ids.clone()),
            db,
            bodies,
            ids,
            directory: directory.clone(),
            thresholds: Default::default(),
            help: web::help::Shelf::new(Vec::new),
            dns_at: Arc::new(|_| None),
            lists: Arc::new(gateway::intake::Lists::new(dns.clone(), Vec::new())),
            doctor: None,
            turns: Default::default(),
            door: Default::default(),
            courier: Arc::new(courier(dns.clone())),
            dns,
            queue: None,
            seal: Arc::new(gateway::dkim::Seal::new(&[7; 32]).expect("a key")),
            hostname: "mx.gatepost.example".into(),
            health: web::health::Health::with(
                Default::default(),
                gateway::health::HealthSettings { hooks_private: true, ..Default::default() },
            ),
            trace_days: 90,
            reports,
            clock: || NOW_MS,
        });
        let routes = web::app::router(app.clone());
        Scene { app, acme, other, routes, _database: database }
    }

    /// The cookie of somebody with this role; of the service when `org` is `None`.
    pub async fn cookie(&self, role: Role, org: Option<OrgId>) -> String {
        let email = format!("{}@{}", role.name(), org.map_or("service.example".into(), |org| format!("{org}.example")));
        self.cookie_of(&NewPerson { email, name: String::new(), role, org }).await
    }

    pub async fn cookie_of(&self, person: &NewPerson) -> String {
        let (new, id) = (person.clone(), self.app.fresh_id());
        let added: Result<_, Error> = self.app.db.tx(move |tx| Box::pin(async move { people_sql::add(tx, &new, id, NOW_MS).await })).await;
        let token = session::start(&self.app, added.expect("a person"), &Peer::default()).await.expect("a session");
        format!("gatepost={token}")
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.ask(request("GET", path, cookie).body(Body::empty()).expect("a request")).await
    }

    /// Posts a form as a browser does from one of our pages.
    pub async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = form.iter().map(|(name, value)| web::page::guard::form_pair(name, value)).collect();
        let request = request("POST", path, cookie).header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(pairs.join("&"))).expect("a request")).await
    }

    /// Sends JSON as a program does.
    pub async fn send(&self, method: &str, path: &str, cookie: &str, body: serde_json::Value) -> Answer {
        let request = request(method, path, cookie).header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::read(self.begin(request).await).await
    }

    /// An answer that is still being told.
    pub async fn begin(&self, request: Request<Body>) -> Response<Body> {
        self.routes.clone().oneshot(request).await.expect("never fails")
    }
}

impl Answer {
    pub async fn read(answer: Response<Body>) -> Answer {
        let (parts, body) = answer.into_parts();
        let octets = axum::body::to_bytes(body, 8 << 20).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&octets).into_owned() }
    }

    /// Where a redirect leads.
    pub fn to(&self) -> &str {
        self.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }
}

pub fn request(method: &str, path: &str, cookie: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::COOKIE, cookie).header(header::HOST, "gatepost.example")
}

async fn fill(db: &Db, ids: Arc<IdMaker>) {
    let organisation = |name: &str| OrganisationSettings { name: name.into(), ..Default::default() };
    let domain = |name: &str, of: &str| DomainSettings { name: name.into(), organisation: of.into(), ..Default::default() };
    let recipient = |address: &str| RecipientSettings { address: address.into(), name: String::new() };
    let file = DirectorySettings {
        organisation: vec![organisation("acme"), organisation("other")],
        domain: vec![domain("acme.example", "acme"), domain("other.example", "other")],
        recipient: ["alice@acme.example", "bo@acme.example", "eve@other.example"].map(recipient).to_vec(),
        ..Default::default()
    };
    let done: Result<(), Error> = db.tx(move |tx| Box::pin(async move { directory_sql::apply_file(tx, &file, &ids, NOW_MS).await })).await;
    done.expect("the directory is written");
}

fn courier(dns: Arc<dyn mail::dns::Dns>) -> gateway::delivery::Courier {
    let tls = gateway::delivery::Tls::new(&[]).expect("roots");
    gateway::delivery::Courier {
        dns,
        tls,
        hostname: "mx.gatepost.example".into(),
        own_ports: Vec::new(),
        timeouts: Default::default(),
        security: Default::default(),
        seal: Some(Arc::new(gateway::dkim::Seal::new(&[7; 32]).expect("a key"))),
    }
}
