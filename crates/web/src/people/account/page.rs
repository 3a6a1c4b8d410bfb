//! The account page, and what is kept of how one likes to see pages.

use super::{sure_first, wrong_name};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::view::{Colours, kept_choice};
use crate::page::words::Lang;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show, show_with, time};
use crate::people::factor::sql::{self as factor_sql, PasskeyRow};
use crate::people::factor::{CODES, Factors};
use crate::people::sql::{self, SessionRow};
use crate::people::token::sql::{self as token_sql, TokenRow};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::scope::OrgScope;
use serde::{Deserialize, Serialize};
use store::Error;

#[derive(Template)]
#[template(path = "people/templates/account.html")]
struct AccountPage<'a> {
    view: &'a View,
    person: &'a Person,
    form: &'a Shown,
    zones: Vec<String>,
    langs: [Lang; 2],
    factors: Factors,
    /// What a full set of recovery codes has.
    codes: usize,
    passkeys: Vec<PasskeyRow>,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    may_tokens: bool,
}

#[derive(Template)]
#[template(path = "people/templates/welcome.html")]
struct WelcomePage<'a> {
    view: &'a View,
    factors: Factors,
    /// Nothing else opens before one is set up.
    is_needed: bool,
}

/// How somebody likes to see pages, as a form and the API have it. "" is as the browser says.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewWish {
    pub name: String,
    pub language: String,
    pub zone: String,
    pub colours: String,
}

/// What of a wish cannot be.
pub fn wrong_view(wish: &ViewWish) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = wrong_name(wish.name.trim()).into_iter().collect();
    if !wish.language.is_empty() && !Lang::ALL.iter().any(|lang| lang.tag() == wish.language) {
        wrong.push(Wrong::new("language", "account-wrong-language"));
    }
    let is_zone = wish.zone.is_empty() || wish.zone == "UTC" || time::zone(&wish.zone) != jiff::tz::TimeZone::UTC;
    if !is_zone {
        wrong.push(Wrong::new("zone", "account-wrong-zone"));
    }
    if !wish.colours.is_empty() && !Colours::ALL.iter().any(|colours| colours.name() == wish.colours) {
        wrong.push(Wrong::new("colours", "account-wrong-colours"));
    }
    wrong
}

/// `GET /account`.
pub async fn page(State(app): State<App>, view: View, person: Person) -> Page {
    let wish = ViewWish {
        name: person.name.clone(),
        language: person.lang.map_or("", Lang::tag).into(),
        zone: person.zone.clone(),
        colours: person.colours.clone(),
    };
    shown(&app, &view, &person, &Shown::of(&wish)).await
}

async fn shown(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let (id, now_ms, this) = (person.id, app.now_ms(), person.session.clone());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let factors = factor_sql::factors(tx, id).await?;
            let (passkeys, sessions) = (factor_sql::passkeys(tx, id).await?, sql::sessions(tx, id, &this, now_ms).await?);
            // One's own tokens, wherever they act.
            let tokens = token_sql::of_person(tx, OrgScope::All, id, now_ms).await?;
            Ok::<_, Error>((factors, passkeys, sessions, tokens))
        })
    });
    let (factors, passkeys, sessions, tokens) = found.await?;
    let status = form.status();
    let page = AccountPage {
        view,
        person,
        form,
        zones: zones(),
        langs: Lang::ALL,
        factors,
        codes: CODES,
        passkeys,
        sessions,
        tokens,
        may_tokens: person.may(May::Tokens),
    };
    show_with(status, &page)
}

/// Names of time zones, as the system knows them.
fn zones() -> Vec<String> {
    const ZONES_MAX: usize = 1000;
    let mut zones: Vec<String> =
        jiff::tz::db().available().map(|name| name.to_string()).filter(|name| name.contains('/')).take(ZONES_MAX).collect();
    zones.sort();
    zones
}

/// `POST /account`: name, language, time zone, colours.
pub async fn save(State(app): State<App>, view: View, person: Person, Form(wish): Form<ViewWish>) -> Page {
    let wrong = wrong_view(&wish);
    if !wrong.is_empty() {
        return shown(&app, &view, &person, &Shown::of(&wish).with_wrong(wrong)).await;
    }
    keep(&app, &person, &wish).await?;
    let mut answer = done("/account", Say::new("account-kept"))?;
    for cookie in kept_choice(&wish.language, &wish.colours) {
        answer.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Keeps a wish that was checked, with its line in the log.
pub(in crate::people) async fn keep(app: &App, person: &Person, wish: &ViewWish) -> Result<(), Fault> {
    let (ids, now_ms, person, wish) = (app.ids.clone(), app.now_ms(), person.clone(), wish.clone());
    let kept: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::set_name(tx, person.id, wish.name.trim()).await?;
                sql::set_view(tx, person.id, &wish.language, &wish.zone, &wish.colours).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.account", person.id)).await
            })
        })
        .await;
    Ok(kept?)
}

/// `GET /account/welcome`: after the first sign-in, offers a second factor.
pub async fn welcome(State(app): State<App>, view: View, person: Person) -> Page {
    let id = person.id;
    let factors = app.db.read(move |tx| Box::pin(async move { factor_sql::factors(tx, id).await })).await?;
    show(&WelcomePage { view: &view, factors, is_needed: person.lacks_factor })
}

/// `POST /account/sessions/{session}`: ends one of one's own.
pub async fn end_session(State(app): State<App>, person: Person, Path(session): Path<String>) -> Page {
    let session: i64 = session.parse().map_err(|_| Fault::NotFound)?;
    end_own(&app, &person, Some(session)).await?;
    done("/account", Say::new("account-session-ended"))
}

/// `POST /account/sessions/end`: ends all but this one.
pub async fn end_others(State(app): State<App>, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account") {
        return page;
    }
    end_own(&app, &person, None).await?;
    done("/account", Say::new("account-sessions-ended"))
}

/// Ends one of one's own sessions, or all but this one.
pub(in crate::people) async fn end_own(app: &App, person: &Person, one: Option<i64>) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                match one {
                    Some(session) if !sql::end_one(tx, person.id, session).await? => return Err(Fault::NotFound),
                    Some(_) => {}
                    None => drop(sql::end_all(tx, person.id, &person.session).await?),
                }
                Ok(audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.sessions-ended", person.id)).await?)
            })
        })
        .await
}
