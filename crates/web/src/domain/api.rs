//! Domains, their checks, recipients and keys for programs.

use super::key_page::{Verb, apply, key_of, keyed, kind, make_one};
use super::recipients::plan;
use super::settings_page::{Wanted, take_away};
use super::setup_page::{save, word};
use super::{Named, Report, check, claim, find, find_to_change, recipient_page, sql};
use crate::App;
use crate::api::problem::Problem;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::dkim::DomainKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(last, run))
        .routes(routes!(list_keys, make_key))
        .routes(routes!(change_key))
        .routes(routes!(list_recipients, put_recipients))
        .routes(routes!(remove_recipient))
}

/// A domain of the organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct DomainBody {
    /// As DNS has it.
    pub name: String,
    /// Whether its mail is taken here.
    pub served: bool,
    /// "file", "command" or "page"; "" while it is not served.
    pub source: String,
    /// "authoritative" or "internal-relay".
    pub kind: String,
    /// "listed", "call-out" or "any".
    pub recipients: String,
    pub connector: String,
    pub subdomains: bool,
    /// "none", "testing" or "enforce".
    pub mta_sts: String,
    /// The TXT record that shows ownership; absent when nothing is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<RecordBody>,
}

/// A record to publish.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordBody {
    pub name: String,
    pub r#type: String,
    pub value: String,
    /// It was seen in DNS.
    pub published: bool,
}

impl DomainBody {
    fn of(named: &Named) -> DomainBody {
        let settings = &named.settings;
        let record = |claim: &super::Claim| RecordBody {
            name: format!("{}.{}", crate::diagnostics::check::OWNERSHIP_LABEL, named.name),
            r#type: "TXT".into(),
            value: crate::diagnostics::check::ownership_value(&claim.token),
            published: claim.how == "dns",
        };
        DomainBody {
            name: named.name.clone(),
            served: named.is_served(),
            source: named.source.clone(),
            kind: word(&settings.kind),
            recipients: word(&settings.recipients),
            connector: settings.connector.clone(),
            subdomains: settings.subdomains,
            mta_sts: word(&settings.mta_sts),
            ownership: named.claim.as_ref().map(record),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DomainList {
    pub domains: Vec<DomainBody>,
    /// Pass it as `after` for the rest; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Sought {
    /// Part of the name or address.
    pub q: String,
    /// Go on after this one of an earlier answer.
    pub after: String,
}

/// Lists domains, in order of their names.
#[utoipa::path(get, path = "/domains", tag = "domains", params(Sought), responses((status = 200, description = "Domains", body = DomainList)))]
async fn list(State(app): State<App>, person: Person, Query(sought): Query<Sought>) -> Result<Json<DomainList>, Fault> {
    person.require(May::ReadSettings)?;
    let (scope, after, part) = (person.scope(), sought.after, sought.q.to_lowercase());
    let read = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &after, &part, sql::ROWS + 1).await }));
    let mut found = read.await.map_err(Fault::from)?;
    let is_more = found.len() > sql::ROWS;
    found.truncate(sql::ROWS);
    let next = found.last().filter(|_| is_more).map(|last| last.name.clone());
    Ok(Json(DomainList { domains: found.iter().map(DomainBody::of).collect(), next }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewDomain {
    pub name: String,
}

/// Adds a domain. Its mail is taken once the record in `ownership` was seen by a check.
#[utoipa::path(post, path = "/domains", tag = "domains", request_body = NewDomain, responses(
    (status = 201, description = "Added; show that it is yours", body = DomainBody),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "It is there already"),
))]
async fn create(State(app): State<App>, person: Person, Json(new): Json<NewDomain>) -> Result<(StatusCode, Json<DomainBody>), Fault> {
    match claim::start(&app, &person, &new.name).await? {
        (named, true) => Ok((StatusCode::CREATED, Json(DomainBody::of(&named)))),
        (named, false) => Err(Fault::Conflict(Say::new("domain-there-already").with("what", named.shown()))),
    }
}

/// Shows one domain.
#[utoipa::path(get, path = "/domains/{name}", tag = "domains", params(("name" = String, Path,)), responses((status = 200, description = "The domain", body = DomainBody)))]
async fn show(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<DomainBody>, Fault> {
    Ok(Json(DomainBody::of(&find(&app, &person, &name).await?)))
}

/// What can be changed; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DomainChange {
    pub kind: Option<String>,
    pub recipients: Option<String>,
    pub connector: Option<String>,
    pub subdomains: Option<bool>,
    pub mta_sts: Option<String>,
}

