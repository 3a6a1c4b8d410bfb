//! Pages of TLS reports, also as files with `format=csv` or `format=json`.

use super::tls::{self, Sessions, TlsDay, TlsDomain, TlsDomainReport};
use super::{Asked, Chart, SpanLink, Tab, chart, csv_file, encoded, grouped, iso_day, json_file, share, spans, tabs};
use crate::App;
use crate::page::{Page, Say, View, show};
use crate::people::Person;
use askama::Template;
use axum::extract::{Path, Query, State};

#[derive(Template)]
#[template(path = "mail_reports/templates/tls.html")]
struct DomainsPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    domains: &'a [TlsDomain],
}

#[derive(Template)]
#[template(path = "mail_reports/templates/tls_domain.html")]
struct DomainPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    report: &'a TlsDomainReport,
}

/// `GET /reports/tls`.
pub async fn domains(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let (domains, by_day) = tls::domains(&app, &person, days).await?;
    match asked.format.as_str() {
        "csv" => {
            let row = |one: &TlsDomain| vec![one.domain.clone(), one.sessions.succeeded.to_string(), one.sessions.failed.to_string()];
            let columns = ["reports-col-domain", "reports-tls-succeeded", "reports-tls-failed"];
            return Ok(csv_file(&view, "tls", &columns, domains.iter().map(row).collect()));
        }
        "json" => return Ok(json_file("tls", &domains)),
        _ => {}
    }
    let chart = days_chart(&view, &by_day);
    let (spans, tabs) = (spans(&view, "/reports/tls", days), tabs(&view));
    show(&DomainsPage { view: &view, tabs, spans, days: days.count(), chart, domains: &domains })
}

/// `GET /reports/tls/{domain}`.
pub async fn domain(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let report = tls::domain(&app, &person, &name, days).await?;
    match asked.format.as_str() {
        "csv" => {
            let row = |one: &tls::TlsFailureSum| {
                vec![kind(&view, &one.kind), one.kind.clone(), one.mx.clone(), one.failed.to_string(), iso_day(one.last_day_ms)]
            };
            let columns = ["reports-tls-kind", "reports-tls-name", "reports-tls-mx", "reports-tls-failed", "reports-col-last"];
            return Ok(csv_file(&view, "tls-failures", &columns, report.failures.iter().map(row).collect()));
        }
        "json" => return Ok(json_file("tls-domain", &report)),
        _ => {}
    }
    let spans = spans(&view, &format!("/reports/tls/{}", encoded(&report.domain)), days);
    let (chart, tabs) = (days_chart(&view, &report.days), tabs(&view));
    show(&DomainPage { view: &view, tabs, spans, days: days.count(), chart, report: &report })
}

fn days_chart(view: &View, days: &[TlsDay]) -> Chart {
    let rows: Vec<(i64, Vec<i64>)> = days.iter().map(|day| (day.day_ms, vec![day.sessions.succeeded, day.sessions.failed])).collect();
    let sum = days.iter().fold(Sessions::default(), |sum, day| Sessions {
        succeeded: sum.succeeded + day.sessions.succeeded,
        failed: sum.failed + day.sessions.failed,
    });
    let says = Say::new("reports-tls-says").with("sessions", grouped(sum.all())).with("share", share(sum.failed, sum.all()));
    chart(view, "reports-tls-chart", view.say(&says), (vec!["reports-tls-succeeded", "reports-tls-failed"], rows))
}

/// A kind of failure in words.
fn kind(view: &View, kind: &str) -> String {
    view.of_kind("reports-tls-kind", kind)
}

/// What to do about a kind of failure.
fn todo(view: &View, kind: &str) -> String {
    let key = match kind {
        "starttls-not-supported" => "reports-tls-do-starttls",
        "certificate-expired" => "reports-tls-do-expired",
        "certificate-host-mismatch" => "reports-tls-do-mismatch",
        "certificate-not-trusted" => "reports-tls-do-trusted",
        "tlsa-invalid" | "dnssec-invalid" | "dane-required" => "reports-tls-do-dane",
        "sts-policy-fetch-error" | "sts-policy-invalid" | "sts-webpki-invalid" => "reports-tls-do-sts",
        _ => "reports-tls-do-other",
    };
    view.t(key)
}
