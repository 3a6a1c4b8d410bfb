//! Groups: the list, one, and tables of them.

use super::sql::{self, MemberRow};
use super::table::{Plan, plan};
use super::{Change, Group, MEMBERS_MAX, change_members, changed, find, find_to_change, make, member_of, name_of};
use crate::App;
use crate::audit::Entry;
use crate::page::fault::Wrong;
use crate::page::table::{Asked, Cell, Column, Row, Table, picked};
use crate::page::{Fault, Page, Say, View, confirm, csv, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::directory::sql::ROWS_MAX;
use gateway::scope::OrgScope;
use serde::{Deserialize, Serialize};
use store::Error;

const COLUMNS: &[Column] = &[
    Column { name: "name", title: "group-col-name", can_sort: false, is_usual: true },
    Column { name: "members", title: "group-col-members", can_sort: false, is_usual: true },
    Column { name: "address", title: "group-col-address", can_sort: false, is_usual: false },
    Column { name: "source", title: "domain-col-source", can_sort: false, is_usual: true },
];
const MEMBER_COLUMNS: &[Column] = &[
    Column { name: "member", title: "group-col-member", can_sort: false, is_usual: true },
    Column { name: "name", title: "recipient-col-name", can_sort: false, is_usual: true },
];
const FILE_ROWS_MAX: usize = 100_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sought {
    q: String,
    after: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Named {
    name: String,
}

#[derive(Template)]
#[template(path = "directory_sync/templates/groups.html")]
struct ListPage<'a> {
    view: &'a View,
    q: &'a str,
    form: &'a Shown,
    table: String,
}

/// `GET /groups`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(sought): Query<Sought>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::ReadSettings)?;
    list_page(&app, &view, &person, (&sought, &Asked::of(&pairs)), Shown::default()).await
}

async fn list_page(app: &App, view: &View, person: &Person, by: (&Sought, &Asked), form: Shown) -> Page {
    let (sought, asked) = by;
    let limit = asked.rows_max(sql::ROWS, FILE_ROWS_MAX);
    let (scope, after, part) = (person.scope(), sought.after.clone(), sought.q.clone());
    let read: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, (&after, &part), limit).await })).await;
    let mut found = read?;
    let next = asked.cut(&mut found, sql::ROWS, |last| gateway::directory::group::name_key(&last.name));
    let row = |one: &Group| Row {
        pick: String::new(),
        label: one.name.clone(),
        cells: vec![
            Cell::link(&format!("/groups/{}", one.id), one.name.clone()),
            Cell::text(one.members.to_string()),
            Cell::text(one.address.clone()),
            Cell::text(view.of_kind("domain-source", crate::domain::source_word(&one.source))),
        ],
    };
    let table = Table {
        view,
        path: "/groups",
        caption: view.t("group-title"),
        columns: COLUMNS,
        asked,
        rows: found.iter().map(row).collect(),
        form: "",
        next,
        empty: if sought.q.trim().is_empty() { view.t("group-none") } else { view.t("group-none-found") },
    };
    if asked.is_csv {
        return Ok(table.csv("groups"));
    }
    let status = form.status();
    show_with(status, &ListPage { view, q: &sought.q, form: &form, table: table.html() })
}

/// `POST /groups`.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(new): Form<Named>) -> Page {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let made = match name_of(&new.name) {
        Ok(name) => make(&app, &person, org, name).await,
        Err(wrong) => Err(Fault::Invalid(wrong)),
    };
    match made {
        Ok(id) => done(&format!("/groups/{id}"), Say::new("group-made").with("what", new.name.trim())),
        Err(Fault::Invalid(wrong)) => {
            list_page(&app, &view, &person, (&Sought::default(), &Asked::default()), Shown::of(&new).with_wrong(wrong)).await
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "directory_sync/templates/group.html")]
struct GroupPage<'a> {
    view: &'a View,
    group: &'a Group,
    form: &'a Shown,
    table: String,
    may_change: bool,
    source: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewMembers {
    members: String,
}

/// `GET /groups/{group}`.
pub async fn open(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Query(sought): Query<Sought>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let group = find(&app, &person, &id).await?;
    group_page(&app, &view, &group, (&sought, &Asked::of(&pairs)), Shown::default()).await
}

