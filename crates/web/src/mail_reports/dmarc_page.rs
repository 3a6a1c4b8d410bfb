//! Pages of DMARC, also as files with `format=csv` or `format=json`.

use super::dmarc::{self, DmarcDay, DmarcDomain, DmarcMails, DmarcReport, DmarcSource, DmarcSourceReport};
use super::{Asked, Chart, SpanLink, Tab, chart, csv_file, encoded, grouped, iso_day, json_file, share, spans, tabs};
use crate::App;
use crate::page::{Page, Say, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, Query, State};

#[derive(Template)]
#[template(path = "mail_reports/templates/dmarc.html")]
struct DomainsPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    domains: &'a [DmarcDomain],
    /// Where DMARC records should send reports to, of a domain without any.
    address: String,
    may_upload: bool,
}

#[derive(Template)]
#[template(path = "mail_reports/templates/dmarc_domain.html")]
struct DomainPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    report: &'a DmarcReport,
    next: String,
    tone: &'static str,
    /// What to publish; "" is nothing new.
    record: String,
    address: String,
}

#[derive(Template)]
#[template(path = "mail_reports/templates/dmarc_source.html")]
struct SourcePage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    days: i64,
    chart: Chart,
    report: &'a DmarcSourceReport,
    who: String,
    advice: String,
    may_trace: bool,
}

/// `GET /reports/dmarc`.
pub async fn domains(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let (domains, by_day) = dmarc::domains(&app, &person, days).await?;
    match asked.format.as_str() {
        "csv" => return Ok(csv_file(&view, "dmarc", &DOMAIN_COLUMNS, domains.iter().map(domain_cells).collect())),
        "json" => return Ok(json_file("dmarc", &domains)),
        _ => {}
    }
    let chart = days_chart(&view, &by_day);
    let address = address(&app, &person);
    let page = DomainsPage {
        view: &view,
        tabs: tabs(&view),
        spans: spans(&view, "/reports/dmarc", days),
        days: days.count(),
        chart,
        domains: &domains,
        address,
        may_upload: view.may(May::Domains),
    };
    show(&page)
}

/// `GET /reports/dmarc/{domain}`.
pub async fn domain(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let report = dmarc::domain(&app, &person, &name, days).await?;
    match asked.format.as_str() {
        "csv" => {
            let rows = report.sources.iter().map(|source| source_cells(&view, source)).collect();
            return Ok(csv_file(&view, "dmarc-sources", &SOURCE_COLUMNS, rows));
        }
        "json" => return Ok(json_file("dmarc-domain", &report)),
        _ => {}
    }
    let path = format!("/reports/dmarc/{}", encoded(&report.domain));
    let page = DomainPage {
        view: &view,
        tabs: tabs(&view),
        spans: spans(&view, &path, days),
        days: days.count(),
        chart: days_chart(&view, &report.days),
        next: next(&view, &report),
        tone: tone(report.advice.next),
        record: record(&app, &report),
        address: format!("{}@{}", app.reports.dmarc, report.domain),
        report: &report,
    };
    show(&page)
}

