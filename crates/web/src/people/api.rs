//! The REST routes of people, roles, sessions, tokens and oneself.

use super::account::{self, ViewWish, wrong_view};
use super::change::{self, Act, Chosen};
use super::sql::{self, Filter, OwnRole, PersonRow, SessionRow};
use super::token::Wish;
use super::token::sql::{self as token_sql, TokenRow};
use super::{May, Person, Role, admin};
use crate::App;
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway::scope::OrgScope;
use mail::PersonId;
use mail::id::TokenId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// People of one answer.
const ROWS: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me, change_me))
        .routes(routes!(list, invite))
        .routes(routes!(one, change_one))
        .routes(routes!(list_roles, make_role))
        .routes(routes!(one_role, put_role, remove_role))
        .routes(routes!(list_sessions))
        .routes(routes!(end_session))
        .routes(routes!(list_tokens, make_token))
        .routes(routes!(revoke_token))
        .merge(super::provider::api::routes())
}

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PersonBody {
    /// Identifier, `p…`.
    pub id: String,
    pub email: String,
    pub name: String,
    /// The organisation they belong to; null: the service.
    pub organisation: Option<String>,
    /// A role that comes with Gatepost, or `own.NUMBER`.
    pub role: String,
    pub may: Vec<String>,
    pub is_active: bool,
    pub has_password: bool,
    pub has_app: bool,
    pub passkeys: i64,
    /// Unix milliseconds.
    pub made_ms: i64,
    /// Last sign-in, Unix milliseconds; null: never.
    pub seen_ms: Option<i64>,
}

fn names(may: &[May]) -> Vec<String> {
    may.iter().map(|may| may.name().to_string()).collect()
}

impl PersonBody {
    pub fn of(row: &PersonRow) -> PersonBody {
        PersonBody {
            id: row.person.id.to_string(),
            email: row.person.email.clone(),
            name: row.person.name.clone(),
            organisation: row.person.home.map(|org| org.to_string()),
            role: row.person.role_key(),
            may: names(&row.person.may),
            is_active: row.is_active,
            has_password: row.has_password,
            has_app: row.has_totp,
            passkeys: row.passkeys,
            made_ms: row.made_ms,
            seen_ms: row.seen_ms,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MeBody {
    pub id: String,
    pub email: String,
    pub name: String,
    /// The organisation acted in; null: all of them, for operators.
    pub organisation: Option<String>,
    pub role: String,
    /// What may be done now: with an API token, what both the token and its owner may.
    pub may: Vec<String>,
    /// "" is as the browser says.
    pub language: String,
    pub zone: String,
    pub colours: String,
    /// The API token that was shown; null: a session.
    pub token: Option<String>,
}

/// Who asks, and what they may.
#[utoipa::path(get, path = "/me", tag = "people", responses((status = 200, description = "Who asks", body = MeBody)))]
async fn me(person: Person) -> Result<Json<MeBody>, Fault> {
    Ok(Json(MeBody {
        id: person.id.to_string(),
        email: person.email.clone(),
        name: person.name.clone(),
        organisation: person.org.map(|org| org.to_string()),
        role: person.role_key(),
        may: names(&person.may),
        language: person.lang.map_or("", Lang::tag).into(),
        zone: person.zone.clone(),
        colours: person.colours.clone(),
        token: person.token.map(|token| token.to_string()),
    }))
}

/// What of oneself changes; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct MeChange {
    name: Option<String>,
    /// `en`, `zh-CN`, or "" for as the browser says.
    language: Option<String>,
    /// IANA name of a time zone, or "".
    zone: Option<String>,
    /// `auto`, `light`, `dark`, `contrast`, or "".
    colours: Option<String>,
}

/// Changes name, language, time zone and colours.
#[utoipa::path(patch, path = "/me", tag = "people", request_body = MeChange, responses((status = 204, description = "Changed")))]
async fn change_me(State(app): State<App>, person: Person, Json(change): Json<MeChange>) -> Result<StatusCode, Fault> {
    let wish = ViewWish {
        name: change.name.unwrap_or_else(|| person.name.clone()),
        language: change.language.unwrap_or_else(|| person.lang.map_or("", Lang::tag).into()),
        zone: change.zone.unwrap_or_else(|| person.zone.clone()),
        colours: change.colours.unwrap_or_else(|| person.colours.clone()),
    };
    let wrong = wrong_view(&wish);
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    account::keep(&app, &person, &wish).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Part of address or name.
    q: String,
    /// A role that comes with Gatepost, or `own.NUMBER`.
    role: String,
    /// Go on after this address of an earlier answer.
    after: String,
}

/// People, and where to go on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PeopleBody {
    pub rows: Vec<PersonBody>,
    /// Pass as `after` to go on; null: that was all.
    pub next: Option<String>,
}

/// People who sign in, by address.
#[utoipa::path(get, path = "/people", tag = "people", params(Asked), responses((status = 200, description = "People", body = PeopleBody)))]
async fn list(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<PeopleBody>, Fault> {
    person.require(May::People)?;
    let (scope, filter) = (person.scope(), Filter { q: asked.q, role: asked.role, after: asked.after, limit: ROWS });
    let mut rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &filter).await })).await?;
    let next = (rows.len() > ROWS).then(|| rows[ROWS - 1].person.email.clone());
    rows.truncate(ROWS);
    Ok(Json(PeopleBody { rows: rows.iter().map(PersonBody::of).collect(), next }))
}

