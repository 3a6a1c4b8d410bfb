//! `GET /.well-known/mta-sts.txt`: the MTA-STS policy of the domain that the Host header names (RFC 8461 §3.3).
//!
//! Public: senders everywhere read it. Only domains that are served and ask for a policy have one; every other host gets 404.

use crate::App;
use crate::diagnostics::check::policy_text;
use crate::page::Fault;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

pub async fn policy(State(app): State<App>, headers: HeaderMap) -> Result<Response, Fault> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    let domain = host.strip_prefix("mta-sts.").ok_or(Fault::NotFound)?;
    let directory = app.directory.snapshot();
    let settings = directory.domains.get(domain).map(|domain| &domain.settings).ok_or(Fault::NotFound)?;
    let text = policy_text(settings.mta_sts, &app.hostname);
    if text.is_empty() {
        return Err(Fault::NotFound);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")], text).into_response())
}
