//! The bounce explainer: a whole bounce, or only a reply line, in words. Open to everybody; it reads what was pasted and nothing of ours.

use super::judge::cause_of_reply;
use crate::App;
use crate::help::codes;
use crate::page::fault::Wrong;
use crate::page::upload;
use crate::page::words::{self, Lang};
use crate::page::{Fault, Page, View, form::Form as Shown, show, show_with};
use askama::Template;
use axum::Form;
use axum::Json;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use mail::report::bounce::{self, Bounce, Failure, Party};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Octets that are read; a bounce has rarely more than some thousand.
const PASTED_OCTETS_MAX: usize = super::question::PASTED_OCTETS_MAX;
/// Failures told of.
const FAILURES_MAX: usize = 20;

pub fn api_routes() -> OpenApiRouter<App> {
    let of_file = OpenApiRouter::new().routes(routes!(api_explain_file)).layer(DefaultBodyLimit::max(FILE_OCTETS_MAX));
    OpenApiRouter::new().routes(routes!(api_explain)).merge(of_file)
}

/// A bounce returns the mail with its attachments; the words come first, and only they are read.
pub const FILE_OCTETS_MAX: usize = 2 << 20;

/// What is to be explained.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pasted {
    /// A whole bounce with its header, its text alone, or a reply such as `550 5.7.1 …`.
    pub pasted: String,
}

/// A bounce in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explained {
    /// The server that wrote it; may be empty.
    pub reporting: String,
    pub failures: Vec<ExplainedFailure>,
}

/// One recipient who did not get the mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedFailure {
    pub recipient: String,
    /// The server that refused; may be empty.
    pub remote: String,
    /// SMTP reply code.
    pub code: Option<u16>,
    /// Enhanced status code, such as "5.7.1"; may be empty.
    pub status: String,
    pub said: String,
    /// Stable, such as "mailbox-full".
    pub reason: String,
    pub title: String,
    pub is_temporary: bool,
    /// "sender", "sender-administrator", "recipient", "recipient-administrator" or "nobody".
    pub turn: String,
    pub turn_text: String,
    /// What the sender does.
    pub for_sender: String,
    /// What the recipient's administrator does.
    pub for_administrator: String,
    /// Article about the status code; may be empty.
    pub code_article: String,
    /// Article about the cause.
    pub cause_article: String,
}

/// Reads a file: a saved mail (.eml) with its attachments, or a text. `None` when it tells nothing about delivery.
pub fn explained_file(lang: Lang, file: &[u8]) -> Option<Explained> {
    match bounce::read(file) {
        Some(found) => in_words(lang, found),
        None => explained(lang, &String::from_utf8_lossy(&file[..file.len().min(PASTED_OCTETS_MAX)])),
    }
}

/// Whether anything is known of a failure beyond that there was one.
fn tells(failure: &bounce::Failure) -> bool {
    failure.code.is_some() || failure.status.is_some() || failure.reason != bounce::Reason::Unknown
}

/// Reads it; `None` when it tells nothing about delivery.
pub fn explained(lang: Lang, pasted: &str) -> Option<Explained> {
    let whole = pasted.replace("\r\n", "\n").replace('\n', "\r\n");
    // Free words without a header are read as the text of a message; an ordinary letter tells nothing when it is read so.
    let assumed = || bounce::read(format!("Subject: Undelivered mail\r\n\r\n{whole}").as_bytes());
    let read = bounce::read(whole.as_bytes()).or_else(|| assumed().filter(|bounce| bounce.failures.iter().any(tells)));
    let found = match read {
        Some(bounce) if pasted.lines().count() > 1 => bounce,
        _ => {
            let failures = Some(bounce::explain(pasted)).filter(tells);
            Bounce { reporting_mta: None, failures: failures.into_iter().collect() }
        }
    };
    in_words(lang, found)
}

fn in_words(lang: Lang, found: Bounce) -> Option<Explained> {
    let failures: Vec<ExplainedFailure> = found.failures.iter().take(FAILURES_MAX).map(|one| of_failure(lang, one)).collect();
    (!failures.is_empty()).then(|| Explained { reporting: found.reporting_mta.unwrap_or_default(), failures })
}