/// Somebody to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InvitationBody {
    email: String,
    #[serde(default)]
    name: String,
    /// A role that comes with Gatepost, or `own.NUMBER`.
    role: String,
    /// Language of the letter: `en` or `zh-CN`.
    #[serde(default)]
    language: String,
}

/// Who was invited.
#[derive(Debug, Serialize, ToSchema)]
struct InvitedBody {
    id: String,
    /// Leads to where they choose how they sign in; told once.
    link: String,
    /// A letter with the link is on its way.
    is_mailed: bool,
}

fn secret(status: StatusCode, body: impl Serialize) -> Response {
    // Not kept anywhere between here and the program, nor for an Idempotency-Key.
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Invites somebody.
#[utoipa::path(post, path = "/people", tag = "people", request_body = InvitationBody,
    responses((status = 201, description = "Invited; the link is told once", body = InvitedBody)))]
async fn invite(State(app): State<App>, person: Person, headers: HeaderMap, Json(body): Json<InvitationBody>) -> Result<Response, Fault> {
    let wanted = admin::wanted(&body.email, &body.name, &body.role, &body.language);
    let sent = admin::invite(&app, &person, &headers, &wanted).await?;
    Ok(secret(StatusCode::CREATED, InvitedBody { id: sent.person.to_string(), link: sent.url, is_mailed: sent.is_mailed }))
}

fn known(id: &str) -> Result<PersonId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

async fn found(app: &App, person: &Person, id: PersonId) -> Result<PersonRow, Fault> {
    person.require(May::People)?;
    let scope = person.scope();
    app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?.ok_or(Fault::NotFound)
}

/// One person.
#[utoipa::path(get, path = "/people/{person}", tag = "people", params(("person" = String, Path, description = "Identifier, `p…`")),
    responses((status = 200, description = "The person", body = PersonBody)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<PersonBody>, Fault> {
    Ok(Json(PersonBody::of(&found(&app, &person, known(&id)?).await?)))
}

/// What of a person changes; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct PersonChange {
    role: Option<String>,
    is_active: Option<bool>,
}

fn act(app: &App, person: &Person) -> Act {
    Act { by: person.clone(), ids: app.ids.clone(), now_ms: app.now_ms() }
}

/// Changes role, or lets somebody in no more or again.
#[utoipa::path(patch, path = "/people/{person}", tag = "people", params(("person" = String, Path, description = "Identifier, `p…`")),
    request_body = PersonChange, responses((status = 200, description = "The person as they are now", body = PersonBody)))]
async fn change_one(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(change): Json<PersonChange>,
) -> Result<Json<PersonBody>, Fault> {
    let id = known(&id)?;
    found(&app, &person, id).await?;
    let role = match &change.role {
        Some(role) => Some(Chosen::parse(role).ok_or_else(|| Fault::Invalid(vec![Wrong::new("role", "people-role-unknown")]))?),
        None => None,
    };
    let act = act(&app, &person);
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if let Some(role) = role {
                    change::set_role(tx, &act, id, role).await?;
                }
                match change.is_active {
                    Some(is_active) => change::set_active(tx, &act, id, is_active).await,
                    None => Ok(()),
                }
            })
        })
        .await?;
    Ok(Json(PersonBody::of(&found(&app, &person, id).await?)))
}

/// A set of permissions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RoleBody {
    /// As it is given to people: a name, or `own.NUMBER`.
    pub id: String,
    pub name: String,
    pub may: Vec<String>,
    /// The organisation that made it; null: it comes with Gatepost.
    pub organisation: Option<String>,
}

impl RoleBody {
    fn of(role: &OwnRole) -> RoleBody {
        RoleBody {
            id: format!("own.{}", role.id),
            name: role.name.clone(),
            may: names(&role.may),
            organisation: Some(role.org.to_string()),
        }
    }
}