async fn group_page(app: &App, view: &View, group: &Group, by: (&Sought, &Asked), form: Shown) -> Page {
    let (sought, asked) = by;
    let limit = asked.rows_max(sql::ROWS, FILE_ROWS_MAX);
    let (of, after) = (group.clone(), sought.after.clone());
    let read: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::members(tx, &of, &after, limit).await })).await;
    let mut found = read?;
    let next = asked.cut(&mut found, sql::ROWS, MemberRow::place);
    let may_change = view.may(May::Domains) && !group.is_fixed();
    let row = |one: &MemberRow| Row {
        pick: one.what.clone(),
        label: one.what.clone(),
        cells: vec![
            if one.inner == 0 { Cell::text(one.what.clone()) } else { Cell::link(&format!("/groups/{}", one.inner), one.what.clone()) },
            if one.inner == 0 { Cell::text(one.name.clone()) } else { Cell::badge("plain", view.t("group-is-group")) },
        ],
    };
    let path = format!("/groups/{}", group.id);
    let table = Table {
        view,
        path: &path,
        caption: view.w("group-members-of", &group.name),
        columns: MEMBER_COLUMNS,
        asked,
        rows: found.iter().map(row).collect(),
        form: if may_change { "remove" } else { "" },
        next,
        empty: view.t("group-nobody"),
    };
    if asked.is_csv {
        return Ok(table.csv("members"));
    }
    let status = form.status();
    let source = view.of_kind("domain-source", crate::domain::source_word(&group.source));
    show_with(status, &GroupPage { view, group, form: &form, table: table.html(), may_change, source })
}

/// `POST /groups/{group}`: puts addresses and groups in, one a line.
pub async fn add(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(new): Form<NewMembers>) -> Page {
    let group = find_to_change(&app, &person, &id).await?;
    let lines: Vec<String> = new.members.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect();
    let count = lines.len();
    let put = match count {
        0 => Err(Fault::Invalid(vec![Wrong::new("members", "group-wrong-empty")])),
        count if count > MEMBERS_MAX => Err(Fault::Invalid(vec![Wrong::new("members", "group-wrong-many-members")])),
        _ => change_members(&app, &person, &group, lines, Vec::new()).await,
    };
    match put {
        Ok(()) => done(&format!("/groups/{}", group.id), Say::new("group-put").with("count", count)),
        Err(Fault::Invalid(wrong)) => {
            group_page(&app, &view, &group, (&Sought::default(), &Asked::default()), Shown::of(&new).with_wrong(wrong)).await
        }
        Err(other) => Err(other),
    }
}

