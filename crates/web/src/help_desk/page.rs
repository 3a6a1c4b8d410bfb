//! The public pages: paste, read, test one's own side, ask, follow. All of them work without scripts.

use super::ask::{self, AskedLook};
use super::sql::{SecondLook, State as LookState};
use super::told::{self, Found, Told};
use super::{PASTED_OCTETS_MAX, Turn, code};
use crate::App;
use crate::connectivity::api::ConnectivityStep;
use crate::connectivity::sender;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show_with};
use crate::people::session::Peer;
use crate::troubleshoot::{Explained, explained};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::delivery::is_public;
use gateway::trace::RefusalCode;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Tests of the sides of strangers at one time.
const TESTS_AT_ONCE: usize = 8;
/// Seconds until somebody who came while all were taken tries again.
const TEST_AGAIN_S: u32 = 10;

static TESTS: Semaphore = Semaphore::const_new(TESTS_AT_ONCE);

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pasted {
    pasted: String,
    from: String,
}

#[derive(Template)]
#[template(path = "help_desk/templates/desk.html")]
struct DeskPage<'a> {
    view: &'a View,
    form: &'a Shown,
    /// Codes that were looked for and are not there.
    missing: Vec<String>,
    /// Several refusals in one text.
    several: Vec<Told>,
    /// What the text says that names none of our refusals.
    bounce: Option<Explained>,
}

#[derive(Template)]
#[template(path = "help_desk/templates/result.html")]
struct ResultPage<'a> {
    view: &'a View,
    told: &'a Told,
    form: &'a Shown,
    tests: Option<Vec<ConnectivityStep>>,
}

#[derive(Template)]
#[template(path = "help_desk/templates/state.html")]
struct StatePage<'a> {
    view: &'a View,
    look: &'a SecondLook,
    token: &'a str,
    link: String,
    proof: &'a str,
    is_open: bool,
}

/// `GET /refused`; `pasted` in the query fills the form.
pub async fn form(view: View, Query(asked): Query<Pasted>) -> Page {
    show_with(StatusCode::OK, &DeskPage { view: &view, form: &Shown::of(&asked), missing: Vec::new(), several: Vec::new(), bounce: None })
}

/// `POST /refused`: looks for codes of ours in what was pasted. Nothing of it is kept.
pub async fn read(State(app): State<App>, view: View, peer: Peer, Form(asked): Form<Pasted>) -> Page {
    Turn::Look.take(&app, &peer)?;
    let form = Shown::of(&asked);
    let empty = DeskPage { view: &view, form: &form, missing: Vec::new(), several: Vec::new(), bounce: None };
    if let Err(wrong) = fits(&asked.pasted) {
        let form = Shown::of(&Pasted { from: asked.from.clone(), ..Pasted::default() }).with_wrong(vec![wrong]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &DeskPage { form: &form, ..empty });
    }
    let (found, missing) = all(&app, &asked.pasted).await?;
    let told: Vec<Told> = found.iter().map(|found| found.told(&app, shown(found, &asked))).collect();
    match told.as_slice() {
        [one] => result(&view, StatusCode::OK, one, (&asked.from, None)),
        [] => {
            let bounce = explained(view.lang, &asked.pasted);
            show_with(StatusCode::NOT_FOUND, &DeskPage { missing, bounce, ..empty })
        }
        _ => show_with(StatusCode::OK, &DeskPage { several: told, ..empty }),
    }
}

/// # Errors
/// What is wrong with the text.
pub fn fits(pasted: &str) -> Result<(), Wrong> {
    match pasted {
        text if text.trim().is_empty() => Err(Wrong::new("pasted", "desk-wrong-nothing")),
        text if text.len() > PASTED_OCTETS_MAX => Err(Wrong::new("pasted", "desk-wrong-long")),
        _ => Ok(()),
    }
}

/// The refusals that a text names, and the codes that name none.
pub async fn all(app: &App, pasted: &str) -> Result<(Vec<Found>, Vec<String>), Fault> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for code in code::codes(pasted) {
        match told::find(app, code).await? {
            Some(refusal) => found.push(refusal),
            None => missing.push(code.to_string()),
        }
    }
    Ok((found, missing))
}

/// The part that shows knowledge of this refusal.
pub fn shown<'a>(found: &Found, asked: &'a Pasted) -> &'a str {
    if code::known(&found.refusal, &asked.from).is_some() { &asked.from } else { &asked.pasted }
}

impl Pasted {
    pub fn new(pasted: &str, from: &str) -> Pasted {
        Pasted { pasted: pasted.into(), from: from.into() }
    }
}

fn result(view: &View, status: StatusCode, told: &Told, (from, tests): (&str, Option<Vec<ConnectivityStep>>)) -> Page {
    let form = Shown::of(&AskedLook { from: from.to_string(), ..AskedLook::default() });
    show_with(status, &ResultPage { view, told, form: &form, tests })
}

/// # Errors
/// [`Fault::NotFound`] when no refusal has this code.
pub async fn found(app: &App, code: &str) -> Result<Found, Fault> {
    let code: RefusalCode = code.to_ascii_lowercase().parse().map_err(|_| Fault::NotFound)?;
    told::find(app, code).await?.ok_or(Fault::NotFound)
}

