//! Faults as programs read them (RFC 9457). `type` is a help page of this installation.

use crate::page::words::Lang;
use crate::page::{Fault, Say};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

const MEDIA_TYPE: &str = "application/problem+json";

/// RFC 9457 §3.1, with the fields that are wrong (§3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A page that explains this kind of problem.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WrongField>,
}

/// One field of the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WrongField {
    /// JSON Pointer into the request's body (RFC 6901); "" is the whole.
    pub pointer: String,
    pub detail: String,
}

/// The answer to a fault.
pub fn of(fault: &Fault, status: StatusCode) -> Response {
    let words = |key: String| Say { key: key.into(), args: Vec::new() }.in_lang(Lang::English);
    let errors = match fault {
        Fault::Invalid(wrong) => wrong
            .iter()
            .map(|wrong| WrongField {
                pointer: if wrong.field.is_empty() { String::new() } else { format!("/{}", wrong.field) },
                detail: wrong.say.in_lang(Lang::English),
            })
            .collect(),
        _ => Vec::new(),
    };
    let detail = match fault {
        Fault::Conflict(say) => say.in_lang(Lang::English),
        Fault::Denied(may) => format!("This needs the permission “{}”.", may.name()),
        Fault::Unreadable(why) => why.clone(),
        other => words(format!("fault-do-{}", other.name())),
    };
    let problem = Problem {
        r#type: format!("/help/problem/{}", fault.name()),
        title: words(format!("fault-{}", fault.name())),
        status: status.as_u16(),
        detail,
        errors,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
    if let Fault::TooMany(seconds) = fault {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    answer
}

/// Whether an answer is a problem already.
pub fn is_one(answer: &Response) -> bool {
    answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == MEDIA_TYPE.as_bytes())
}
