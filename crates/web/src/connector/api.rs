//! Connectors for programs.

use super::inbound_page::{changeable, put as put_inbound, take_away as take_inbound_away};
use super::page::{change as put, make, take_away};
use super::try_page::{Ask, last, try_saved};
use super::{Draft, InboundDraft, find, find_inbound, find_to_change, may_name_private, sql};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::delivery::validate::Validation;
use gateway::directory::{ConnectorSettings, InboundSettings};
use gateway::scope::OrgScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(last_validation, run))
        .routes(routes!(list_inbound, create_inbound))
        .routes(routes!(show_inbound, change_inbound, remove_inbound))
}

/// A connector: where mail goes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorBody {
    pub name: String,
    /// "server", "partner" or "outbound".
    pub kind: String,
    /// Recipients' domains, for kind "partner".
    pub domains: Vec<String>,
    /// Next hops in order, `host:port`; empty: MX records.
    pub hosts: Vec<String>,
    /// "smtp" or "lmtp".
    pub protocol: String,
    /// "off", "opportunistic", "required" or "verified".
    pub tls: String,
    pub tls_name: String,
    /// SHA-256 of the only certificate that is taken, in hex; empty: not pinned.
    pub pin: String,
    pub connections_max: usize,
    pub mails_per_connection_max: usize,
    pub allow_private: bool,
    pub login: String,
    /// Only written, never told.
    #[serde(skip_serializing)]
    #[schema(write_only)]
    pub password: String,
    /// "file", "command" or "page". Ignored when written.
    pub source: String,
}

impl ConnectorBody {
    fn of(named: &sql::Named) -> ConnectorBody {
        let ConnectorSettings { name, kind, domains, hosts, protocol, tls, tls_name, pin, .. } = named.settings.clone();
        ConnectorBody {
            name,
            kind: super::draft::word(&kind),
            domains,
            hosts,
            protocol: super::draft::word(&protocol),
            tls: super::draft::word(&tls),
            tls_name,
            pin,
            connections_max: named.settings.connections_max,
            mails_per_connection_max: named.settings.mails_per_connection_max,
            allow_private: named.settings.allow_private,
            login: named.settings.login.clone(),
            password: String::new(),
            source: named.source.clone(),
        }
    }

