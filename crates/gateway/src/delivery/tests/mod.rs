//! Queue and delivery together, against databases and next hops that run for the test.

mod faults;
mod notices;
mod protocol;
mod recovery;
mod routes;
mod speed;
mod validation;

use super::security::Security;
use super::{Courier, Timeouts, Tls};
use crate::directory::ConnectorSettings;
use crate::dkim::Seal;
use crate::queue::{
    self, Accepted, BodyPlace, DsnWish, Edits, EnvelopeExtras, Fate, Queue, QueueParts, QueueSettings, QueueTasks, Recipient, Routes,
};
use crate::settings::Span;
use bytes::Bytes;
use mail::dns::{Dns, Zone};
use mail::id::IdMaker;
use mail::{MailId, OrgId};
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use store::bodies::Bodies;
use store::{Db, DbSettings, Error, args};
use testkit::postgres::Database;
use testkit::sink::Sink;
use tokio::task::JoinHandle;

const MESSAGE: &str = "From: a@example.org\r\nSubject: hello\r\n\r\nSome text.\r\n.a line with a dot\r\n";
/// What a test waits at most before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct FixedRoutes {
    connectors: Mutex<HashMap<String, Arc<ConnectorSettings>>>,
}

impl Routes for FixedRoutes {
    fn connector(&self, name: &str) -> Option<Arc<ConnectorSettings>> {
        self.connectors.lock().expect("no test panics with it").get(name).cloned()
    }

    fn route(&self, _: &str) -> String {
        "sink".into()
    }
}

/// A database with a queue on it that delivers.
pub(crate) struct Gate {
    pub(crate) db: Db,
    bodies: Bodies,
    ids: Arc<IdMaker>,
    queue: Queue,
    tasks: QueueTasks,
    delivering: JoinHandle<()>,
}

/// How a [`Gate`] is set up.
pub(crate) struct Setup {
    connector: ConnectorSettings,
    queue: QueueSettings,
    timeouts: Timeouts,
    roots: Vec<CertificateDer<'static>>,
    own_ports: Vec<u16>,
    node: u8,
    dns: Arc<dyn Dns>,
    security: Security,
    seal: Option<Arc<Seal>>,
}

impl Default for Setup {
    fn default() -> Setup {
        let short = Duration::from_millis(500); // for next hops that say nothing
        Setup {
            connector: ConnectorSettings { name: "sink".into(), allow_private: true, ..ConnectorSettings::default() },
            queue: QueueSettings { retry_first: Span::ms(20), retry_max: Span::ms(50), ..QueueSettings::default() },
            timeouts: all(short),
            roots: Vec::new(),
            own_ports: Vec::new(),
            node: 1,
            dns: Arc::new(Zone::new()),
            security: Security::default(),
            seal: None,
        }
    }
}

fn all(limit: Duration) -> Timeouts {
    Timeouts { connect: limit, greeting: limit, command: limit, data_begin: limit, data_block: limit, data_end: limit, quit: limit }
}

impl Setup {
    fn to(sink: &Sink) -> Setup {
        let mut setup = Setup::default();
        setup.connector.hosts = vec![sink.address.to_string()];
        setup
    }

    /// A busy machine may take its time over a large mail.
    fn unhurried(mut self) -> Setup {
        self.timeouts = all(PATIENCE);
        self
    }

    /// To mail servers that DNS names, under what their domains ask for.
    pub(crate) fn protected(dns: Arc<dyn Dns>, security: Security, roots: Vec<CertificateDer<'static>>) -> Setup {
        Setup { dns, security, roots, ..Setup::default() }.patient()
    }

    /// Deferred mail stays deferred for the rest of the test.
    pub(crate) fn patient(mut self) -> Setup {
        (self.queue.retry_first, self.queue.retry_max) = (Span::hours(1), Span::hours(1));
        self
    }

    pub(crate) async fn open(self, database: &Database) -> Gate {
        let db = open_db(database).await;
        let bodies = Bodies::open(&database.folder.path().join("bodies")).expect("the folder can be written");
        let ids = Arc::new(IdMaker::new(self.node));
        let routes = FixedRoutes::default();
        routes.connectors.lock().expect("fresh").insert("sink".into(), Arc::new(self.connector));
        let parts = QueueParts {
            db: db.clone(),
            bodies: bodies.clone(),
            routes: Arc::new(routes),
            ids: ids.clone(),
            signals: Arc::default(),
            node: self.node,
            hostname: "gate.example".into(),
            settings: self.queue,
        };
        let (queue, seats, tasks) = Queue::open(parts);
        let courier = Courier {
            dns: self.dns,
            tls: Tls::new(&self.roots).expect("the roots are certificates"),
            hostname: "gate.example".into(),
            own_ports: self.own_ports,
            timeouts: self.timeouts,
            security: Arc::new(self.security),
            seal: self.seal,
        };
        let delivering = super::run(queue.clone(), seats, Arc::new(courier));
        Gate { db, bodies, ids, queue, tasks, delivering }
    }
}