/// Changes the settings of a domain that is served.
#[utoipa::path(put, path = "/domains/{name}", tag = "domains", params(("name" = String, Path,)), request_body = DomainChange, responses((status = 200, description = "As it is now", body = DomainBody)))]
async fn change(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(change): Json<DomainChange>,
) -> Result<Json<DomainBody>, Fault> {
    let named = find_to_change(&app, &person, &name).await?;
    let now = &named.settings;
    let wanted = Wanted {
        kind: change.kind.unwrap_or_else(|| word(&now.kind)),
        recipients: change.recipients.unwrap_or_else(|| word(&now.recipients)),
        connector: change.connector.unwrap_or_else(|| now.connector.clone()),
        subdomains: change.subdomains.unwrap_or(now.subdomains).to_string(),
        mta_sts: change.mta_sts.unwrap_or_else(|| word(&now.mta_sts)),
    };
    let connectors = crate::connector::names_of(&app, named.org).await?;
    let settings = wanted.settings(now, &connectors)?;
    save(&app, &person, &named, settings).await?;
    Ok(Json(DomainBody::of(&find(&app, &person, &name).await?)))
}

/// Removes a domain with its recipients and keys; mail for it is refused from then on.
#[utoipa::path(delete, path = "/domains/{name}", tag = "domains", params(("name" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<StatusCode, Fault> {
    let named = find_to_change(&app, &person, &name).await?;
    take_away(&app, &person, named).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What checks found.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReportBody {
    /// Unix milliseconds; 0: never checked.
    pub at_ms: i64,
    /// The domain's own name servers that were asked.
    pub servers: Vec<String>,
    pub checks: Vec<CheckBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CheckBody {
    /// Such as "domain.mx".
    pub id: String,
    /// "ok", "advice", "cannot-tell" or "problem".
    pub result: String,
    pub lines: Vec<CheckLineBody>,
    pub fixes: Vec<String>,
    pub publish: Vec<RecordBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CheckLineBody {
    pub result: String,
    pub text: String,
}

impl ReportBody {
    /// In English, for programs and terminals.
    pub fn of(report: &Report) -> ReportBody {
        let say = |say: &Say| say.in_lang(Lang::English);
        let checks = report.checks.iter().map(|checked| CheckBody {
            id: checked.id.clone(),
            result: checked.result.name().into(),
            lines: checked.lines.iter().map(|line| CheckLineBody { result: line.result.name().into(), text: say(&line.say) }).collect(),
            fixes: checked.fixes.iter().map(say).collect(),
            publish: checked
                .publish
                .iter()
                .map(|one| RecordBody {
                    name: one.name.clone(),
                    r#type: one.kind.clone(),
                    value: one.value.clone(),
                    published: one.is_there,
                })
                .collect(),
        });
        ReportBody { at_ms: report.at_ms, servers: report.servers.clone(), checks: checks.collect() }
    }
}

/// The last result of the checks.
#[utoipa::path(get, path = "/domains/{name}/check", tag = "domains", params(("name" = String, Path,)), responses((status = 200, description = "What was found last", body = ReportBody)))]
async fn last(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<ReportBody>, Fault> {
    let named = find(&app, &person, &name).await?;
    Ok(Json(check::last(&app, &named).await?.as_ref().map(ReportBody::of).unwrap_or_default()))
}

/// Checks everything the domain publishes, now. A domain whose ownership is seen is served from then on.
#[utoipa::path(post, path = "/domains/{name}/check", tag = "domains", params(("name" = String, Path,)), responses((status = 200, description = "What was found", body = ReportBody)))]
async fn run(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<ReportBody>, Fault> {
    let named = find(&app, &person, &name).await?;
    Ok(Json(ReportBody::of(&check::run(&app, &person, &named).await?)))
}

/// A DKIM key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyBody {
    pub id: i64,
    pub selector: String,
    /// "rsa" or "ed25519".
    pub kind: String,
    /// "made", "published", "active", "retiring" or "retired".
    pub state: String,
    pub record: RecordBody,
    pub made_ms: i64,
    pub state_ms: i64,
    /// Days after which a successor is made; 0: never.
    pub rotate_days: i64,
}

impl KeyBody {
    fn of(key: &DomainKey) -> KeyBody {
        let published = !matches!(key.state, gateway::dkim::KeyState::Made | gateway::dkim::KeyState::Retired);
        KeyBody {
            id: key.id,
            selector: key.selector.clone(),
            kind: key.kind.clone(),
            state: key.state.name().into(),
            record: RecordBody { name: key.record_name(), r#type: "TXT".into(), value: key.record.clone(), published },
            made_ms: key.made_ms,
            state_ms: key.state_ms,
            rotate_days: key.rotate_days,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    pub keys: Vec<KeyBody>,
}

/// DKIM keys of a domain, newest first.
#[utoipa::path(get, path = "/domains/{name}/keys", tag = "domains", params(("name" = String, Path,)), responses((status = 200, description = "Keys", body = KeyList)))]
async fn list_keys(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<KeyList>, Fault> {
    let named = find(&app, &person, &name).await?;
    let keys = super::key_page::keys(&app, &named).await?;
    Ok(Json(KeyList { keys: keys.iter().map(KeyBody::of).collect() }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewKey {
    /// "rsa" or "ed25519".
    pub kind: String,
}

/// Makes a key; publish its record, then activate it.
#[utoipa::path(post, path = "/domains/{name}/keys", tag = "domains", params(("name" = String, Path,)), request_body = NewKey, responses((status = 201, description = "Made", body = KeyBody)))]
async fn make_key(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, Json<KeyBody>), Fault> {
    let named = keyed(&app, &person, &name).await?;
    let kind = kind(&new.kind).ok_or_else(|| Fault::Invalid(vec![Wrong::new("kind", "domain-wrong-choice")]))?;
    Ok((StatusCode::CREATED, Json(KeyBody::of(&make_one(&app, &person, &named, kind).await?))))
}

/// Takes a key on: "activate" (its record must be in DNS), "retire" (it signs no more), "destroy" (its secret is gone).
#[utoipa::path(post, path = "/domains/{name}/keys/{key}/{verb}", tag = "domains",
    params(("name" = String, Path,), ("key" = String, Path,), ("verb" = String, Path, description = "activate, retire or destroy")),
    responses((status = 200, description = "As it is now", body = KeyBody)))]
async fn change_key(
    State(app): State<App>,
    person: Person,
    Path((name, key, verb)): Path<(String, String, String)>,
) -> Result<Json<KeyBody>, Fault> {
    let named = find(&app, &person, &name).await?;
    let found = key_of(&app, &named, &key).await?;
    person.require(May::Domains)?;
    apply(&app, &person, found, Verb::named(&verb).ok_or(Fault::NotFound)?).await?;
    Ok(Json(KeyBody::of(&key_of(&app, &named, &key).await?)))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecipientBody {
    pub address: String,
    /// Display name that is protected from impersonation; may be empty.
    pub name: String,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecipientList {
    pub recipients: Vec<RecipientBody>,
    /// Pass it as `after` for the rest; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Recipients of a domain, in order of their addresses.
#[utoipa::path(get, path = "/domains/{name}/recipients", tag = "domains", params(("name" = String, Path,), Sought), responses((status = 200, description = "Recipients", body = RecipientList)))]
async fn list_recipients(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Query(sought): Query<Sought>,
) -> Result<Json<RecipientList>, Fault> {
    let named = find(&app, &person, &name).await?;
    let (org, domain) = (named.org, named.name);
    let read =
        app.db.read(move |tx| Box::pin(async move { sql::recipients(tx, org, &domain, (&sought.after, &sought.q), sql::ROWS + 1).await }));
    let mut found = read.await.map_err(Fault::from)?;
    let is_more = found.len() > sql::ROWS;
    found.truncate(sql::ROWS);
    let next = found.last().filter(|_| is_more).map(|last| last.address.clone());
    let recipients = found.into_iter().map(|one| RecipientBody { address: one.address, name: one.name }).collect();
    Ok(Json(RecipientList { recipients, next }))
}

/// What came of a list of recipients.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientsPut {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
}

/// Adds recipients, or changes their names. All or none: one that cannot be used refuses the list.
#[utoipa::path(post, path = "/domains/{name}/recipients", tag = "domains", params(("name" = String, Path,)), request_body = RecipientList, responses((status = 200, description = "Done", body = RecipientsPut)))]
async fn put_recipients(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(list): Json<RecipientList>,
) -> Result<Json<RecipientsPut>, Fault> {
    let named = recipient_page::changeable(&app, &person, &name).await?;
    let clean = |text: &str| text.replace(['\r', '\n'], " ").replace('"', "\"\"");
    let lines: Vec<String> = list.recipients.iter().map(|one| format!("\"{}\",\"{}\"", clean(&one.address), clean(&one.name))).collect();
    let there: HashMap<String, (String, String)> = recipient_page::there(&app, &named).await?;
    let plan = plan(&format!("\n{}", lines.join("\n")), |domain| recipient_page::is_in(&named, domain), &there);
    if let Some((_, _, say)) = plan.mistakes.into_iter().next() {
        return Err(Fault::Invalid(vec![Wrong { field: "recipients", say }]));
    }
    let done = RecipientsPut { added: plan.new, changed: plan.changed, unchanged: plan.same };
    recipient_page::put(&app, &person, &named, plan.put).await?;
    Ok(Json(done))
}

/// Removes one recipient.
#[utoipa::path(delete, path = "/domains/{name}/recipients/{address}", tag = "domains", params(("name" = String, Path,), ("address" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove_recipient(
    State(app): State<App>,
    person: Person,
    Path((name, address)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let named = recipient_page::changeable(&app, &person, &name).await?;
    let address = mail::Address::parse(&address).map(|address| address.key()).map_err(|_| Fault::NotFound)?;
    match recipient_page::take_away(&app, &person, &named, vec![address]).await? {
        0 => Err(Fault::NotFound),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
