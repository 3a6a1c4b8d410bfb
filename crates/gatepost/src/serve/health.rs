//! Health: the watcher, and the listener of the status pages that stands apart.

use crate::output;
use crate::settings::Chosen;
use anyhow::Context;
use gateway::connection::resolver::Live;
use gateway::connection::tls::Keys;
use gateway::delivery::Courier;
use gateway::directory::Watch;
use gateway::health::measure::Parts;
use gateway::health::synthetic;
use gateway::intake::probe::Probes;
use gateway::signal::{Counter, Signals, Timer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use store::bodies::{Act, Bodies, Use};
use web::health::site::{self, Source};
use web::health::{Health, metrics, watch};

/// What is looked at besides the database.
pub struct Around {
    pub signals: Arc<Signals>,
    pub live: Option<Arc<Live>>,
    pub detector: Arc<detect::Detector>,
    pub keys: Option<Arc<Keys>>,
    pub courier: Arc<Courier>,
    pub directory: Arc<Watch>,
    pub smtp: Option<SocketAddr>,
    pub probes: Arc<Probes>,
    /// How many sessions are open now.
    pub sessions: Box<dyn Fn() -> usize + Send + Sync>,
}

/// Where the status pages are written.
pub fn folder(chosen: &Chosen) -> PathBuf {
    match chosen.settings.health.status_folder.as_str() {
        "" => chosen.data.join("status"),
        folder => PathBuf::from(folder),
    }
}

/// Serves the status pages. First of all that starts: it shows what was known last until the rest is there.
pub fn listen(chosen: &Chosen, signals: &Arc<Signals>) -> anyhow::Result<(Health, Vec<SocketAddr>)> {
    let health = Health::with(signals.clone(), chosen.settings.health.clone());
    let status = listen_for(chosen, &health)?;
    Ok((health, status))
}

fn listen_for(chosen: &Chosen, health: &Health) -> anyhow::Result<Vec<SocketAddr>> {
    let addresses = &chosen.settings.listen.status.0;
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let asked = health.clone();
    let metrics: site::Probe = Arc::new(move |peer| metrics::for_peer(&asked, peer, output::now_ms()));
    site::serve(Source::Memory(health.clone(), folder(chosen)), addresses, Some(metrics)).context("[listen] status")
}

/// Notes how long large messages take, and which could not be put, read or removed.
fn note_bodies(bodies: &Bodies, signals: &Arc<Signals>) {
    let signals = signals.clone();
    bodies.watch(move |Use { act, took, is_done }| match (is_done, act) {
        (false, _) => signals.add(Counter::BodyFailures, 1),
        (true, Act::Put) => signals.took(Timer::BodyPut, took),
        (true, Act::Read) => signals.took(Timer::BodyRead, took),
        (true, Act::Remove) => {}
    });
}

/// Starts watching; it ends with the runtime.
pub fn watch(chosen: &Chosen, app: &web::App, around: Around) {
    note_bodies(&app.bodies, &around.signals);
    let parts = Arc::new(Parts {
        node: chosen.settings.store.node,
        signals: around.signals,
        settings: chosen.settings.health.clone(),
        live: around.live,
        detector: around.detector,
        keys: around.keys,
        courier: around.courier,
        directory: around.directory,
        data: chosen.data.clone(),
        bodies: (*app.bodies).clone(),
        lists: chosen.settings.dns.list.clone(),
        smtp: around.smtp,
        sessions: around.sessions,
        clock: output::now_ms,
    });
    tokio::spawn(synthetic::run(parts.clone(), app.db.clone(), around.probes));
    tokio::spawn(watch::run(app.clone(), parts, folder(chosen)));
}
