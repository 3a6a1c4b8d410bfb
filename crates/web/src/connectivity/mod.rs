//! The connectivity analyzer: can mail reach a domain from here, and is an address fit to send for a domain.
//!
//! In: a domain or host, or an address with the names it goes by. Out: a [`Test`]: branches of steps with results, milliseconds and the
//! dialogue, which holds keys of words and no prose. Invariants: names are looked up once and what was found is what is connected to; only
//! public addresses and ports of mail unless the settings say otherwise; nothing is sent beyond RCPT; every test has an end. Not here:
//! the steps of SMTP (`gateway::delivery::validate`), checks of what one's own domain publishes (`diagnostics`).

pub mod api;
mod inbound;
mod page;
pub mod sender;
mod written;

pub use page::routes;

use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::check::CheckResult;
use crate::diagnostics::sql as results;
use crate::page::fault::Wrong;
use crate::page::words::Source;
use crate::page::{Fault, Say, View};
use crate::people::{May, Person};
use gateway::delivery::is_public;
use gateway::delivery::validate::{Line, TlsFacts};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Instant;
use store::Error;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// In `check_result.kind`.
const KIND: &str = "connectivity";
/// Tests of one person in five minutes.
const TESTS_MAX: u32 = 20;
/// Tests kept of one organisation; the oldest go.
const KEPT_MAX: usize = 200;
/// Characters of a target, name or address.
const NAME_CHARS_MAX: usize = 255;

/// Which way mail would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From here to the mail servers of a domain.
    Inbound,
    /// From an address to servers like this one.
    Outbound,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Inbound => "inbound",
            Way::Outbound => "outbound",
        }
    }

    pub fn parse(name: &str) -> Option<Way> {
        [Way::Inbound, Way::Outbound].into_iter().find(|way| way.name() == name)
    }
}

/// What is to be tested, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AskedTest {
    /// "inbound" or "outbound".
    pub way: String,
    /// Inbound: a domain, or `host:port`. Outbound: an IP address.
    pub target: String,
    /// Inbound: the address that RCPT asks about; "" is postmaster of the domain.
    pub recipient: String,
    /// Outbound: the name it says in EHLO; may be empty.
    pub helo: String,
    /// Outbound: the domain it sends for; may be empty.
    pub domain: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    pub way: Way,
    pub target: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub ms: u32,
    pub branches: Vec<Branch>,
}

/// Steps that belong together: the names of a domain, one host, one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// "names", "host" or "sender".
    pub kind: String,
    /// The host; '' for the others.
    pub name: String,
    /// Address and port.
    pub address: String,
    pub ms: u32,
    pub steps: Vec<Step>,
    pub lines: Vec<Line>,
    pub tls: Option<TlsFacts>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Such as "mx", "connect", "ptr".
    pub id: String,
    pub result: CheckResult,
    pub say: Say,
    /// As it was seen: a record, a reply.
    pub detail: String,
    pub ms: u32,
    /// What to do about it.
    pub fix: Option<Say>,
}

impl Step {
    fn new(id: &str, result: CheckResult, key: &'static str) -> Step {
        Step { id: id.into(), result, say: Say::new(key), detail: String::new(), ms: 0, fix: None }
    }

    fn seen(mut self, detail: impl Into<String>) -> Step {
        self.detail = detail.into().chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect();
        self
    }

    fn fixed_by(mut self, fix: Say) -> Step {
        self.fix = Some(fix);
        self
    }

    fn took(mut self, since: Instant) -> Step {
        self.ms = millis(since);
        self
    }
}

const DETAIL_CHARS_MAX: usize = 500;

fn millis(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}

impl Branch {
    /// Its heading.
    pub fn title(&self, view: &View) -> String {
        written::branch_title(view, self)
    }

    /// The worst of its steps.
    pub fn result(&self) -> CheckResult {
        self.steps.iter().map(|step| step.result).max().unwrap_or(CheckResult::CannotTell)
    }
}

