//! Pages of reports one by one: the list with what could not be used, one report, the form to upload.

use super::received::{self, Asked, KINDS, ROWS};
use super::{Tab, grouped, tabs};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::form::Form;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row as TableRow, Table};
use crate::page::{Fault, Page, Say, View, confirm, done, show, show_with, upload as upload_form};
use crate::people::{May, Person};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use gateway::mail_reports::{Kept, Row, sql};
use mail::id::MailReportId;
use serde::Deserialize;
use serde_json::Value;
use store::Error;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "reports-col-time", can_sort: false, is_usual: true },
    Column { name: "kind", title: "reports-col-kind", can_sort: false, is_usual: true },
    Column { name: "domain", title: "reports-col-domain", can_sort: false, is_usual: true },
    Column { name: "reporter", title: "reports-col-reporter", can_sort: false, is_usual: true },
    Column { name: "messages", title: "reports-col-messages", can_sort: false, is_usual: true },
    Column { name: "failed", title: "reports-failed", can_sort: false, is_usual: true },
    Column { name: "sender", title: "reports-col-sender", can_sort: false, is_usual: false },
    Column { name: "about", title: "reports-col-about", can_sort: false, is_usual: false },
    Column { name: "id", title: "reports-col-id", can_sort: false, is_usual: false },
];

#[derive(Template)]
#[template(path = "mail_reports/templates/received.html")]
struct ListPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    form: &'a Form,
    kinds: [&'static str; 6],
    table: String,
    json: String,
    may_upload: bool,
}

#[derive(Template)]
#[template(path = "mail_reports/templates/upload.html")]
struct UploadPage<'a> {
    view: &'a View,
    form: &'a Form,
    addresses: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail_reports/templates/report.html")]
struct ReportPage<'a> {
    view: &'a View,
    row: &'a Row,
    problem: String,
    /// What it says as a whole: words key and value.
    facts: Vec<(&'static str, String)>,
    records: String,
    detail: String,
    may_mail: bool,
    may_delete: bool,
}

/// `GET /reports/received`, also as a file.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let of_table = TableAsked::of(&pairs);
    let is_json = pairs.iter().any(|(name, value)| name == "format" && value == "json");
    let limit = if of_table.is_csv || is_json { gateway::mail_reports::sql::ROWS_MAX } else { ROWS };
    let (form, found) = match received::list(&app, &person, &asked, limit).await {
        Ok(found) => (Form::of(&asked), found),
        Err(Fault::Invalid(wrong)) => (Form::of(&asked).with_wrong(wrong), (Vec::new(), None)),
        Err(other) => return Err(other),
    };
    let (rows, next) = found;
    if is_json {
        return Ok(super::json_file("reports", &rows.iter().map(super::api::MailReportBody::of).collect::<Vec<_>>()));
    }
    let table = Table {
        view: &view,
        path: "/reports/received",
        caption: view.t("reports-tab-received"),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|row| table_row(&view, row)).collect(),
        form: "",
        next: next.map(|next| ("before", next.to_string())),
        empty: view.t("reports-received-empty"),
    };
    if of_table.is_csv {
        return Ok(table.csv("reports"));
    }
    let status = form.status();
    let json = of_table.href("/reports/received", &[("format", "json")]);
    let may_upload = view.may(May::Domains);
    show_with(status, &ListPage { view: &view, tabs: tabs(&view), form: &form, kinds: KINDS, table: table.html(), json, may_upload })
}

fn table_row(view: &View, row: &Row) -> TableRow {
    let href = format!("/reports/received/{}", row.id);
    let what = match row.problem.as_str() {
        "" => Cell::link(&href, view.of_kind("reports-kind", &row.kind)),
        problem => Cell::lines(vec![
            Cell::link(&href, view.t("reports-kind-problem")),
            Cell::badge("bad", view.of_kind("reports-problem", problem)),
        ]),
    };
    let mut reporter = vec![Cell::text(if row.reporter.is_empty() { row.sender.clone() } else { row.reporter.clone() })];
    if !row.is_proven {
        reporter.push(Cell::badge("warn", view.t("reports-unproven")));
    }
    let cells = vec![
        Cell::time(view, row.at_ms()),
        what,
        Cell::text(&row.domain),
        Cell::lines(reporter),
        Cell::text(row.messages.to_string()),
        Cell::text(row.failed.to_string()),
        Cell::text(&row.sender),
        Cell::text(&row.about),
        Cell::text(row.id.to_string()),
    ];
    TableRow { pick: String::new(), label: row.id.to_string(), cells }
}

/// `GET /reports/received/new`.
pub async fn form(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Domains)?;
    asked_again(&app, &view, &person, Form::default())
}

