//! A header that somebody pastes: the way it came, how long it took, who authenticated it. Nothing of it is kept.

use super::filters::{self, Filtered, Method};
use super::hops::{self, Hop};
use crate::page::fault::Wrong;
use crate::page::{Page, View, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::http::StatusCode;
use mail::Message;
use mail::message::Budget;
use serde::{Deserialize, Serialize};

/// Octets of a header that are read.
pub(super) const HEADER_OCTETS_MAX: usize = 256 << 10;
/// Fields shown.
const FIELDS_MAX: usize = 200;

/// What a header says about itself.
pub struct Analysis {
    pub subject: String,
    pub from: String,
    pub message_id: String,
    pub date_ms: Option<i64>,
    pub hops: Vec<Hop>,
    pub drawing: String,
    /// From the first to the last hop, in milliseconds.
    pub total_ms: Option<i64>,
    /// The same in words.
    pub total: Option<String>,
    /// Field, value as it stands, and the methods in it, in order.
    pub authentication: Vec<(String, String, Vec<Method>)>,
    /// What filters wrote, key by key.
    pub filters: Vec<Filtered>,
    pub fields: Vec<(String, String)>,
    /// The mail of ours that it names.
    pub mail: Option<mail::MailId>,
}

impl Analysis {
    pub fn of(view: &View, message: &Message) -> Analysis {
        let hops = hops::hops(message.all("received"), message.date_ms);
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).chars().take(4_000).collect::<String>().trim().to_string();
        let ends = hops.iter().filter_map(|hop| hop.at_ms).min().zip(hops.iter().filter_map(|hop| hop.at_ms).max());
        Analysis {
            subject: message.subject.clone(),
            from: message.from.address().map(ToString::to_string).unwrap_or_default(),
            message_id: message.message_id.clone().unwrap_or_default(),
            date_ms: message.date_ms,
            drawing: if hops.is_empty() { String::new() } else { hops::drawing(view, &hops) },
            total_ms: ends.map(|(first, last)| last - first),
            total: ends.map(|(first, last)| hops::span(view, &(last - first))),
            mail: hops.iter().rev().find_map(|hop| hop.id.parse().ok()),
            hops,
            authentication: authentication(message),
            filters: filters::filtered(message.fields(), view.lang),
            fields: message.fields().take(FIELDS_MAX).map(|(name, value)| (text(name), text(value))).collect(),
        }
    }
}

fn authentication(message: &Message) -> Vec<(String, String, Vec<Method>)> {
    let fields = hops::authentication(message.fields()).into_iter();
    fields
        .map(|(field, value)| (filters::methods(&field, &value), field, value))
        .map(|(methods, field, value)| (field, value, methods))
        .collect()
}

#[derive(Template)]
#[template(path = "trace/templates/header.html")]
struct HeaderPage<'a> {
    view: &'a View,
    form: &'a Shown,
    found: Option<Analysis>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pasted {
    header: String,
}

/// `GET /trace/header`.
pub async fn form(view: View, person: Person) -> Page {
    person.require(May::Trace)?;
    show_with(StatusCode::OK, &HeaderPage { view: &view, form: &Shown::default(), found: None })
}

/// `POST /trace/header`: a whole message may be pasted as well; only its header is looked at.
pub async fn analyse(view: View, person: Person, Form(pasted): Form<Pasted>) -> Page {
    person.require(May::Trace)?;
    let form = Shown::of(&pasted);
    let message = parsed(&pasted.header);
    if message.fields().next().is_none() || pasted.header.len() > HEADER_OCTETS_MAX {
        let form = form.with_wrong(vec![Wrong::new("header", "header-wrong")]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &HeaderPage { view: &view, form: &form, found: None });
    }
    show_with(StatusCode::OK, &HeaderPage { view: &view, form: &form, found: Some(Analysis::of(&view, &message)) })
}

/// As browsers and mail programs give it: any kind of line end, blank lines before, no body.
pub(super) fn parsed(text: &str) -> Message {
    let text = text.trim_start_matches(['\r', '\n', ' ', '\t', '\u{feff}']);
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).take_while(|line| !line.is_empty()).collect();
    Message::parse(format!("{}\r\n\r\n", lines.join("\r\n")).into(), &Budget::default())
}
