//! Synthetic mail: a mail of our own, sent through the real port every twenty seconds and followed until it is delivered.
//!
//! In: the port, the queue table. Out: the parts "probe-intake" and "probe-delivery" of this node's signals, how long the way took, and
//! one [`crate::signal::ProbeState`] for each connector that an operator lets probes through. Invariants: a probe never leaves but
//! through such a connector; its rows go away; one probe at a time for each way, and none waits without a limit.

use super::measure::{self, Parts};
use super::settings::ProbeThrough;
use super::sql;
use crate::intake::probe::{Probes, Way};
use crate::signal::Timer;
use mail::MailId;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Db;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The way out that ends in a folder of this machine; no connector of an organisation can have this name.
pub const ROUTE: &str = "\u{1}probe";
/// Below the data folder.
pub const FOLDER: &str = "probe";
const MAILBOX: &str = "mailbox@probe.invalid";
/// From connecting to the reply to the message: authentication alone may wait 15 s for DNS.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);
/// Into our own folder, and through a connector.
const OWN_WITHIN: Duration = Duration::from_secs(10);
const THROUGH_WITHIN: Duration = Duration::from_secs(60);
/// A probe that failed is sent once more after this: one alone is no sign.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
const LOOK_FIRST: Duration = Duration::from_millis(50);
const LOOK_LAST: Duration = Duration::from_secs(1);
/// Nobody works on a probe of this age any more.
const FORGOTTEN_AFTER_MS: i64 = 10 * 60 * 1000;
/// Octets of one reply line that are looked at.
const LINE_OCTETS_MAX: u64 = 2_000;

/// Where a probe came to grief.
#[derive(Debug)]
enum Lost {
    /// Our port did not take it.
    Intake(String),
    /// It was taken and did not arrive.
    Delivery(String),
}

/// Sends probes as long as the process runs; the first after one pause.
pub async fn run(parts: Arc<Parts>, db: Db, probes: Arc<Probes>) {
    let every = parts.settings.mail_probe_every.duration();
    if every.is_zero() || parts.smtp.is_none() {
        return;
    }
    let prober = Prober { parts, db, probes };
    loop {
        tokio::time::sleep(every).await;
        prober.look_at_own_way().await;
        for through in &prober.parts.settings.probe {
            prober.look_through(through).await;
        }
        if let Err(why) = prober.forget_old().await {
            tracing::debug!(%why, "old probes are forgotten later");
        }
    }
}

struct Prober {
    parts: Arc<Parts>,
    db: Db,
    probes: Arc<Probes>,
}

impl Prober {
    fn now_ms(&self) -> i64 {
        (self.parts.clock)()
    }

    async fn look_at_own_way(&self) {
        let way = Way { route: ROUTE.into(), address: MAILBOX.into() };
        let found = self.twice(&way).await;
        let (signals, now_ms) = (&self.parts.signals, self.now_ms());
        match found {
            Ok(took) => {
                signals.took(Timer::Probe, took);
                signals.part_up("probe-intake", now_ms);
                signals.part_up("probe-delivery", now_ms);
            }
            Err(Lost::Intake(why)) => signals.part_down("probe-intake", &why, now_ms),
            Err(Lost::Delivery(why)) => {
                signals.part_up("probe-intake", now_ms);
                signals.part_down("probe-delivery", &why, now_ms);
            }
        }
        let folder = self.parts.data.join(FOLDER);
        let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    }

    /// What our own port does is told by the other probe; here only whether mail arrives.
    async fn look_through(&self, through: &ProbeThrough) {
        let directory = self.parts.directory.snapshot();
        let Some(connector) = directory.connectors.get(&through.connector) else { return };
        let way = Way { route: through.connector.as_str().into(), address: through.to.clone() };
        let why = match self.twice(&way).await {
            Ok(_) => String::new(),
            Err(Lost::Delivery(why)) => why,
            Err(Lost::Intake(_)) => return,
        };
        for org in measure::owners(&directory, connector) {
            self.parts.signals.probed(org, &through.connector, &why, self.now_ms());
        }
    }

    async fn twice(&self, way: &Way) -> Result<Duration, Lost> {
        match self.once(way).await {
            Ok(took) => Ok(took),
            Err(_) => {
                tokio::time::sleep(AGAIN_AFTER).await;
                self.once(way).await
            }
        }
    }