/// `GET /refused/{code}`.
pub async fn one(State(app): State<App>, view: View, peer: Peer, Path(code): Path<String>) -> Page {
    Turn::Look.take(&app, &peer)?;
    match found(&app, &code).await {
        Ok(found) => result(&view, StatusCode::OK, &found.told(&app, ""), ("", None)),
        Err(Fault::NotFound) => {
            let shown: String = code.chars().take(40).collect();
            let form = Shown::of(&Pasted::new(&shown, ""));
            let page = DeskPage { view: &view, form: &form, missing: vec![shown.clone()], several: Vec::new(), bounce: None };
            show_with(StatusCode::NOT_FOUND, &page)
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /refused/{code}`: more is told to who knows where the mail came from.
pub async fn known(State(app): State<App>, view: View, peer: Peer, Path(code): Path<String>, Form(asked): Form<Pasted>) -> Page {
    Turn::Look.take(&app, &peer)?;
    let told = found(&app, &code).await?.told(&app, &asked.from);
    if told.own.is_some() {
        return result(&view, StatusCode::OK, &told, (&asked.from, None));
    }
    wrong_from(&view, &told, &asked.from)
}

fn wrong_from(view: &View, told: &Told, from: &str) -> Page {
    let form = Shown::of(&AskedLook { from: from.into(), ..AskedLook::default() }).with_wrong(vec![Wrong::new("from", "desk-wrong-from")]);
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &ResultPage { view, told, form: &form, tests: None })
}

/// `POST /refused/{code}/test`: asks DNS about the asker's side, so it is not done by looking.
pub async fn test(State(app): State<App>, view: View, peer: Peer, Path(code): Path<String>, Form(asked): Form<Pasted>) -> Page {
    let found = found(&app, &code).await?;
    let told = found.told(&app, &asked.from);
    if told.own.is_none() {
        Turn::Look.take(&app, &peer)?;
        return wrong_from(&view, &told, &asked.from);
    }
    let tests = tested(&app, &view, &peer, &found).await?;
    result(&view, StatusCode::OK, &told, (&asked.from, Some(tests)))
}

/// The asker's side; only the address and the domain of this refusal are looked at.
/// # Errors
/// [`Fault::TooMany`] when turns are over or too many tests run, [`Fault::Conflict`] for addresses that are nobody's on the Internet.
pub async fn tested(app: &App, view: &View, peer: &Peer, found: &Found) -> Result<Vec<ConnectivityStep>, Fault> {
    Turn::Test.take(app, peer)?;
    let may = |ip| app.settings.private_targets || is_public(ip);
    let sender = found.sender().filter(|sender| may(sender.ip)).ok_or_else(|| Fault::Conflict(Say::new("desk-test-private")))?;
    let _turn = TESTS.try_acquire().map_err(|_| Fault::TooMany(TEST_AGAIN_S))?;
    let receipt = found.receipt(app).await?;
    let signed = receipt.as_ref().map(|receipt| receipt.auth.dkim.as_slice());
    let (steps, signed) = tokio::join!(sender::look(app, &sender), sender::signatures(app.dns.as_ref(), signed));
    Ok(steps.iter().chain(&signed).map(|step| ConnectivityStep::of(view, step)).collect())
}

/// `POST /refused/{code}/ask`.
pub async fn ask(State(app): State<App>, view: View, peer: Peer, Path(code): Path<String>, Form(asked): Form<AskedLook>) -> Page {
    let found = found(&app, &code).await?;
    match ask::make(&app, (&peer, view.lang), &found, &asked).await {
        Ok(made) => done(&format!("/refused/asks/{}", made.token), Say::new("desk-asked")),
        Err(Fault::Invalid(wrong)) => {
            let told = found.told(&app, &asked.from);
            let form = Shown::of(&asked).with_wrong(wrong);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &ResultPage { view: &view, told: &told, form: &form, tests: None })
        }
        Err(fault) => Err(fault),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    proof: String,
    /// "prove" or "withdraw".
    verb: String,
}

/// `GET /refused/asks/{token}`: how it stands; with what was mailed, the page asks whether the address is theirs.
pub async fn state(State(app): State<App>, view: View, peer: Peer, Path(token): Path<String>, Query(wish): Query<Wish>) -> Page {
    Turn::Look.take(&app, &peer)?;
    let look = ask::of_token(&app, &token).await?;
    let page = StatePage {
        view: &view,
        link: app.link(&format!("/refused/asks/{token}")),
        token: &token,
        proof: if look.proven_ms.is_none() { &wish.proof } else { "" },
        is_open: look.state == LookState::Open,
        look: &look,
    };
    show_with(StatusCode::OK, &page)
}

/// `POST /refused/asks/{token}`.
pub async fn act(State(app): State<App>, peer: Peer, Path(token): Path<String>, Form(wish): Form<Wish>) -> Page {
    Turn::Look.take(&app, &peer)?;
    let look = ask::of_token(&app, &token).await?;
    let say = match wish.verb.as_str() {
        "prove" => {
            ask::prove(&app, &peer, &look, &wish.proof).await?;
            "desk-proved"
        }
        "withdraw" => {
            ask::withdraw(&app, &peer, &look).await?;
            "desk-withdrawn"
        }
        _ => return Err(Fault::Unreadable("verb is prove or withdraw".into())),
    };
    done(&format!("/refused/asks/{token}"), Say { key: say.into(), args: Vec::new() })
}
