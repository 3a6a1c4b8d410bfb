//! One span a request, for OpenTelemetry where the operator configured it.
//!
//! In: a request whose route is known. Out: method, template of the route, status; never the path, the query, a header or who asked.
//! Invariant: a trace that somebody else began is taken from `[web] proxies` alone: anybody else could put requests into traces that are
//! not theirs, or have all of them kept.

use crate::App;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use gateway::follow::{self, Remote};
use std::net::SocketAddr;
use tracing::Instrument;

pub async fn followed(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = follow::requested(method(request.method()), route);
    if span.is_disabled() {
        return next.run(request).await;
    }
    if let Some(remote) = remote(&app, &request) {
        span.record("remote", remote.to_string().as_str());
    }
    let answer = next.run(request).instrument(span.clone()).await;
    span.record("status", u64::from(answer.status().as_u16()));
    answer
}

/// Any word may stand where the method stands; only those that are known become names.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn remote(app: &App, request: &Request) -> Option<Remote> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    if !app.settings.proxies.contains(peer.ip().to_canonical()) {
        return None;
    }
    Remote::parse(request.headers().get("traceparent")?.to_str().ok()?)
}
