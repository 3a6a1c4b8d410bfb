//! A whole Gatepost in this process, with next hops, DNS and senders around it.

use super::real::{self, Real};
use super::scenario::{Hop, Node, Scenario, World as Settings};
use super::zone::zone;
use crate::scene::Answer;
use axum::body::Body;
use axum::http::{Request, header};
use detect::Detector;
use detect::classify::Model;
use gateway::connection::settings::{LimitSettings, ListenSettings};
use gateway::connection::{self, Setup};
use gateway::delivery::{self, Courier, Timeouts, Tls};
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use gateway::directory::{ConnectorSettings, DirectorySettings, Watch};
use gateway::feedback::{Deltas, Feedback};
use gateway::health::measure::{Measure, Parts as MeasureParts};
use gateway::health::{HealthSettings, sql as health_sql};
use gateway::intake::again::Again;
use gateway::intake::{Gate, Parts as GateParts};
use gateway::quarantine::Quarantine;
use gateway::queue::{Queue, QueueParts, Routes};
use gateway::reputation::Reputation;
use gateway::rules::sql as rule_sql;
use gateway::signal::{Signals, Timer, Times};
use gateway::trace::EventWriter;
use mail::dns::Dns;
use mail::id::IdMaker;
use mail::{OrgId, RuleId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use store::bodies::Bodies;
use store::s3::Access;
use store::{Db, DbSettings, Error};
use tempfile::TempDir;
use testkit::sink::{Fault, Sink, SinkSettings};
use testkit::unbound::Unbound;
use tower::ServiceExt;
use web::people::Role;
use web::people::session::{self, Peer};
use web::people::sql::{self as people_sql, NewPerson};
use web::{App, Parts, WebSettings};

pub const HOSTNAME: &str = "mx.gatepost.example";

static DETECTOR: LazyLock<Arc<Detector>> = LazyLock::new(|| Arc::new(Detector::built_in()));

pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub struct World {
    pub app: App,
    pub smtp: SocketAddr,
    pub org: OrgId,
    pub sinks: BTreeMap<String, Sink>,
    pub reals: BTreeMap<String, Real>,
    /// Where each hop is, or would be.
    pub places: BTreeMap<String, SocketAddr>,
    pub cookie: String,
    routes: axum::Router,
    queue: Queue,
    measured: Arc<MeasureParts>,
    node: Node,
    _resolver: Option<Unbound>,
    stopper: connection::stop::Stopper,
    /// Dropped, it would end all sessions.
    _running: connection::Running,
    _folder: TempDir,
}

struct ByDirectory(Arc<Watch>);

impl Routes for ByDirectory {
    fn connector(&self, name: &str) -> Option<Arc<ConnectorSettings>> {
        self.0.snapshot().connectors.get(name).cloned()
    }

    fn route(&self, domain: &str) -> String {
        self.0.snapshot().inbound_route(domain).to_string()
    }
}

/// Nobody waits for minutes here.
fn timeouts(settings: &Settings) -> Timeouts {
    // A real server starts its processes when somebody comes.
    let is_real = settings.hop.values().any(|hop| !hop.real.is_empty());
    let short = Duration::from_millis(if is_real { 8_000 } else { 700 });
    Timeouts { connect: short, greeting: short, command: short, data_begin: short, data_block: short, data_end: short, quit: short }
}

impl World {
    pub async fn start(scenario: &Scenario) -> World {
        let settings = &scenario.world;
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("lab.db").display());
        let db = Db::open(&DbSettings { url, ..DbSettings::default() }, &web::migrations()).await.expect("a database");
        let ids = Arc::new(IdMaker::new(1));
        let bodies = bodies(settings, &folder);
        let (sinks, mut places) = hops(settings).await;
        let reals = reals(settings, &mut places);
        let seal = Arc::new(gateway::dkim::Seal::new(&[7; 32]).expect("a key"));
        fill(&db, &ids, placed(&settings.settings, &places)).await;
        let mut zone = zone(settings);
        super::keys::make(&db, &ids, &seal, settings, &mut zone).await;
        let resolver = (!settings.resolver.is_empty()).then(|| real::resolver(settings)).flatten();
        let (unbound, live) = resolver.map_or((None, None), |(unbound, live)| (Some(unbound), Some(live)));
        let dns: Arc<dyn Dns> = match live.clone() {
            Some(live) => live,
            None => Arc::new(zone),
        };
        let detector = match &settings.detect {
            None => DETECTOR.clone(),
            Some(settings) => Arc::new(Detector::new(settings).expect("a detector")),
        };
        let detector = match settings.node.model_days {
            None => detector,
            Some(days) => {
                let octets = Model::built_in().octets().to_vec();
                let old = Model::from_octets(octets).expect("the shipped model").made_at(now_ms() - days * 24 * 60 * 60 * 1000);
                Arc::new(Detector::built_in().with_model(Arc::new(old)))
            }
        };
        let directory = Watch::open(db.clone(), detect::settings::DetectSettings::default().surroundings(Default::default()))
            .await
            .expect("the directory");
        let org = directory.snapshot().organisation_named("acme").expect("the base world has it").id;
        let signals = Arc::new(Signals::default());
        let (events, _) = EventWriter::start(db.clone(), ids.clone(), signals.clone());
        let roots: Vec<_> = settings.trusted.iter().filter_map(|name| sinks.get(name)).map(|sink| sink.certificate.clone()).collect();
        let tls = Tls::new(&roots).expect("roots");
        let courier = Arc::new(Courier {
            dns: dns.clone(),
            tls,
            hostname: HOSTNAME.into(),
            own_ports: Vec::new(),
            timeouts: timeouts(settings),
            security: Default::default(),
            seal: None,
        });
        let (queue, seats, _) = Queue::open(QueueParts {
            db: db.clone(),
            bodies: bodies.clone(),
            routes: Arc::new(ByDirectory(directory.clone())),
            ids: ids.clone(),
            signals: signals.clone(),
            node: 1,
            hostname: HOSTNAME.into(),
            settings: settings.queue.clone(),
        });
        let reputation = Reputation::start(db.clone());
        let feedback = Feedback {
            db: db.clone(),
            ids: ids.clone(),
            model: detector.model.clone(),
            deltas: Deltas::follow(db.clone()).await,
            reputation: reputation.clone(),
        };
        let gate = Gate::new(GateParts {
            name: HOSTNAME.into(),
            settings: settings.intake.clone(),
            thresholds: Default::default(),
            lists: settings.lists.clone(),
            db: db.clone(),
            bodies: bodies.clone(),
            ids: ids.clone(),
            directory: directory.clone(),
            dns: dns.clone(),
            detector: detector.clone(),
            queue: queue.clone(),
            signals: signals.clone(),
            events,
            reputation: reputation.clone(),
            feedback: feedback.clone(),
            report_addresses: Default::default(),
            courier: courier.clone(),
            seal: seal.clone(),
            return_paths: Arc::new(gateway::return_path::ReturnPaths::new(seal.clone(), Default::default())),
            outflow: gateway::outflow::Outflow::start(db.clone(), settings.outbound.clone(), now_ms),
            clock: now_ms,
        });
        let (stopper, stop) = connection::stop::stop();
        let running = connection::listen(door(settings, dns.clone()), Arc::new(gate), stop).await.expect("a free port");
        let smtp = running.addresses()[0].1;
        delivery::run(queue.clone(), seats, courier.clone());
        let again = Again {
            detector: detector.clone(),
            dns: dns.clone(),
            directory: directory.clone(),
            deltas: feedback.deltas.clone(),
            reputation,
            thresholds: Default::default(),
            trusted_sealers: Vec::new(),
            hostname: HOSTNAME.into(),
        };
        let measured = Arc::new(MeasureParts {
            node: 1,
            signals,
            settings: HealthSettings::default(),
            live,
            detector,
            keys: None,
            courier: courier.clone(),
            directory: directory.clone(),
            data: folder.path().to_path_buf(),
            bodies: bodies.clone(),
            smtp: Some(smtp),
            lists: settings.lists.clone(),
            sessions: Box::new(|| 0),
            clock: now_ms,
        });
        let bodies = Arc::new(bodies);
        let app = App::new(Parts {
            settings: WebSettings::default(),
            quarantine: Quarantine::new(db.clone(), bodies.clone(), ids.clone()),
            db,
            bodies,
            ids,
            directory,
            feedback,
            again,
            thresholds: Default::default(),
            lists: Arc::new(gateway::intake::Lists::new(dns.clone(), settings.lists.clone())),
            dns,
            help: web::help::Shelf::new(Vec::new),
            dns_at: Arc::new(|_| None),
            doctor: None,
            turns: Default::default(),
            door: Default::default(),
            courier,
            queue: Some(queue.clone()),
            seal,
            hostname: HOSTNAME.into(),
            health: Default::default(),
            trace_days: 90,
            reports: Default::default(),
            clock: now_ms,
        });
        let routes = web::app::router(app.clone());
        let mut world = World {
            app,
            smtp,
            org,
            sinks,
            reals,
            places,
            cookie: String::new(),
            routes,
            queue,
            measured,
            node: settings.node.clone(),
            _resolver: unbound,
            stopper,
            _running: running,
            _folder: folder,
        };
        world.cookie = world.person("admin@acme.example", Role::Administrator).await;
        for (address, state) in &settings.people {
            world.person(address, Role::Person).await;
            if state == "inactive" {
                let address = address.clone();
                let sql = "UPDATE person SET is_active = 0 WHERE email = $1";
                let done: Result<_, Error> =
                    world.app.db.tx(move |tx| Box::pin(async move { tx.run(sql, store::args![address.as_str()]).await })).await;
                done.expect("an account is switched off");
            }
        }
        world
    }

    async fn person(&self, email: &str, role: Role) -> String {
        let (new, id, now) =
            (NewPerson { email: email.into(), name: String::new(), role, org: Some(self.org) }, self.app.fresh_id(), now_ms());
        let added: Result<_, Error> = self.app.db.tx(move |tx| Box::pin(async move { people_sql::add(tx, &new, id, now).await })).await;
        let token = session::start(&self.app, added.expect("a person"), &Peer::default()).await.expect("a session");
        format!("gatepost={token}")
    }

    pub async fn ask(&self, method: &str, path: &str, body: serde_json::Value) -> Answer {
        let request =
            Request::builder().method(method).uri(path).header(header::COOKIE, &self.cookie).header(header::HOST, "gatepost.example");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        Answer::read(self.routes.clone().oneshot(request.body(body).expect("a request")).await.expect("never fails")).await
    }

    /// Posts a form as a browser does.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let request =
            Request::builder().method("POST").uri(path).header(header::HOST, "gatepost.example").header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        Answer::read(
            self.routes.clone().oneshot(request.body(Body::from(form.to_string())).expect("a request")).await.expect("never fails"),
        )
        .await
    }

    /// Looks at this node as health does, and keeps what it found.
    pub async fn measure(&self) {
        let mut sample = Measure::new(self.measured.clone()).sample().await;
        let (node, facts) = (&self.node, &mut sample.facts);
        facts.disk_free = node.disk_free.or(facts.disk_free);
        facts.disk_total = node.disk_total.or(facts.disk_total);
        facts.database_ms = node.database_ms.or(facts.database_ms);
        let days = |days: i64| now_ms() + days * 24 * 60 * 60 * 1000;
        facts.certificate_until_ms = node.certificate_days.map(days);
        facts.signatures_ms.extend(node.signatures_days.map(|old| ("clamd".to_string(), days(-old))));
        sample.timers.extend(node.body_put_ms.map(|ms| (Timer::BodyPut.name().to_string(), stored_in(ms))));
        let done: Result<(), Error> = self.app.db.tx(move |tx| Box::pin(async move { health_sql::put_sample(tx, &sample).await })).await;
        done.expect("a sample is kept");
    }

    pub async fn up(&mut self, name: &str) {
        let place = self.places[name];
        self.sinks.remove(name);
        self.sinks.insert(name.into(), Sink::start_at(SinkSettings::default(), place).await);
        self.queue.look();
    }

    pub fn end(self) {
        self.queue.stop();
        self.stopper.stop();
    }
}

