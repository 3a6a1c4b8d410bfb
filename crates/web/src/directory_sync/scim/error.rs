//! Faults as SCIM clients read them (RFC 7644 §3.12).

use crate::page::Fault;
use crate::page::words::Lang;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScimError {
    /// One of all of ours: the guard writes it through [`refused`].
    Fault(Fault),
    /// One that SCIM has a word for; the word may be "".
    Said { status: StatusCode, kind: &'static str, detail: String },
}

impl ScimError {
    pub fn bad(kind: &'static str, detail: &str) -> ScimError {
        ScimError::Said { status: StatusCode::BAD_REQUEST, kind, detail: detail.to_string() }
    }

    pub fn taken(detail: &str) -> ScimError {
        ScimError::Said { status: StatusCode::CONFLICT, kind: "uniqueness", detail: detail.to_string() }
    }
}

impl From<Fault> for ScimError {
    fn from(fault: Fault) -> ScimError {
        ScimError::Fault(fault)
    }
}

impl From<store::Error> for ScimError {
    fn from(why: store::Error) -> ScimError {
        ScimError::Fault(Fault::from(why))
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        match self {
            ScimError::Fault(fault) => fault.into_response(),
            ScimError::Said { status, kind, detail } => written(status, kind, &detail),
        }
    }
}

fn written(status: StatusCode, kind: &str, detail: &str) -> Response {
    let mut body = json!({ "schemas": [ERROR], "status": status.as_u16().to_string(), "detail": detail });
    if !kind.is_empty() {
        body["scimType"] = kind.into();
    }
    super::answer(status, &body)
}

/// A fault of ours in the words of SCIM.
pub fn refused(fault: &Fault) -> Response {
    let detail = match fault {
        Fault::SignIn => "the API token is missing, has ended, or is not known".to_string(),
        Fault::Denied(may) => format!("the token needs the permission “{}”", may.name()),
        Fault::NotFound => "there is no such resource".into(),
        Fault::Conflict(say) => say.in_lang(Lang::English),
        Fault::Ours(why) => {
            tracing::error!(why, "a SCIM request failed");
            "we failed; try again".into()
        }
        other => other.to_string(),
    };
    let mut answer = written(fault.status(), "", &detail);
    match fault {
        Fault::SignIn => drop(answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        Fault::TooMany(seconds) => drop(answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds))),
        _ => {}
    }
    answer
}
