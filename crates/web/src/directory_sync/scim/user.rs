//! `/scim/v2/Users`: accounts, whose addresses become known recipients.

use super::error::ScimError;
use super::sql::{self, Account, Wanted};
use super::{Answer, Asked, USER, answer, field, filter, guard, id_of, listed, meta, object, patch, reader, text, writer};
use crate::App;
use crate::audit::{self, Entry};
use crate::directory_sync::sql_rows;
use crate::page::Fault;
use crate::people::Person;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use mail::{Address, OrgId};
use serde_json::{Map, Value};
use store::Error;

const NAME_CHARS_MAX: usize = 200;
const USER_NAME_CHARS_MAX: usize = 400;
const ADDRESSES_MAX: usize = 200;
/// Accounts of one organisation.
const ACCOUNTS_MAX: i64 = 500_000;

/// `GET /scim/v2/Users`.
pub async fn list(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Answer {
    let org = reader(&person)?;
    let clauses = filter::clauses(&asked.filter)?;
    let window = asked.window();
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::accounts(tx, org, &clauses, window).await })).await;
    let unknown = || ScimError::bad("invalidFilter", "accounts are found by userName, externalId, id and emails.value");
    let (total, accounts) = found?.ok_or_else(unknown)?;
    Ok(listed(&asked, total, accounts.iter().map(|account| shown(&app, account, &asked)).collect()))
}

/// The resource as it is told.
fn shown(app: &App, account: &Account, asked: &Asked) -> Value {
    let mut told: Map<String, Value> =
        account.resource.iter().filter(|(name, _)| asked.wants(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    told.insert("schemas".into(), field(&account.resource, "schemas").cloned().unwrap_or_else(|| Value::from(vec![USER])));
    told.insert("id".into(), account.id.to_string().into());
    told.insert("meta".into(), meta(app, "User", account.id, (account.made_ms, account.changed_ms)));
    Value::Object(told)
}

async fn find(app: &App, org: OrgId, id: &str) -> Result<Account, ScimError> {
    let id = id_of(id)?;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::one(tx, org, id).await })).await;
    found?.ok_or(ScimError::Fault(Fault::NotFound))
}

/// `GET /scim/v2/Users/{account}`.
pub async fn show(State(app): State<App>, person: Person, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let account = find(&app, reader(&person)?, &id).await?;
    Ok(answer(StatusCode::OK, &shown(&app, &account, &asked)))
}

/// `POST /scim/v2/Users`.
pub async fn create(State(app): State<App>, person: Person, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let resource = cleaned(object(&body)?);
    let now_ms = app.now_ms();
    let account = Account { id: app.fresh_id(), resource, made_ms: now_ms, changed_ms: now_ms };
    let account = put(&app, &person, org, account, "scim.add").await?;
    let mut made = answer(StatusCode::CREATED, &shown(&app, &account, &Asked::default()));
    if let Ok(place) = HeaderValue::from_str(&app.link(&format!("/scim/v2/Users/{}", account.id))) {
        made.headers_mut().insert(header::LOCATION, place);
    }
    Ok(made)
}

/// `PUT /scim/v2/Users/{account}`.
pub async fn replace(State(app): State<App>, person: Person, Path(id): Path<String>, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let there = find(&app, org, &id).await?;
    let account = Account { resource: cleaned(object(&body)?), changed_ms: app.now_ms(), ..there };
    let account = put(&app, &person, org, account, "scim.change").await?;
    Ok(answer(StatusCode::OK, &shown(&app, &account, &Asked::default())))
}

/// `PATCH /scim/v2/Users/{account}`.
pub async fn patch(State(app): State<App>, person: Person, Path(id): Path<String>, body: Bytes) -> Answer {
    let org = writer(&person)?;
    let mut account = find(&app, org, &id).await?;
    patch::apply(&mut account.resource, &patch::operations(&object(&body)?)?)?;
    account.resource = cleaned(std::mem::take(&mut account.resource));
    account.changed_ms = app.now_ms();
    let account = put(&app, &person, org, account, "scim.change").await?;
    Ok(answer(StatusCode::OK, &shown(&app, &account, &Asked::default())))
}

/// `DELETE /scim/v2/Users/{account}`.
pub async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Answer {
    let org = writer(&person)?;
    let account = find(&app, org, &id).await?;
    let (now_ms, ids, by, id) = (app.now_ms(), app.ids.clone(), person.clone(), account.id);
    let name = text(&account.resource, "userName");
    let is_gone = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::is_recipient(tx, org, id).await? && !guard::goes(tx, org, id, now_ms).await? {
                    return Ok(false);
                }
                sql::remove(tx, org, id).await?;
                audit::note(tx, &by, &ids, now_ms, Entry::new(Some(org), "scim.remove", name)).await?;
                Ok::<_, ScimError>(true)
            })
        })
        .await?;
    settled(&app, is_gone).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The mail path follows; what was refused rings.
async fn settled(app: &App, is_done: bool) -> Result<(), ScimError> {
    if is_done {
        crate::domain::follow(app).await;
        return Ok(());
    }
    app.health.ring();
    Err(guard::refused())
}

