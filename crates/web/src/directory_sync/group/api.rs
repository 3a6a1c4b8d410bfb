//! Groups for programs.

use super::page::{rename_to, take_away};
use super::{Group, MEMBERS_MAX, change_members, find, find_to_change, make, name_of, sql};
use crate::App;
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, rename, remove)).routes(routes!(members, put))
}

/// A group of recipients.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupBody {
    pub id: String,
    pub name: String,
    /// Its own address, when it has one.
    pub address: String,
    /// "page", "scim", or "ldap:" and the number of a directory.
    pub source: String,
    /// Addresses and groups that are in it directly.
    pub members: i64,
}

impl GroupBody {
    fn of(group: &Group) -> GroupBody {
        GroupBody {
            id: group.id.to_string(),
            name: group.name.clone(),
            address: group.address.clone(),
            source: group.source.clone(),
            members: group.members,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct GroupList {
    pub groups: Vec<GroupBody>,
    /// Pass it as `after` for the rest; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Sought {
    /// A part of the name.
    pub q: String,
    pub after: String,
}

/// Groups, in order of their names.
#[utoipa::path(get, path = "/groups", tag = "directory", params(Sought), responses((status = 200, description = "Groups", body = GroupList)))]
async fn list(State(app): State<App>, person: Person, Query(sought): Query<Sought>) -> Result<Json<GroupList>, Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let read: Result<_, Error> =
        app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, (&sought.after, &sought.q), sql::ROWS + 1).await })).await;
    let mut found = read?;
    let is_more = found.len() > sql::ROWS;
    found.truncate(sql::ROWS);
    let next = found.last().filter(|_| is_more).map(|last| gateway::directory::group::name_key(&last.name));
    Ok(Json(GroupList { groups: found.iter().map(GroupBody::of).collect(), next }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewGroup {
    /// Unique in the organisation, in any case of letters.
    pub name: String,
}

/// Makes an empty group.
#[utoipa::path(post, path = "/groups", tag = "directory", request_body = NewGroup, responses((status = 201, description = "Made", body = GroupBody)))]
async fn create(State(app): State<App>, person: Person, Json(new): Json<NewGroup>) -> Result<(StatusCode, Json<GroupBody>), Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let id = make(&app, &person, org, name_of(&new.name).map_err(Fault::Invalid)?).await?;
    Ok((StatusCode::CREATED, Json(GroupBody::of(&find(&app, &person, &id.to_string()).await?))))
}

/// Shows one group.
#[utoipa::path(get, path = "/groups/{group}", tag = "directory", params(("group" = String, Path,)), responses((status = 200, description = "The group", body = GroupBody)))]
async fn show(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<GroupBody>, Fault> {
    Ok(Json(GroupBody::of(&find(&app, &person, &id).await?)))
}

/// Renames a group. Policies and rules name groups: change them as well.
#[utoipa::path(put, path = "/groups/{group}", tag = "directory", params(("group" = String, Path,)), request_body = NewGroup, responses((status = 200, description = "As it is now", body = GroupBody)))]
async fn rename(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewGroup>,
) -> Result<Json<GroupBody>, Fault> {
    let group = find_to_change(&app, &person, &id).await?;
    rename_to(&app, &person, &group, name_of(&new.name).map_err(Fault::Invalid)?).await?;
    Ok(Json(GroupBody::of(&find(&app, &person, &id).await?)))
}

/// Removes a group.
#[utoipa::path(delete, path = "/groups/{group}", tag = "directory", params(("group" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let group = find_to_change(&app, &person, &id).await?;
    take_away(&app, &person, &group).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is in a group directly.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberList {
    /// Addresses, and names of groups.
    pub members: Vec<String>,
    /// Pass it as `after` for the rest; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Members of a group.
#[utoipa::path(get, path = "/groups/{group}/members", tag = "directory", params(("group" = String, Path,), Sought), responses((status = 200, description = "Members", body = MemberList)))]
async fn members(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(sought): Query<Sought>,
) -> Result<Json<MemberList>, Fault> {
    const ROWS: usize = 1_000;
    let group = find(&app, &person, &id).await?;
    let read: Result<_, Error> =
        app.db.read(move |tx| Box::pin(async move { sql::members(tx, &group, &sought.after, ROWS + 1).await })).await;
    let mut found = read?;
    let is_more = found.len() > ROWS;
    found.truncate(ROWS);
    let next = found.last().filter(|_| is_more).map(sql::MemberRow::place);
    Ok(Json(MemberList { members: found.into_iter().map(|one| one.what).collect(), next }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemberChange {
    /// Addresses, or names of groups of the organisation.
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// Puts members in and takes members out. All or none.
#[utoipa::path(post, path = "/groups/{group}/members", tag = "directory", params(("group" = String, Path,)), request_body = MemberChange, responses((status = 200, description = "As it is now", body = GroupBody)))]
async fn put(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(change): Json<MemberChange>,
) -> Result<Json<GroupBody>, Fault> {
    let group = find_to_change(&app, &person, &id).await?;
    if change.add.len() + change.remove.len() > MEMBERS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("add", "group-wrong-many-members")]));
    }
    change_members(&app, &person, &group, change.add, change.remove).await?;
    Ok(Json(GroupBody::of(&find(&app, &person, &id).await?)))
}
