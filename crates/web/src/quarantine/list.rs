//! Lists of held mail: the organisation's, and one's own.

use super::policy::{self, Rules};
use super::{Powers, powers};
use crate::App;
use crate::page::guard::form_pair;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table, escaped};
use crate::page::{Page, View, form::Form, show};
use crate::people::{May, Person};
use crate::trace::verdict_tone;
use askama::Template;
use axum::extract::{Query, State};
use gateway::quarantine::api::HeldBody;
use gateway::quarantine::{Cursor, Filter};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rows of one page, and how long it looks; a search that takes longer goes on in parts.
pub const ROWS: usize = 50;
const PAGE_WITHIN: Duration = Duration::from_millis(25);

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "quarantine-col-time", can_sort: false, is_usual: true },
    Column { name: "subject", title: "quarantine-col-subject", can_sort: false, is_usual: true },
    Column { name: "sender", title: "quarantine-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipient", title: "quarantine-col-recipient", can_sort: false, is_usual: true },
    Column { name: "verdict", title: "quarantine-col-verdict", can_sort: false, is_usual: true },
    Column { name: "until", title: "quarantine-col-until", can_sort: false, is_usual: false },
    Column { name: "size", title: "quarantine-col-size", can_sort: false, is_usual: false },
    Column { name: "ip", title: "quarantine-col-ip", can_sort: false, is_usual: false },
    Column { name: "do", title: "quarantine-col-do", can_sort: false, is_usual: true },
];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    recipient: String,
    sender: String,
    subject: String,
    verdict: String,
    #[serde(skip_serializing)]
    after: String,
}

impl Asked {
    /// From the fields of a form; `own` is the address for which alone it may ask.
    pub fn of_pairs(pairs: &[(String, String)], own: Option<String>) -> Asked {
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
        Asked {
            recipient: own.unwrap_or_else(|| value("recipient")),
            sender: value("sender"),
            subject: value("subject"),
            verdict: value("verdict"),
            after: value("after"),
        }
    }

    pub fn filter(&self) -> Filter {
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        Filter {
            recipient: some(&self.recipient).map(|address| address.to_lowercase()),
            sender: some(&self.sender),
            subject: some(&self.subject),
            verdict: some(&self.verdict),
            after: cursor(&self.after),
            limit: ROWS,
            within: PAGE_WITHIN,
            ..Filter::default()
        }
    }
}

/// `mail.n`, as [`written`] makes it.
pub fn cursor(text: &str) -> Option<Cursor> {
    let (mail, n) = text.split_once('.')?;
    Some(Cursor { mail: mail.parse().ok()?, n: n.parse().ok()? })
}

pub fn written(cursor: Cursor) -> String {
    format!("{}.{}", cursor.mail, cursor.n)
}

#[derive(Template)]
#[template(path = "quarantine/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    title: &'static str,
    path: &'static str,
    is_mine: bool,
    form: Form,
    verdicts: &'static [&'static str],
    table: String,
    can_release: bool,
    can_delete: bool,
    has_rows: bool,
    /// Where the search goes on by itself; "" when it is over.
    goes_on: String,
    /// Of the search, for deciding about everything that matches.
    fields: Vec<(&'static str, &'a str)>,
}

/// What can be held, worst first.
pub const VERDICTS: &[&str] =
    &["malware", "blocked-type", "uninspectable", "high-phish", "phish", "high-spam", "spoof", "impersonation", "spam", "bulk"];

/// `GET /quarantine`.
pub async fn all(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Quarantine)?;
    listed(&app, &view, &person, (&asked, &pairs), false).await
}

/// `GET /quarantine/mine`: held for this person's own address, whatever else they may.
pub async fn mine(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::OwnQuarantine)?;
    let asked = Asked { recipient: person.email.clone(), ..asked };
    listed(&app, &view, &person, (&asked, &pairs), true).await
}