/// `POST /groups/{group}/rename`.
pub async fn rename(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(new): Form<Named>) -> Page {
    let group = find_to_change(&app, &person, &id).await?;
    let renamed = match name_of(&new.name) {
        Ok(name) => rename_to(&app, &person, &group, name).await,
        Err(wrong) => Err(Fault::Invalid(wrong)),
    };
    match renamed {
        Ok(()) => done(&format!("/groups/{}", group.id), Say::new("directory-saved")),
        Err(Fault::Invalid(wrong)) => {
            group_page(&app, &view, &group, (&Sought::default(), &Asked::default()), Shown::of(&new).with_wrong(wrong)).await
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn rename_to(app: &App, person: &Person, group: &Group, name: String) -> Result<(), Fault> {
    let (id, org) = (group.id, group.org);
    let entry = Entry::new(Some(org), "group.change", &group.name).with(serde_json::json!({ "name": name }));
    changed(app, person, entry, move |tx, now_ms| {
        Box::pin(async move {
            if sql::is_taken(tx, org, &name, id).await? {
                return Err(Fault::Invalid(vec![Wrong::new("name", "group-wrong-taken")]));
            }
            Ok(sql::rename(tx, (id, org), &name, now_ms).await?)
        })
    })
    .await
}

/// `POST /groups/{group}/members/remove`: `pick`, any number of times. Asks first.
pub async fn remove_members(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let group = find_to_change(&app, &person, &id).await?;
    let picks = picked(&pairs);
    let back = format!("/groups/{}", group.id);
    if picks.is_empty() {
        return done(&back, Say::new("recipient-nothing-picked"));
    }
    if !confirm::is_sure(&pairs) {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("group-take-out"),
                text: Say::new("group-take-out-sure").with("count", picks.len()),
                button: "group-take-out",
                action: format!("{back}/members/remove"),
                fields: picks.into_iter().map(|pick| ("pick".to_string(), pick)).collect(),
                back,
            },
        );
    }
    let count = picks.len();
    change_members(&app, &person, &group, Vec::new(), picks).await?;
    done(&back, Say::new("group-taken-out").with("count", count))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /groups/{group}/remove`. Asks first.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(sure): Form<Sure>) -> Page {
    let group = find_to_change(&app, &person, &id).await?;
    if sure.sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("group-remove"),
                text: Say::new("group-remove-sure").with("what", group.name.clone()),
                button: "group-remove",
                action: format!("/groups/{}/remove", group.id),
                fields: Vec::new(),
                back: format!("/groups/{}", group.id),
            },
        );
    }
    take_away(&app, &person, &group).await?;
    done("/groups", Say::new("group-removed").with("what", group.name))
}

pub(super) async fn take_away(app: &App, person: &Person, group: &Group) -> Result<(), Fault> {
    let (id, org) = (group.id, group.org);
    changed(app, person, Entry::new(Some(org), "group.remove", &group.name), move |tx, _| {
        Box::pin(async move { Ok(super::super::sql_rows::remove_group(tx, org, id).await?) })
    })
    .await
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Import {
    csv: String,
    /// The table is whole.
    whole: String,
    #[serde(skip_serializing)]
    sure: String,
}

#[derive(Template)]
#[template(path = "directory_sync/templates/group_import.html")]
struct ImportPage<'a> {
    view: &'a View,
    form: &'a Shown,
    plan: Option<&'a Plan>,
}

/// `GET /groups/import`.
pub async fn import_form(view: View, person: Person) -> Page {
    person.require(May::Domains)?;
    show(&ImportPage { view: &view, form: &Shown::default(), plan: None })
}

/// `POST /groups/import`: shows what it would do, then does it.
pub async fn import(State(app): State<App>, view: View, person: Person, Form(import): Form<Import>) -> Page {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let form = Shown::of(&import);
    if import.csv.trim().is_empty() {
        let form = form.with_wrong(vec![Wrong::new("csv", "group-wrong-empty")]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &ImportPage { view: &view, form: &form, plan: None });
    }
    let rows: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::all(tx, org, ROWS_MAX).await })).await;
    let read = plan(&import.csv, &rows?, !import.whole.is_empty());
    if import.sure.is_empty() {
        return show(&ImportPage { view: &view, form: &form, plan: Some(&read) });
    }
    let say = Say::new("group-imported").with("added", read.added).with("removed", read.removed).with("wrong", read.mistakes_count);
    let detail = serde_json::json!({ "groups": read.groups.len(), "new": read.new, "added": read.added, "removed": read.removed });
    let (ids, groups) = (app.ids.clone(), read.groups);
    changed(&app, &person, Entry::new(Some(org), "group.import", "").with(detail), move |tx, now_ms| {
        Box::pin(async move {
            for one in groups.iter().filter(|one| one.is_new) {
                sql::insert(tx, (ids.next(now_ms), org), &one.name, now_ms).await?;
            }
            for one in &groups {
                let Some(id) = sql::named(tx, org, &one.name).await? else { continue };
                let mut changes = Vec::new();
                for written in &one.add {
                    changes.push(Change::Add(member_of(tx, org, id, written).await?));
                }
                for written in &one.remove {
                    changes.push(Change::Remove(member_of(tx, org, id, written).await?));
                }
                sql::change_members(tx, (id, org), changes, now_ms).await?;
            }
            Ok(())
        })
    })
    .await?;
    done("/groups", say)
}

/// `GET /groups/export`: every membership, as the import takes it.
pub async fn export(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::ReadSettings)?;
    let OrgScope::One(org) = person.scope() else { return Err(Fault::Conflict(Say::new("people-choose-organisation"))) };
    let rows: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::all(tx, org, ROWS_MAX).await })).await;
    let header = ["group", "member", "source"].map(str::to_string);
    let lines = rows?
        .into_iter()
        .map(|(group, source, member)| vec![group, member, view.of_kind("domain-source", crate::domain::source_word(&source))]);
    Ok(csv::file("group-members", &header, lines))
}