/// Where large messages lie.
fn bodies(settings: &Settings, folder: &TempDir) -> Bodies {
    if !settings.node.bodies_away {
        return Bodies::open(&folder.path().join("bodies")).expect("a folder");
    }
    let nowhere = Access::at("http://127.0.0.1:9/mail").expect("an address");
    Bodies::in_bucket(&Access { region: "eu-west-1".into(), key_id: "KEY".into(), secret: "secret".into(), ..nowhere }).expect("a bucket")
}

/// Some large messages that took so long to be stored.
fn stored_in(ms: u64) -> Times {
    let signals = Signals::default();
    (0..20).for_each(|_| signals.took(Timer::BodyPut, Duration::from_millis(ms)));
    signals.snapshot().timers[Timer::BodyPut.name()].clone()
}

fn door(settings: &Settings, dns: Arc<dyn Dns>) -> Setup {
    let mut limits = LimitSettings::default();
    if settings.octets_max > 0 {
        limits.message_octets_max = settings.octets_max;
    }
    let local = || gateway::settings::Networks(vec!["127.0.0.0/8".parse().expect("a network")]);
    let listen = ListenSettings {
        name: HOSTNAME.into(),
        smtp: gateway::connection::settings::Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]),
        xclient: local(),
        ..ListenSettings::default()
    };
    Setup { listen, limits, keys: None, dns }
}

