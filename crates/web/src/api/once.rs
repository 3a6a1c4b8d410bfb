//! `Idempotency-Key`: a POST that a program sends again, because it does not know whether the first arrived, is done once.
//!
//! In: a request with a key of the program's choosing. Out: the answer; for the same key and the same request within a day, the same
//! answer again, with `Idempotency-Replayed: true`. Invariant: of two equal requests at once, one is done. Refusals are not kept,
//! as nothing was done, and neither are secrets: an answer with `Cache-Control: no-store` is given once.

use super::sql::{self, Kept, Known, Sent};
use crate::App;
use crate::page::guard::BODY_OCTETS_MAX;
use crate::page::{Fault, Say, fault::Wrong};
use crate::people::Person;
use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use store::Error;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEY_CHARS_MAX: usize = 255;
/// How long an answer is kept.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// A longer answer is not kept.
const ANSWER_OCTETS_MAX: usize = 64 << 10;

/// Runs the request unless it was run before.
pub(super) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_post = request.method() == Method::POST;
    let person = request.extensions().get::<Person>().map(|person| person.id);
    let (Some(value), Some(person), true) = (request.headers().get(HEADER).cloned(), person, is_post) else {
        return next.run(request).await;
    };
    let Some(key) = key(&value) else {
        return Fault::Unreadable(format!("Idempotency-Key has 1 to {KEY_CHARS_MAX} visible characters.")).into_response();
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_OCTETS_MAX).await else { return Fault::TooLarge.into_response() };
    let sent = Sent { person, key, digest: digest(&parts, &body) };
    match begun(&app, &sent).await {
        Err(why) => Fault::from(why).into_response(),
        Ok(Known::Fresh) => run(app, sent, Request::from_parts(parts, Body::from(body)), next).await,
        Ok(Known::Other) => Fault::Invalid(vec![Wrong::new("", "fault-key-other")]).into_response(),
        Ok(Known::Begun) => Fault::Conflict(Say::new("fault-key-begun")).into_response(),
        Ok(Known::Unkept) => Fault::Conflict(Say::new("fault-key-unkept")).into_response(),
        Ok(Known::Done(kept)) => again(kept),
    }
}

/// A string of RFC 8941, or bare as most programs send it.
fn key(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_key = !text.is_empty() && text.len() <= KEY_CHARS_MAX && text.bytes().all(|octet| octet.is_ascii_graphic());
    is_key.then(|| text.to_string())
}

fn digest(parts: &request::Parts, body: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    let target = parts.uri.path_and_query().map(|target| target.as_str()).unwrap_or_default();
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    for part in [parts.method.as_str().as_bytes(), target.as_bytes(), kind] {
        context.update(part);
        context.update(b"\n");
    }
    context.update(body);
    context.finish().as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

async fn begun(app: &App, sent: &Sent) -> Result<Known, Error> {
    let (sent, now_ms) = (sent.clone(), app.now_ms());
    app.db.tx(move |tx| Box::pin(async move { sql::begin(tx, &sent, now_ms, now_ms - KEPT_MS).await })).await
}

/// Goes on when the program hangs up: it will ask again under the same key.
async fn run(app: App, sent: Sent, request: Request, next: Next) -> Response {
    let work = tokio::spawn(async move {
        let (answer, kept) = keepable(next.run(request).await).await;
        let is_done = answer.status().is_success();
        let noted: Result<(), Error> = app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    match is_done {
                        true => sql::finish(tx, &sent, kept.as_ref()).await,
                        false => sql::forget(tx, &sent).await,
                    }
                })
            })
            .await;
        if let Err(why) = noted {
            // It was done all the same. Sent again it is refused as one that did not end, never done twice.
            tracing::error!("an answer could not be kept: {why}");
        }
        answer
    });
    work.await.unwrap_or_else(|why| Fault::Ours(format!("a request ended early: {why}")).into_response())
}

/// The answer, and what of it may be kept.
async fn keepable(answer: Response) -> (Response, Option<Kept>) {
    let is_short = answer.body().size_hint().upper().is_some_and(|octets| octets <= ANSWER_OCTETS_MAX as u64);
    if !answer.status().is_success() || !is_short || is_secret(answer.headers()) {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    let Ok(body) = axum::body::to_bytes(body, ANSWER_OCTETS_MAX).await else {
        return (Fault::Ours("an answer could not be read".into()).into_response(), None);
    };
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default().to_string();
    let kept = Kept {
        status: parts.status.as_u16(),
        media_type: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        body: Bytes::clone(&body),
    };
    (Response::from_parts(parts, Body::from(body)), Some(kept))
}

fn is_secret(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().windows(8).any(|part| part == b"no-store"))
}

fn again(kept: Kept) -> Response {
    let mut answer = Response::new(Body::from(kept.body));
    *answer.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    for (name, text) in [(header::CONTENT_TYPE, kept.media_type), (header::LOCATION, kept.location)] {
        if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(&text)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_text_of_some_length() {
        let long = "k".repeat(KEY_CHARS_MAX + 1);
        for (value, want) in [
            ("abc-1", Some("abc-1")),
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            ("", None),
            ("\"\"", None),
            ("two words", None),
            (long.as_str(), None),
        ] {
            assert_eq!(key(&HeaderValue::from_str(value).expect("a value")).as_deref(), want, "{value}");
        }
        assert_eq!(key(&HeaderValue::from_bytes(b"\xff").expect("a value")), None);
    }
}