/// Roles that can be given: those that come with Gatepost, and the organisation's own.
#[utoipa::path(get, path = "/roles", tag = "people", responses((status = 200, description = "Roles", body = Vec<RoleBody>)))]
async fn list_roles(State(app): State<App>, person: Person) -> Result<Json<Vec<RoleBody>>, Fault> {
    person.require(May::People)?;
    let scope = person.scope();
    let own = app.db.read(move |tx| Box::pin(async move { sql::own_roles(tx, scope).await })).await?;
    let built_in = Role::ALL.into_iter().filter(|role| !role.is_of_service() || person.may(May::Operate));
    let built_in =
        built_in.map(|role| RoleBody { id: role.name().into(), name: role.name().into(), may: names(role.may()), organisation: None });
    Ok(Json(built_in.chain(own.iter().map(RoleBody::of)).collect()))
}

/// A role to make or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleWish {
    name: String,
    /// Names of permissions.
    may: Vec<String>,
}

fn permissions(names: &[String]) -> Result<Vec<May>, Fault> {
    let read: Option<Vec<May>> = names.iter().map(|name| May::parse(name)).collect();
    read.ok_or_else(|| Fault::Invalid(vec![Wrong::new("may", "role-wrong-may")]))
}

/// Makes a role of permissions.
#[utoipa::path(post, path = "/roles", tag = "people", request_body = RoleWish, responses((status = 201, description = "Made", body = RoleBody)))]
async fn make_role(State(app): State<App>, person: Person, Json(wish): Json<RoleWish>) -> Result<(StatusCode, Json<RoleBody>), Fault> {
    person.require(May::People)?;
    let org = person.acting_org()?;
    let role = OwnRole { id: app.fresh_id(), org, name: wish.name, may: permissions(&wish.may)?, people: 0 };
    let (act, kept) = (act(&app, &person), role.clone());
    app.db.tx(move |tx| Box::pin(async move { change::put_role(tx, &act, &kept).await })).await?;
    Ok((StatusCode::CREATED, Json(RoleBody::of(&role))))
}

/// A role of the scope, by `own.NUMBER` or the number alone.
async fn own_role(app: &App, person: &Person, id: &str) -> Result<OwnRole, Fault> {
    person.require(May::People)?;
    let number: i64 = id.trim_start_matches("own.").parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    app.db.read(move |tx| Box::pin(async move { sql::own_role_of(tx, scope, number).await })).await?.ok_or(Fault::NotFound)
}

/// One of the organisation's own roles.
#[utoipa::path(get, path = "/roles/{role}", tag = "people", params(("role" = String, Path, description = "`own.NUMBER`")),
    responses((status = 200, description = "The role", body = RoleBody)))]
async fn one_role(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<RoleBody>, Fault> {
    Ok(Json(RoleBody::of(&own_role(&app, &person, &id).await?)))
}

/// Changes one of the organisation's own roles.
#[utoipa::path(put, path = "/roles/{role}", tag = "people", params(("role" = String, Path, description = "`own.NUMBER`")),
    request_body = RoleWish, responses((status = 200, description = "Changed", body = RoleBody)))]
async fn put_role(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(wish): Json<RoleWish>,
) -> Result<Json<RoleBody>, Fault> {
    let before = own_role(&app, &person, &id).await?;
    let role = OwnRole { name: wish.name, may: permissions(&wish.may)?, ..before };
    let (act, kept) = (act(&app, &person), role.clone());
    app.db.tx(move |tx| Box::pin(async move { change::put_role(tx, &act, &kept).await })).await?;
    Ok(Json(RoleBody::of(&role)))
}

/// Removes one of the organisation's own roles that nobody has.
#[utoipa::path(delete, path = "/roles/{role}", tag = "people", params(("role" = String, Path, description = "`own.NUMBER`")),
    responses((status = 204, description = "Removed")))]
