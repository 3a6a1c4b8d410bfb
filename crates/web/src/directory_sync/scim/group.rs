//! `/scim/v2/Groups`: groups, with accounts and other groups in them.

use super::error::ScimError;
use super::patch::{self, Op, Operation};
use super::sql::{self, Group};
use super::{Answer, Asked, GROUP, answer, field, filter, id_of, listed, meta, object, reader, text, writer};
use crate::App;
use crate::audit::{self, Entry};
use crate::directory_sync::group::{GROUPS_MAX, name_of, sql as groups_sql};
use crate::page::Fault;
use crate::people::Person;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use mail::OrgId;
use serde_json::{Map, Value, json};
use store::{Error, Tx};

/// Members of one request.
const MEMBERS_MAX: usize = 100_000;

/// What is to be done with members.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    /// These and no others.
    Set(Vec<i64>),
    Add(Vec<i64>),
    Remove(Vec<i64>),
    Clear,
}

/// `GET /scim/v2/Groups`.
pub async fn list(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Answer {
    let org = reader(&person)?;
    let clauses = filter::clauses(&asked.filter)?;
    let (window, has_members) = (asked.window(), asked.wants("members"));
    let found: Result<_, Error> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some((total, groups)) = sql::groups(tx, org, &clauses, window).await? else { return Ok(None) };
                let mut all = Vec::new();
                for group in groups {
                    let members = if has_members { sql::members(tx, group.id).await? } else { Vec::new() };
                    all.push((group, members));
                }
                Ok(Some((total, all)))
            })
        })
        .await;
    let unknown = || ScimError::bad("invalidFilter", "groups are found by displayName, externalId, id and members.value");
    let (total, groups) = found?.ok_or_else(unknown)?;
    Ok(listed(&asked, total, groups.iter().map(|(group, members)| shown(&app, group, members, &asked)).collect()))
}

fn shown(app: &App, group: &Group, members: &[(i64, bool, String)], asked: &Asked) -> Value {
    let mut told = json!({
        "schemas": [GROUP], "id": group.id.to_string(), "displayName": group.name,
        "meta": meta(app, "Group", group.id, (group.made_ms, group.changed_ms)),
    });
    if !group.external.is_empty() {
        told["externalId"] = group.external.as_str().into();
    }
    if asked.wants("members") {
        let member = |(id, is_group, name): &(i64, bool, String)| {
            let kind = if *is_group { "Group" } else { "User" };
            json!({ "value": id.to_string(), "display": name, "type": kind, "$ref": app.link(&format!("/scim/v2/{kind}s/{id}")) })
        };
        told["members"] = members.iter().map(member).collect();
    }
    told
}

async fn find(app: &App, org: OrgId, id: &str) -> Result<Group, ScimError> {
    let id = id_of(id)?;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::one_group(tx, org, id).await })).await;
    found?.ok_or(ScimError::Fault(Fault::NotFound))
}

/// The group as it is now.
async fn told(app: &App, org: OrgId, id: i64, asked: &Asked) -> Result<Value, ScimError> {
    let has_members = asked.wants("members");
    let found: Result<_, Error> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some(group) = sql::one_group(tx, org, id).await? else { return Ok(None) };
                let members = if has_members { sql::members(tx, id).await? } else { Vec::new() };
                Ok(Some((group, members)))
            })
        })
        .await;
    let (group, members) = found?.ok_or(ScimError::Fault(Fault::NotFound))?;
    Ok(shown(app, &group, &members, asked))
}

/// `GET /scim/v2/Groups/{account}`.
pub async fn show(State(app): State<App>, person: Person, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let org = reader(&person)?;
    Ok(answer(StatusCode::OK, &told(&app, org, id_of(&id)?, &asked).await?))
}

/// `POST /scim/v2/Groups`.
pub async fn create(State(app): State<App>, person: Person, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let resource = object(&body)?;
    let now_ms = app.now_ms();
    let group =
        Group { id: app.fresh_id(), name: name(&resource)?, external: text(&resource, "externalId"), made_ms: now_ms, changed_ms: now_ms };
    let (id, deeds) = (group.id, vec![Deed::Add(members(field(&resource, "members"))?)]);
    put(&app, &person, org, (group, deeds), "scim.add-group").await?;
    let mut made = answer(StatusCode::CREATED, &told(&app, org, id, &Asked::default()).await?);
    if let Ok(place) = HeaderValue::from_str(&app.link(&format!("/scim/v2/Groups/{id}"))) {
        made.headers_mut().insert(header::LOCATION, place);
    }
    Ok(made)
}

/// `PUT /scim/v2/Groups/{account}`.
pub async fn replace(State(app): State<App>, person: Person, Path(id): Path<String>, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let there = find(&app, org, &id).await?;
    let resource = object(&body)?;
    let id = there.id;
    let group = Group { name: name(&resource)?, external: text(&resource, "externalId"), changed_ms: app.now_ms(), ..there };
    let deeds = vec![Deed::Set(members(field(&resource, "members"))?)];
    put(&app, &person, org, (group, deeds), "scim.change-group").await?;
    Ok(answer(StatusCode::OK, &told(&app, org, id, &Asked::default()).await?))
}

