//! Lists of entries: the organisation's, and those of one's own mailbox.

use super::own_scope;
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, View, form::Form, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use gateway::directory::{Effect, EntryKind};
use gateway::entry::{self, Count, Filter, Listed};
use gateway::scope::OrgScope;
use mail::id::EntryId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::Error;
use utoipa::IntoParams;

/// Entries of one page.
pub const ROWS: usize = 50;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// "Soon" is within so many days.
const SOON_DAYS: i64 = 7;

const COLUMNS: &[Column] = &[
    Column { name: "effect", title: "entry-col-effect", can_sort: false, is_usual: true },
    Column { name: "value", title: "entry-col-value", can_sort: false, is_usual: true },
    Column { name: "kind", title: "entry-col-kind", can_sort: false, is_usual: true },
    Column { name: "scope", title: "entry-col-scope", can_sort: false, is_usual: true },
    Column { name: "until", title: "entry-col-until", can_sort: false, is_usual: true },
    Column { name: "won", title: "entry-col-won", can_sort: false, is_usual: true },
    Column { name: "last", title: "entry-col-last", can_sort: false, is_usual: true },
    Column { name: "lost", title: "entry-col-lost", can_sort: false, is_usual: false },
    Column { name: "by", title: "entry-col-by", can_sort: false, is_usual: true },
    Column { name: "made", title: "entry-col-made", can_sort: false, is_usual: false },
    Column { name: "note", title: "entry-col-note", can_sort: false, is_usual: false },
    Column { name: "source", title: "entry-col-source", can_sort: false, is_usual: false },
];

/// What can be asked, in a query of pages and of the API alike. What is '' does not matter.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// allow or block.
    pub effect: String,
    /// address, domain, ip, host or hash.
    pub kind: String,
    /// Part of the value.
    pub value: String,
    /// A recipient.
    pub scope: String,
    /// Part of the address of who made it.
    pub made_by: String,
    /// holding (the usual), soon (ends within a week), ended or all.
    pub state: String,
    /// Go on after this entry of an earlier answer.
    pub before: String,
}

impl Asked {
    pub fn filter(&self, now_ms: i64) -> Filter {
        let mut filter = Filter {
            effect: Effect::named(&self.effect),
            kind: EntryKind::named(&self.kind),
            value: self.value.trim().to_lowercase(),
            scope: Some(self.scope.trim().to_lowercase()).filter(|scope| !scope.is_empty()),
            made_by: self.made_by.trim().to_lowercase(),
            before: self.before.parse().ok(),
            limit: ROWS,
            ..Filter::default()
        };
        match self.state.as_str() {
            "all" => {}
            "ended" => filter.ended_ms = Some(now_ms),
            "soon" => (filter.holding_ms, filter.ending_before_ms) = (Some(now_ms), Some(now_ms + SOON_DAYS * DAY_MS)),
            _ => filter.holding_ms = Some(now_ms),
        }
        filter
    }
}

/// What an entry did, over all classes.
pub type Sums = HashMap<EntryId, Count>;

pub async fn find(app: &App, scope: OrgScope, filter: Filter) -> Result<(Vec<Listed>, Option<EntryId>, Sums), Fault> {
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let (rows, next) = entry::list(tx, scope, &filter).await?;
            let ids: Vec<EntryId> = rows.iter().map(|row| EntryId(row.entry.id)).collect();
            let mut sums = Sums::new();
            for (id, _, count) in entry::usage_of(tx, scope, &ids).await? {
                let sum = sums.entry(id).or_default();
                sum.won += count.won;
                sum.lost += count.lost;
                sum.last_ms = sum.last_ms.max(count.last_ms);
                sum.won_ms = sum.won_ms.max(count.won_ms);
            }
            Ok::<_, Error>((rows, next, sums))
        })
    });
    Ok(found.await?)
}

