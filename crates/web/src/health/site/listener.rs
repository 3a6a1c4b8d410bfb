//! Serves the files: a thread of its own with a runtime of its own, so that it answers when the rest of the process does not.

use super::AGE;
use crate::page::table::escaped;
use crate::page::words::{Lang, text};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum::{Router, middleware};
use bytes::Bytes;
use fluent_bundle::FluentValue;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Older than this, a page says how old it is.
const FRESH_MS: i64 = 60_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Octets of one file that is served from a folder.
const FILE_OCTETS_MAX: u64 = 16 << 20;
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers `/metrics` for a peer; `None` is not for this peer.
pub type Probe = Arc<dyn Fn(IpAddr) -> Option<String> + Send + Sync>;

/// Where the files are.
#[derive(Clone)]
pub enum Source {
    /// Of the process that writes them, and the folder it wrote before it began anew.
    Memory(crate::health::Health, PathBuf),
    /// Written by another process, which may be dead.
    Folder(PathBuf),
}

/// Serves on these addresses until the process ends.
/// # Errors
/// An address cannot be had, or the thread cannot be started.
pub fn serve(source: Source, addresses: &[SocketAddr], metrics: Option<Probe>) -> io::Result<Vec<SocketAddr>> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(gateway::connection::open_std(*address, "status").map_err(io::Error::other)?);
    }
    let bound = listeners.iter().map(std::net::TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
    std::thread::Builder::new().name("status".into()).spawn(move || {
        runtime.block_on(async move {
            let routes = routes(source, metrics);
            let served = listeners.into_iter().map(|listener| one(listener, routes.clone()));
            futures_util::future::join_all(served).await;
        });
    })?;
    Ok(bound)
}

async fn one(listener: std::net::TcpListener, routes: Router) {
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            let _ = stream.set_nodelay(true); // as of the other pages: a failure only costs time
        });
        axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>()).await
    };
    if let Err(why) = served.await {
        tracing::error!("the status pages are no longer served: {why}");
    }
}

fn routes(source: Source, metrics: Option<Probe>) -> Router {
    Router::new()
        .fallback(move |request: Request| answer(source.clone(), metrics.clone(), request))
        .layer(middleware::map_response(protected))
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_WITHIN))
}

async fn protected(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    answer
}

async fn answer(source: Source, metrics: Option<Probe>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(Lang::accepted);
    let path = match request.uri().path() {
        "/healthz" => return healthz(&source),
        "/metrics" => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
            let text = metrics.zip(peer).and_then(|(metrics, peer)| metrics(peer));
            let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
            return text.map_or_else(|| StatusCode::FORBIDDEN.into_response(), |text| ([kind], text).into_response());
        }
        "/" if accepted == Some(Lang::Chinese) => "zh-CN.html",
        "/" => "index.html",
        "/zh-CN" => "zh-CN.html",
        "/api/v2/summary.json" => "status/summary.json",
        other => other.trim_start_matches('/'),
    };
    match find(&source, path) {
        Some((octets, at_ms)) => file(path, octets, at_ms),
        None => (StatusCode::NOT_FOUND, "Not here. The status is at /\n").into_response(),
    }
}

/// The file and when what it says was known.
fn find(source: &Source, path: &str) -> Option<(Bytes, i64)> {
    match source {
        Source::Memory(health, folder) => {
            let files = health.files();
            // Before the first turn: what was known when the process ended.
            if files.at_ms == 0 { from_folder(folder, path) } else { files.by_path.get(path).map(|octets| (octets.clone(), files.at_ms)) }
        }
        Source::Folder(folder) => from_folder(folder, path),
    }
}

/// Only names that we write ourselves, so that no path leads out of the folder.
fn from_folder(folder: &Path, path: &str) -> Option<(Bytes, i64)> {
    const NAMES: [&str; 10] = [
        "index.html",
        "zh-CN.html",
        "style.css",
        "status/summary.json",
        "status/feed.atom",
        "status/maintenance.ics",
        "status/status.txt",
        "status/SHA256SUMS",
        "status/SHA256SUMS.sig",
        "status/key.pub",
    ];
    let place = folder.join(NAMES.into_iter().find(|name| *name == path)?);
    let facts = std::fs::metadata(&place).ok().filter(|facts| facts.len() <= FILE_OCTETS_MAX)?;
    let at_ms = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_millis() as i64;
    Some((std::fs::read(&place).ok()?.into(), at_ms))
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Whether somebody still watches.
fn healthz(source: &Source) -> Response {
    let age_ms = match source {
        Source::Memory(health, _) => now_ms() - health.files().at_ms,
        Source::Folder(folder) => from_folder(folder, "status/summary.json").map_or(i64::MAX, |(_, at_ms)| now_ms() - at_ms),
    };
    if age_ms < FRESH_MS { "ok\n".into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, "nobody watches any more\n").into_response() }
}

fn file(path: &str, octets: Bytes, at_ms: i64) -> Response {
    let kind = super::kind(path);
    let age_ms = (now_ms() - at_ms).max(0);
    let body = if kind.starts_with("text/html") && age_ms > FRESH_MS { with_age(&octets, path, age_ms) } else { octets };
    let mut answer = Response::new(Body::from(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::AGE, HeaderValue::from(age_ms / 1000)); // RFC 9111 §5.1: seconds since it was made
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

/// Says how old the page is: nobody has written since.
fn with_age(octets: &[u8], path: &str, age_ms: i64) -> Bytes {
    let lang = if path.starts_with("zh") { Lang::Chinese } else { Lang::English };
    let says = text(lang, "health-stale", &[("count", FluentValue::from(age_ms / 60_000))]);
    let html = String::from_utf8_lossy(octets).replacen(AGE, &format!("<p class=\"toast warn\" role=\"alert\">{}</p>", escaped(&says)), 1);
    Bytes::from(html)
}
