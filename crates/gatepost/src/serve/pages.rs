//! What the pages need of the server.

use crate::open::Store;
use crate::output;
use crate::settings::Chosen;
use anyhow::Context;
use detect::Detector;
use gateway::connection::resolver::{self, Live};
use gateway::connection::settings::Servers;
use gateway::delivery::{Courier, Timeouts};
use gateway::directory::Watch;
use gateway::dkim::Seal;
use gateway::feedback::{Deltas, Feedback};
use gateway::intake::again::Again;
use gateway::quarantine::Quarantine;
use gateway::reputation::Reputation;
use mail::dns::Dns;
use std::sync::Arc;
use web::health::Health;

/// What runs besides and is shared.
pub struct Running<'a> {
    pub directory: &'a Arc<Watch>,
    pub dns: &'a Arc<dyn Dns>,
    pub detector: Arc<Detector>,
    pub courier: Arc<Courier>,
    pub seal: Arc<Seal>,
    pub queue: Option<gateway::queue::Queue>,
    pub health: &'a Health,
    pub doctor: Option<web::doctor::Hands>,
    pub door: web::Door,
}

/// The state for a command beside the server: nothing of it listens, delivers, or looks at the installation.
pub async fn for_command(chosen: &Chosen, store: &Store) -> anyhow::Result<web::App> {
    let settings = &chosen.settings;
    let base = settings.detect.surroundings(Default::default());
    let directory = Watch::open(store.db.clone(), base).await.context("reading the directory")?;
    let detector = Arc::new(Detector::new(&settings.detect).context("[detect]")?);
    let reputation = Reputation::start(store.db.clone());
    let (db, ids, model) = (store.db.clone(), store.ids.clone(), detector.model.clone());
    let feedback = Feedback { db, ids, model, deltas: Deltas::default(), reputation };
    let dns = resolver::from_settings(&settings.dns).context("[dns]")?.dns;
    let seal = Arc::new(Seal::open_file(&chosen.seal_file())?);
    let courier = Courier {
        seal: Some(seal.clone()),
        dns: dns.clone(),
        tls: super::security::tls(&settings.delivery)?,
        hostname: gateway::connection::own_name(&settings.listen),
        own_ports: Vec::new(),
        timeouts: Timeouts::default(),
        security: Default::default(),
    };
    let running = Running {
        directory: &directory,
        dns: &dns,
        detector,
        courier: Arc::new(courier),
        seal,
        queue: None,
        health: &Health::default(),
        doctor: None,
        door: web::Door::default(),
    };
    Ok(app(chosen, store, feedback, running))
}

/// The state of the pages.
pub fn app(chosen: &Chosen, store: &Store, feedback: Feedback, running: Running<'_>) -> web::App {
    let Running { directory, dns, detector, courier, seal, queue, health, doctor, door } = running;
    let dns_settings = chosen.settings.dns.clone();
    let settings = &chosen.settings;
    let again = Again {
        detector,
        dns: dns.clone(),
        directory: directory.clone(),
        deltas: feedback.deltas.clone(),
        reputation: feedback.reputation.clone(),
        thresholds: settings.detect.thresholds,
        trusted_sealers: settings.intake.trusted_sealers.clone(),
        hostname: gateway::connection::own_name(&settings.listen),
    };
    let bodies = Arc::new(store.bodies.clone());
    web::App::new(web::Parts {
        settings: settings.web.clone(),
        db: store.db.clone(),
        quarantine: Quarantine::new(store.db.clone(), bodies.clone(), store.ids.clone()),
        feedback,
        again,
        bodies,
        ids: store.ids.clone(),
        directory: directory.clone(),
        thresholds: settings.detect.thresholds,
        dns: dns.clone(),
        help: web::help::Shelf::new(crate::settings::reference::tables),
        dns_at: Arc::new(move |servers| match dns_settings.servers {
            Servers::Off => None,
            _ => Live::at(servers, &dns_settings).ok().map(|live| Arc::new(live) as Arc<dyn Dns>),
        }),
        lists: Arc::new(gateway::intake::Lists::new(dns.clone(), settings.dns.list.clone())),
        doctor,
        turns: Default::default(),
        door,
        courier,
        queue,
        seal,
        hostname: gateway::connection::own_name(&settings.listen),
        health: health.clone(),
        trace_days: settings.store.trace_days,
        reports: settings.reports.clone(),
        clock: output::now_ms,
    })
}
