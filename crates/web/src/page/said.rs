//! A sentence by key, and how one travels to the next page after something was done.

use super::words::{self, Lang};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fluent_bundle::FluentValue;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Words with what stands in them: a key, then `.with("count", 3)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    pub key: Cow<'static, str>,
    pub args: Vec<(Cow<'static, str>, Arg)>,
}

/// What can stand in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arg {
    Number(i64),
    Text(String),
}

impl From<i64> for Arg {
    fn from(number: i64) -> Arg {
        Arg::Number(number)
    }
}

impl From<usize> for Arg {
    fn from(number: usize) -> Arg {
        Arg::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Arg {
        Arg::Text(text.into())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Arg {
        Arg::Text(text)
    }
}

impl Say {
    pub fn new(key: &'static str) -> Say {
        Say { key: Cow::Borrowed(key), args: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Say {
        self.args.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// What stands at a name, where it is text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.args.iter().find_map(|(known, arg)| match arg {
            Arg::Text(text) if known == name => Some(text.clone()),
            _ => None,
        })
    }

    pub fn in_lang(&self, lang: Lang) -> String {
        let value = |arg: &Arg| match arg {
            Arg::Number(number) => FluentValue::from(*number),
            Arg::Text(text) => FluentValue::from(text.clone()),
        };
        let args: Vec<(&str, FluentValue<'_>)> = self.args.iter().map(|(name, arg)| (name.as_ref(), value(arg))).collect();
        words::text(lang, &self.key, &args)
    }
}

const COOKIE: &str = "gatepost_said";
/// Octets of the cookie; browsers take 4096.
const COOKIE_OCTETS_MAX: usize = 2_000;

/// Sends `say` along; the next page shows it once.
pub(super) fn keep(answer: &mut Response, say: &Say) {
    let Ok(json) = serde_json::to_vec(say) else { return };
    let value = URL_SAFE_NO_PAD.encode(json);
    if value.len() > COOKIE_OCTETS_MAX {
        return; // what was done is seen on the page itself
    }
    if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60")) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// What the last answer wanted said. Words that we do not have are not shown: the cookie is the browser's.
pub(super) fn take(cookie: Option<&str>) -> Option<Say> {
    let say: Say = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cookie?).ok()?).ok()?;
    words::has(Lang::English, &say.key).then_some(say)
}

/// Forgets it again.
pub(super) fn forget(headers: &mut HeaderMap) {
    headers.append(header::SET_COOKIE, HeaderValue::from_static("gatepost_said=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
}

pub(super) fn cookie(jar: &axum_extra::extract::CookieJar) -> Option<Say> {
    take(jar.get(COOKIE).map(|cookie| cookie.value()))
}