impl Test {
    /// The worst of its branches. Of several hosts one that works is enough for mail to arrive: then the others are worth a word only.
    pub fn result(&self) -> CheckResult {
        let hosts = || self.branches.iter().filter(|branch| branch.kind == "host");
        let works = hosts().any(|host| host.result() <= CheckResult::Advice);
        let of = |branch: &Branch| match (branch.kind.as_str(), branch.result()) {
            ("host", CheckResult::Problem | CheckResult::CannotTell) if works => CheckResult::Advice,
            (_, result) => result,
        };
        self.branches.iter().map(of).max().unwrap_or(CheckResult::CannotTell)
    }

    /// What names it in addresses: the way and the target.
    pub fn name(&self) -> String {
        format!("{}.{}", self.way.name(), self.target)
    }
}

/// Checks what was typed, tests, and keeps the result under its name.
/// # Errors
/// [`Fault::Invalid`] names what cannot be tested, [`Fault::TooMany`] when the person's turns are over.
pub async fn run(app: &App, person: &Person, asked: &AskedTest) -> Result<Test, Fault> {
    person.require(May::ReadSettings)?;
    let org = person.acting_org()?;
    let wish = Wish::read(app, asked).map_err(Fault::Invalid)?;
    app.turns.take(person.id, "connectivity", TESTS_MAX)?;
    let test = match wish {
        Wish::Inbound(wish) => inbound::test(app, &wish).await,
        Wish::Outbound(sender) => outbound(app, &sender).await,
    };
    let (kept, ids, person, at_ms) = (test.clone(), app.ids.clone(), person.clone(), test.at_ms);
    let json = serde_json::to_string(&kept).map_err(|why| Fault::Ours(why.to_string()))?;
    let detail = serde_json::json!({ "result": kept.result().name() });
    let done: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                results::put(tx, org, (KIND, &kept.name()), at_ms, &json).await?;
                results::keep_latest(tx, org, KIND, KEPT_MAX).await?;
                audit::note(tx, &person, &ids, at_ms, Entry::new(Some(org), "connectivity.test", kept.name()).with(detail)).await
            })
        })
        .await;
    done?;
    Ok(test)
}

async fn outbound(app: &App, sender: &sender::Sender) -> Test {
    let started = Instant::now();
    let steps = sender::look(app, sender).await;
    let branch = Branch { kind: "sender".into(), address: sender.ip.to_string(), ms: millis(started), steps, ..Branch::default() };
    Test { way: Way::Outbound, target: sender.ip.to_string(), at_ms: app.now_ms(), ms: millis(started), branches: vec![branch] }
}

/// The last test of this name in the person's organisation.
pub async fn last(app: &App, person: &Person, name: &str) -> Result<Test, Fault> {
    person.require(May::ReadSettings)?;
    let (org, name) = (person.org.ok_or(Fault::NotFound)?, name.to_lowercase());
    let found = app.db.read(move |tx| Box::pin(async move { results::last(tx, org, KIND, &name).await })).await.map_err(Fault::from)?;
    found.and_then(|(_, json)| serde_json::from_str(&json).ok()).ok_or(Fault::NotFound)
}

/// Tests of the person's organisation, the latest first.
pub async fn list(app: &App, person: &Person) -> Result<Vec<Test>, Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { results::all(tx, scope, KIND).await })).await.map_err(Fault::from)?;
    let mut tests: Vec<Test> = found.iter().filter_map(|(_, _, _, json)| serde_json::from_str(json).ok()).collect();
    tests.sort_by_key(|test| std::cmp::Reverse(test.at_ms));
    tests.truncate(KEPT_MAX);
    Ok(tests)
}

/// What can be tested.
enum Wish {
    Inbound(inbound::Wish),
    Outbound(sender::Sender),
}

