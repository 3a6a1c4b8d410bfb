//! `ETag`: what a program has already is not sent again, and nobody overwrites what they have not seen.
//!
//! In: GET with `If-None-Match`, PUT, PATCH and DELETE with `If-Match` (RFC 9110 §13.1). Out: 304, 412, or the answer with its tag,
//! a digest of the JSON. Invariant: on one server, two changes that name the same version do not both happen. Several servers on one
//! PostgreSQL have a window of milliseconds between looking and changing; a feature that must not, keeps a version in its rows.

use crate::page::Fault;
use crate::people::Person;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::sync::Mutex;
use tower::ServiceExt;

/// Longer answers, and those that come bit by bit, have no tag.
const TAGGED_OCTETS_MAX: u64 = 2 << 20;
/// Octets of the digest in a tag.
const TAG_OCTETS: usize = 16;
/// Tags of one header that are read.
const TAGS_MAX: usize = 20;

const TURNS: usize = 64;
/// Changes to one path that name a version wait for each other; two paths may share a turn.
static TURN: [Mutex<()>; TURNS] = [const { Mutex::const_new(()) }; TURNS];

/// Answers with a tag, and only does what still holds. `routes` is where the thing that is to be changed can be looked at: what stands
/// before a route sees only that route's own method.
pub(super) async fn versioned(State(routes): State<Router>, request: Request, next: Next) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let held = request.headers().get(header::IF_NONE_MATCH).cloned();
            let answer = tagged(next.run(request).await).await;
            if held.is_some_and(|held| is_named(&held, &answer)) { unchanged(answer) } else { answer }
        }
        Method::PUT | Method::PATCH | Method::DELETE => match request.headers().get(header::IF_MATCH).cloned() {
            Some(wanted) => change(&wanted, routes, request, next).await,
            None => next.run(request).await,
        },
        _ => next.run(request).await,
    }
}

async fn change(wanted: &HeaderValue, routes: Router, request: Request, next: Next) -> Response {
    let _turn = TURN[turn_of(request.uri().path())].lock().await;
    let Ok(now) = routes.oneshot(look(&request)).await;
    let now = tagged(now).await;
    // What is not there, or not for this person to see, says so itself; what cannot be looked at has no version to name.
    let is_there = now.status().is_success();
    if !is_there && now.status() != StatusCode::METHOD_NOT_ALLOWED {
        return now;
    }
    if is_there && is_named(wanted, &now) { next.run(request).await } else { Fault::Changed.into_response() }
}

fn turn_of(path: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    (hasher.finish() % TURNS as u64) as usize
}

/// GET of the same path by the same person.
fn look(request: &Request) -> Request {
    let mut look = Request::new(Body::empty());
    *look.uri_mut() = request.uri().clone();
    if let Some(person) = request.extensions().get::<Person>() {
        look.extensions_mut().insert(person.clone());
    }
    *look.headers_mut() = request.headers().clone();
    let body: [HeaderName; 4] = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::IF_MATCH];
    for name in body {
        look.headers_mut().remove(name);
    }
    look
}

/// The answer with its tag, when it is JSON of moderate length.
async fn tagged(answer: Response) -> Response {
    let is_json = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let is_short = answer.body().size_hint().upper().is_some_and(|octets| octets <= TAGGED_OCTETS_MAX);
    if answer.status() != StatusCode::OK || !is_json || !is_short || answer.headers().contains_key(header::ETAG) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(octets) = axum::body::to_bytes(body, TAGGED_OCTETS_MAX as usize).await else {
        return Fault::Ours("an answer could not be read".into()).into_response();
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &octets);
    let tag: String = digest.as_ref().iter().take(TAG_OCTETS).map(|octet| format!("{octet:02x}")).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        parts.headers.insert(header::ETAG, value);
        parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    }
    Response::from_parts(parts, Body::from(octets))
}

/// Whether the header names the version of this answer, or any. A proxy that compresses marks tags as weak (RFC 9110 §8.8.1); it
/// is the same JSON still, so the mark is not looked at.
fn is_named(wanted: &HeaderValue, answer: &Response) -> bool {
    let Some(tag) = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
    let Ok(wanted) = wanted.to_str() else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
    wanted.split(',').take(TAGS_MAX).any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// RFC 9110 §15.4.5.
fn unchanged(answer: Response) -> Response {
    let mut headers = HeaderMap::new();
    for name in [header::ETAG, header::CACHE_CONTROL] {
        headers.extend(answer.headers().get(&name).map(|value| (name, value.clone())));
    }
    (StatusCode::NOT_MODIFIED, headers).into_response()
}