async fn remove_role(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let (role, act) = (own_role(&app, &person, &id).await?, act(&app, &person));
    app.db.tx(move |tx| Box::pin(async move { change::remove_role(tx, &act, role.id).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One sign-in that holds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SessionBody {
    pub id: String,
    /// `password`, `link`, `passkey` or `provider`.
    pub how: String,
    pub made_ms: i64,
    pub seen_ms: i64,
    pub until_ms: i64,
    pub ip: String,
    pub agent: String,
    /// It is the one that asks.
    pub is_this: bool,
}

impl SessionBody {
    fn of(row: SessionRow) -> SessionBody {
        SessionBody {
            id: row.id.to_string(),
            how: row.how,
            made_ms: row.made_ms,
            seen_ms: row.seen_ms,
            until_ms: row.until_ms,
            ip: row.ip,
            agent: row.agent,
            is_this: row.is_this,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Identifier of a person, `p…`; without one, who asks.
    person: String,
}

/// Whose things are meant: one's own, or those of somebody this person looks after.
async fn whose(app: &App, person: &Person, whose: &Whose) -> Result<PersonId, Fault> {
    if whose.person.is_empty() || whose.person == person.id.to_string() {
        return Ok(person.id);
    }
    Ok(found(app, person, known(&whose.person)?).await?.person.id)
}

/// Sessions, last used first.
#[utoipa::path(get, path = "/sessions", tag = "people", params(Whose), responses(
    (status = 200, description = "Sessions", body = Vec<SessionBody>),
    (status = 404, body = crate::api::problem::Problem, content_type = "application/problem+json", description = "There is no such person, or it is not yours")
))]
async fn list_sessions(State(app): State<App>, person: Person, Query(asked): Query<Whose>) -> Result<Json<Vec<SessionBody>>, Fault> {
    let (id, now_ms) = (whose(&app, &person, &asked).await?, app.now_ms());
    let rows = app.db.read(move |tx| Box::pin(async move { sql::sessions(tx, id, &person.session, now_ms).await })).await?;
    Ok(Json(rows.into_iter().map(SessionBody::of).collect()))
}

/// Ends a session.
#[utoipa::path(delete, path = "/sessions/{session}", tag = "people",
    params(("session" = String, Path, description = "Its number"), Whose), responses((status = 204, description = "Ended")))]
async fn end_session(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(asked): Query<Whose>,
) -> Result<StatusCode, Fault> {
    let session: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let owner = whose(&app, &person, &asked).await?;
    if owner == person.id {
        account::end_own(&app, &person, Some(session)).await?;
    } else {
        let act = act(&app, &person);
        app.db.tx(move |tx| Box::pin(async move { change::end_sessions(tx, &act, owner, Some(session)).await })).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An API token, without the token itself.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TokenBody {
    /// Identifier, `t…`.
    pub id: String,
    pub name: String,
    pub may: Vec<String>,
    pub made_ms: i64,
    pub until_ms: i64,
    /// Last use; null: never.
    pub used_ms: Option<i64>,
    pub used_ip: String,
}

impl TokenBody {
    fn of(row: &TokenRow) -> TokenBody {
        TokenBody {
            id: row.id.to_string(),
            name: row.name.clone(),
            may: names(&row.may),
            made_ms: row.made_ms,
            until_ms: row.until_ms,
            used_ms: row.used_ms,
            used_ip: row.used_ip.clone(),
        }
    }
}

/// API tokens that hold.
#[utoipa::path(get, path = "/tokens", tag = "people", params(Whose), responses(
    (status = 200, description = "Tokens", body = Vec<TokenBody>),
    (status = 404, body = crate::api::problem::Problem, content_type = "application/problem+json", description = "There is no such person, or it is not yours")
))]
async fn list_tokens(State(app): State<App>, person: Person, Query(asked): Query<Whose>) -> Result<Json<Vec<TokenBody>>, Fault> {
    let (id, now_ms) = (whose(&app, &person, &asked).await?, app.now_ms());
    // Of others those in the scope; one's own wherever they act.
    let scope = if id == person.id { OrgScope::All } else { person.scope() };
    let rows = app.db.read(move |tx| Box::pin(async move { token_sql::of_person(tx, scope, id, now_ms).await })).await?;
    Ok(Json(rows.iter().map(TokenBody::of).collect()))
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenWish {
    name: String,
    /// Names of permissions, each one of one's own.
    may: Vec<String>,
    /// Days until it ends, 1 to 366.
    #[schema(minimum = 1, maximum = 366)]
    days: i64,
}

/// A token, told once.
#[derive(Debug, Serialize, ToSchema)]
struct MadeToken {
    id: String,
    /// For `Authorization: Bearer`. It cannot be shown again.
    token: String,
    until_ms: i64,
}

/// Makes an API token for oneself. In a session that proved a short while ago to be there, not with a token.
#[utoipa::path(post, path = "/tokens", tag = "people", request_body = TokenWish, responses((status = 201, description = "Made; told once", body = MadeToken)))]
async fn make_token(State(app): State<App>, person: Person, Json(wish): Json<TokenWish>) -> Result<Response, Fault> {
    let wish = Wish { may: permissions(&wish.may)?, name: wish.name, days: wish.days };
    let (plain, row) = account::create_token(&app, &person, &wish).await?;
    Ok(secret(StatusCode::CREATED, MadeToken { id: row.id.to_string(), token: plain, until_ms: row.until_ms }))
}

/// Ends an API token: one's own, or of somebody one looks after.
#[utoipa::path(delete, path = "/tokens/{token}", tag = "people",
    params(("token" = String, Path, description = "Identifier, `t…`"), Whose), responses((status = 204, description = "Ended")))]
async fn revoke_token(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(asked): Query<Whose>,
) -> Result<StatusCode, Fault> {
    let token: TokenId = id.parse().map_err(|_| Fault::NotFound)?;
    let owner = whose(&app, &person, &asked).await?;
    if owner == person.id {
        account::end_token(&app, &person, token).await?;
    } else {
        let act = act(&app, &person);
        app.db.tx(move |tx| Box::pin(async move { change::revoke_token(tx, &act, owner, token).await })).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