fn asked_again(app: &App, view: &View, person: &Person, form: Form) -> Page {
    let (directory, scope) = (app.directory.snapshot(), person.scope());
    let mut own: Vec<&String> = directory.domains.values().filter(|domain| scope.allows(domain.org)).map(|domain| &domain.name).collect();
    own.sort();
    let names = [&app.reports.dmarc, &app.reports.tls, &app.reports.complaints];
    let of = |name: &&String| own.first().filter(|_| !name.is_empty()).map(|domain| format!("{name}@{domain}"));
    let addresses = names.iter().filter_map(of).collect();
    let status = form.status();
    show_with(status, &UploadPage { view, form: &form, addresses })
}

/// `POST /reports/received/new`: a form with a file.
pub async fn upload(State(app): State<App>, view: View, person: Person, headers: HeaderMap, body: Bytes) -> Page {
    person.require(May::Domains)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let octets = upload_form::field(kind, &body, "file").unwrap_or_default();
    let wrong = |key| asked_again(&app, &view, &person, Form::default().with_wrong(vec![Wrong::new("file", key)]));
    let kept = match received::upload(&app, &person, (&file_name(&body), Bytes::copy_from_slice(octets))).await {
        Ok(kept) => kept,
        Err(Fault::Invalid(_)) => return wrong("reports-wrong-empty"),
        Err(Fault::TooLarge) => return wrong("reports-wrong-large"),
        Err(other) => return Err(other),
    };
    match kept.as_slice() {
        [one] => done(&format!("/reports/received/{}", one.id), said(one)),
        all => {
            let count = |is: fn(&Kept) -> bool| all.iter().filter(|one| is(one)).count();
            let say = Say::new("reports-uploaded-many").with("new", count(|one| !one.is_known && one.problem.is_empty()));
            let say = say.with("known", count(|one| one.is_known)).with("problems", count(|one| !one.is_known && !one.problem.is_empty()));
            done("/reports/received", say)
        }
    }
}

fn said(kept: &Kept) -> Say {
    match (kept.is_known, kept.problem) {
        (true, _) => Say::new("reports-uploaded-known"),
        (_, "") => Say::new("reports-uploaded"),
        _ => Say::new("reports-uploaded-problem"),
    }
}