impl Wish {
    fn read(app: &App, asked: &AskedTest) -> Result<Wish, Vec<Wrong>> {
        match Way::parse(asked.way.trim()) {
            Some(Way::Inbound) => inbound::Wish::read(asked, app.settings.private_targets).map(Wish::Inbound),
            Some(Way::Outbound) => outbound_wish(asked, app.settings.private_targets).map(Wish::Outbound),
            None => Err(vec![Wrong::new("way", "connectivity-wrong-way")]),
        }
    }
}

fn outbound_wish(asked: &AskedTest, may_private: bool) -> Result<sender::Sender, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let ip = asked.target.trim().trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical()).ok();
    match ip {
        None => wrong.push(Wrong::new("target", "connectivity-wrong-ip")),
        Some(ip) if !may_private && !is_public(ip) => wrong.push(Wrong::new("target", "connectivity-wrong-private")),
        Some(_) => {}
    }
    let helo = asked.helo.trim();
    if helo.chars().count() > NAME_CHARS_MAX || helo.chars().any(|c| c.is_whitespace() || c.is_control()) {
        wrong.push(Wrong::new("helo", "connectivity-wrong-helo"));
    }
    let domain = domain(asked.domain.rsplit('@').next().unwrap_or_default());
    if domain.is_none() && !asked.domain.trim().is_empty() {
        wrong.push(Wrong::new("domain", "connectivity-wrong-domain"));
    }
    match (ip, wrong.is_empty()) {
        (Some(ip), true) => Ok(sender::Sender { ip, helo: helo.to_string(), domain: domain.unwrap_or_default() }),
        _ => Err(wrong),
    }
}

/// A domain as DNS has it: lower-case A-labels.
fn domain(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_end_matches('.');
    let is_short = !typed.is_empty() && typed.len() <= NAME_CHARS_MAX && typed.contains('.');
    let ascii = mail::address::domain_to_ascii(typed).filter(|_| is_short)?.to_ascii_lowercase();
    let is_name = ascii.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_".contains(&c)) && ascii.parse::<IpAddr>().is_err();
    is_name.then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, helo: &str, domain: &str) -> AskedTest {
        AskedTest { way: "outbound".into(), target: target.into(), helo: helo.into(), domain: domain.into(), ..AskedTest::default() }
    }

    #[test]
    fn only_what_can_be_tested_is() {
        for (target, helo, domain, want) in [
            ("8.8.8.8", "", "", vec![]),
            (" [2606:4700::1111] ", "mx.a.example", "a@例子.example", vec![]),
            ("127.0.0.1", "", "", vec!["target"]),
            ("::ffff:10.0.0.1", "", "", vec!["target"]),
            ("mx.a.example", "a b", "-", vec!["target", "helo", "domain"]),
        ] {
            let found = outbound_wish(&asked(target, helo, domain), false);
            let fields: Vec<&str> = found.err().unwrap_or_default().iter().map(|wrong| wrong.field).collect();
            assert_eq!(fields, want, "{target}");
        }
        assert!(outbound_wish(&asked("127.0.0.1", "", ""), true).is_ok(), "the settings say so");
    }

    #[test]
    fn one_host_that_works_is_enough() {
        let host =
            |result| Branch { kind: "host".into(), steps: vec![Step::new("connect", result, "connectivity-title")], ..Branch::default() };
        let test = |results: &[CheckResult]| Test {
            way: Way::Inbound,
            target: "a.example".into(),
            at_ms: 0,
            ms: 0,
            branches: results.iter().map(|result| host(*result)).collect(),
        };
        use CheckResult::{Advice, CannotTell, Ok, Problem};
        for (hosts, want) in [
            (vec![Ok, Problem], Advice),
            (vec![Problem, Problem], Problem),
            (vec![Ok, Ok], Ok),
            (vec![CannotTell, Ok], Advice),
            (vec![], CannotTell),
        ] {
            assert_eq!(test(&hosts).result(), want, "{hosts:?}");
        }
    }
}
