//! What stands before every route, outermost first: followed where that is configured, panics caught, time limited, bodies limited, answers compressed, headers that
//! protect, other sites' pages refused, the person known, faults written for whoever reads them.

use super::fault::Fault;
use super::{View, follow, said, stream};
use crate::App;
use crate::api::problem;
use crate::directory_sync;
use crate::health;
use crate::people::{account, session};
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

/// Octets of a request's body, unless a route says otherwise.
pub const BODY_OCTETS_MAX: usize = 1 << 20;
/// How long one answer may take until its first octet.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The same with finding out who asks; what takes longer is cut off without a page.
const ALL_WITHIN: Duration = Duration::from_secs(40);

/// Scripts, styles and pictures only from here, nothing inline; forms only to here; nobody puts us into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'";

static HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// Puts everything before `routes`.
pub fn guard(routes: Router<App>, app: App) -> Router {
    routes
        .fallback(async || Fault::NotFound)
        .method_not_allowed_fallback(async || Fault::Method)
        .layer(middleware::from_fn_with_state(app.clone(), written))
        .layer(middleware::from_fn_with_state(app.clone(), session::known))
        .layer(middleware::from_fn(same_site))
        .layer(middleware::from_fn(protected))
        .layer(DefaultBodyLimit::max(BODY_OCTETS_MAX))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ALL_WITHIN))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), follow::followed))
        .with_state(app)
}

