//! One held mail, made safe to look at: text only, nothing runs, nothing is fetched.

use super::{Powers, powers, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, View, guard::form_pair, show};
use crate::people::Person;
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
    rows: Vec<(&'a HeldBody, Powers)>,
    first: &'a HeldBody,
    tone: &'static str,
    /// `None`: this person may see that it is held, not what is in it.
    shown: Option<&'a ShownBody>,
    reasons: Vec<(String, String, String)>,
    requests: Vec<sql::Request>,
    allow_sender: String,
    block_sender: String,
}

const REASONS_MAX: usize = 3;

/// `GET /quarantine/{mail}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let rows = app.quarantine.rows(person.scope(), mail).await?;
    let rows: Vec<(&HeldBody, Powers)> = rows.iter().map(|row| (row, powers(&person, row))).filter(|(_, powers)| powers.see).collect();
    let Some((first, _)) = rows.first().copied() else { return Err(Fault::NotFound) };
    let may_read = rows.iter().any(|(_, powers)| powers.read);
    let shown = if may_read { Some(read(&app, &person, first).await?) } else { None };
    let scope = person.scope();
    let (receipt, requests) = app
        .db
        .read(move |tx| {
            Box::pin(
                async move { Ok::<_, Error>((gateway::trace::receipt_of(tx, scope, mail).await?, sql::of_mail(tx, scope, mail).await?)) },
            )
        })
        .await?;
    let entry = |effect: &str| {
        let scope = if person.may(crate::people::May::Entries) { String::new() } else { person.email.clone() };
        let pairs =
            [form_pair("effect", effect), form_pair("kind", "address"), form_pair("value", &first.sender), form_pair("scope", &scope)];
        format!("/entries/new?{}", pairs.join("&"))
    };
    show(&HeldPage {
        view: &view,
        mail,
        tone: verdict_tone(&first.verdict),
        shown: shown.as_ref(),
        reasons: reasons(&receipt.unwrap_or_default(), &view),
        requests: requests.into_iter().filter(|request| may_read || request.person == person.id).collect(),
        allow_sender: entry("allow"),
        block_sender: entry("block"),
        rows,
        first,
    })
}

/// The content; reading somebody else's leaves a line.
async fn read(app: &App, person: &Person, held: &HeldBody) -> Result<ShownBody, Fault> {
    let shown = app.quarantine.show(person.scope(), held.mail).await?;
    if !held.recipient.eq_ignore_ascii_case(&person.email) {
        let (ids, now_ms, person, org, mail) = (app.ids.clone(), app.now_ms(), person.clone(), held.org, held.mail);
        let entry = Entry::new(Some(org), "quarantine.read", mail);
        app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await?;
    }
    Ok(shown)
}

/// Check, title and evidence of the strongest reasons.
fn reasons(receipt: &str, view: &View) -> Vec<(String, String, String)> {
    let Ok(receipt) = serde_json::from_str::<Receipt>(receipt) else { return Vec::new() };
    let lang = view.lang.of_receipt();
    let strongest = receipt::strongest(&receipt).into_iter().take(REASONS_MAX);
    strongest.map(|one| (one.check.to_string(), receipt::title(&one.check, lang).to_string(), one.evidence.clone())).collect()
}