async fn listed(app: &App, view: &View, person: &Person, query: (&Asked, &[(String, String)]), is_mine: bool) -> Page {
    let (asked, pairs) = query;
    let of_table = TableAsked::of(pairs);
    let (rows, next) = match of_table.is_csv {
        true => whole(app, person, asked.filter()).await?,
        false => seen(app, person, asked.filter()).await?,
    };
    let rules = policy::rules(app, person).await?;
    let path = if is_mine { "/quarantine/mine" } else { "/quarantine" };
    let mut shown: Vec<Row> = rows.iter().map(|held| row(view, person, (held, powers(person, held, &rules)))).collect();
    if of_table.is_csv && next.is_some() {
        // The file says itself that it is not everything.
        shown.push(Row { cells: vec![Cell::text(view.t("quarantine-file-cut"))], ..Row::default() });
    }
    let next = next.map(written);
    // Looked through as far as there was time: a page cut short by a quarantine policy goes on as well.
    let goes_on = next.as_deref().filter(|_| rows.len() < ROWS).map(|next| of_table.href(path, &[("after", next)])).unwrap_or_default();
    let empty = match (goes_on.is_empty(), is_mine) {
        (false, _) => "quarantine-empty-yet",
        (true, true) => "quarantine-mine-empty",
        (true, false) => "quarantine-empty",
    };
    let table = Table {
        view,
        path,
        caption: view.t(if is_mine { "quarantine-mine" } else { "quarantine-title" }),
        columns: COLUMNS,
        asked: &of_table,
        rows: shown,
        form: "decide",
        next: next.map(|next| ("after", next)),
        empty: view.t(empty),
    };
    if of_table.is_csv {
        return Ok(table.csv("quarantine"));
    }
    show(&ListPage {
        view,
        title: if is_mine { "quarantine-mine" } else { "quarantine-title" },
        path,
        is_mine,
        form: Form::of(asked),
        verdicts: VERDICTS,
        table: table.html(),
        // Of rows that come later nothing is known yet; each is asked about again when it is decided.
        can_release: !goes_on.is_empty() || rows.iter().any(|held| powers(person, held, &rules).release),
        can_delete: !goes_on.is_empty() || rows.iter().any(|held| powers(person, held, &rules).delete),
        has_rows: !goes_on.is_empty() || !rows.is_empty(),
        goes_on,
        fields: vec![
            ("recipient", if is_mine { "" } else { &asked.recipient }),
            ("sender", &asked.sender),
            ("subject", &asked.subject),
            ("verdict", &asked.verdict),
            ("mine", if is_mine { "1" } else { "" }),
        ],
    })
}

/// Held rows that this person may see at all. A quarantine policy can keep one's own from oneself; a page may be shorter then.
pub async fn seen(app: &App, person: &Person, filter: Filter) -> Result<(Vec<HeldBody>, Option<Cursor>), crate::page::Fault> {
    let rules: Rules = policy::rules(app, person).await?;
    let (rows, next) = app.quarantine.list(person.scope(), filter).await?;
    Ok((rows.into_iter().filter(|row| powers(person, row, &rules).see).collect(), next))
}

/// Rows of one file.
const FILE_ROWS_MAX: usize = 20_000;
const FILE_PAGE: usize = 1_000;

/// Page after page, for a file; a cursor when it was cut.
async fn whole(app: &App, person: &Person, filter: Filter) -> Result<(Vec<HeldBody>, Option<Cursor>), crate::page::Fault> {
    let (mut all, mut filter) = (Vec::new(), Filter { limit: FILE_PAGE, ..filter });
    loop {
        let (mut rows, next) = seen(app, person, filter.clone()).await?;
        all.append(&mut rows);
        if next.is_none() || all.len() >= FILE_ROWS_MAX {
            return Ok((all, next));
        }
        filter.after = next;
    }
}

/// Where an entry for the sender of a held mail is made: for everybody, or for one recipient.
pub fn entry_href(effect: &str, sender: &str, scope: &str) -> String {
    let pairs = [form_pair("effect", effect), form_pair("kind", "address"), form_pair("value", sender), form_pair("scope", scope)];
    format!("/entries/new?{}", pairs.join("&"))
}

/// Allow or block the sender from the row; whoever may not do it for everybody does it for themselves.
fn doing(view: &View, person: &Person, (held, powers): (&HeldBody, Powers)) -> Cell {
    let scope = if person.may(May::Entries) { "" } else { held.recipient.as_str() };
    let mut links = Vec::new();
    for (may, effect, key) in [(powers.allow, "allow", "quarantine-allow"), (powers.block, "block", "quarantine-block")] {
        if may && !held.sender.is_empty() {
            let (href, name) = (entry_href(effect, &held.sender, scope), format!("{} {}", view.t(key), held.sender));
            links.push(format!("<a class=\"act\" href=\"{}\" aria-label=\"{}\">{}</a>", escaped(&href), escaped(&name), view.t(key)));
        }
    }
    // Nothing to read in a file.
    Cell { html: links.join(" "), text: String::new() }
}

fn row(view: &View, person: &Person, (held, powers): (&HeldBody, Powers)) -> Row {
    let subject = if held.subject.is_empty() { view.t("quarantine-no-subject") } else { held.subject.clone() };
    Row {
        pick: if powers.release || powers.delete { written(Cursor { mail: held.mail, n: held.n }) } else { String::new() },
        label: view.w("quarantine-pick", &subject),
        cells: vec![
            Cell::time(view, held.at_ms),
            Cell::link(&format!("/quarantine/{}", held.mail), subject),
            Cell::text(if held.sender.is_empty() { "<>" } else { &held.sender }),
            Cell::text(&held.recipient),
            Cell::badge(verdict_tone(&held.verdict), view.of_kind("verdict", &held.verdict)),
            Cell::time(view, held.until_ms),
            Cell::text(view.octets(held.octets)),
            Cell::text(&held.peer_ip),
            doing(view, person, (held, powers)),
        ],
    }
}
