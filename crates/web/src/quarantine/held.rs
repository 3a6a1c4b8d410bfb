//! One held mail, made safe to look at: its text, its HTML cleaned and in a frame, what is attached, where its links lead.

use super::policy;
use super::{Powers, list, powers, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use crate::trace::verdict_tone;
use askama::Template;
use axum::extract::{Path, State};
use gateway::quarantine::api::{HeldBody, ShownBody};
use gateway::receipt::{self, Receipt};
use mail::MailId;
use store::Error;

#[derive(Template)]
#[template(path = "quarantine/templates/held.html")]
struct HeldPage<'a> {
    view: &'a View,
    mail: MailId,
    rows: Vec<HeldRow<'a>>,
    first: &'a HeldBody,
    tone: &'static str,
    /// `None`: this person may see that it is held, not what is in it.
    shown: Option<&'a ShownBody>,
    may: Powers,
    has_html: bool,
    reasons: Vec<Reason>,
    requests: Vec<sql::Request>,
    is_mine: bool,
    /// Where the list is that it came from.
    list: &'static str,
}

struct HeldRow<'a> {
    row: &'a HeldBody,
    powers: Powers,
    /// `(words key, path)` of what can be done about the sender.
    entries: Vec<(&'static str, String)>,
}

/// One of the strongest reasons.
pub struct Reason {
    pub check: String,
    pub title: String,
    pub evidence: String,
}

const REASONS_MAX: usize = 3;

/// `GET /quarantine/{mail}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let rules = policy::rules(&app, &person).await?;
    let held = app.quarantine.rows(person.scope(), mail).await?;
    let seen = held.iter().map(|row| (row, powers(&person, row, &rules))).filter(|(_, powers)| powers.see);
    let rows: Vec<HeldRow<'_>> = seen.map(|(row, powers)| HeldRow { row, powers, entries: entries(&person, row, powers) }).collect();
    let Some(first) = rows.first().map(|row| row.row) else { return Err(Fault::NotFound) };
    let any = |may: fn(&Powers) -> bool| rows.iter().any(|row| may(&row.powers));
    let may =
        Powers { header: any(|may| may.header), preview: any(|may| may.preview), download: any(|may| may.download), ..Powers::default() };
    let shown = if may.header || may.preview { Some(read(&app, &person, first).await?) } else { None };
    let scope = person.scope();
    let requests = app.db.read(move |tx| Box::pin(async move { sql::of_mail(tx, scope, mail).await })).await.map_err(Fault::from)?;
    let is_mine = !person.may(May::Quarantine);
    show(&HeldPage {
        view: &view,
        mail,
        tone: verdict_tone(&first.verdict),
        has_html: shown.as_ref().is_some_and(|shown| shown.texts.iter().any(|text| text.is_html)),
        shown: shown.as_ref(),
        may,
        reasons: reasons(&receipt(&app, &person, mail).await?, &view),
        requests: requests.into_iter().filter(|request| !is_mine || request.person == person.id || request.who == person.email).collect(),
        is_mine,
        list: if is_mine { "/quarantine/mine" } else { "/quarantine" },
        rows,
        first,
    })
}

/// What can be done about the sender of one row, for whom.
fn entries(person: &Person, row: &HeldBody, powers: Powers) -> Vec<(&'static str, String)> {
    let may_all = person.may(May::Entries);
    let all = [
        (powers.allow && may_all, "allow", "", "quarantine-allow-sender-all"),
        (powers.allow, "allow", row.recipient.as_str(), "quarantine-allow-sender-one"),
        (powers.block && may_all, "block", "", "quarantine-block-sender-all"),
        (powers.block, "block", row.recipient.as_str(), "quarantine-block-sender-one"),
    ];
    let possible = all.into_iter().filter(|(may, ..)| *may && !row.sender.is_empty());
    possible.map(|(_, effect, scope, key)| (key, list::entry_href(effect, &row.sender, scope))).collect()
}

/// The content; reading somebody else's leaves a line.
pub async fn read(app: &App, person: &Person, held: &HeldBody) -> Result<ShownBody, Fault> {
    let shown = app.quarantine.show(person.scope(), held.mail).await?;
    note_reading(app, person, held, "quarantine.read").await?;
    Ok(shown)
}

/// The line that reading somebody else's mail leaves.
pub async fn note_reading(app: &App, person: &Person, held: &HeldBody, action: &'static str) -> Result<(), Fault> {
    if held.recipient.eq_ignore_ascii_case(&person.email) {
        return Ok(());
    }
    let (ids, now_ms, person, entry) = (app.ids.clone(), app.now_ms(), person.clone(), Entry::new(Some(held.org), action, held.mail));
    let noted: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await;
    Ok(noted?)
}

/// The receipt as stored; "" when there is none in the person's scope.
pub async fn receipt(app: &App, person: &Person, mail: MailId) -> Result<String, Fault> {
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { gateway::trace::receipt_of(tx, scope, mail).await })).await;
    Ok(found.map_err(Fault::from)?.unwrap_or_default())
}

/// The strongest reasons.
pub fn reasons(receipt: &str, view: &View) -> Vec<Reason> {
    let Ok(receipt) = serde_json::from_str::<Receipt>(receipt) else { return Vec::new() };
    let lang = view.lang.of_receipt();
    let strongest = receipt::strongest(&receipt).into_iter().take(REASONS_MAX);
    let reason = |one: &detect::Finding| Reason {
        check: one.check.to_string(),
        title: receipt::title(&one.check, lang).to_string(),
        evidence: receipt::evidence(one, lang).into_owned(),
    };
    strongest.map(reason).collect()
}
