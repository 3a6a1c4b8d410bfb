//! Passkeys (WebAuthn): signing in without a password, as a second factor, and to prove to be there. Checked by `webauthn-rs`.
//!
//! The browser part is `passkey.js`; these routes answer it in JSON. Invariants: a challenge is ours, short-lived and used once; the
//! origin is this installation's; an answer must say that the person was verified (PIN, finger, face), so a passkey alone is two factors.

use super::sql::{self, PASSKEYS_MAX, PasskeyRow};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Say, View};
use crate::people::ceremony::{self, Kind};
use crate::people::session::Peer;
use crate::people::sign_in::{self, Entering};
use crate::people::{Person, limit, link, sql as people_sql};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mail::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url,
    Uuid, Webauthn, WebauthnBuilder,
};

const NAME_CHARS_MAX: usize = 60;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/passkey/begin", post(begin))
        .route("/sign-in/passkey/finish", post(finish))
        .route("/account/passkeys/begin", post(begin_made))
        .route("/account/passkeys/finish", post(finish_made))
}

/// What checks answers for this installation, as the browser knows it.
/// # Errors
/// A conflict where passkeys cannot be used: browsers want a host name (not an address) and TLS, or `localhost`.
fn checker(app: &App, headers: &HeaderMap) -> Result<Webauthn, Fault> {
    let unusable = || Fault::Conflict(Say::new("passkey-not-here"));
    let origin = Url::parse(&link::base(app, headers)).map_err(|_| unusable())?;
    let host = origin.domain().ok_or_else(unusable)?.to_string();
    let made = WebauthnBuilder::new(&host, &origin).map(|builder| builder.rp_name("Gatepost")).and_then(WebauthnBuilder::build);
    made.map_err(|_| unusable())
}

/// What a challenge of sign-in waits for.
#[derive(Serialize, Deserialize)]
enum Waiting {
    /// Any passkey of anybody here.
    Anybody(DiscoverableAuthentication),
    /// One of this person's, after the password.
    Second(PasskeyAuthentication),
    /// One of the signed-in person's, to prove to be there.
    Sure(PasskeyAuthentication),
}

/// `POST /sign-in/passkey/begin`: a challenge. For whom follows from what the browser has: half a sign-in, a session, or nothing.
async fn begin(State(app): State<App>, peer: Peer, headers: HeaderMap, view: View) -> Result<Response, Fault> {
    app.limits().take(&format!("passkey {}", limit::source(&peer.ip)), limit::SOURCE, app.now_ms())?;
    let checker = checker(&app, &headers)?;
    let half = half(&app, &headers).await?;
    let failed = |why| Fault::Ours(format!("a passkey challenge could not be made: {why}"));
    let (challenge, waiting, whose) = match (half.as_ref().map(|(id, _)| *id), view.person) {
        (Some(id), _) => {
            let (challenge, state) = checker.start_passkey_authentication(&keys_of(&app, id).await?).map_err(failed)?;
            (challenge, Waiting::Second(state), id)
        }
        (None, Some(person)) => {
            let (challenge, state) = checker.start_passkey_authentication(&keys_of(&app, person.id).await?).map_err(failed)?;
            (challenge, Waiting::Sure(state), person.id)
        }
        (None, None) => {
            let (mut challenge, state) = checker.start_discoverable_authentication().map_err(failed)?;
            challenge.mediation = None; // a button was pressed: the browser may ask at once
            (challenge, Waiting::Anybody(state), PersonId(0))
        }
    };
    let token = ceremony::begin(&app, Kind::PasskeySignIn, whose, &waiting).await?;
    Ok(with_cookie(&app, Kind::PasskeySignIn, &token, json!(challenge)))
}