fn of_failure(lang: Lang, failure: &Failure) -> ExplainedFailure {
    let reason = failure.reason.name();
    let text = |key: String| words::text(lang, &key, &[]);
    let status = failure.status.map(|(class, subject, detail)| format!("{class}.{subject}.{detail}")).unwrap_or_default();
    let turn = match failure.party() {
        Party::Sender => "sender",
        Party::SenderAdministrator => "sender-administrator",
        Party::Recipient => "recipient",
        Party::RecipientAdministrator => "recipient-administrator",
        Party::Nobody => "nobody",
    };
    ExplainedFailure {
        recipient: failure.recipient.clone(),
        remote: failure.remote.clone().unwrap_or_default(),
        code: failure.code,
        said: failure.said.clone(),
        reason: reason.into(),
        title: text(format!("bounce-{reason}")),
        is_temporary: failure.is_temporary(),
        turn: turn.into(),
        turn_text: text(format!("turn-{turn}")),
        for_sender: text(format!("bounce-{reason}-sender")),
        for_administrator: text(format!("bounce-{reason}-administrator")),
        code_article: codes::name_of(&status).map(|name| format!("/help/code/{name}")).unwrap_or_default(),
        cause_article: format!("/help/cause/{}", cause_of_reply("their server", &failure.said).name()),
        status,
    }
}

/// Explains a bounce or a reply line. Nothing is kept.
#[utoipa::path(post, path = "/help/bounce", tag = "help", security(()), request_body = Pasted, responses((status = 200, description = "In words", body = Explained)))]
async fn api_explain(view: View, Json(sent): Json<Pasted>) -> Result<Json<Explained>, Fault> {
    check(&sent)?;
    explained(view.lang, &sent.pasted).map(Json).ok_or_else(|| Fault::Invalid(vec![Wrong::new("pasted", "bounce-tells-nothing")]))
}

/// The file of a request: the field `file` of a form, else the body itself.
fn file_of<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<&'a [u8], Fault> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let file = if kind.to_ascii_lowercase().starts_with("multipart/form-data") { upload::field(kind, body, "file") } else { Some(body) };
    file.filter(|octets| !octets.trim_ascii().is_empty()).ok_or_else(|| Fault::Invalid(vec![Wrong::new("file", "bounce-nothing")]))
}

/// Explains a bounce that was saved as a file. Nothing is kept.
#[utoipa::path(post, path = "/help/bounce/file", tag = "help", security(()),
    request_body(content = Vec<u8>, description = "The saved mail (.eml) under any type, such as message/rfc822; or a form with the field `file`", content_type = "application/octet-stream"),
    responses((status = 200, description = "In words", body = Explained)))]
async fn api_explain_file(view: View, headers: HeaderMap, body: Bytes) -> Result<Json<Explained>, Fault> {
    let file = file_of(&headers, &body)?;
    explained_file(view.lang, file).map(Json).ok_or_else(|| Fault::Invalid(vec![Wrong::new("file", "bounce-tells-nothing")]))
}

/// `POST /help/bounce/file`: a form with a file.
pub async fn explain_file(view: View, headers: HeaderMap, body: Bytes) -> Page {
    let wrong = |key| {
        let form = Shown::default().with_wrong(vec![Wrong::new("file", key)]);
        show_with(StatusCode::UNPROCESSABLE_ENTITY, &BouncePage { view: &view, form: &form, found: None })
    };
    let Ok(file) = file_of(&headers, &body) else { return wrong("bounce-nothing") };
    match explained_file(view.lang, file) {
        Some(found) => show(&BouncePage { view: &view, form: &Shown::default(), found: Some(found) }),
        None => wrong("bounce-tells-nothing"),
    }
}

fn check(sent: &Pasted) -> Result<(), Fault> {
    if sent.pasted.trim().is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("pasted", "bounce-nothing")]));
    }
    if sent.pasted.len() > PASTED_OCTETS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("pasted", "diagnosis-wrong-pasted")]));
    }
    Ok(())
}

#[derive(Template)]
#[template(path = "troubleshoot/templates/bounce.html")]
struct BouncePage<'a> {
    view: &'a View,
    form: &'a Shown,
    found: Option<Explained>,
}

/// `GET /help/bounce`.
pub async fn form(view: View) -> Page {
    show(&BouncePage { view: &view, form: &Shown::default(), found: None })
}

/// `POST /help/bounce`: reads what was pasted; nothing is kept.
pub async fn explain(view: View, Form(sent): Form<Pasted>) -> Page {
    let form = Shown::of(&sent);
    let wrong = |wrong| {
        show_with(StatusCode::UNPROCESSABLE_ENTITY, &BouncePage { view: &view, form: &form.clone().with_wrong(wrong), found: None })
    };
    if let Err(Fault::Invalid(found)) = check(&sent) {
        return wrong(found);
    }
    match explained(view.lang, &sent.pasted) {
        Some(found) => show(&BouncePage { view: &view, form: &form, found: Some(found) }),
        None => wrong(vec![Wrong::new("pasted", "bounce-tells-nothing")]),
    }
}