/// Writes an account, with its line in the log.
async fn put(app: &App, person: &Person, org: OrgId, account: Account, action: &'static str) -> Result<Account, ScimError> {
    let wanted = wanted(&account.resource)?;
    let (now_ms, ids, by, kept) = (app.now_ms(), app.ids.clone(), person.clone(), account.clone());
    let is_done = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::is_taken(tx, org, &wanted.user_name, account.id).await? {
                    return Err(ScimError::taken("another account has this userName"));
                }
                let window = (0, 0);
                if action == "scim.add" && sql::accounts(tx, org, &[], window).await?.is_some_and(|(total, _)| total >= ACCOUNTS_MAX) {
                    return Err(ScimError::bad("tooMany", "there are as many accounts as there may be"));
                }
                let ours = sql_rows::domains(tx, org).await?;
                let goes = !wanted.is_active && sql::is_recipient(tx, org, account.id).await?;
                if goes && !guard::goes(tx, org, account.id, now_ms).await? {
                    return Ok(false);
                }
                sql::put(tx, org, &account, &wanted, &ours).await?;
                let detail = serde_json::json!({ "addresses": wanted.addresses, "active": wanted.is_active });
                audit::note(tx, &by, &ids, now_ms, Entry::new(Some(org), action, &wanted.user_name).with(detail)).await?;
                Ok(true)
            })
        })
        .await?;
    settled(app, is_done).await?;
    Ok(kept)
}

/// Without what is ours to say, and without a password, which nobody here needs (RFC 7643 §4.1.1). `active` becomes a boolean: Entra ID
/// writes "False".
fn cleaned(mut resource: Map<String, Value>) -> Map<String, Value> {
    resource.retain(|name, _| !["id", "meta", "groups", "password"].iter().any(|ours| name.eq_ignore_ascii_case(ours)));
    for (name, value) in resource.iter_mut() {
        let is_off = value.as_str().map(|text| text.eq_ignore_ascii_case("false"));
        if name.eq_ignore_ascii_case("active") && is_off.is_some() {
            *value = Value::Bool(is_off != Some(true));
        }
    }
    resource
}

/// What an account comes to.
fn wanted(resource: &Map<String, Value>) -> Result<Wanted, ScimError> {
    let user_name = text(resource, "userName");
    if user_name.is_empty() || user_name.chars().count() > USER_NAME_CHARS_MAX || user_name.chars().any(char::is_control) {
        return Err(ScimError::bad("invalidValue", "userName is missing or too long"));
    }
    let mut addresses = emails(resource)?;
    // Who has no address may have one as a name.
    if addresses.is_empty() {
        addresses.extend(Address::parse(&user_name).ok().map(|address| address.key()));
    }
    Ok(Wanted {
        user_name: user_name.to_lowercase(),
        external: text(resource, "externalId"),
        name: name(resource),
        is_active: field(resource, "active").and_then(Value::as_bool).unwrap_or(true),
        addresses,
    })
}

fn name(resource: &Map<String, Value>) -> String {
    let part = |name: &str| field(resource, "name").and_then(Value::as_object).map(|parts| text(parts, name)).unwrap_or_default();
    let both = format!("{} {}", part("givenName"), part("familyName"));
    let all = [text(resource, "displayName"), part("formatted"), both.trim().to_string()];
    let name = all.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// Keys of addresses, the primary one first.
fn emails(resource: &Map<String, Value>) -> Result<Vec<String>, ScimError> {
    let all = match field(resource, "emails") {
        Some(Value::Array(all)) => all.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one.clone()],
    };
    if all.len() > ADDRESSES_MAX {
        return Err(ScimError::bad("tooMany", "an account has too many emails"));
    }
    let (mut found, mut primary): (Vec<String>, Option<String>) = (Vec::new(), None);
    for one in &all {
        let written = one.as_object().map(|one| text(one, "value")).or_else(|| one.as_str().map(str::to_string)).unwrap_or_default();
        if written.trim().is_empty() {
            continue;
        }
        let address =
            Address::parse(written.trim()).map_err(|_| ScimError::bad("invalidValue", &format!("“{written}” is not an address")))?;
        let is_primary = one
            .as_object()
            .and_then(|one| field(one, "primary"))
            .is_some_and(|value| *value == true || *value == "true" || *value == "True");
        if is_primary && primary.is_none() {
            primary = Some(address.key());
        }
        found.push(address.key());
    }
    if let Some(primary) = primary {
        found.insert(0, primary);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|key| seen.insert(key.clone()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_account_comes_to() {
        let of = |value: Value| wanted(&cleaned(value.as_object().expect("an object").clone()));
        let one = of(json!({
            "userName": "Bo@A.example", "externalId": "e1", "active": "False", "password": "x", "name": { "givenName": "Bo", "familyName": "Lind" },
            "emails": [{ "type": "other", "value": "b@a.example" }, { "type": "work", "primary": true, "value": "Bo.Lind@A.example" }],
        }));
        let want = Wanted {
            user_name: "bo@a.example".into(),
            external: "e1".into(),
            name: "Bo Lind".into(),
            is_active: false,
            addresses: vec!["bo.lind@a.example".into(), "b@a.example".into()],
        };
        assert_eq!(one, Ok(want));
        assert_eq!(
            of(json!({ "userName": "bo@a.example" })).map(|one| one.addresses),
            Ok(vec!["bo@a.example".into()]),
            "the name is an address"
        );
        assert_eq!(of(json!({ "userName": "bo" })).map(|one| one.addresses), Ok(vec![]), "and here it is none");
        assert!(of(json!({ "displayName": "Bo" })).is_err());
        assert!(of(json!({ "userName": "bo", "emails": [{ "value": "no address" }] })).is_err());
    }
}