/// Half a sign-in: whose, and where it was to lead.
async fn half(app: &App, headers: &HeaderMap) -> Result<Option<(PersonId, sign_in::Half)>, Fault> {
    let token = ceremony::held(app, headers, Kind::SecondFactor);
    let now_ms = app.now_ms();
    let found = app.db.read(move |tx| Box::pin(async move { ceremony::look(tx, &token, Kind::SecondFactor, now_ms).await })).await?;
    Ok(found.and_then(|begun| Some((begun.person, begun.read()?))))
}

async fn keys_of(app: &App, person: PersonId) -> Result<Vec<Passkey>, Fault> {
    let rows = app.db.read(move |tx| Box::pin(async move { sql::passkeys(tx, person).await })).await?;
    let keys: Vec<Passkey> = rows.iter().filter_map(|row| serde_json::from_str(&row.credential).ok()).collect();
    if keys.is_empty() { Err(Fault::Conflict(Say::new("passkey-none"))) } else { Ok(keys) }
}

#[derive(Deserialize)]
struct Answer {
    credential: PublicKeyCredential,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/passkey/finish`: the authenticator's answer. Says where to go on.
async fn finish(State(app): State<App>, peer: Peer, headers: HeaderMap, view: View, Json(answer): Json<Answer>) -> Result<Response, Fault> {
    let refused = || Fault::Conflict(Say::new("passkey-refused"));
    let (token, now_ms) = (ceremony::held(&app, &headers, Kind::PasskeySignIn), app.now_ms());
    let begun = app.db.tx(move |tx| Box::pin(async move { ceremony::finish(tx, &token, Kind::PasskeySignIn, now_ms).await })).await?;
    let begun = begun.ok_or_else(refused)?;
    let waiting: Waiting = begun.read().ok_or_else(refused)?;
    let checker = checker(&app, &headers)?;
    let (whose, is_sure) = match &waiting {
        Waiting::Anybody(_) => (checker.identify_discoverable_authentication(&answer.credential).map(|(id, _)| person_of(id)), false),
        Waiting::Second(_) => (Ok(begun.person), false),
        Waiting::Sure(_) => (Ok(begun.person), true),
    };
    let whose = whose.map_err(|_| refused())?;
    let mut keys = keys_of(&app, whose).await.map_err(|_| refused())?;
    let checked = match waiting {
        Waiting::Anybody(state) => {
            let held = answer.credential.get_credential_id();
            let key = keys.iter().find(|key| key.cred_id().as_slice() == held).ok_or_else(refused)?;
            checker.finish_discoverable_authentication_v2(&answer.credential, state, key)
        }
        Waiting::Second(state) | Waiting::Sure(state) => checker.finish_passkey_authentication(&answer.credential, &state),
    };
    let checked = checked.map_err(|_| refused())?;
    if !checked.user_verified() {
        return Err(refused());
    }
    let used = keys.iter_mut().find(|key| key.cred_id() == checked.cred_id()).ok_or_else(refused)?;
    used.update_credential(&checked);
    note_use(&app, used).await?;
    if is_sure {
        let Some(person) = view.person.filter(|person| person.id == whose) else { return Err(refused()) };
        app.db.tx(move |tx| Box::pin(async move { people_sql::sure(tx, &person.session, now_ms).await })).await?;
        return Ok(Json(json!({ "to": crate::page::view::own_path(&answer.next) })).into_response());
    }
    let next = half(&app, &headers).await?.filter(|(id, _)| *id == whose).map_or(answer.next, |(_, half)| half.next);
    let entered = sign_in::enter(&app, &peer, &headers, Entering { person: whose, how: "passkey", next }).await?;
    Ok((entered.headers, Json(json!({ "to": entered.to }))).into_response())
}

async fn note_use(app: &App, key: &Passkey) -> Result<(), Fault> {
    let (id, now_ms) = (named(key), app.now_ms());
    let credential = serde_json::to_string(key).map_err(|why| Fault::Ours(why.to_string()))?;
    Ok(app.db.tx(move |tx| Box::pin(async move { sql::use_passkey(tx, &id, &credential, now_ms).await })).await?)
}

fn named(key: &Passkey) -> String {
    URL_SAFE_NO_PAD.encode(key.cred_id().as_slice())
}

/// The handle an authenticator keeps: our number of the person and nothing else of them.
fn handle(person: PersonId) -> Uuid {
    Uuid::from_u128(person.0 as u128)
}

fn person_of(handle: Uuid) -> PersonId {
    PersonId(i64::try_from(handle.as_u128()).unwrap_or(0))
}

/// `POST /account/passkeys/begin`: what the authenticator needs to make one.
async fn begin_made(State(app): State<App>, headers: HeaderMap, person: Person) -> Result<Response, Fault> {
    person.require_sure(app.now_ms())?;
    let checker = checker(&app, &headers)?;
    let id = person.id;
    let rows = app.db.read(move |tx| Box::pin(async move { sql::passkeys(tx, id).await })).await?;
    if rows.len() as i64 >= PASSKEYS_MAX {
        return Err(Fault::Conflict(Say::new("passkey-too-many")));
    }
    let known =
        rows.iter().filter_map(|row| serde_json::from_str::<Passkey>(&row.credential).ok()).map(|key| key.cred_id().clone()).collect();
    let made = checker.start_passkey_registration(handle(id), &person.email, person.shown(), Some(known));
    let (challenge, state) = made.map_err(|why| Fault::Ours(format!("a passkey could not be begun: {why}")))?;
    let mut challenge = json!(challenge);
    // The authenticator keeps whose it is, so that signing in asks for no address.
    challenge["publicKey"]["authenticatorSelection"]["residentKey"] = "required".into();
    challenge["publicKey"]["authenticatorSelection"]["requireResidentKey"] = true.into();
    let token = ceremony::begin(&app, Kind::PasskeyMade, id, &state).await?;
    Ok(with_cookie(&app, Kind::PasskeyMade, &token, challenge))
}

#[derive(Deserialize)]
struct Made {
    credential: RegisterPublicKeyCredential,
    #[serde(default)]
    name: String,
}

/// `POST /account/passkeys/finish`: keeps the new passkey. Says where to go on: to recovery codes when there are none.
async fn finish_made(State(app): State<App>, headers: HeaderMap, person: Person, Json(made): Json<Made>) -> Result<Response, Fault> {
    person.require_sure(app.now_ms())?;
    let refused = || Fault::Conflict(Say::new("passkey-refused"));
    let (token, now_ms) = (ceremony::held(&app, &headers, Kind::PasskeyMade), app.now_ms());
    let begun = app.db.tx(move |tx| Box::pin(async move { ceremony::finish(tx, &token, Kind::PasskeyMade, now_ms).await })).await?;
    let begun = begun.filter(|begun| begun.person == person.id).ok_or_else(refused)?;
    let state: PasskeyRegistration = begun.read().ok_or_else(refused)?;
    let key = checker(&app, &headers)?.finish_passkey_registration(&made.credential, &state).map_err(|_| refused())?;
    let name: String = made.name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let row = PasskeyRow {
        id: named(&key),
        person: person.id,
        name: if name.is_empty() { "passkey".into() } else { name },
        credential: serde_json::to_string(&key).map_err(|why| Fault::Ours(why.to_string()))?,
        made_ms: now_ms,
        used_ms: None,
    };
    let ids = app.ids.clone();
    let codes = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::insert_passkey(tx, &row).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.passkey-added", row.name.as_str())).await?;
                Ok::<_, store::Error>(sql::factors(tx, person.id).await?.recovery_codes)
            })
        })
        .await?;
    let to = if codes == 0 { "/account/recovery" } else { "/account" };
    Ok(with_cookie(&app, Kind::PasskeyMade, "", json!({ "to": to })))
}

fn with_cookie(app: &App, kind: Kind, token: &str, body: Value) -> Response {
    let mut answer = Json(body).into_response();
    answer.headers_mut().extend(ceremony::cookie(app, kind, token).map(|cookie| (header::SET_COOKIE, cookie)));
    answer
}
