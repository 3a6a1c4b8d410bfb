//! `gatepost scan`: judges files, folders, mboxes or standard input, with the steps the server uses.

use super::Place;
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use detect::classify::corpus;
use detect::{Class, Detector, Finding};
use gateway::connection::resolver;
use gateway::connection::settings::{DnsSettings, Servers};
use mail::auth::{AuthResults, AuthSettings, authenticate};
use mail::dns::Dns;
use mail::envelope::{BodyType, EnvelopeRecipient, Notify};
use mail::message::Budget;
use mail::{Address, Envelope, Mail, Message, Peer};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Args)]
pub struct Scan {
    /// Files, folders, mboxes, or “-” for standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON line a message.
    #[arg(long)]
    json: bool,
    /// Address that handed the mail over.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// Its HELO name.
    #[arg(long, default_value = "localhost")]
    helo: String,
    /// Envelope sender; empty for the null reverse-path.
    #[arg(long, default_value = "")]
    mail_from: String,
    /// Envelope recipient.
    #[arg(long)]
    rcpt_to: Vec<String>,
    /// Resolver as HOST:PORT, or “off”. Default: as settings say.
    #[arg(long)]
    dns: Option<String>,
}

/// What a scan prints for one message; part of the fixed outside surface.
#[derive(Debug, serde::Serialize)]
struct Line<'a> {
    path: &'a str,
    verdict: &'static str,
    scl: i8,
    bcl: u8,
    spam_probability: f32,
    phish_probability: f32,
    findings: &'a [Finding],
    auth: Auth,
    ms: f64,
}

#[derive(Debug, serde::Serialize)]
struct Auth {
    spf: String,
    dkim: String,
    dmarc: String,
    arc: String,
}

/// What all messages of one scan share.
struct Bench {
    detector: Detector,
    dns: Arc<dyn Dns>,
    auth: AuthSettings,
    surroundings: detect::inspect::Surroundings,
    thresholds: detect::Thresholds,
    peer: Peer,
    envelope: Envelope,
    json: bool,
}

pub fn run(place: &Place, scan: Scan) -> anyhow::Result<Exit> {
    let settings = place.chosen()?.settings;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let bench = Bench::new(&settings, &scan)?;
        let files = files(&scan.paths)?;
        let bar = output::progress(files.len() as u64, "scanning");
        let (mut is_bad, mut unreadable) = (false, 0);
        for file in &files {
            match messages(file) {
                Ok(messages) => {
                    for (n, octets) in messages.iter().enumerate() {
                        let shown = if messages.len() > 1 { format!("{}#{}", file.display(), n + 1) } else { file.display().to_string() };
                        is_bad |= bench.judge(&shown, octets.clone()).await? > Class::Clean;
                    }
                }
                // One file that cannot be read must not hide what the others hold; the exit code says it.
                Err(why) => {
                    bar.suspend(|| eprintln!("gatepost: {}: cannot be read: {why}", file.display()));
                    unreadable += 1;
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        match unreadable {
            0 => Ok(if is_bad { Exit::No } else { Exit::Done }),
            count => Err(anyhow::anyhow!("{count} of {} files could not be read", files.len())),
        }
    })
}

/// Every file at or below the paths; “-” stays as it is.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        match path.as_os_str() == "-" {
            true => found.push(path.clone()),
            false => found.extend(corpus::files(path).map_err(|why| WrongUse(format!("{}: {}", path.display(), causes(&why))))?),
        }
    }
    Ok(found)
}

/// The messages of one file, or of standard input.
fn messages(file: &Path) -> Result<Vec<Bytes>, String> {
    if file.as_os_str() != "-" {
        return corpus::messages(file).map_err(|why| causes(&why));
    }
    let mut octets = Vec::new();
    std::io::stdin().take(corpus::FILE_OCTETS_MAX).read_to_end(&mut octets).map_err(|why| why.to_string())?;
    Ok(vec![octets.into()])
}

/// The innermost cause: what the system said.
fn causes(why: &dyn std::error::Error) -> String {
    std::iter::successors(Some(why), |why| why.source()).last().map(ToString::to_string).unwrap_or_default()
}