async fn protected(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    for (name, value) in &HEADERS {
        // A route may have a stricter policy of its own, such as the preview of a held mail.
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// Requests that change something must come from our own pages. Browsers say where a request comes from (Fetch Metadata, else
/// Origin); programs say neither and carry a token, which no browser adds by itself.
async fn same_site(request: Request, next: Next) -> Response {
    if is_safe(request.method()) || comes_from_here(request.headers()) { next.run(request).await } else { cross_site(request, next).await }
}

/// Runs nothing: the routes are asked for a page that is not there, so that the refusal is written like every other.
async fn cross_site(request: Request, next: Next) -> Response {
    let (mut parts, _) = request.into_parts();
    parts.extensions.insert(Fault::CrossSite);
    next.run(Request::from_parts(parts, Body::empty())).await
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match text("origin") {
        None => true,
        Some(origin) => origin.split_once("://").is_some_and(|(_, host)| Some(host) == text("host")),
    }
}

/// Writes a fault as a page or as a problem, and shows what was said once.
async fn written(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let view = View::of(&app, &parts);
    let is_program = parts.uri.path().starts_with("/api/");
    let is_script = !is_program && stream::is_wanted(&parts.headers);
    let graph = parts.uri.path().starts_with("/v1.0/").then(|| parts.headers.clone());
    let is_scim = parts.uri.path().starts_with("/scim/");
    let refused = parts.extensions.get::<Fault>().cloned();
    let mut answer = match refused {
        Some(fault) => fault.into_response(),
        None => answered(next.run(Request::from_parts(parts, body)), ANSWER_WITHIN).await,
    };
    if let Some(fault) = answer.extensions_mut().remove::<Fault>() {
        let said = std::mem::take(answer.headers_mut());
        answer = match &graph {
            Some(headers) => health::graph::refused_for(&fault, headers, view.now_ms),
            None if is_scim => directory_sync::scim::refused(&fault),
            // A script reads no page for signing in. Sent to one, browsers complain, and htmx asks again every half second; any status
            // but 200 ends an EventSource (HTML, server-sent events, "processing model").
            None if is_script && matches!(fault, Fault::SignIn | Fault::NeedsFactor) => answer.status().into_response(),
            None => written_fault(&view, &fault, is_program, answer.status()),
        };
        keep_headers(answer.headers_mut(), said);
    } else if is_program && (answer.status().is_client_error() || answer.status().is_server_error()) && !problem::is_one(&answer) {
        answer = unwritten(answer).await;
    }
    let is_page = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if view.said.is_some() && is_page {
        said::forget(answer.headers_mut());
    }
    answer
}

/// The answer, or the fault of having none: it is not there in time, or what works on it has panicked.
async fn answered(work: impl Future<Output = Response>, within: Duration) -> Response {
    match timeout(within, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Fault::Ours("panicked".into()).into_response(), // the panic itself is in the log
        Err(_) => Fault::Late.into_response(),
    }
}

/// What was said beside the fault stays: which methods are allowed (RFC 9110 §15.5.6), how many requests are left.
fn keep_headers(headers: &mut HeaderMap, said: HeaderMap) {
    for (name, value) in said {
        if let Some(name) = name.filter(|name| *name != header::CONTENT_LENGTH && !headers.contains_key(name)) {
            headers.insert(name, value);
        }
    }
}

/// axum's own refusals (a body that is no JSON, a path that is no identifier) as a problem.
async fn unwritten(answer: Response) -> Response {
    const SENTENCE_OCTETS_MAX: usize = 2_000;
    let status = answer.status();
    let (mut parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, SENTENCE_OCTETS_MAX).await.unwrap_or_default();
    let fault = match status {
        StatusCode::NOT_FOUND => Fault::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Fault::Method,
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Fault::MediaType,
        _ => Fault::Unreadable(String::from_utf8_lossy(&body).into_owned()),
    };
    let mut written = problem::of(&fault, status);
    parts.headers.remove(header::CONTENT_TYPE);
    keep_headers(written.headers_mut(), parts.headers);
    written
}

#[derive(Template)]
#[template(path = "page/templates/fault.html")]
struct FaultPage<'a> {
    view: &'a View,
    name: &'static str,
    detail: String,
    /// To quote to the operator; only for faults of ours.
    reference: String,
}

fn written_fault(view: &View, fault: &Fault, is_program: bool, status: StatusCode) -> Response {
    let reference = match fault {
        Fault::Ours(why) => {
            let reference = format!("{:x}", view.now_ms);
            tracing::error!(reference, path = view.path, "a request failed: {why}");
            reference
        }
        _ => String::new(),
    };
    if is_program {
        return problem::of(fault, status);
    }
    if *fault == Fault::SignIn && view.person.is_none() {
        let next: String = axum::http::Uri::try_from(&view.path).map(|uri| uri.to_string()).unwrap_or_default();
        return axum::response::Redirect::to(&format!("/sign-in?{}", form_pair("next", &next))).into_response();
    }
    if *fault == Fault::NeedsFactor {
        return axum::response::Redirect::to(account::WELCOME).into_response();
    }
    let page = FaultPage { view, name: fault.name(), detail: detail(view, fault), reference };
    match super::show_with(status, &page) {
        Ok(answer) => answer,
        Err(_) => status.into_response(),
    }
}

/// What this very case needs said beyond what the name says.
fn detail(view: &View, fault: &Fault) -> String {
    match fault {
        Fault::Denied(may) => view.t(&format!("may-{}", may.name())),
        Fault::Conflict(say) => view.say(say),
        Fault::Invalid(wrong) => wrong.iter().map(|wrong| view.say(&wrong.say)).collect::<Vec<_>>().join(" "),
        Fault::TooMany(seconds) => view.n("fault-too-many-wait", *seconds),
        _ => String::new(),
    }
}

/// `name=value` as a query has it.
pub fn form_pair(name: &str, value: &str) -> String {
    let mut text = format!("{name}=");
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_late_or_panics_is_a_fault_that_is_written_for_its_reader() {
        let fault = |answer: Response| answer.extensions().get::<Fault>().cloned();
        let plain = answered(async { StatusCode::OK.into_response() }, ANSWER_WITHIN).await;
        assert_eq!((plain.status(), fault(plain)), (StatusCode::OK, None));
        let late = answered(std::future::pending(), Duration::ZERO).await;
        assert_eq!((late.status(), fault(late)), (StatusCode::SERVICE_UNAVAILABLE, Some(Fault::Late)));
        let broken = answered(async { panic!("an index out of bounds") }, ANSWER_WITHIN).await;
        assert_eq!((broken.status(), fault(broken)), (StatusCode::INTERNAL_SERVER_ERROR, Some(Fault::Ours("panicked".into()))));
    }
}