    /// How long it took from connecting until it was delivered.
    async fn once(&self, way: &Way) -> Result<Duration, Lost> {
        let Some(address) = self.probes.expect(way.clone()) else {
            return Err(Lost::Intake("no probe could be prepared".into()));
        };
        let began = Instant::now();
        let sent = timeout(TAKEN_WITHIN, send(&self.parts, &address)).await;
        let mail = self.probes.forget(&address);
        match sent {
            Err(_) => return Err(Lost::Intake(format!("no reply within {} s", TAKEN_WITHIN.as_secs()))),
            Ok(Err(why)) => return Err(Lost::Intake(why)),
            Ok(Ok(())) => {}
        }
        let Some(mail) = mail else { return Err(Lost::Intake("it was taken, and nobody knows it".into())) };
        self.arrives(mail, if &*way.route == ROUTE { OWN_WITHIN } else { THROUGH_WITHIN }).await.map_err(Lost::Delivery)?;
        Ok(began.elapsed())
    }

    async fn arrives(&self, mail: MailId, limit: Duration) -> Result<(), String> {
        let (began, mut pause, mut last) = (Instant::now(), LOOK_FIRST, String::new());
        while began.elapsed() < limit {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_LAST);
            match self.db.read(move |tx| Box::pin(async move { sql::probe(tx, mail).await })).await {
                Ok(Some((state, ..))) if state == "delivered" => {
                    let gone = self.db.tx(move |tx| Box::pin(async move { sql::forget_probe(tx, mail).await })).await;
                    return gone.map_err(|why: store::Error| why.to_string());
                }
                Ok(Some((state, reply, tries))) if state == "queued" => {
                    last = reply;
                    // Put off: the queue tries again in minutes, and another probe says sooner what is the matter.
                    if tries > 0 {
                        break;
                    }
                }
                Ok(Some((state, reply, _))) => return Err(format!("{state}: {reply}")),
                Ok(None) => return Err("its rows are gone".into()),
                Err(why) => last = why.to_string(),
            }
        }
        let now_ms = self.now_ms();
        let _ = self.db.tx(move |tx| Box::pin(async move { sql::give_up_probe(tx, mail, now_ms).await })).await;
        Err(format!("not delivered after {} s. {last}", began.elapsed().as_secs()).trim_end().to_string())
    }

    async fn forget_old(&self) -> Result<(), store::Error> {
        let before_ms = self.now_ms() - FORGOTTEN_AFTER_MS;
        let old = self.db.read(move |tx| Box::pin(async move { sql::old_probes(tx, before_ms).await })).await?;
        for mail in old {
            self.db.tx(move |tx| Box::pin(async move { sql::forget_probe(tx, mail).await })).await?;
        }
        Ok(())
    }
}

/// One mail as a client sends it (RFC 5321 §4.1); `Err` is what was said instead of yes.
async fn send(parts: &Parts, to: &str) -> Result<(), String> {
    let address = measure::own_port(parts).ok_or("there is no port")?;
    let stream = TcpStream::connect(address).await.map_err(|why| why.to_string())?;
    let mut stream = BufReader::new(stream);
    expect(&mut stream, '2').await?;
    let name = &parts.courier.hostname;
    let date = crate::intake::date((parts.clock)());
    let message = format!(
        "From: <probe@{name}>\r\nTo: <{to}>\r\nSubject: Probe\r\nDate: {date}\r\nMessage-ID: <{to}>\r\n\r\n\
         This mail was sent by the mail gateway {name} to itself, to see whether mail goes through.\r\n.\r\n"
    );
    let rcpt = format!("RCPT TO:<{to}>\r\n");
    // An address literal asks no DNS (RFC 5321 §4.1.3).
    for (line, wanted) in [("EHLO [127.0.0.1]\r\n", '2'), ("MAIL FROM:<>\r\n", '2'), (&rcpt, '2'), ("DATA\r\n", '3'), (&message, '2')] {
        stream.get_mut().write_all(line.as_bytes()).await.map_err(|why| why.to_string())?;
        expect(&mut stream, wanted).await?;
    }
    let _ = stream.get_mut().write_all(b"QUIT\r\n").await;
    Ok(())
}

/// Reads one reply, which has to begin so.
async fn expect(stream: &mut BufReader<TcpStream>, wanted: char) -> Result<(), String> {
    loop {
        let mut line = String::new();
        let mut limited = tokio::io::AsyncReadExt::take(&mut *stream, LINE_OCTETS_MAX);
        if limited.read_line(&mut line).await.map_err(|why| why.to_string())? == 0 {
            return Err("the connection was closed".into());
        }
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        return if line.starts_with(wanted) { Ok(()) } else { Err(line.trim_end().to_string()) };
    }
}
