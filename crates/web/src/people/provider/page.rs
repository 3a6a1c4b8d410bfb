//! To the provider and back.

use super::client::{self, Metadata};
use super::id_token::{self, Claims, Wanted};
use super::{Access, Sent, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::guard::form_pair;
use crate::page::view::own_path;
use crate::page::{Fault, Page, Say, View, form::Form as Shown, show, show_with};
use crate::people::ceremony::{self, Kind};
use crate::people::change::Chosen;
use crate::people::session::{Peer, Token};
use crate::people::sign_in::{self, Entering};
use crate::people::sql::{self as people_sql, NewPerson};
use crate::people::{Person, Role, limit, link};
use askama::Template;
use aws_lc_rs::digest;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use axum::{Form, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mail::{Address, OrgId, PersonId};
use serde::{Deserialize, Serialize};
use store::{Error, Tx};

pub fn routes() -> Router<App> {
    Router::new().route("/sign-in/provider", get(ask).post(begin)).route("/sign-in/provider/{org}/back", get(back))
}

/// Where the provider sends people back to. Each organisation has its own, so that an answer for one is none for another.
pub fn back_path(org: OrgId) -> String {
    format!("/sign-in/provider/{org}/back")
}

#[derive(Template)]
#[template(path = "people/templates/provider.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
}

#[derive(Template)]
#[template(path = "people/templates/leave.html")]
struct LeavePage<'a> {
    view: &'a View,
    host: &'a str,
    url: &'a str,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    email: String,
    next: String,
}

/// `GET /sign-in/provider`: the address says which organisation.
async fn ask(view: View, Query(asked): Query<Asked>) -> Page {
    show(&AskPage { view: &view, form: &Shown::of(&asked) })
}