    /// As a form would send it; 0 stands for the usual number.
    fn draft(self) -> Draft {
        let number = |number: usize| if number == 0 { String::new() } else { number.to_string() };
        Draft {
            name: self.name,
            kind: self.kind,
            domains: self.domains.join("\n"),
            hosts: self.hosts.join("\n"),
            protocol: self.protocol,
            tls: self.tls,
            tls_name: self.tls_name,
            pin: self.pin,
            connections_max: number(self.connections_max),
            mails_per_connection_max: number(self.mails_per_connection_max),
            allow_private: self.allow_private.to_string(),
            login: self.login,
            password: self.password,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorList {
    pub connectors: Vec<ConnectorBody>,
}

/// Lists connectors.
#[utoipa::path(get, path = "/connectors", tag = "connectors", responses((status = 200, description = "Connectors", body = ConnectorList)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<ConnectorList>, Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope).await })).await.map_err(Fault::from)?;
    Ok(Json(ConnectorList { connectors: found.iter().map(ConnectorBody::of).collect() }))
}

/// Adds a connector. The name may get a number when it is taken in another organisation.
#[utoipa::path(post, path = "/connectors", tag = "connectors", request_body = ConnectorBody, responses((status = 201, description = "Added", body = ConnectorBody)))]
async fn create(
    State(app): State<App>,
    person: Person,
    Json(body): Json<ConnectorBody>,
) -> Result<(StatusCode, Json<ConnectorBody>), Fault> {
    person.require(May::Connectors)?;
    let org = person.acting_org()?;
    let settings = body.draft().settings(None, may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    let name = make(&app, &person, org, settings).await?;
    Ok((StatusCode::CREATED, Json(ConnectorBody::of(&find(&app, &person, &name).await?))))
}

/// Shows one connector, without its password.
#[utoipa::path(get, path = "/connectors/{name}", tag = "connectors", params(("name" = String, Path,)), responses((status = 200, description = "The connector", body = ConnectorBody)))]
async fn show(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<ConnectorBody>, Fault> {
    Ok(Json(ConnectorBody::of(&find(&app, &person, &name).await?)))
}

/// Replaces a connector's settings. An empty password keeps the one that is set, as long as login and hosts stay.
#[utoipa::path(put, path = "/connectors/{name}", tag = "connectors", params(("name" = String, Path,)), request_body = ConnectorBody, responses((status = 200, description = "As it is now", body = ConnectorBody)))]
async fn change(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(body): Json<ConnectorBody>,
) -> Result<Json<ConnectorBody>, Fault> {
    let named = find_to_change(&app, &person, &name).await?;
    let settings = body.draft().settings(Some(&named.settings), may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    put(&app, &person, named, settings).await?;
    Ok(Json(ConnectorBody::of(&find(&app, &person, &name).await?)))
}

/// Removes a connector that nothing uses.
#[utoipa::path(delete, path = "/connectors/{name}", tag = "connectors", params(("name" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<StatusCode, Fault> {
    let named = find_to_change(&app, &person, &name).await?;
    take_away(&app, &person, named).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TryBody {
    /// An address to ask about; may be empty.
    pub to: String,
    /// Send a test mail to it.
    pub send: bool,
    /// Find out how the server behaves: relaying, waiting, size, and with an address whether mail can be smuggled past it.
    pub manners: bool,
}

/// A validation with its result in a word.
#[derive(Debug, Serialize)]
pub struct ValidationBody {
    /// "ok", "advice", "cannot-tell", "problem", or "never".
    result: &'static str,
    #[serde(flatten)]
    validation: Validation,
}

/// The last validation of a connector.
#[utoipa::path(get, path = "/connectors/{name}/validate", tag = "connectors", params(("name" = String, Path,)), responses((status = 200, description = "Steps, dialogue and TLS of each host", body = serde_json::Value)))]
async fn last_validation(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<ValidationBody>, Fault> {
    let named = find(&app, &person, &name).await?;
    Ok(Json(match last(&app, &named).await? {
        Some(validation) => ValidationBody { result: validation.result().name(), validation },
        None => ValidationBody { result: "never", validation: Validation::default() },
    }))
}

/// Connects to each next hop as mail would, and keeps what was said.
#[utoipa::path(post, path = "/connectors/{name}/validate", tag = "connectors", params(("name" = String, Path,)), request_body = TryBody, responses((status = 200, description = "Steps, dialogue and TLS of each host", body = serde_json::Value)))]
async fn run(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(asked): Json<TryBody>,
) -> Result<Json<ValidationBody>, Fault> {
    let named = find(&app, &person, &name).await?;
    let tried = try_saved(&app, &person, named, Ask { to: &asked.to, send: asked.send, manners: asked.manners }).await?;
    Ok(Json(ValidationBody { result: tried.validation.result().name(), validation: tried.validation }))
}

/// An inbound connector: servers that hand mail to us.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboundBody {
    pub name: String,
    /// Addresses and networks.
    pub addresses: Vec<String>,
    /// Names in client certificates; ".example.com" stands for every name below.
    pub certificates: Vec<String>,
    /// May send out without a login.
    pub relay: bool,
    pub require_tls: bool,
    /// Sender domains it is about.
    pub domains: Vec<String>,
    /// Mail of these domains comes from these servers only.
    pub only_from: bool,
    /// "off", "last" or "listed".
    pub skip: String,
    pub skip_addresses: Vec<String>,
    /// "file", "command" or "page". Ignored when written.
    pub source: String,
}

impl InboundBody {
    fn of(named: &sql::NamedInbound) -> InboundBody {
        let InboundSettings { name, certificates, relay, require_tls, domains, only_from, .. } = named.settings.clone();
        let networks = |networks: &gateway::settings::Networks| networks.0.iter().map(ToString::to_string).collect();
        InboundBody {
            name,
            addresses: networks(&named.settings.addresses),
            certificates,
            relay,
            require_tls,
            domains,
            only_from,
            skip: super::draft::word(&named.settings.skip),
            skip_addresses: networks(&named.settings.skip_addresses),
            source: named.source.clone(),
        }
    }

    fn draft(self) -> InboundDraft {
        InboundDraft {
            name: self.name,
            addresses: self.addresses.join("\n"),
            certificates: self.certificates.join("\n"),
            relay: self.relay.to_string(),
            require_tls: self.require_tls.to_string(),
            domains: self.domains.join("\n"),
            only_from: self.only_from.to_string(),
            skip: self.skip,
            skip_addresses: self.skip_addresses.join("\n"),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InboundList {
    pub connectors: Vec<InboundBody>,
}

/// Lists inbound connectors.
#[utoipa::path(get, path = "/inbound-connectors", tag = "connectors", responses((status = 200, description = "Inbound connectors", body = InboundList)))]
async fn list_inbound(State(app): State<App>, person: Person) -> Result<Json<InboundList>, Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::list_inbound(tx, scope).await })).await.map_err(Fault::from)?;
    Ok(Json(InboundList { connectors: found.iter().map(InboundBody::of).collect() }))
}

/// Adds an inbound connector.
#[utoipa::path(post, path = "/inbound-connectors", tag = "connectors", request_body = InboundBody, responses((status = 201, description = "Added", body = InboundBody)))]
async fn create_inbound(
    State(app): State<App>,
    person: Person,
    Json(body): Json<InboundBody>,
) -> Result<(StatusCode, Json<InboundBody>), Fault> {
    person.require(May::Connectors)?;
    let org = person.acting_org()?;
    let settings = body.draft().settings(None, may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    let name = put_inbound(&app, &person, org, settings, None).await?;
    let found = app.db.read(move |tx| Box::pin(async move { sql::one_inbound(tx, OrgScope::One(org), &name).await })).await;
    let named = found.map_err(Fault::from)?.ok_or(Fault::NotFound)?;
    Ok((StatusCode::CREATED, Json(InboundBody::of(&named))))
}

/// Shows one inbound connector.
#[utoipa::path(get, path = "/inbound-connectors/{name}", tag = "connectors", params(("name" = String, Path,)), responses((status = 200, description = "The connector", body = InboundBody)))]
async fn show_inbound(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<InboundBody>, Fault> {
    Ok(Json(InboundBody::of(&find_inbound(&app, &person, &name).await?)))
}

/// Replaces the settings of an inbound connector.
#[utoipa::path(put, path = "/inbound-connectors/{name}", tag = "connectors", params(("name" = String, Path,)), request_body = InboundBody, responses((status = 200, description = "As it is now", body = InboundBody)))]
async fn change_inbound(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(body): Json<InboundBody>,
) -> Result<Json<InboundBody>, Fault> {
    let named = changeable(&app, &person, &name).await?;
    let settings = body.draft().settings(Some(&named.settings), may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    put_inbound(&app, &person, named.org, settings, Some(named)).await?;
    Ok(Json(InboundBody::of(&find_inbound(&app, &person, &name).await?)))
}

/// Removes an inbound connector.
#[utoipa::path(delete, path = "/inbound-connectors/{name}", tag = "connectors", params(("name" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove_inbound(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<StatusCode, Fault> {
    let named = changeable(&app, &person, &name).await?;
    take_inbound_away(&app, &person, named).await?;
    Ok(StatusCode::NO_CONTENT)
}