async fn hops(settings: &Settings) -> (BTreeMap<String, Sink>, BTreeMap<String, SocketAddr>) {
    let (mut sinks, mut places) = (BTreeMap::new(), BTreeMap::new());
    for (name, hop) in settings.hop.iter().filter(|(_, hop)| hop.real.is_empty()) {
        let sink = Sink::start(sink_settings(hop)).await;
        places.insert(name.clone(), sink.address);
        if hop.fault != "down" {
            sinks.insert(name.clone(), sink);
        }
    }
    (sinks, places)
}

fn reals(settings: &Settings, places: &mut BTreeMap<String, SocketAddr>) -> BTreeMap<String, Real> {
    let mut reals = BTreeMap::new();
    for (name, hop) in settings.hop.iter().filter(|(_, hop)| !hop.real.is_empty()) {
        // Outside CI, where it cannot run, nothing listens; the scenario then fails rather than passes.
        let Some(real) = tokio::task::block_in_place(|| Real::start(hop)) else { continue };
        places.insert(name.clone(), real.address());
        reals.insert(name.clone(), real);
    }
    reals
}

fn sink_settings(hop: &Hop) -> SinkSettings {
    let usual = SinkSettings::default();
    let mut keywords = usual.keywords.clone();
    keywords.retain(|known| !hop.lacks.iter().any(|lacking| known.starts_with(lacking.as_str())));
    keywords.extend(hop.knows.clone());
    SinkSettings {
        fault: fault(&hop.fault),
        lmtp: hop.lmtp,
        name: if hop.name.is_empty() { usual.name.clone() } else { hop.name.clone() },
        keywords,
        tls: hop.tls,
        tls_name: if hop.tls_name.is_empty() { "server.acme.example".into() } else { hop.tls_name.clone() },
        refuse: if hop.refuse.is_empty() { usual.refuse.clone() } else { hop.refuse.clone() },
        full: if hop.full.is_empty() { usual.full.clone() } else { hop.full.clone() },
        only_helo: false,
        replies: hop.replies.iter().map(|(command, reply)| (command.clone(), reply.clone())).collect(),
        expired: hop.expired,
        ends_at_lf: false,
    }
}

