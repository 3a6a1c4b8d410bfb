//! `GET /search?q=`: the box in the bar. An identifier leads to its mail, an address to mail from it; anything else is looked for in
//! subjects and in the help, for those who may see each.

use super::search::{self, Hit};
use crate::App;
use crate::community;
use crate::page::{Fault, Page, View, guard::form_pair, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use gateway::trace::Query as TraceQuery;
use gateway::trace::api::MailBody;
use serde::Deserialize;
use std::time::Duration;

/// Mails and articles shown of each; the rest is one click away.
const MAILS_MAX: usize = 10;
/// How long they are looked for; the trace itself looks further.
const MAILS_WITHIN: Duration = Duration::from_millis(15);
const ARTICLES_MAX: usize = 10;
const QUESTIONS_MAX: usize = 5;
/// Characters of a query.
const QUERY_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "help/templates/search.html")]
struct SearchPage<'a> {
    view: &'a View,
    q: &'a str,
    sees_mail: bool,
    mails: Vec<MailBody>,
    /// Where all mails with this in the subject are.
    trace: String,
    hits: Vec<Hit<'a>>,
    questions: Vec<community::model::Line>,
    /// Where all questions about it are.
    community: String,
}

pub async fn search(State(app): State<App>, view: View, person: Person, Query(wanted): Query<Wanted>) -> Page {
    let q: String = wanted.q.trim().chars().take(QUERY_CHARS_MAX).collect();
    let sees_mail = person.may(May::Trace);
    if let Some(place) = place_of(&q).filter(|_| sees_mail) {
        return Ok(Redirect::to(&place).into_response());
    }
    let mails = if sees_mail && !q.is_empty() { mails(&app, &person, &q).await? } else { Vec::new() };
    super::learned().await;
    let mut hits = search::find(app.help.library().await, &q, view.lang);
    hits.truncate(ARTICLES_MAX);
    let questions = if q.is_empty() { Vec::new() } else { community::found(&app, Some(&person), &q, QUESTIONS_MAX).await? };
    let (trace, community) = (format!("/trace?{}", form_pair("subject", &q)), format!("/community?{}", form_pair("q", &q)));
    show(&SearchPage { view: &view, q: &q, sees_mail, mails, trace, hits, questions, community })
}

/// Where one thing alone can be meant.
fn place_of(q: &str) -> Option<String> {
    match q {
        id if id.parse::<mail::MailId>().is_ok() => Some(format!("/trace/{id}")),
        id if id.starts_with('<') && id.ends_with('>') => Some(format!("/trace?{}", form_pair("message_id", id))),
        address if address.contains('@') && !address.contains(' ') => Some(format!("/trace?{}", form_pair("sender", address))),
        ip if ip.parse::<std::net::IpAddr>().is_ok() => Some(format!("/trace?{}", form_pair("ip", ip))),
        _ => None,
    }
}

async fn mails(app: &App, person: &Person, q: &str) -> Result<Vec<MailBody>, Fault> {
    let (scope, query) =
        (person.scope(), TraceQuery { subject: Some(q.to_string()), limit: MAILS_MAX, within: MAILS_WITHIN, ..TraceQuery::default() });
    let found = app.db.read(move |tx| Box::pin(async move { gateway::trace::search(tx, scope, &query).await })).await;
    Ok(found.map_err(Fault::from)?.rows)
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn what_can_only_be_one_thing_leads_there() {
        for (q, want) in [
            ("<1@a.example>", Some("/trace?message_id=%3C1%40a.example%3E")),
            ("a@b.example", Some("/trace?sender=a%40b.example")),
            ("192.0.2.7", Some("/trace?ip=192.0.2.7")),
            ("invoice", None),
            ("why @ all", None),
            ("5.7.1", None),
            ("", None),
        ] {
            assert_eq!(place_of(q).as_deref(), want, "{q}");
        }
    }
}