/// `PATCH /scim/v2/Groups/{account}`. Answered without the group, which may be large (RFC 7644 §3.5.2 allows both).
pub async fn patch(State(app): State<App>, person: Person, Path(id): Path<String>, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let mut group = find(&app, org, &id).await?;
    let mut deeds = Vec::new();
    for one in patch::operations(&object(&body)?)? {
        take(&mut group, &mut deeds, one)?;
    }
    group.changed_ms = app.now_ms();
    put(&app, &person, org, (group, deeds), "scim.change-group").await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One operation: a name, or members.
fn take(group: &mut Group, deeds: &mut Vec<Deed>, one: Operation) -> Result<(), ScimError> {
    if one.path.is_empty() {
        let Value::Object(values) = one.value else { return Err(ScimError::bad("invalidValue", "without a path the value is an object")) };
        for (path, value) in values {
            take(group, deeds, Operation { op: one.op, path, value })?;
        }
        return Ok(());
    }
    let target = patch::target(&one.path)?;
    match (target.name.to_lowercase().as_str(), one.op) {
        ("members", op) => deeds.push(match (op, target.of) {
            // Okta: members[value eq "7"].
            (Op::Remove, Some((_, id))) => Deed::Remove(vec![number(&id)?]),
            (Op::Remove, None) if one.value.is_null() => Deed::Clear,
            (Op::Remove, None) => Deed::Remove(members(Some(&one.value))?),
            (Op::Add, _) => Deed::Add(members(Some(&one.value))?),
            (Op::Replace, _) => Deed::Set(members(Some(&one.value))?),
        }),
        ("displayname", Op::Add | Op::Replace) => group.name = name(&Map::from_iter([("displayName".to_string(), one.value)]))?,
        ("externalid", Op::Remove) => group.external = String::new(),
        ("externalid", _) => group.external = one.value.as_str().unwrap_or_default().to_string(),
        ("displayname", Op::Remove) => return Err(ScimError::bad("mutability", "a group has a displayName")),
        // What we keep nothing of is taken and passed over: Okta sends "id" along.
        _ => {}
    }
    Ok(())
}

fn name(resource: &Map<String, Value>) -> Result<String, ScimError> {
    name_of(&text(resource, "displayName")).map_err(|_| ScimError::bad("invalidValue", "displayName is missing or too long"))
}

fn number(text: &str) -> Result<i64, ScimError> {
    text.parse().map_err(|_| ScimError::bad("invalidValue", &format!("there is no member “{text}”")))
}

/// `[{"value": "7"}]`, one such object, or bare strings.
fn members(value: Option<&Value>) -> Result<Vec<i64>, ScimError> {
    let all = match value {
        Some(Value::Array(all)) => all.as_slice(),
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    };
    if all.len() > MEMBERS_MAX {
        return Err(ScimError::bad("tooMany", "there are too many members"));
    }
    let one = |one: &Value| match one {
        Value::Object(object) => number(&text(object, "value")),
        Value::String(id) => number(id),
        _ => Err(ScimError::bad("invalidValue", "a member has a value")),
    };
    all.iter().map(one).collect()
}

async fn put(app: &App, person: &Person, org: OrgId, (group, deeds): (Group, Vec<Deed>), action: &'static str) -> Result<(), ScimError> {
    let (now_ms, ids, by) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if groups_sql::is_taken(tx, org, &group.name, group.id).await? {
                    return Err(ScimError::taken("another group has this displayName"));
                }
                if action == "scim.add-group" && groups_sql::count(tx, org).await? >= GROUPS_MAX {
                    return Err(ScimError::bad("tooMany", "there are as many groups as there may be"));
                }
                sql::put_group(tx, org, &group).await?;
                let mut count = 0;
                for deed in deeds {
                    count += done(tx, org, group.id, deed).await?;
                }
                let entry = Entry::new(Some(org), action, &group.name).with(json!({ "members": count }));
                Ok::<_, ScimError>(audit::note(tx, &by, &ids, now_ms, entry).await?)
            })
        })
        .await?;
    crate::domain::follow(app).await;
    Ok(())
}

/// How many members it was about.
async fn done(tx: &mut Tx, org: OrgId, group: i64, deed: Deed) -> Result<usize, ScimError> {
    let (clears, add, remove) = match deed {
        Deed::Set(members) => (true, members, Vec::new()),
        Deed::Add(members) => (false, members, Vec::new()),
        Deed::Remove(members) => (false, Vec::new(), members),
        Deed::Clear => (true, Vec::new(), Vec::new()),
    };
    if clears {
        sql::remove_member(tx, org, group, None).await?;
    }
    for member in &remove {
        sql::remove_member(tx, org, group, Some(*member)).await?;
    }
    for member in &add {
        if *member == group || !sql::put_member(tx, org, group, *member).await? {
            return Err(ScimError::bad("invalidValue", &format!("there is no member “{member}”")));
        }
    }
    Ok(add.len() + remove.len())
}

/// `DELETE /scim/v2/Groups/{account}`.
pub async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Answer {
    let org = writer(&person)?;
    let group = find(&app, org, &id).await?;
    let (now_ms, ids, by) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                crate::directory_sync::sql_rows::remove_group(tx, org, group.id).await?;
                gateway::directory::sql::bump(tx).await?;
                Ok::<_, ScimError>(audit::note(tx, &by, &ids, now_ms, Entry::new(Some(org), "scim.remove-group", group.name)).await?)
            })
        })
        .await?;
    crate::domain::follow(&app).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}