pub(crate) async fn open_db(database: &Database) -> Db {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    Db::open(&settings, crate::MIGRATIONS).await.expect("the database opens")
}

fn recipient(n: i64, address: &str) -> Recipient {
    Recipient {
        n,
        address: address.into(),
        original: address.into(),
        fate: Fate::Queued,
        edits: Edits::default(),
        dsn: DsnWish { failure: true, delay: true, ..DsnWish::default() },
        route: "sink".into(),
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

impl Gate {
    pub(crate) fn mail(&self, addresses: &[&str]) -> Accepted {
        let at_ms = now_ms();
        Accepted {
            id: MailId(self.ids.next(at_ms)),
            org: OrgId(7),
            at_ms,
            sender: "sender@example.org".into(),
            extras: EnvelopeExtras::default(),
            octets: Bytes::from_static(MESSAGE.as_bytes()),
            recipients: addresses.iter().enumerate().map(|(n, address)| recipient(n as i64, address)).collect(),
        }
    }

    /// What intake does before `250`.
    async fn insert(&self, accepted: &Accepted) {
        insert(&self.db, &self.bodies, accepted).await;
    }

    pub(crate) async fn send(&self, accepted: Accepted) -> MailId {
        let id = accepted.id;
        self.insert(&accepted).await;
        self.queue.start(accepted);
        id
    }

    /// `(state, tries, last reply)` of each recipient.
    async fn rows(&self, mail: MailId) -> Vec<(String, i64, String)> {
        let sql = "SELECT state, tries, last_reply FROM recipient WHERE mail = $1 ORDER BY n";
        let rows = self.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![mail.0]).await })).await.expect("rows are read");
        let read = |row: &store::Row| Ok::<_, Error>((row.text(0)?.to_string(), row.int(1)?, row.text(2)?.to_string()));
        rows.iter().map(|row| read(row).expect("three columns")).collect()
    }

    async fn events(&self, mail: MailId) -> Vec<String> {
        let sql = "SELECT kind FROM event WHERE mail = $1 ORDER BY id";
        let rows = self.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![mail.0]).await })).await.expect("events are read");
        rows.iter().map(|row| row.text(0).expect("a kind").to_string()).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let row = self.db.read(move |tx| Box::pin(async move { tx.row(sql, vec![]).await })).await.expect("rows are counted");
        row.expect("one row").int(0).expect("a number")
    }

    /// Waits until the recipients of a mail have these states.
    pub(crate) async fn settles(&self, mail: MailId, states: &[&str], why: &str) -> Vec<(String, i64, String)> {
        let began = Instant::now();
        loop {
            let rows = self.rows(mail).await;
            let tried = rows.iter().all(|(state, tries, _)| state != "queued" || *tries > 0);
            if tried && rows.iter().map(|(state, ..)| state.as_str()).eq(states.iter().copied()) {
                return rows;
            }
            assert!(began.elapsed() < PATIENCE, "{why}: {rows:?}, wanted {states:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn run(&self, sql: &'static str, mail: MailId) {
        self.db.tx(move |tx| Box::pin(async move { tx.run(sql, args![mail.0]).await })).await.expect("the statement runs");
    }

    pub(crate) async fn close(self) {
        self.queue.stop();
        let done = async {
            self.tasks.ended().await;
            let _ = self.delivering.await;
        };
        tokio::time::timeout(PATIENCE, done).await.expect("the queue stops");
        self.db.close();
    }
}

async fn insert(db: &Db, bodies: &Bodies, accepted: &Accepted) {
    let place = BodyPlace::choose(bodies, accepted).await.expect("the body is stored");
    let accepted = accepted.clone();
    db.tx(move |tx| {
        Box::pin(async move {
            let envelope = serde_json::to_string(&accepted.extras).expect("extras are JSON");
            tx.run(
                "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                 VALUES ($1, $2, 'inbound', '192.0.2.1', 'peer', $3, '', 'hello', $4, $5, 'clean', '{}', $6)",
                args![accepted.id.0, accepted.org.0, accepted.sender.as_str(), accepted.octets.len(), accepted.recipients.len(), envelope],
            )
            .await?;
            queue::insert(tx, &accepted, place).await
        })
    })
    .await
    .expect("the mail is accepted");
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