/// `POST /sign-in/provider`: a page that leads on to the provider. Not a redirect: our own policy lets forms lead nowhere else.
async fn begin(State(app): State<App>, view: View, peer: Peer, headers: HeaderMap, Form(asked): Form<Asked>) -> Page {
    app.limits().take(&format!("provider {}", limit::source(&peer.ip)), limit::LINK_SOURCE, app.now_ms())?;
    let wrong = |key| {
        let form = Shown::of(&asked).with_wrong(vec![Wrong::new("email", key)]);
        show_with(StatusCode::UNPROCESSABLE_ENTITY, &AskPage { view: &view, form: &form })
    };
    let Ok(address) = Address::parse(asked.email.trim()) else { return wrong("sign-in-wrong-address") };
    let Some(org) = app.directory.snapshot().domain_of(&address).map(|domain| domain.org) else { return wrong("provider-none") };
    let seal = app.seal.clone();
    let access = app.db.read(move |tx| Box::pin(async move { sql::access(tx, &seal, org).await })).await?;
    if !access.provider.is_on {
        return wrong("provider-none");
    }
    let metadata = match client::discover(&app, &access.provider.issuer).await {
        Ok(metadata) => metadata,
        Err(why) => {
            tracing::warn!(%org, "the provider could not be asked: {why}");
            return wrong("provider-down");
        }
    };
    let (url, sent, challenge_host) = leave(&app, &headers, org, (&access, &metadata), (&address, &asked.next))?;
    let token = ceremony::begin(&app, Kind::Provider, PersonId(0), &sent).await?;
    let mut answer = show(&LeavePage { view: &view, host: &challenge_host, url: &url })?;
    answer.headers_mut().extend(ceremony::cookie(&app, Kind::Provider, &token).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// The address of the provider with our question in it, what we remember of it, and the provider's host.
fn leave(
    app: &App,
    headers: &HeaderMap,
    org: OrgId,
    provider: (&Access, &Metadata),
    asked: (&Address, &str),
) -> Result<(String, Sent, String), Fault> {
    let (access, metadata) = provider;
    let sent = Sent {
        org: org.0,
        issuer: metadata.issuer.clone(),
        client_id: access.provider.client_id.clone(),
        state: Token::fresh()?.plain,
        nonce: Token::fresh()?.plain,
        verifier: Token::fresh()?.plain,
        redirect: format!("{}{}", link::base(app, headers), back_path(org)),
        next: own_path(asked.1).to_string(),
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, sent.verifier.as_bytes()));
    let pairs = [
        ("response_type", "code"),
        ("client_id", &sent.client_id),
        ("redirect_uri", &sent.redirect),
        ("scope", "openid email profile"),
        ("state", &sent.state),
        ("nonce", &sent.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("login_hint", &asked.0.to_string()),
    ];
    let query: Vec<String> = pairs.iter().map(|(name, value)| form_pair(name, value)).collect();
    let join = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
    let host = reqwest::Url::parse(&metadata.authorization_endpoint).ok().and_then(|url| url.host_str().map(str::to_string));
    Ok((format!("{}{join}{}", metadata.authorization_endpoint, query.join("&")), sent, host.unwrap_or_default()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answered {
    code: String,
    state: String,
    iss: String,
    error: String,
}

fn refused(key: &'static str) -> Fault {
    Fault::Conflict(Say::new(key))
}

/// `GET /sign-in/provider/{org}/back`: the provider's answer. It comes as a GET by the standard; what it does is bound to what this
/// very browser began.
async fn back(State(app): State<App>, peer: Peer, headers: HeaderMap, Path(org): Path<String>, Query(answered): Query<Answered>) -> Page {
    let (token, now_ms) = (ceremony::held(&app, &headers, Kind::Provider), app.now_ms());
    let begun = app.db.tx(move |tx| Box::pin(async move { ceremony::finish(tx, &token, Kind::Provider, now_ms).await })).await?;
    let sent: Sent = begun.and_then(|begun| begun.read()).ok_or_else(|| refused("provider-not-begun"))?;
    if org.parse() != Ok(OrgId(sent.org)) || answered.state != sent.state {
        return Err(refused("provider-not-begun"));
    }
    if !answered.error.is_empty() || answered.code.is_empty() {
        return Err(refused("provider-said-no"));
    }
    let claims = proved(&app, &sent, &answered).await?;
    let person = person_of(&app, &peer, &sent, claims).await?;
    sign_in::first_proved(&app, &peer, &headers, Entering { person, how: "provider", next: sent.next }).await
}

/// What the provider says, checked.
async fn proved(app: &App, sent: &Sent, answered: &Answered) -> Result<Claims, Fault> {
    let org = OrgId(sent.org);
    let seal = app.seal.clone();
    let provider = app.db.read(move |tx| Box::pin(async move { sql::access(tx, &seal, org).await })).await?.provider;
    // Changed while somebody was away there: what comes back answers an old question.
    if !provider.is_on || provider.issuer != sent.issuer || provider.client_id != sent.client_id {
        return Err(refused("provider-not-begun"));
    }
    let failed = |why: &dyn std::fmt::Display| {
        tracing::warn!(%org, "sign-in through the provider failed: {why}");
        refused("provider-failed")
    };
    let metadata = client::discover(app, &provider.issuer).await.map_err(|why| failed(&why))?;
    let is_told = metadata.authorization_response_iss_parameter_supported || !answered.iss.is_empty();
    if is_told && answered.iss != provider.issuer {
        return Err(failed(&"another issuer answered (RFC 9207)"));
    }
    let tokens = client::exchange(app, &metadata, &provider, sent, &answered.code).await.map_err(|why| failed(&why))?;
    let keys = client::keys(app, &metadata).await.map_err(|why| failed(&why))?;
    let wanted = Wanted {
        issuer: &provider.issuer,
        client_id: &provider.client_id,
        nonce: &sent.nonce,
        groups_claim: &provider.groups_claim,
        now_ms: app.now_ms(),
    };
    id_token::check(&tokens.id_token, &keys, wanted).map_err(|why| failed(&why))
}

/// The person: known by their subject at the provider; else by an address of a domain of this organisation; else new, when their groups
/// give a role.
async fn person_of(app: &App, peer: &Peer, sent: &Sent, claims: Claims) -> Result<PersonId, Fault> {
    let (org, issuer, ids, now_ms, ip) = (OrgId(sent.org), sent.issuer.clone(), app.ids.clone(), app.now_ms(), peer.ip.clone());
    let directory = app.directory.snapshot();
    let (address, seal) = (Address::parse(&claims.email).ok(), app.seal.clone());
    let is_own = address.as_ref().and_then(|address| directory.domain_of(address)).is_some_and(|domain| domain.org == org);
    let email = address.filter(|_| is_own).map(|address| address.key());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let provider = sql::access(tx, &seal, org).await?.provider;
                let role = provider.role_for(&claims.groups);
                if let Some((id, is_brought)) = sql::known(tx, org, &issuer, &claims.subject).await? {
                    let person = people_sql::active(tx, id).await?.filter(|person| person.home == Some(org));
                    let person = person.ok_or_else(|| refused("provider-not-you"))?;
                    if is_brought {
                        let role = role.ok_or_else(|| refused("provider-no-role"))?;
                        follow(tx, &person, role, org).await?;
                    }
                    return Ok(id);
                }
                let email = email.ok_or_else(|| refused("provider-no-address"))?;
                let fresh = sql::Tie { org, issuer, subject: claims.subject, person: PersonId(0), is_brought: false };
                let found = people_sql::by_email(tx, &email).await?;
                let tie = match found {
                    // Who looks after the service is nobody's to bring, whatever an organisation's provider says.
                    Some(person) if person.home == Some(org) && !person.role.is_of_service() => sql::Tie { person: person.id, ..fresh },
                    Some(_) => return Err(refused("provider-not-you")),
                    None if people_sql::has_email(tx, &email).await? => return Err(refused("provider-not-you")),
                    None => {
                        let role = role.ok_or_else(|| refused("provider-no-role"))?;
                        let new = NewPerson { email: email.clone(), name: claims.name, role: Role::Person, org: Some(org) };
                        let id = people_sql::add(tx, &new, ids.next(now_ms), now_ms).await?;
                        let person = people_sql::active(tx, id).await?.ok_or_else(|| refused("provider-not-you"))?;
                        follow(tx, &person, role, org).await?;
                        sql::Tie { person: id, is_brought: true, ..fresh }
                    }
                };
                sql::tie(tx, &tie, now_ms).await?;
                let who = audit::sql::Who { person: tie.person, address: &email, ip: &ip };
                let entry = Entry::new(Some(org), "people.provider-tied", tie.person)
                    .with(serde_json::json!({ "issuer": tie.issuer, "new": tie.is_brought }));
                audit::note_by(tx, who, &ids, now_ms, entry).await?;
                Ok::<_, Fault>(tie.person)
            })
        })
        .await
}

/// The role that the groups give now. One of the service, or one that is gone, gives the least.
async fn follow(tx: &mut Tx, person: &Person, role: Chosen, org: OrgId) -> Result<(), Error> {
    let (role, own) = match role {
        Chosen::BuiltIn(role) if !role.is_of_service() => (role, 0),
        Chosen::Own(id) if people_sql::own_role_of(tx, gateway::scope::OrgScope::One(org), id).await?.is_some() => (Role::Own, id),
        _ => (Role::Person, 0),
    };
    if (person.role, person.own_role) == (role, own) { Ok(()) } else { people_sql::set_role(tx, person.id, role, own).await }
}
