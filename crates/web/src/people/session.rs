//! Sessions and links: what a browser holds is 256 random bits, what we keep is their SHA-256.

use super::{Person, account, sql, token};
use crate::App;
use crate::page::Fault;
use crate::service_request::consent;
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

/// A session that begins.
#[derive(Debug, Clone)]
pub struct Start {
    pub person: PersonId,
    /// How the person proved who they are: "password", "link", "passkey", "provider".
    pub how: &'static str,
    pub peer: Peer,
    pub digest: String,
    pub id: i64,
    pub now_ms: i64,
}

/// Starts a session; the token goes into the cookie.
pub async fn start(app: &App, person: PersonId, peer: &Peer) -> Result<String, Error> {
    let (token, start) = fresh(app, person, "link", peer)?;
    app.db.tx(move |tx| Box::pin(async move { sql::start_session(tx, &start, start.now_ms + SESSION_MS).await })).await?;
    Ok(token)
}

/// The token of a session that [`sql::start_session`] begins in the caller's transaction. It is always a new one: what the browser had
/// before signing in is worth nothing afterwards.
pub fn fresh(app: &App, person: PersonId, how: &'static str, peer: &Peer) -> Result<(String, Start), Error> {
    let token = Token::fresh()?;
    let start = Start { person, how, peer: peer.clone(), digest: token.digest, id: app.fresh_id(), now_ms: app.now_ms() };
    Ok((token.plain, start))
}

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    pub ip: String,
    pub agent: String,
}

impl Peer {
    pub fn of(request: &axum::http::request::Parts) -> Peer {
        request.extensions.get::<Peer>().cloned().unwrap_or_else(|| Peer::direct(request))
    }

    /// As seen from here; behind a proxy that is the proxy.
    fn direct(request: &axum::http::request::Parts) -> Peer {
        let ip = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_string());
        let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Peer { ip: ip.unwrap_or_default(), agent: agent.chars().take(AGENT_CHARS_MAX).collect() }
    }
}

/// Where a request comes from when trusted proxies stand before us: the last address in `X-Forwarded-For` that is none of theirs.
/// Addresses further left are the client's own words.
fn through_proxies(app: &App, request: &axum::http::request::Parts) -> Peer {
    /// Proxies behind each other that are looked through.
    const PROXIES_MAX: usize = 10;
    let mut peer = Peer::direct(request);
    let is_proxy = |ip: &str| ip.parse().is_ok_and(|ip| app.settings.proxies.contains(ip));
    let lines = request.headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let told: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    for ip in told.iter().rev().take(PROXIES_MAX) {
        if !is_proxy(&peer.ip) || ip.parse::<std::net::IpAddr>().is_err() {
            break;
        }
        peer.ip = (*ip).to_string();
    }
    peer
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Peer, Self::Rejection> {
        Ok(Peer::of(parts))
    }
}

/// Puts the [`Person`] of the cookie or of the API token into the request. Nobody is not a fault here: handlers that need somebody say so.
pub async fn known(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let peer = through_proxies(&app, &parts);
    let found = match token::held(&parts) {
        // Who shows a token means the token: a bad one is not made good by a cookie.
        Some(token) => token::person_of(&app, &token, &peer).await.map(|found| Some(found.ok_or(Fault::SignIn))),
        None => match held_token(&app, &parts.headers) {
            Some(token) => person_of(&app, &token, &peer).await.map(|found| found.map(Ok)),
            None => Ok(None),
        },
    };
    let found = match found {
        Ok(Some(Ok(mut person))) => consent::extend(&app, &mut person, &parts).await.map(|()| Some(Ok(person))),
        other => other,
    };
    match found {
        // On pages for everybody they are nobody: the assistant does nothing for them either.
        Ok(Some(Ok(person))) if person.lacks_factor && account::is_for_everybody(parts.uri.path()) => {}
        Ok(Some(Ok(person))) => {
            if person.lacks_factor && !account::is_for_factors(parts.uri.path()) {
                parts.extensions.insert(Fault::NeedsFactor);
            }
            parts.extensions.insert(person);
        }
        Ok(Some(Err(fault))) => drop(parts.extensions.insert(fault)),
        Ok(None) => {}
        // Without the database nobody is known; the page says that we failed, not that they should sign in.
        Err(why) => drop(parts.extensions.insert(Fault::from(why))),
    }
    parts.extensions.insert(peer);
    next.run(Request::from_parts(parts, body)).await
}

pub fn held_token(app: &App, headers: &HeaderMap) -> Option<String> {
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

/// The same person as they may look now, for what stays open; `None` once the session was ended. With an API token there is no
/// session: it is asked for when the stream is opened again.
pub async fn again(app: &App, person: &Person) -> Option<Person> {
    if person.session.is_empty() {
        return Some(person.clone());
    }
    let (digest, now_ms) = (person.session.clone(), app.now_ms());
    let found = app.db.read(move |tx| Box::pin(async move { sql::by_session(tx, &digest, now_ms).await })).await;
    let (mut again, _) = found.ok()??;
    again.ip.clone_from(&person.ip);
    Some(again)
}
