//! What an ACME authority asks on port 80 is answered here: by the web listener, and by a listener that does nothing else.
//!
//! In: `GET /.well-known/acme-challenge/TOKEN` from anywhere. Out: the answer while a certificate is being asked for
//! (`gateway::connection::acme`), 404 at all other times. Invariant: tokens are the authority's and ours; nothing else is told.

use crate::App;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use gateway::connection::acme::answer_to;
use gateway::connection::stop::Stop;
use gateway::connection::{ListenError, open};
use std::net::SocketAddr;
use tokio::task::JoinHandle;

/// Longer is no token of ours (RFC 8555 §8.3: at least 128 bits in base64url).
const TOKEN_CHARS_MAX: usize = 200;

pub fn routes() -> Router<App> {
    Router::new().route("/.well-known/acme-challenge/{token}", get(answer))
}

async fn answer(Path(token): Path<String>) -> Response {
    let is_token = token.len() <= TOKEN_CHARS_MAX && token.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    match answer_to(&token).filter(|_| is_token) {
        Some(answer) => ([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")], answer).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers on these addresses until told to stop. Whoever asks for anything else is sent to `pages` (an https address), if there are any.
/// # Errors
/// An address cannot be had.
pub fn serve(addresses: &[SocketAddr], pages: &str, stop: &Stop) -> Result<Vec<JoinHandle<()>>, ListenError> {
    let base = pages.starts_with("https://").then(|| pages.trim_end_matches('/').to_string());
    let elsewhere = move |uri: Uri| {
        let to = base.clone().map(|base| format!("{base}{}", uri.path_and_query().map_or("/", |path| path.as_str())));
        async move { to.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |to| Redirect::permanent(&to).into_response()) }
    };
    let routes: Router = Router::new().route("/.well-known/acme-challenge/{token}", get(answer)).fallback(elsewhere);
    let mut tasks = Vec::new();
    for &address in addresses {
        let (listener, routes, mut heard) = (open(address, "tls.acme")?, routes.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            let served = axum::serve(listener, routes).with_graceful_shutdown(async move { heard.reached().await });
            if let Err(why) = served.await {
                tracing::error!("questions of the ACME authority on {address} are no longer answered: {why}");
            }
        }));
    }
    Ok(tasks)
}
