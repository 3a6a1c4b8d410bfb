//! `gatepost serve`: opens everything in the order it depends on each other, and closes it in the reverse.

mod acme;
mod doctor;
mod health;
mod jobs;
mod memory;
mod pages;
mod routes;
pub mod security;

pub use pages::for_command;

use crate::commands::{DEMO_DATA, Place};
use crate::demo;
use crate::open;
use crate::output::{self, Exit};
use crate::settings::Chosen;
use crate::traces::{self, Following};
use anyhow::Context;
use clap::Args;
use detect::Detector;
use gateway::connection::{self, Running, Setup};

use gateway::connection::resolver;
use gateway::connection::tls::Keys;
use gateway::delivery::{self, Courier, Timeouts, Tls};
use gateway::directory::{Watch, sql as directory_sql};
use gateway::dkim::Seal;
use gateway::feedback::{Deltas, Feedback};
use gateway::intake::{Gate, Parts};
use gateway::outflow::Outflow;
use gateway::queue::{Queue, QueueParts, QueueTasks};
use gateway::reputation::Reputation;
use gateway::return_path::ReturnPaths;
use gateway::signal::Signals;
use gateway::trace::EventWriter;
use mail::dns::Dns;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use store::Error;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Debug, Args)]
pub struct Serve {
    /// With a demo organisation, sample mails, and mailboxes in a folder.
    #[arg(long)]
    demo: bool,
    /// Log lines as JSON.
    #[arg(long)]
    log_json: bool,
    /// What to log, such as “info” or “gateway=debug”.
    #[arg(long, default_value = "info", env = "GATEPOST_LOG")]
    log: String,
}