fn fault(word: &str) -> Fault {
    match word {
        "" | "down" => Fault::None,
        "busy" => Fault::Busy,
        "garbage" => Fault::Garbage,
        "drop-tls" => Fault::DropTls,
        "close-after-data" => Fault::CloseAfterData,
        "take-and-close" => Fault::TakeAndClose,
        "close-in-data" => Fault::CloseInData(usize::MAX),
        "stall-greeting" => Fault::Stall("greeting"),
        "stall-rcpt" => Fault::Stall("RCPT"),
        "greylist-once" => Fault::TemporaryRcpt(1),
        "greylist" => Fault::TemporaryRcpt(usize::MAX),
        "refuse-mail" => Fault::RefuseMail,
        other => panic!("there is no fault “{other}”"),
    }
}

/// Settings with `{name}` of a hop replaced by its address.
fn placed(settings: &DirectorySettings, places: &BTreeMap<String, SocketAddr>) -> DirectorySettings {
    let mut text = serde_json::to_string(settings).expect("settings are JSON");
    for (name, place) in places {
        text = text.replace(&format!("{{{name}}}"), &place.to_string());
        text = text.replace(&format!("{{{name}:port}}"), &place.port().to_string());
    }
    serde_json::from_str(&text).expect("settings again")
}

/// As if it were made on pages: so that it can be changed there.
async fn fill(db: &Db, ids: &Arc<IdMaker>, settings: DirectorySettings) {
    let ids = ids.clone();
    let done: Result<(), Error> = db
        .tx(move |tx| {
            Box::pin(async move {
                for one in &settings.organisation {
                    directory_sql::put_organisation(tx, one, FROM_PAGE, ids.next(now_ms())).await?;
                }
                for one in &settings.domain {
                    directory_sql::put_domain(tx, one, FROM_PAGE).await?;
                }
                for one in &settings.recipient {
                    directory_sql::put_recipient(tx, &one.address, &one.name, FROM_PAGE).await?;
                }
                for one in &settings.connector {
                    directory_sql::put_connector(tx, one, FROM_PAGE).await?;
                }
                for one in &settings.inbound {
                    directory_sql::put_inbound(tx, one, FROM_PAGE).await?;
                }
                for one in &settings.policy {
                    directory_sql::put_policy(tx, one, FROM_PAGE).await?;
                }
                for one in &settings.entry {
                    directory_sql::put_entry(tx, one, FROM_PAGE, (ids.next(now_ms()), now_ms())).await?;
                }
                for one in &settings.rule {
                    let org = directory_sql::organisation_id(tx, &one.organisation).await?;
                    let id = RuleId(ids.next(now_ms()));
                    let row = rule_sql::RuleRow { id, org, settings: one.clone(), source: FROM_PAGE.into(), changed_ms: now_ms() };
                    rule_sql::put(tx, &row).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("the directory is written");
}