#[derive(Template)]
#[template(path = "entry/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    form: Form,
    is_mine: bool,
    title: &'static str,
    path: &'static str,
    may_make: bool,
    may_choose: bool,
    effects: &'static [&'static str],
    kinds: &'static [&'static str],
    states: &'static [&'static str],
    table: String,
}

const EFFECTS: &[&str] = &["", "allow", "block"];
const KINDS: &[&str] = &["", "address", "domain", "ip", "host", "hash"];
const STATES: &[&str] = &["holding", "soon", "ended", "all"];

/// `GET /entries`.
pub async fn all(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::ReadSettings)?;
    listed(&app, &view, &person, (&asked, &pairs), false).await
}

/// `GET /entries/mine`: for this person's own mailbox.
pub async fn mine(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::OwnQuarantine)?;
    let asked = Asked { scope: own_scope(&person), ..asked };
    listed(&app, &view, &person, (&asked, &pairs), true).await
}

async fn listed(app: &App, view: &View, person: &Person, query: (&Asked, &[(String, String)]), is_mine: bool) -> Page {
    let (asked, pairs) = query;
    let (rows, next, sums) = find(app, person.scope(), asked.filter(app.now_ms())).await?;
    let may_make = match person.org {
        Some(org) if !person.may(May::Entries) => {
            app.db.read(move |tx| Box::pin(async move { super::sql::choice(tx, org).await })).await.map_err(Fault::from)?.people_may
        }
        _ => person.may(May::Entries),
    };
    let of_table = TableAsked::of(pairs);
    let (title, path) = if is_mine { ("entry-mine", "/entries/mine") } else { ("entry-title", "/entries") };
    let table = Table {
        view,
        path,
        caption: view.t(title),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|row| self::row(view, row, &sums)).collect(),
        form: "",
        next: next.map(|next| ("before", next.to_string())),
        empty: view.t(match (is_mine, may_make) {
            (true, false) => "entry-mine-not",
            (true, true) => "entry-mine-empty",
            _ => "entry-empty",
        }),
    };
    if of_table.is_csv {
        return Ok(table.csv("entries"));
    }
    let asked = Asked { state: if asked.state.is_empty() { "holding".into() } else { asked.state.clone() }, ..asked.clone() };
    show(&ListPage {
        view,
        form: Form::of(&asked),
        is_mine,
        title,
        path,
        may_make,
        may_choose: !is_mine && person.may(May::Entries),
        effects: EFFECTS,
        kinds: KINDS,
        states: STATES,
        table: table.html(),
    })
}

fn row(view: &View, listed: &Listed, sums: &Sums) -> Row {
    let (entry, id) = (&listed.entry, EntryId(listed.entry.id));
    let sum = sums.get(&id).copied().unwrap_or_default();
    let moment = |at_ms: i64, key: &str| if at_ms == 0 { Cell::text(view.t(key)) } else { Cell::time(view, at_ms) };
    Row {
        cells: vec![
            Cell::badge(if entry.effect == Effect::Allow { "good" } else { "bad" }, view.of_kind("entry-effect", entry.effect.name())),
            Cell::link(&format!("/entries/{id}"), &entry.value),
            Cell::text(view.of_kind("entry-kind", entry.kind.name())),
            Cell::text(if entry.scope.is_empty() { view.t("entry-everybody") } else { entry.scope.clone() }),
            entry.expires_ms.map_or_else(|| Cell::text(view.t("entry-never-ends")), |at_ms| Cell::time(view, at_ms)),
            Cell::text(sum.won.to_string()),
            moment(sum.won_ms, "entry-never-won"),
            Cell::text(sum.lost.to_string()),
            Cell::text(if listed.made_by.is_empty() { view.of_kind("entry-source", &listed.source) } else { listed.made_by.clone() }),
            Cell::time(view, listed.made_ms),
            Cell::text(&entry.note),
            Cell::text(view.of_kind("entry-source", &listed.source)),
        ],
        ..Row::default()
    }
}