pub fn run(place: &Place, serve: Serve) -> anyhow::Result<Exit> {
    let mut chosen = place.chosen()?;
    let following = Following::of(&chosen.settings.traces, &connection::own_name(&chosen.settings.listen));
    let spans = start_log(&serve, following);
    if serve.demo {
        if !place.names_data() {
            chosen.data = PathBuf::from(DEMO_DATA);
        }
        demo::add(&mut chosen.settings, &chosen.data);
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build()?.block_on(async {
        let sending = spans.map(|spans| tokio::spawn(traces::send(spans)));
        let ended = until_stopped(chosen, place.config.clone(), serve.demo).await;
        traces::last(sending).await;
        ended
    })
}

/// Threads that read large messages and wait for files. The allocator keeps what a thread freed last for that thread, so many
/// threads that each read one large message now and then hold many large messages.
const BLOCKING_THREADS_MAX: usize = 10;

/// Starts the log, and following mails where that is configured: what is to be sent of them.
fn start_log(serve: &Serve, following: Option<Following>) -> Option<traces::Spans> {
    let filter = tracing_subscriber::EnvFilter::try_new(&serve.log).unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Values from outside stand in quotes with their controls escaped, so no mail can write a log line.
    let lines = match serve.log_json {
        true => lines.json().with_filter(filter).boxed(),
        false => lines.with_target(false).with_ansi(is_terminal).with_filter(filter).boxed(),
    };
    let (mut layers, mut spans) = (vec![lines], None);
    if let Some(following) = following {
        let (layer, out) = following.start();
        layers.push(layer);
        spans = Some(out);
    }
    tracing_subscriber::registry().with(layers).init();
    spans
}

/// Everything that runs.
struct Service {
    running: Running,
    beside: gateway::beside::Running,
    stopper: gateway::connection::stop::Stopper,
    queue: Queue,
    queue_tasks: QueueTasks,
    couriers: tokio::task::JoinHandle<()>,
    reputation: Reputation,
    usage: gateway::entry::Usage,
    pages: web::Serving,
    status: Vec<SocketAddr>,
    app: web::App,
    db: store::Db,
}

async fn until_stopped(chosen: Chosen, config: Option<PathBuf>, is_demo: bool) -> anyhow::Result<Exit> {
    let service = start(&chosen, config, is_demo).await?;
    for (role, address) in service.running.addresses() {
        output::line(&format!("listening on {address} ({role:?})"))?;
    }
    for (setting, place) in &service.beside.addresses {
        output::line(&format!("listening on {place} ({setting})"))?;
    }
    for address in &service.pages.addresses {
        output::line(&format!("pages on http://{address}/"))?;
    }
    for address in &service.status {
        output::line(&format!("status on http://{address}/"))?;
    }
    if let (true, Some(smtp)) = (is_demo, first(&service.running)) {
        send_samples_once(&chosen, smtp).await?;
        output::line(&demo::what_to_try(smtp, &chosen.data))?;
    }
    if let (true, Some(pages)) = (is_demo, service.pages.addresses.first()) {
        demo::fill_directory(&service.app).await?;
        demo::community::fill(&service.app).await?;
        let link = demo::sign_in_link(&service.app, *pages).await?;
        output::line(&format!("Sign in as {}: {link}\n", demo::ADMINISTRATOR))?;
    }
    if let (Some(path), Some(pages)) = (web::people::first_run::path(&service.app).await?, service.pages.addresses.first()) {
        let base = if chosen.settings.web.url.is_empty() { reached(*pages) } else { chosen.settings.web.url.clone() };
        output::line(&format!("Nobody can sign in yet. Open this link once to set up: {}{path}\n", base.trim_end_matches('/')))?;
    }
    for address in connection::handed::left() {
        tracing::warn!(%address, "the service manager listens here for us, but no address in [listen] is this one: connections there are not answered");
    }
    tell_manager(&[sd_notify::NotifyState::Ready]);
    stop_signal().await?;
    tell_manager(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping: no new mail, open sessions may end");
    service.stop().await;
    Ok(Exit::Done)
}

/// Where a browser on this machine finds a listener: the address that stands for all of them is none to go to.
fn reached(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("http://localhost:{}", address.port()) } else { format!("http://{address}") }
}

/// Tells systemd how we are (sd_notify(3)); without it nobody listens, and that is fine.
fn tell_manager(state: &[sd_notify::NotifyState]) {
    if let Err(why) = sd_notify::notify(state) {
        tracing::debug!(%why, "the service manager was not told");
    }
}

/// What couriers are made of.
struct Couriers {
    dns: Arc<dyn Dns>,
    tls: Tls,
    hostname: String,
    security: Arc<gateway::delivery::security::Security>,
    seal: Arc<Seal>,
}

impl Couriers {
    /// One that takes connections to these ports of this machine for a loop.
    fn knowing(&self, own_ports: Vec<u16>) -> Arc<Courier> {
        let (dns, tls, hostname, security) = (self.dns.clone(), self.tls.clone(), self.hostname.clone(), self.security.clone());
        Arc::new(Courier { dns, tls, hostname, own_ports, timeouts: Timeouts::default(), security, seal: Some(self.seal.clone()) })
    }
}

async fn start(chosen: &Chosen, config: Option<PathBuf>, is_demo: bool) -> anyhow::Result<Service> {
    let (settings, signals) = (&chosen.settings, Arc::new(Signals::default()));
    let (health, status) = health::listen(chosen, &signals)?;
    let store = open::for_server(chosen).await?;
    let seal = Arc::new(Seal::open_file(&chosen.seal_file())?);
    let directory = directory(chosen, &store, &seal).await?;
    let (dns, live) = dns(chosen, is_demo)?;
    let (events, _) = EventWriter::start(store.db.clone(), store.ids.clone(), signals.clone());
    let return_paths = return_paths(chosen, &store, &seal).await?;
    let (queue, seats, queue_tasks) = Queue::open(queue_parts(chosen, &store, (&directory, &return_paths), &signals));
    let (reputation, detector) = (Reputation::start(store.db.clone()), Arc::new(Detector::new(&settings.detect).context("[detect]")?));
    let feedback = feedback(&store, &detector, &reputation).await;
    let couriers = couriers(chosen, &store, (&dns, &seal))?;
    let mut gate = Gate::new(Parts {
        name: couriers.hostname.clone(),
        settings: settings.intake.clone(),
        thresholds: settings.detect.thresholds,
        lists: settings.dns.list.clone(),
        db: store.db.clone(),
        bodies: store.bodies.clone(),
        ids: store.ids.clone(),
        directory: directory.clone(),
        dns: dns.clone(),
        detector: detector.clone(),
        queue: queue.clone(),
        signals: signals.clone(),
        events,
        reputation: reputation.clone(),
        feedback: feedback.clone(),
        report_addresses: settings.feedback.clone(),
        courier: couriers.knowing(Vec::new()),
        seal: seal.clone(),
        return_paths,
        outflow: Outflow::start(store.db.clone(), settings.outbound.clone(), output::now_ms),
        clock: output::now_ms,
    });
    let keys = acme::keys(chosen, &couriers.hostname).context("[tls]")?;
    let ((stopper, stop), (usage, probes)) = (gateway::connection::stop::stop(), (gate.usage.clone(), gate.probes.clone()));
    let shared = pages::Running {
        directory: &directory,
        dns: &dns,
        detector: detector.clone(),
        courier: couriers.knowing(Vec::new()),
        seal: seal.clone(),
        queue: Some(queue.clone()),
        health: &health,
        doctor: Some(doctor::hands(chosen, config, is_demo)),
        door: web::Door { keys: keys.clone(), octets_max: settings.limits.message_octets_max },
    };
    let app = pages::app(chosen, &store, feedback, shared);
    (gate.desk, gate.mail_reports) = (Some(web::service_request::desk(&app)), settings.reports.clone());
    let (running, beside) = listen(settings, setup(settings, &keys, &dns), Arc::new(gate), &stop).await?;
    acme::start(chosen, (&keys, &signals), &stop).context("[tls.acme]")?;
    let pages = web::serve(app.clone(), &settings.listen.web.0, stop).await?;
    let sending = delivery::run(queue.clone(), seats, couriers.knowing(ports(&running)));
    let around = health::Around {
        signals,
        live,
        detector,
        keys,
        courier: couriers.knowing(ports(&running)),
        directory: directory.clone(),
        smtp: first(&running),
        probes,
        sessions: Box::new(running.sessions()),
    };
    health::watch(chosen, &app, around);
    start_jobs((&store, settings.store.trace_days), &app, directory, (seal, dns), (couriers.knowing(Vec::new()), settings));
    Ok(Service { running, beside, stopper, queue, queue_tasks, couriers: sending, reputation, usage, pages, status, app, db: store.db })
}

/// All ports by which mail comes: from servers beside us, and last by SMTP, so that whoever is greeted finds the others open.
async fn listen(
    settings: &crate::settings::Settings,
    setup: Setup,
    gate: Arc<Gate>,
    stop: &gateway::connection::stop::Stop,
) -> anyhow::Result<(Running, gateway::beside::Running)> {
    let beside =
        gateway::beside::listen(&settings.listen, settings.limits.clone(), settings.beside.clone(), gate.clone(), stop.clone()).await?;
    let running = connection::listen(setup, gate, stop.clone()).await?;
    Ok((running, beside))
}

async fn return_paths(chosen: &Chosen, store: &open::Store, seal: &Arc<Seal>) -> anyhow::Result<Arc<ReturnPaths>> {
    let return_paths = ReturnPaths::new(seal.clone(), chosen.settings.return_path.clone());
    return_paths.begin(&store.db, output::now_ms()).await.context("[return_path]")?;
    Ok(Arc::new(return_paths))
}

fn couriers(chosen: &Chosen, store: &open::Store, (dns, seal): (&Arc<dyn Dns>, &Arc<Seal>)) -> anyhow::Result<Couriers> {
    let settings = &chosen.settings;
    let (tls, security) = (security::tls(&settings.delivery)?, Arc::new(security::of(settings, &store.db)?));
    Ok(Couriers { dns: dns.clone(), tls, hostname: connection::own_name(&settings.listen), security, seal: seal.clone() })
}

fn first(running: &Running) -> Option<SocketAddr> {
    running.addresses().first().map(|(_, address)| *address)
}

fn setup(settings: &crate::settings::Settings, keys: &Option<Arc<Keys>>, dns: &Arc<dyn Dns>) -> Setup {
    Setup { listen: settings.listen.clone(), limits: settings.limits.clone(), keys: keys.clone(), dns: dns.clone() }
}

async fn feedback(store: &open::Store, detector: &Detector, reputation: &Reputation) -> Feedback {
    Feedback {
        db: store.db.clone(),
        ids: store.ids.clone(),
        model: detector.model.clone(),
        deltas: Deltas::follow(store.db.clone()).await,
        reputation: reputation.clone(),
    }
}

/// What is done by itself, now and then.
fn start_jobs(
    (store, trace_days): (&open::Store, u32),
    app: &web::App,
    directory: Arc<Watch>,
    (seal, dns): (Arc<Seal>, Arc<dyn Dns>),
    (courier, settings): (Arc<Courier>, &crate::settings::Settings),
) {
    jobs::tls_reports(store, &directory, (seal.clone(), courier), settings);
    tokio::spawn(directory.follow());
    jobs::start(store, trace_days);
    tokio::spawn(memory::give_back_start());
    web::overview::start(app);
    web::mail_reports::start(app);
    tokio::spawn(web::quarantine::digest::run(app.clone()));
    tokio::spawn(web::removal::run(app.clone()));
    tokio::spawn(web::removal::watch_delivered(app.clone()));
    web::directory_sync::start(app.clone());
    tokio::spawn(web::directory_sync::tell_every_minute(app.clone()));
    tokio::spawn(web::entry::tell_every_hour(app.clone()));
    tokio::spawn(web::restricted::tell_every_minute(app.clone()));
    tokio::spawn(web::help_desk::forget_every_hour(app.clone()));
    tokio::spawn(web::support_desk::run(app.clone()));
    tokio::spawn(web::service_request::run(app.clone()));
    tokio::spawn(web::premier::run(app.clone()));
    jobs::rotate_keys(store, seal, dns);
}

fn queue_parts(
    chosen: &Chosen,
    store: &open::Store,
    (directory, return_paths): (&Arc<Watch>, &Arc<ReturnPaths>),
    signals: &Arc<Signals>,
) -> QueueParts {
    QueueParts {
        db: store.db.clone(),
        bodies: store.bodies.clone(),
        routes: Arc::new(routes::ByDirectory::new(directory.clone(), &chosen.data, return_paths.clone())),
        ids: store.ids.clone(),
        signals: signals.clone(),
        node: chosen.settings.store.node,
        hostname: connection::own_name(&chosen.settings.listen),
        settings: chosen.settings.queue.clone(),
    }
}

/// What the settings file says goes into the database, then everything is read from there.
async fn directory(chosen: &Chosen, store: &open::Store, seal: &Arc<Seal>) -> anyhow::Result<Arc<Watch>> {
    let (mut file, ids, now_ms, seal) = (chosen.settings.directory(), store.ids.clone(), output::now_ms(), seal.clone());
    for connector in &mut file.connector {
        let name = connector.name.clone();
        *connector = std::mem::take(connector).sealed(&seal).with_context(|| format!("[[connector]] {name}"))?;
    }
    let applied = store.db.tx(move |tx| {
        Box::pin(async move {
            directory_sql::apply_file(tx, &file, &ids, now_ms).await?;
            let count = directory_sql::seal_connectors(tx, &seal).await?;
            if count > 0 {
                tracing::info!(count, "passwords of connectors that stood open in the database are sealed now");
            }
            Ok::<(), Error>(())
        })
    });
    let applied: Result<(), Error> = applied.await;
    match applied {
        Ok(()) => {}
        Err(Error::Statement(why)) => return Err(crate::settings::SettingsError(format!("the settings cannot be applied: {why}")).into()),
        Err(why) => return Err(why).context("applying the settings"),
    }
    let base = chosen.settings.detect.surroundings(Default::default());
    Watch::open(store.db.clone(), base).await.context("reading the directory")
}

fn dns(chosen: &Chosen, is_demo: bool) -> anyhow::Result<(Arc<dyn Dns>, Option<Arc<resolver::Live>>)> {
    let resolver = resolver::from_settings(&chosen.settings.dns).context("[dns]")?;
    let dns: Arc<dyn Dns> = if is_demo { Arc::new(demo::Overlay::new(resolver.dns)) } else { resolver.dns };
    Ok((dns, resolver.live))
}

fn ports(running: &Running) -> Vec<u16> {
    running.addresses().iter().map(|(_, address)| address.port()).collect()
}

/// The sample mails, the first time this data folder is served.
async fn send_samples_once(chosen: &Chosen, smtp: SocketAddr) -> anyhow::Result<()> {
    let mark = chosen.data.join("samples-sent");
    if mark.exists() {
        return Ok(());
    }
    let sent = demo::send_samples(smtp, output::now_ms()).await?;
    std::fs::write(&mark, "")?;
    output::line(&format!("sent {} sample mails to ourselves: {} taken, {} refused", sent.taken + sent.refused, sent.taken, sent.refused))
}

async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = term.recv() => {}
    }
    Ok(())
}

impl Service {
    async fn stop(self) {
        self.stopper.stop();
        self.running.finished().await;
        self.beside.finished().await;
        self.pages.finished().await;
        self.queue.stop();
        let _ = self.couriers.await;
        self.queue_tasks.ended().await;
        self.reputation.flush().await;
        self.app.feedback.deltas.usual.flush(&self.db).await;
        self.usage.flush().await;
        self.db.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_somewhere() {
        for (address, want) in
            [("0.0.0.0:8025", "http://localhost:8025"), ("[::]:8025", "http://localhost:8025"), ("192.0.2.1:80", "http://192.0.2.1:80")]
        {
            assert_eq!(reached(address.parse().expect("an address")), want);
        }
    }
}