impl Bench {
    fn new(settings: &crate::settings::Settings, scan: &Scan) -> anyhow::Result<Bench> {
        let own: std::collections::HashSet<String> =
            settings.domain.iter().filter_map(|domain| mail::address::domain_to_ascii(&domain.name)).collect();
        Ok(Bench {
            detector: Detector::new(&settings.detect).context("preparing the inspections")?,
            dns: dns(&settings.dns, scan.dns.as_deref())?,
            auth: AuthSettings {
                authserv_id: "gatepost.scan".into(),
                trusted_sealers: settings.intake.trusted_sealers.clone(),
                dkim_signatures_max: settings.intake.dkim_signatures_max,
                dns_lookups_max: settings.intake.dns_lookups_max,
                own_domains: Arc::new(own.clone()),
            },
            surroundings: surroundings(settings, own),
            thresholds: settings.detect.thresholds,
            peer: peer(scan),
            envelope: envelope(scan)?,
            json: scan.json,
        })
    }

    async fn judge(&self, path: &str, octets: Bytes) -> anyhow::Result<Class> {
        let started = Instant::now();
        let message = Message::parse(octets, &Budget::default());
        let mail = Mail { peer: &self.peer, envelope: &self.envelope, message: &message, now_ms: output::now_ms() };
        let auth = authenticate(mail, self.dns.as_ref(), &self.auth).await;
        let inspected = self.detector.inspect(mail, &auth, &self.surroundings).await;
        let verdict =
            detect::verdict::judge(&inspected.findings, inspected.spam_log_odds, inspected.phish_log_odds, inspected.bcl, &self.thresholds);
        let ms = started.elapsed().as_secs_f64() * 1_000.0;
        let line = Line {
            path,
            verdict: verdict.class.name(),
            scl: verdict.scl,
            bcl: verdict.bcl,
            spam_probability: verdict.spam_probability,
            phish_probability: verdict.phish_probability,
            findings: &inspected.findings,
            auth: Auth::new(&auth),
            ms: (ms * 1_000.0).round() / 1_000.0,
        };
        match self.json {
            true => output::json(&line)?,
            false => print(&line)?,
        }
        Ok(verdict.class)
    }
}

fn print(line: &Line<'_>) -> anyhow::Result<()> {
    output::line(&format!(
        "{}: {} (SCL {}, BCL {}, spam {:.3}, phish {:.3})",
        output::printable(line.path),
        line.verdict,
        line.scl,
        line.bcl,
        line.spam_probability,
        line.phish_probability
    ))?;
    for finding in line.findings {
        output::line(&format!("    {:+6.1}  {}: {}", finding.weight, finding.check, finding.evidence))?;
    }
    Ok(())
}

impl Auth {
    fn new(auth: &AuthResults) -> Auth {
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
        };
        let dkim = auth.dkim.iter().find(|one| one.result == mail::auth::DkimResult::Pass).or(auth.dkim.first());
        Auth {
            spf: word(serde_json::to_value(auth.spf.result)),
            dkim: dkim.map(|one| word(serde_json::to_value(one.result))).unwrap_or_else(|| "none".into()),
            dmarc: word(serde_json::to_value(auth.dmarc.result)),
            arc: word(serde_json::to_value(auth.arc.result)),
        }
    }
}

/// What settings say about the receiving side.
fn surroundings(settings: &crate::settings::Settings, own: std::collections::HashSet<String>) -> detect::inspect::Surroundings {
    let mut surroundings = settings.detect.surroundings(own);
    let named = settings.recipient.iter().filter(|one| !one.name.is_empty());
    surroundings.people.extend(named.map(|one| (one.name.clone(), one.address.clone())));
    surroundings
}

fn peer(scan: &Scan) -> Peer {
    Peer { local: (std::net::Ipv4Addr::LOCALHOST, 0).into(), helo: scan.helo.clone(), ..Peer::at(scan.ip) }
}

fn envelope(scan: &Scan) -> anyhow::Result<Envelope> {
    let address = |text: &String| Address::parse(text).map_err(|why| WrongUse(format!("“{text}”: {why}")));
    let sender = if scan.mail_from.is_empty() { None } else { Some(address(&scan.mail_from)?) };
    let recipients: Result<Vec<Address>, WrongUse> = scan.rcpt_to.iter().map(address).collect();
    let recipients = recipients?.into_iter().map(|address| EnvelopeRecipient { address, notify: Notify::default(), orcpt: None });
    Ok(Envelope { sender, recipients: recipients.collect(), smtputf8: true, body: BodyType::EightBit, ..Envelope::empty() })
}

fn dns(settings: &DnsSettings, named: Option<&str>) -> anyhow::Result<Arc<dyn Dns>> {
    let servers = match named {
        None => settings.servers.clone(),
        Some("off") => Servers::Off,
        Some(named) => Servers::These(vec![named.parse().map_err(|_| WrongUse(format!("--dns {named}: write HOST:PORT, or off")))?]),
    };
    let settings = DnsSettings { servers, ..settings.clone() };
    Ok(resolver::from_settings(&settings).context("setting up DNS")?.dns)
}