/// `GET /reports/dmarc/{domain}/{source}`.
pub async fn source(
    State(app): State<App>,
    view: View,
    person: Person,
    Path((name, source)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Page {
    let days = asked.days();
    let report = dmarc::source(&app, &person, (&name, &source), days).await?;
    if asked.format == "json" {
        return Ok(json_file("dmarc-source", &report));
    }
    let page = SourcePage {
        view: &view,
        tabs: tabs(&view),
        days: days.count(),
        chart: days_chart(&view, &report.days),
        who: who(&view, &report.source),
        advice: advice(&view, &report.source, &report.domain),
        may_trace: view.may(May::Trace),
        report: &report,
    };
    show(&page)
}

/// The address for reports of the first domain of whoever looks.
fn address(app: &App, person: &Person) -> String {
    let (directory, scope) = (app.directory.snapshot(), person.scope());
    let mut own: Vec<&String> = directory.domains.values().filter(|domain| scope.allows(domain.org)).map(|domain| &domain.name).collect();
    own.sort();
    match own.first() {
        Some(name) if !app.reports.dmarc.is_empty() => format!("{}@{name}", app.reports.dmarc),
        _ => String::new(),
    }
}

fn days_chart(view: &View, days: &[DmarcDay]) -> Chart {
    let values = |mails: &DmarcMails| {
        let stopped = (mails.quarantined + mails.rejected).min(mails.failed());
        vec![mails.passed, mails.failed() - stopped, stopped]
    };
    let rows: Vec<(i64, Vec<i64>)> = days.iter().map(|day| (day.day_ms, values(&day.mails))).collect();
    let (all, passed) = days.iter().fold((0, 0), |sum, day| (sum.0 + day.mails.messages, sum.1 + day.mails.passed));
    let says = Say::new("reports-dmarc-says").with("messages", grouped(all)).with("share", share(passed, all));
    chart(view, "reports-dmarc-chart", view.say(&says), (vec!["reports-passed", "reports-failed-through", "reports-failed-stopped"], rows))
}

const DOMAIN_COLUMNS: [&str; 7] = [
    "reports-col-domain",
    "reports-col-policy",
    "reports-col-messages",
    "reports-passed",
    "reports-failed",
    "reports-quarantined",
    "reports-rejected",
];
const SOURCE_COLUMNS: [&str; 11] = [
    "reports-col-source",
    "reports-col-who",
    "reports-col-host",
    "reports-col-messages",
    "reports-passed",
    "reports-col-dkim",
    "reports-col-spf",
    "reports-quarantined",
    "reports-rejected",
    "reports-col-last",
    "reports-col-advice",
];

fn domain_cells(one: &DmarcDomain) -> Vec<String> {
    let DmarcMails { messages, passed, quarantined, rejected, .. } = one.mails;
    let counts = [messages, passed, one.mails.failed(), quarantined, rejected].map(|count| count.to_string());
    [one.domain.clone(), one.policy.clone()].into_iter().chain(counts).collect()
}

fn source_cells(view: &View, one: &DmarcSource) -> Vec<String> {
    let DmarcMails { messages, passed, dkim, spf, quarantined, rejected } = one.mails;
    let counts = [messages, passed, dkim, spf, quarantined, rejected].map(|count| count.to_string());
    let before = [source_name(view, one), who(view, one), one.who.host.clone()];
    let after = [iso_day(one.last_day_ms), view.of_kind("reports-source", one.advice)];
    before.into_iter().chain(counts).chain(after).collect()
}

fn source_name(view: &View, one: &DmarcSource) -> String {
    if one.source.is_empty() { view.t("reports-source-others") } else { one.source.clone() }
}

/// Who it is, in a few words.
fn who(view: &View, one: &DmarcSource) -> String {
    match one.who.kind {
        "own" => view.t("reports-who-own"),
        "service" => one.who.name.clone(),
        _ if !one.signer.is_empty() => view.w("reports-who-signer", &one.signer),
        _ if !one.who.host.is_empty() => one.who.host.clone(),
        _ => view.t("reports-who-unknown"),
    }
}

fn because(view: &View, one: &DmarcSource) -> String {
    if one.who.because.is_empty() { String::new() } else { view.of_kind("reports-because", one.who.because) }
}

/// What to do about a source, in a sentence.
fn advice(view: &View, one: &DmarcSource, domain: &str) -> String {
    let say = |key| {
        let say = Say::new(key).with("name", who(view, one)).with("source", source_name(view, one));
        say.with("domain", domain).with("include", one.who.include.clone()).with("signer", one.signer.clone())
    };
    let key = match one.advice {
        "good" => "reports-do-good",
        "no-dkim" => "reports-do-no-dkim",
        "partly" => "reports-do-partly",
        "own" => "reports-do-own",
        "service" if !one.who.include.is_empty() && !one.who.is_in_spf => "reports-do-service-include",
        "service" => "reports-do-service",
        "other-signer" => "reports-do-other-signer",
        _ => "reports-do-unknown",
    };
    view.say(&say(key))
}

fn source_tone(advice: &str) -> &'static str {
    match advice {
        "good" => "good",
        "no-dkim" | "partly" | "other-signer" => "warn",
        "own" | "service" => "bad",
        _ => "plain",
    }
}

fn tone(next: &str) -> &'static str {
    match next {
        "keep" => "good",
        "sources" => "bad",
        "to-quarantine" | "to-reject" => "info",
        _ => "plain",
    }
}

/// What to do about the policy, in a sentence.
fn next(view: &View, report: &DmarcReport) -> String {
    let key = match report.advice.next {
        "keep" => "reports-next-keep",
        "sources" => "reports-next-sources",
        "to-quarantine" => "reports-next-to-quarantine",
        "to-reject" => "reports-next-to-reject",
        "unknown-policy" => "reports-next-unknown-policy",
        _ => "reports-next-wait",
    };
    let say = Say::new(key).with("sources", report.advice.sources).with("mails", grouped(report.advice.in_danger));
    view.say(&say.with("forged", grouped(report.advice.forged)).with("policy", report.policy.clone()))
}

/// The record that a domain begins with.
fn first_record(address: &str) -> String {
    format!("v=DMARC1; p=none; rua=mailto:{address}")
}

/// A policy as records write it.
fn tag(policy: &str) -> String {
    format!("p={policy}")
}

/// The record to publish next.
fn record(app: &App, report: &DmarcReport) -> String {
    let policy = match report.advice.next {
        "to-quarantine" => "quarantine",
        "to-reject" => "reject",
        _ => return String::new(),
    };
    format!("v=DMARC1; p={policy}; rua=mailto:{}@{}", app.reports.dmarc, report.domain)
}
