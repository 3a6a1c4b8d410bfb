//! Letters about requests: to the requester and to those in copy when support says something, to the engineer when they answer.
//!
//! In: what was said, in the transaction that keeps it. Out: rows of the queue. Every letter has an address of its own to answer to
//! ([`super::address`]), and the same thread for all letters of a request. Invariant: internal words are in no letter.

use super::address;
use super::change::At;
use super::model::{Request, Side};
use super::{rating, sql, sql_more};
use crate::page::words::Lang;
use crate::page::{Fault, View};
use crate::support_desk::{sql as desk_sql, sql_work};
use gateway::queue::letter::{self, Letter, Thread};
use gateway::scope::OrgScope;
use mail::Address;
use mail::id::RequestId;
use store::Tx;

/// Characters of one letter's words; the page has all.
const WORDS_CHARS_MAX: usize = 50_000;
/// Stands above what a program quotes.
const SUBJECT_CHARS_MAX: usize = 150;

/// The request is there: to the requester, and to those in copy.
pub(super) async fn opened(tx: &mut Tx, at: &At, request: &Request, copies: &[String]) -> Result<(), Fault> {
    let words = |view: &View| format!("{}\n\n{}", view.w("request-letter-opened", request.id.to_string()), request.description);
    let all: Vec<&str> = std::iter::once(request.address.as_str()).chain(copies.iter().map(String::as_str)).collect();
    for to in all {
        post(tx, at, request, to, &words).await?;
    }
    Ok(())
}

/// A word was said: the other side is told, and those in copy; whoever said it is not.
pub(super) async fn said(tx: &mut Tx, at: &At, request: &Request, body: &str) -> Result<(), Fault> {
    let mut to: Vec<String> = sql::copies(tx, OrgScope::One(request.org), request.id).await?;
    match at.by.side {
        Side::Requester => {
            if let Some(assignee) = request.assignee {
                to.extend(crate::people::sql::active(tx, assignee).await?.map(|person| person.email));
            }
            to.push(request.address.clone());
        }
        Side::Support | Side::System => to.push(request.address.clone()),
    }
    to.retain(|to| !to.eq_ignore_ascii_case(&at.by.address));
    to.sort();
    to.dedup();
    let who = at.by.shown().to_string();
    let end = if request.state == super::State::Resolved { "request-letter-resolved" } else { "request-letter-answer" };
    let is_support = at.by.side == Side::Support;
    let is_first = request.state == super::State::Resolved && sql_more::ask(tx, request, at.now_ms).await?;
    let rating = if is_first { at.app.link(&rating::path(request)) } else { String::new() };
    for to in to {
        // The link is the requester's.
        let is_asked = !rating.is_empty() && to.eq_ignore_ascii_case(&request.address);
        let words = |view: &View| {
            let end = if is_support { format!("\n\n{}", view.t(end)) } else { String::new() };
            let ask = if is_asked { format!("\n\n{}\n{rating}", view.t("request-letter-rate")) } else { String::new() };
            format!("{}\n\n{body}{end}{ask}", view.w("request-letter-said", &who))
        };
        post(tx, at, request, &to, &words).await?;
    }
    Ok(())
}

/// People of support who are told of an escalation that nobody in particular answers for.
const ESCALATED_MAX: usize = 20;

/// The requester asks for more attention.
pub(super) async fn escalated(tx: &mut Tx, at: &At, request: &Request, why: &str) -> Result<(), Fault> {
    let contract = desk_sql::contract_of(tx, OrgScope::One(request.org), request.org).await?;
    let mut people = sql_work::engineers(tx).await?;
    let named = [contract.manager, contract.deputy, request.assignee];
    if people.iter().any(|one| named.contains(&Some(one.person))) {
        people.retain(|one| named.contains(&Some(one.person)));
    } else {
        people.retain(|one| !one.is_away);
    }
    let who = at.by.shown().to_string();
    let words = |view: &View| format!("{}\n\n{why}", view.w("request-letter-escalated", &who));
    for one in people.iter().take(ESCALATED_MAX) {
        post(tx, at, request, &one.email, &words).await?;
    }
    Ok(())
}

/// Somebody was named in words.
pub(super) async fn mentioned(tx: &mut Tx, at: &At, request: &Request, (to, body): (&str, &str)) -> Result<(), Fault> {
    let who = at.by.shown().to_string();
    let words = |view: &View| format!("{}\n\n{body}", view.w("request-letter-mentioned", &who));
    post(tx, at, request, to, &words).await
}

/// The rule of silence tells once more.
pub(super) async fn reminder(tx: &mut Tx, at: &At, request: &Request, closes_ms: Option<i64>) -> Result<(), Fault> {
    let key = if request.state == super::State::Resolved { "request-letter-remind-resolved" } else { "request-letter-remind-waiting" };
    let words = |view: &View| view.w(key, closes_ms.map(|closes| view.moment(closes)).unwrap_or_default());
    post(tx, at, request, &request.address, &words).await
}

/// Nobody said a word: closed by the rule.
pub(super) async fn closed(tx: &mut Tx, at: &At, request: &Request) -> Result<(), Fault> {
    let words = |view: &View| view.t("request-letter-closed");
    post(tx, at, request, &request.address, &words).await
}

async fn post(tx: &mut Tx, at: &At, request: &Request, to: &str, words: &(dyn Fn(&View) -> String + Sync)) -> Result<(), Fault> {
    // An address that no mail can go to was checked when it was typed; of those of old, nothing is said.
    let Ok(address) = Address::parse(to) else { return Ok(()) };
    let lang = Lang::parse(&request.lang).unwrap_or_default();
    let view = View::plain(lang, at.now_ms);
    let title: String = request.title.chars().filter(|c| !c.is_control()).take(SUBJECT_CHARS_MAX).collect();
    let body: String = words(&view).chars().take(WORDS_CHARS_MAX).collect();
    let link = at.app.link(&format!("/requests/{}", request.id));
    let text = format!("{}\n\n{body}\n\n{}\n{link}\n", view.t("request-letter-above"), view.t("request-letter-page"));
    let letter = Letter {
        org: request.org,
        to: address,
        from_name: view.t("request-letter-from"),
        subject: format!("[{}] {title}", request.id),
        text: text.replace('\r', "").replace('\n', "\r\n"),
        html: String::new(),
        language: lang.tag().into(),
        kind: "request",
        host: at.app.hostname.clone(),
    };
    let first = format!("{}.request@{}", request.id, at.app.hostname);
    let thread = Thread { from: address::of(&at.app, request.id, &request.secret, to), references: vec![first] };
    let directory = at.app.directory.snapshot();
    letter::post_in(tx, &letter, &thread, &directory, (at.ids(), at.now_ms)).await?;
    Ok(())
}

/// Whether a subject is one of these letters': it begins with the number of a request, and nothing was answered before it.
pub fn is_letter(subject: &str) -> bool {
    let number = subject.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(number, _)| number);
    number.is_some_and(|number| number.parse::<RequestId>().is_ok())
}
