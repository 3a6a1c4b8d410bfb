//! Why a request was not done, in one shape for pages and programs. [`super::guard`] writes it as the asker reads it.

use super::Say;
use crate::people::May;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A request that was not done. One variant per thing the asker does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignIn,
    /// Whoever has this permission can do it.
    #[error("needs the permission {0:?}")]
    Denied(May),
    /// The organisation wants a second factor, and this person has none yet.
    #[error("set up a second factor first")]
    NeedsFactor,
    /// Not there, or not for you to see: both look alike.
    #[error("there is no such thing")]
    NotFound,
    /// What was sent is wrong, field by field.
    #[error("{} fields are wrong", .0.len())]
    Invalid(Vec<Wrong>),
    /// It cannot be done as things stand.
    #[error("{0:?}")]
    Conflict(Say),
    /// What was sent with the request about the version it means does not hold any more (RFC 9110 §13.1.1).
    #[error("it was changed meanwhile")]
    Changed,
    /// Too many tries; seconds until the next.
    #[error("try again in {0} s")]
    TooMany(u32),
    /// Another site's page sent this.
    #[error("sent from another site")]
    CrossSite,
    /// The body or the address cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The address is there, but does not do this.
    #[error("not done by this method")]
    Method,
    #[error("the body is too large")]
    TooLarge,
    /// The body is of another media type than is taken here.
    #[error("not this media type")]
    MediaType,
    /// The answer is not there in time.
    #[error("no answer in time")]
    Late,
    /// We failed; the text is for the log.
    #[error("{0}")]
    Ours(String),
}

/// One field that is wrong. `field` is its name in the form and in JSON; "" is the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub field: &'static str,
    pub say: Say,
}

impl Wrong {
    pub fn new(field: &'static str, key: &'static str) -> Wrong {
        Wrong { field, say: Say::new(key) }
    }
}

impl From<store::Error> for Fault {
    fn from(why: store::Error) -> Fault {
        match why {
            store::Error::Exists(what) => Fault::Conflict(Say::new("fault-exists").with("what", what)),
            other => Fault::Ours(other.to_string()),
        }
    }
}

impl Fault {
    pub fn status(&self) -> StatusCode {
        match self {
            Fault::SignIn => StatusCode::UNAUTHORIZED,
            Fault::Denied(_) | Fault::CrossSite | Fault::NeedsFactor => StatusCode::FORBIDDEN,
            Fault::NotFound => StatusCode::NOT_FOUND,
            Fault::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::Conflict(_) => StatusCode::CONFLICT,
            Fault::Changed => StatusCode::PRECONDITION_FAILED,
            Fault::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Fault::Unreadable(_) => StatusCode::BAD_REQUEST,
            Fault::Method => StatusCode::METHOD_NOT_ALLOWED,
            Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::Late => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Ours(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name in problem types and in the keys of its words.
    pub fn name(&self) -> &'static str {
        match self {
            Fault::SignIn => "sign-in",
            Fault::Denied(_) => "denied",
            Fault::NeedsFactor => "second-factor",
            Fault::NotFound => "not-found",
            Fault::Invalid(_) => "invalid",
            Fault::Conflict(_) => "conflict",
            Fault::Changed => "changed",
            Fault::TooMany(_) => "too-many",
            Fault::CrossSite => "cross-site",
            Fault::Unreadable(_) => "unreadable",
            Fault::Method => "method",
            Fault::TooLarge => "too-large",
            Fault::MediaType => "media-type",
            Fault::Late => "late",
            Fault::Ours(_) => "ours",
        }
    }

    /// Every name, for the help pages of problems.
    pub const NAMES: [&'static str; 15] = [
        "sign-in",
        "denied",
        "second-factor",
        "not-found",
        "invalid",
        "conflict",
        "changed",
        "too-many",
        "cross-site",
        "unreadable",
        "method",
        "too-large",
        "media-type",
        "late",
        "ours",
    ];
}

impl IntoResponse for Fault {
    /// Only the status; the guard reads the fault from the extensions and writes the rest.
    fn into_response(self) -> Response {
        let mut answer = self.status().into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}
