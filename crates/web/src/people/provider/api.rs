//! The REST routes of how an organisation's people sign in.

use super::{Access, Provider, SecondFactor, back_path};
use crate::App;
use crate::page::Fault;
use crate::people::admin::access::{kept, put, secret_for};
use crate::people::{May, Person, link};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_access, put_access))
}

/// How the people of an organisation sign in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccessBody {
    /// Known recipients sign in by a link in a mail, for their own held mail.
    mailbox_links: bool,
    /// Who has to set up an authenticator app or a passkey before anything else opens.
    second_factor: SecondFactor,
    provider: ProviderBody,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProviderBody {
    is_on: bool,
    /// As the provider writes it; "" is none.
    issuer: String,
    client_id: String,
    /// Never told. Null or left out keeps the one that is kept, as long as the issuer stays.
    #[serde(default)]
    client_secret: Option<String>,
    /// Claim that lists groups; "" asks for none.
    groups_claim: String,
    /// The first group that somebody is in gives the role; at most 50.
    groups: Vec<GroupRole>,
    /// Role of those in no such group; "": they do not get in.
    other_role: String,
    /// The address to enter at the provider; what is sent here is not looked at.
    #[serde(default)]
    redirect_uri: String,
}

/// A group, and the role it gives: a name, or `own.NUMBER`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupRole {
    group: String,
    role: String,
}

impl AccessBody {
    fn of(access: Access, redirect_uri: String) -> AccessBody {
        let Access { mailbox_links, second_factor, provider } = access;
        let groups = provider.groups.into_iter().map(|(group, role)| GroupRole { group, role }).collect();
        let Provider { is_on, issuer, client_id, groups_claim, other_role, .. } = provider;
        let provider = ProviderBody { is_on, issuer, client_id, client_secret: None, groups_claim, groups, other_role, redirect_uri };
        AccessBody { mailbox_links, second_factor, provider }
    }

    fn settings(self, before: &Provider) -> Access {
        let AccessBody { mailbox_links, second_factor, provider } = self;
        let client_secret = secret_for(before, provider.issuer.trim(), provider.client_secret.as_deref());
        let provider = Provider {
            is_on: provider.is_on,
            issuer: provider.issuer.trim().to_string(),
            client_id: provider.client_id.trim().to_string(),
            client_secret,
            groups_claim: provider.groups_claim.trim().to_string(),
            groups: provider.groups.into_iter().map(|one| (one.group, one.role)).collect(),
            other_role: provider.other_role,
        };
        Access { mailbox_links, second_factor, provider }
    }
}

/// How the people of the organisation sign in.
#[utoipa::path(get, path = "/access", tag = "people", responses((status = 200, description = "The settings", body = AccessBody)))]
async fn get_access(State(app): State<App>, person: Person, headers: HeaderMap) -> Result<Json<AccessBody>, Fault> {
    person.require(May::People)?;
    let org = person.acting_org()?;
    let redirect_uri = format!("{}{}", link::base(&app, &headers), back_path(org));
    Ok(Json(AccessBody::of(kept(&app, org).await?, redirect_uri)))
}

/// Changes how the people of the organisation sign in. In a session that proved a short while ago to be there, not with a token.
#[utoipa::path(put, path = "/access", tag = "people", request_body = AccessBody, responses((status = 204, description = "Kept")))]
async fn put_access(State(app): State<App>, person: Person, Json(body): Json<AccessBody>) -> Result<StatusCode, Fault> {
    person.require(May::People)?;
    person.require_sure(app.now_ms())?;
    let org = person.acting_org()?;
    let before = kept(&app, org).await?.provider;
    put(&app, &person, org, body.settings(&before)).await?;
    Ok(StatusCode::NO_CONTENT)
}
