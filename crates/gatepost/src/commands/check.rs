//! `gatepost domain check`, `gatepost connector validate`: what the pages check, on a terminal. Nothing is kept.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use clap::Args;
use gateway::connection::resolver::{self, Live};
use gateway::connection::settings::Servers;
use gateway::connection::tls::Keys;
use gateway::delivery::validate::{self, StepResult, Validation, Wish};
use gateway::delivery::{Courier, Timeouts};
use gateway::dkim::KeyState;
use gateway::scope::OrgScope;
use mail::dns::Dns;
use std::sync::Arc;
use store::Error;
use web::diagnostics::check::CheckResult;
use web::diagnostics::outside::DnsAt;
use web::domain::api::ReportBody;
use web::domain::check::{Eyes, look, practice};

#[derive(Debug, Args)]
pub struct Domain {
    /// Its name.
    name: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Connector {
    /// Its name.
    name: String,
    /// An address to ask the next hop about.
    #[arg(long, default_value = "")]
    to: String,
    /// Send a test mail to that address.
    #[arg(long, requires = "to")]
    send: bool,
    /// Find out how the server behaves: relaying, waiting, size, and with --to whether mail can be smuggled past it.
    #[arg(long)]
    manners: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Looks at everything a domain publishes. Exit code 1 when something is wrong.
pub fn domain(place: &Place, asked: Domain) -> anyhow::Result<Exit> {
    let name = mail::address::domain_to_ascii(&asked.name).ok_or_else(|| WrongUse(format!("“{}” is not a domain name", asked.name)))?;
    let report = wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let wanted = name.clone();
        let read = store.db.read(move |tx| {
            Box::pin(async move {
                let Some(named) = web::domain::sql::one(tx, OrgScope::All, &wanted).await? else { return Ok(None) };
                let keys = gateway::dkim::sql::of_domain(tx, OrgScope::One(named.org), &wanted).await?;
                Ok::<_, Error>(Some((named, keys)))
            })
        });
        let Some((named, keys)) = read.await? else { return Ok(None) };
        let keys: Vec<_> = keys.into_iter().filter(|key| key.state != KeyState::Retired).collect();
        let dns = resolver::from_settings(&chosen.settings.dns)?.dns;
        let settings = chosen.settings.dns.clone();
        let at: DnsAt = Arc::new(move |servers| match settings.servers {
            Servers::Off => None,
            _ => Live::at(servers, &settings).ok().map(|live| Arc::new(live) as Arc<dyn Dns>),
        });
        let (hostname, tls) =
            (gateway::connection::own_name(&chosen.settings.listen), crate::serve::security::tls(&chosen.settings.delivery)?);
        // Without files a new certificate is made at each start: there is none to compare with.
        let named_files = !chosen.settings.tls.certificate.as_os_str().is_empty();
        let keys_of_door = if named_files { Keys::from_settings(&chosen.settings.tls, &hostname)? } else { None };
        let chain = keys_of_door.map(|keys| keys.chain()).unwrap_or_default();
        let practice = practice(&store.db, &named, output::now_ms()).await?;
        let eyes = Eyes { dns: &dns, dns_at: &at, tls: &tls, hostname: &hostname, chain: &chain, practice, now_ms: output::now_ms() };
        Ok(Some(look(&eyes, &named, &keys).await))
    })?;
    let Some(report) = report else {
        eprintln!("gatepost: there is no domain named “{name}”; add it first (gatepost domain add)");
        return Ok(Exit::No);
    };
    let body = ReportBody::of(&report);
    match asked.json {
        true => output::json(&body)?,
        false => show_report(&body)?,
    }
    Ok(if report.checks.iter().any(|checked| checked.result == CheckResult::Problem) { Exit::No } else { Exit::Done })
}

fn show_report(report: &ReportBody) -> anyhow::Result<()> {
    for checked in &report.checks {
        output::line(&format!("{}: {}", checked.id.trim_start_matches("domain."), checked.result))?;
        for line in &checked.lines {
            output::line(&format!("  [{}] {}", line.result, line.text))?;
        }
        for fix in &checked.fixes {
            output::line(&format!("  -> {fix}"))?;
        }
        for record in checked.publish.iter().filter(|record| !record.published) {
            output::line(&format!("     {} {} {}", record.name, record.r#type, record.value))?;
        }
    }
    Ok(())
}

/// Connects as delivery would. Exit code 1 when mail would not go.
pub fn connector(place: &Place, asked: Connector) -> anyhow::Result<Exit> {
    let recipient = match asked.to.as_str() {
        "" => None,
        to => Some(mail::Address::parse(to).map_err(|why| WrongUse(format!("--to {to}: {why}")))?),
    };
    let done = wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let name = asked.name.clone();
        let read = store.db.read(move |tx| Box::pin(async move { web::connector::sql::one(tx, OrgScope::All, &name).await }));
        let Some(named) = read.await? else { return Ok(None) };
        let dns = resolver::from_settings(&chosen.settings.dns)?.dns;
        let hostname = gateway::connection::own_name(&chosen.settings.listen);
        let courier = Courier {
            dns,
            tls: crate::serve::security::tls(&chosen.settings.delivery)?,
            hostname,
            own_ports: Vec::new(),
            timeouts: Timeouts::default(),
            security: Default::default(),
            seal: super::seal_there(&chosen)?,
        };
        let wish = Wish {
            subject: "Test mail from Gatepost".into(),
            text: format!("This mail was sent to check the connector {}. If you can read it, mail arrives.", asked.name),
            connector: named.settings,
            recipient,
            send: asked.send,
            manners: asked.manners.then_some(chosen.settings.limits.message_octets_max),
            now_ms: output::now_ms(),
        };
        Ok(Some(validate::validate(&courier, &wish).await))
    })?;
    let Some(done) = done else {
        eprintln!("gatepost: there is no connector named “{}”", asked.name);
        return Ok(Exit::No);
    };
    match asked.json {
        true => output::json(&done)?,
        false => show_validation(&done)?,
    }
    Ok(if done.result() == StepResult::Problem { Exit::No } else { Exit::Done })
}

fn show_validation(done: &Validation) -> anyhow::Result<()> {
    if !done.no_host.is_empty() {
        output::line(&format!("nobody to connect to: {}", done.no_host))?;
    }
    for host in done.hosts.iter().chain(&done.sent) {
        output::line(&format!("{} {} ({} ms)", host.name, host.address, host.ms))?;
        for line in &host.lines {
            let who = match line.who {
                validate::Who::We => ">",
                validate::Who::They => "<",
                validate::Who::Note => "*",
            };
            output::line(&format!("  {:>6} {who} {}", line.ms, line.text))?;
        }
        for step in &host.steps {
            output::line(format!("  [{}] {}: {} {}", step.result.name(), step.what.name(), step.why, step.detail).trim_end())?;
        }
    }
    Ok(())
}