/// How the browser says the file is called.
fn file_name(body: &[u8]) -> String {
    const HEAD_OCTETS_MAX: usize = 2_000;
    let head = String::from_utf8_lossy(&body[..body.len().min(HEAD_OCTETS_MAX)]).into_owned();
    head.split_once("filename=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default().to_string()
}

/// `GET /reports/received/{report}`.
pub async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let row = received::one(&app, &person, &id).await?;
    let detail: Value = serde_json::from_str(&row.detail).unwrap_or_default();
    let problem = match row.problem.as_str() {
        "" => String::new(),
        "missing" => format!("{} {}", view.t("reports-problem-missing"), row.about),
        problem => view.of_kind("reports-problem", problem),
    };
    let page = ReportPage {
        view: &view,
        facts: facts(&row, &detail),
        records: records(&view, &row, &detail),
        detail: serde_json::to_string_pretty(&detail).unwrap_or_default(),
        problem,
        may_mail: row.mail.0 != 0,
        may_delete: person.may(May::Domains),
        row: &row,
    };
    show(&page)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /reports/received/{report}/delete`: asks first.
pub async fn delete(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    axum::Form(Sure { sure }): axum::Form<Sure>,
) -> Page {
    person.require(May::Domains)?;
    if sure.is_empty() {
        let report: MailReportId = id.parse().map_err(|_| Fault::NotFound)?;
        let scope = person.scope();
        let found: Result<_, Error> = app
            .db
            .read(move |tx| Box::pin(async move { Ok((sql::one(tx, scope, report).await?, sql::has_sums(tx, scope, report).await?)) }))
            .await;
        let (row, has_sums) = found.map_err(Fault::from)?;
        let row = row.ok_or(Fault::NotFound)?;
        let is_counted = matches!(row.kind.as_str(), "dmarc" | "tls") && row.problem.is_empty();
        let text = match (is_counted, has_sums) {
            (true, true) => "reports-delete-counted",
            (true, false) => "reports-delete-old",
            _ => "reports-delete-sure",
        };
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("reports-delete"),
                text: Say::new(text),
                button: "reports-delete",
                action: format!("/reports/received/{report}/delete"),
                fields: Vec::new(),
                back: format!("/reports/received/{report}"),
            },
        );
    }
    received::delete(&app, &person, &id).await?;
    done("/reports/received", Say::new("reports-deleted"))
}

/// What a report says as a whole; what it does not say is left out.
fn facts(row: &Row, detail: &Value) -> Vec<(&'static str, String)> {
    let text =
        |value: &Value| value.as_str().map(str::to_string).or_else(|| value.as_i64().map(|number| number.to_string())).unwrap_or_default();
    let list = |value: &Value| value.as_array().into_iter().flatten().map(&text).collect::<Vec<_>>().join(", ");
    let policy = &detail["policy"];
    let all = [
        ("reports-fact-id", row.report_id.clone()),
        ("reports-fact-contact", text(&detail["contact"])),
        ("reports-fact-generator", text(&detail["generator"])),
        ("reports-fact-errors", list(&detail["errors"])),
        ("reports-fact-policy", text(&policy["p"])),
        ("reports-fact-subdomains", text(&policy["sp"])),
        ("reports-fact-percent", text(&policy["pct"])),
        ("reports-fact-feedback", text(&detail["kind"])),
        ("reports-fact-failure", text(&detail["auth_failure"])),
        ("reports-fact-source", text(&detail["source"])),
        ("reports-fact-from", text(&detail["from"])),
        ("reports-fact-mail-from", text(&detail["mail_from"])),
        ("reports-fact-recipients", list(&detail["recipients"])),
        ("reports-fact-subject", text(&detail["subject"])),
        ("reports-fact-message-id", text(&detail["message_id"])),
        ("reports-fact-auth", text(&detail["auth_results"])),
        ("reports-fact-result", text(&detail["delivery_result"])),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

const RECORD_COLUMNS: &[Column] = &[
    Column { name: "source", title: "reports-col-source", can_sort: false, is_usual: true },
    Column { name: "count", title: "reports-col-messages", can_sort: false, is_usual: true },
    Column { name: "dkim", title: "reports-col-dkim", can_sort: false, is_usual: true },
    Column { name: "spf", title: "reports-col-spf", can_sort: false, is_usual: true },
    Column { name: "done", title: "reports-col-done", can_sort: false, is_usual: true },
    Column { name: "from", title: "reports-fact-from", can_sort: false, is_usual: true },
];
const FAILURE_COLUMNS: &[Column] = &[
    Column { name: "kind", title: "reports-tls-kind", can_sort: false, is_usual: true },
    Column { name: "mx", title: "reports-tls-mx", can_sort: false, is_usual: true },
    Column { name: "count", title: "reports-tls-failed", can_sort: false, is_usual: true },
    Column { name: "from", title: "reports-tls-from", can_sort: false, is_usual: true },
    Column { name: "reason", title: "reports-tls-reason", can_sort: false, is_usual: true },
];

/// Records of a DMARC report, or failures of one about TLS, as HTML; "" for all others.
fn records(view: &View, row: &Row, detail: &Value) -> String {
    let (columns, rows): (&'static [Column], Vec<TableRow>) = match row.kind.as_str() {
        "dmarc" => (RECORD_COLUMNS, detail["records"].as_array().into_iter().flatten().map(|one| record(view, row, one)).collect()),
        "tls" => {
            let policies = detail["policies"].as_array().into_iter().flatten();
            (
                FAILURE_COLUMNS,
                policies.flat_map(|policy| policy["failures"].as_array().into_iter().flatten()).map(|one| failure(view, one)).collect(),
            )
        }
        _ => return String::new(),
    };
    let asked = TableAsked::default();
    let (path, caption, empty) = (format!("/reports/received/{}", row.id), view.t("reports-records"), view.t("reports-records-none"));
    super::bare_table(view, &Table { view, path: &path, caption, columns, asked: &asked, rows, form: "", next: None, empty })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn record(view: &View, row: &Row, one: &Value) -> TableRow {
    let passed = |name: &str| {
        let is = one[name].as_bool().unwrap_or_default();
        Cell::badge(if is { "good" } else { "bad" }, view.t(if is { "reports-pass" } else { "reports-fail" }))
    };
    let source = text(&one["source"]);
    let href = format!("/reports/dmarc/{}/{}?days=365", super::encoded(&row.domain), super::encoded(source));
    let source = if row.problem.is_empty() { Cell::link(&href, source) } else { Cell::text(source) };
    let cells = vec![
        source,
        Cell::text(grouped(one["count"].as_i64().unwrap_or_default())),
        passed("dkim"),
        passed("spf"),
        Cell::text(view.of_kind("reports-done", text(&one["disposition"]))),
        Cell::text(text(&one["from"])),
    ];
    TableRow { cells, ..TableRow::default() }
}

fn failure(view: &View, one: &Value) -> TableRow {
    let reason = [text(&one["reason"]), text(&one["more"])].iter().filter(|text| !text.is_empty()).map(|text| Cell::text(*text)).collect();
    let cells = vec![
        Cell::text(view.of_kind("reports-tls-kind", text(&one["kind"]))),
        Cell::text(text(&one["mx"])),
        Cell::text(one["count"].as_i64().unwrap_or_default().to_string()),
        Cell::text(text(&one["sending_ip"])),
        Cell::lines(reason),
    ];
    TableRow { cells, ..TableRow::default() }
}
