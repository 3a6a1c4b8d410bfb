//! `gatepost troubleshoot`, `gatepost bounce`: from a complaint to the cause, beside a running server. Nothing is changed or kept.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use gateway::connection::resolver;
use gateway::delivery::{Courier, Timeouts};
use gateway::directory::load;
use gateway::scope::OrgScope;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use web::page::View;
use web::page::words::Lang;
use web::people::Person;
use web::troubleshoot::answer::{Outcome, diagnose};
use web::troubleshoot::ground::Ground;
use web::troubleshoot::question::{Asked, PASTED_OCTETS_MAX, Question};
use web::troubleshoot::shown::{DiagnosisBody, Reader};
use web::troubleshoot::steps::Steps;

#[derive(Debug, Args)]
pub struct Troubleshoot {
    /// What is wrong, in your own words (English or Chinese), or one of: not-received, not-delivered, late, in-junk, good-held,
    /// bad-delivered, bounce, forged, duplicate, sign-in, connector, digest.
    #[arg(long, default_value = "", hide_default_value = true)]
    symptom: String,
    /// Sender address, or domain.
    #[arg(long, default_value = "", hide_default_value = true)]
    from: String,
    /// Recipient address, or domain.
    #[arg(long, default_value = "", hide_default_value = true)]
    to: String,
    /// About when it was sent, as 2026-12-31T09:00:00Z.
    #[arg(long, default_value = "", hide_default_value = true)]
    about: String,
    #[arg(long, default_value = "", hide_default_value = true)]
    message_id: String,
    /// A mail of the trace, m….
    #[arg(long, default_value = "", hide_default_value = true)]
    mail: String,
    /// A connector.
    #[arg(long, default_value = "", hide_default_value = true)]
    connector: String,
    /// File with a bounce or a header; “-” is standard input.
    #[arg(long, value_name = "FILE")]
    paste: Option<PathBuf>,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Bounce {
    /// A reply such as “550 5.7.1 …”, or a file with a whole bounce; “-” is standard input.
    what: String,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
    #[arg(long)]
    json: bool,
}

fn lang(chosen: Option<&str>) -> Lang {
    let of_terminal = std::env::var("LANG").unwrap_or_default();
    Lang::parse(chosen.unwrap_or(&of_terminal)).unwrap_or_default()
}

fn read(path: &std::path::Path) -> anyhow::Result<String> {
    let (mut octets, most) = (Vec::new(), PASTED_OCTETS_MAX as u64);
    match path.as_os_str() == "-" {
        true => std::io::stdin().take(most).read_to_end(&mut octets)?,
        false => std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?.take(most).read_to_end(&mut octets)?,
    };
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// Exit code 0 when a cause was found or nothing is wrong, 1 when it cannot be told.
pub fn run(place: &Place, asked: Troubleshoot) -> anyhow::Result<Exit> {
    let lang = lang(asked.lang.as_deref());
    let is_name = web::troubleshoot::symptom::Symptom::named(asked.symptom.trim()).is_some();
    let (symptom, text) = if is_name { (asked.symptom.clone(), String::new()) } else { (String::new(), asked.symptom.clone()) };
    let pasted = asked.paste.as_deref().map(read).transpose()?.unwrap_or_default();
    let typed = Asked {
        symptom,
        text,
        sender: asked.from.clone(),
        recipient: asked.to.clone(),
        about: asked.about.clone(),
        message_id: asked.message_id.clone(),
        pasted,
        mail: asked.mail.clone(),
        connector: asked.connector.clone(),
    };
    let (question, answer) = wait(async {
        let ground = ground(place).await?;
        let view = View::plain(lang, ground.now_ms);
        let question = Question::read(&view, &typed, &ground.directory).map_err(|why| WrongUse(said(lang, &why)))?;
        let steps = Steps::new(|_| {});
        let answer = diagnose(&ground, &question, &steps).await.context("looking through the records")?;
        Ok((question, answer))
    })?;
    let person = Person::at_the_machine("gatepost");
    let body = DiagnosisBody::of_answer(Reader { lang, person: &person }, &question, &answer);
    match asked.json {
        true => output::json(&body)?,
        false => body.as_text().lines().try_for_each(|line| output::line(&output::printable_line(line)))?,
    }
    Ok(if matches!(answer.outcome, Outcome::CannotTell | Outcome::Unsure) { Exit::No } else { Exit::Done })
}

/// What is wrong with the words of the command.
fn said(lang: Lang, why: &web::page::Fault) -> String {
    match why {
        web::page::Fault::Invalid(wrong) => {
            wrong.iter().map(|one| format!("{}: {}", one.field, one.say.in_lang(lang))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

async fn ground(place: &Place) -> anyhow::Result<Ground> {
    let chosen = place.existing()?;
    let store = open::for_command(&chosen).await?;
    let loaded: Result<_, store::Error> =
        store.db.read(|tx| Box::pin(async move { load(tx, &Default::default(), &Default::default()).await })).await;
    let dns = resolver::from_settings(&chosen.settings.dns)?.dns;
    let hostname = gateway::connection::own_name(&chosen.settings.listen);
    let courier = Courier {
        dns: dns.clone(),
        tls: crate::serve::security::tls(&chosen.settings.delivery)?,
        hostname: hostname.clone(),
        own_ports: Vec::new(),
        timeouts: Timeouts::default(),
        security: Default::default(),
        seal: super::seal_there(&chosen)?,
    };
    Ok(Ground {
        db: store.db.clone(),
        directory: Arc::new(loaded?),
        dns: dns.clone(),
        courier: Arc::new(courier),
        thresholds: chosen.settings.detect.thresholds,
        hostname,
        scope: OrgScope::All,
        trace_days: chosen.settings.store.trace_days,
        health: chosen.settings.health.clone(),
        lists: Arc::new(gateway::intake::Lists::new(dns.clone(), chosen.settings.dns.list.clone())),
        model_ms: detect::classify::Model::built_in().made_ms(),
        learned: Default::default(),
        now_ms: output::now_ms(),
    })
}

/// Explains a bounce or a reply; needs no installation.
pub fn bounce(asked: Bounce) -> anyhow::Result<Exit> {
    let lang = lang(asked.lang.as_deref());
    let path = std::path::Path::new(&asked.what);
    let text = if asked.what == "-" || path.is_file() { read(path)? } else { asked.what.clone() };
    let Some(found) = web::troubleshoot::explained(lang, &text) else {
        eprintln!("gatepost: this tells nothing about mail that was refused");
        return Ok(Exit::No);
    };
    if asked.json {
        output::json(&found)?;
        return Ok(Exit::Done);
    }
    for one in &found.failures {
        let who = [one.recipient.as_str(), one.status.as_str(), one.remote.as_str()].into_iter().filter(|part| !part.is_empty());
        for line in [&one.title, &who.collect::<Vec<_>>().join("  "), &one.said, &one.turn_text, &one.for_sender, &one.for_administrator] {
            output::line(&output::printable_line(line))?;
        }
    }
    Ok(Exit::Done)
}
