//! Sessions and links: what a browser holds is 256 random bits, what we keep is their SHA-256.

use super::{Person, sql};
use crate::App;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mail::PersonId;
use std::net::SocketAddr;
use store::Error;

/// Octets of a token before it is written as text.
const TOKEN_OCTETS: usize = 32;
/// How long a session lasts without being used, and at all.
pub const IDLE_MS: i64 = 12 * 60 * 60 * 1000;
pub const SESSION_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How often the last use is written down.
const SEEN_EVERY_MS: i64 = 5 * 60 * 1000;
const AGENT_CHARS_MAX: usize = 200;

/// What only the holder knows, and what we keep of it.
pub struct Token {
    pub plain: String,
    pub digest: String,
}

impl Token {
    /// # Errors
    /// The system has no random numbers.
    pub fn fresh() -> Result<Token, Error> {
        let mut octets = [0u8; TOKEN_OCTETS];
        aws_lc_rs::rand::fill(&mut octets).map_err(|_| Error::Gone("the system has no random numbers".into()))?;
        let plain = URL_SAFE_NO_PAD.encode(octets);
        let digest = digest(&plain);
        Ok(Token { plain, digest })
    }
}

/// SHA-256 in hex.
pub fn digest(plain: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, plain.as_bytes());
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Name of the cookie: browsers keep `__Host-` to TLS, this host and all of its paths.
pub fn cookie_name(app: &App) -> &'static str {
    if app.is_secure() { "__Host-gatepost" } else { "gatepost" }
}

/// The cookie that carries a session; an empty token ends it.
pub fn cookie(app: &App, token: &str) -> Option<HeaderValue> {
    let age_s = if token.is_empty() { 0 } else { SESSION_MS / 1000 };
    let secure = if app.is_secure() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}", cookie_name(app))).ok()
}

/// Starts a session; the token goes into the cookie.
pub async fn start(app: &App, person: PersonId, peer: &Peer) -> Result<String, Error> {
    let token = Token::fresh()?;
    let (digest, now_ms, peer) = (token.digest.clone(), app.now_ms(), peer.clone());
    app.db
        .tx(move |tx| Box::pin(async move { sql::start_session(tx, person, &digest, &peer, (now_ms, now_ms + SESSION_MS)).await }))
        .await?;
    Ok(token.plain)
}

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    pub ip: String,
    pub agent: String,
}

impl Peer {
    pub fn of(request: &axum::http::request::Parts) -> Peer {
        let ip = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_string());
        let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Peer { ip: ip.unwrap_or_default(), agent: agent.chars().take(AGENT_CHARS_MAX).collect() }
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Peer, Self::Rejection> {
        Ok(Peer::of(parts))
    }
}

/// Puts the [`Person`] of the cookie into the request. Nobody is not a fault here: handlers that need somebody say so.
pub async fn known(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Some(token) = held_token(&app, &parts.headers) {
        let peer = Peer::of(&parts);
        match person_of(&app, &token, &peer).await {
            Ok(Some(person)) => drop(parts.extensions.insert(person)),
            Ok(None) => {}
            // Without the database nobody is known; the page says that we failed, not that they should sign in.
            Err(why) => drop(parts.extensions.insert(crate::page::Fault::from(why))),
        }
    }
    next.run(Request::from_parts(parts, body)).await
}

fn held_token(app: &App, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(cookie_name(app)).map(|cookie| cookie.value().to_string()).filter(|token| !token.is_empty())
}

async fn person_of(app: &App, token: &str, peer: &Peer) -> Result<Option<Person>, Error> {
    let (digest, now_ms) = (digest(token), app.now_ms());
    let wanted = digest.clone();
    let found = app.db.read(move |tx| Box::pin(async move { sql::by_session(tx, &wanted, now_ms).await })).await?;
    let Some((mut person, seen_ms)) = found else { return Ok(None) };
    person.ip = peer.ip.clone();
    if now_ms - seen_ms > SEEN_EVERY_MS {
        // Nobody waits for this; a session whose use is not noted ends early at worst.
        drop(app.db.later::<(), Error, _>(move |tx| Box::pin(async move { sql::seen(tx, &digest, now_ms).await })));
    }
    Ok(Some(person))
}
