//! How one signs in: password, authenticator app, passkeys, recovery codes.

use super::sure_first;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::confirm::{self, Confirm};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show, show_with};
use crate::people::factor::{self, Factors, sql, totp};
use crate::people::{Person, limit, password as rules, sql as people_sql};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use store::Error;

#[derive(Template)]
#[template(path = "people/templates/password.html")]
struct PasswordPage<'a> {
    view: &'a View,
    form: &'a Shown,
    email: &'a str,
    needs_old: bool,
    chars_min: usize,
}

#[derive(Template)]
#[template(path = "people/templates/app.html")]
struct AppPage<'a> {
    view: &'a View,
    form: &'a Shown,
    is_on: bool,
    qr: String,
    /// In groups of four, to type.
    secret: String,
}

#[derive(Template)]
#[template(path = "people/templates/recovery.html")]
struct RecoveryPage<'a> {
    view: &'a View,
    /// Shown once, right after they were made, one a line.
    codes: String,
    left: i64,
}

#[derive(Template)]
#[template(path = "people/templates/passkey.html")]
struct PasskeyPage<'a> {
    view: &'a View,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewPassword {
    #[serde(skip_serializing)]
    old: String,
    #[serde(skip_serializing)]
    password: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Typed {
    #[serde(skip_serializing)]
    code: String,
    sure: String,
}

async fn factors(app: &App, person: &Person) -> Result<Factors, Fault> {
    let id = person.id;
    Ok(app.db.read(move |tx| Box::pin(async move { sql::factors(tx, id).await })).await?)
}

/// Whether the old password is needed: not by those who have none, nor by those who just came through a link, which is what
/// somebody does who forgot it.
async fn needs_old(app: &App, person: &Person) -> Result<bool, Fault> {
    let digest = person.session.clone();
    let how = app.db.read(move |tx| Box::pin(async move { people_sql::session_how(tx, &digest).await })).await?;
    Ok(factors(app, person).await?.has_password && how != "link")
}

/// `GET /account/password`.
pub async fn password_form(State(app): State<App>, view: View, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/password") {
        return page;
    }
    password_page(&app, &view, &person, &Shown::default()).await
}

async fn password_page(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let status = form.status();
    let needs_old = needs_old(app, person).await?;
    show_with(status, &PasswordPage { view, form, email: &person.email, needs_old, chars_min: rules::CHARS_MIN })
}

/// `POST /account/password`: all other sessions end, as somebody else may have known the old one.
pub async fn password(State(app): State<App>, view: View, person: Person, Form(new): Form<NewPassword>) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/password") {
        return page;
    }
    let (key, id, now_ms) = (format!("sure {}", person.id.0), person.id, app.now_ms());
    let mut wrong: Vec<Wrong> = rules::wrong("password", &new.password, &[&person.email, &person.name]).into_iter().collect();
    if needs_old(&app, &person).await? {
        app.limits().take(&key, limit::CODE, now_ms)?;
        let stored = app.db.read(move |tx| Box::pin(async move { people_sql::password(tx, id).await })).await?;
        match rules::fits(&new.old, &stored).await? {
            true => app.limits().give_back(&key),
            false => wrong.push(Wrong::new("old", "password-wrong-old")),
        }
    }
    if !wrong.is_empty() {
        return password_page(&app, &view, &person, &Shown::default().with_wrong(wrong)).await;
    }
    let hash = rules::hash(&new.password).await?;
    let ids = app.ids.clone();
    let set: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                people_sql::set_password(tx, id, &hash).await?;
                people_sql::end_all(tx, id, &person.session).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.password", id)).await
            })
        })
        .await;
    set?;
    done("/account", Say::new("password-set"))
}

/// `GET /account/app`: the secret to scan, while it is not confirmed.
pub async fn app_form(State(app): State<App>, view: View, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/app") {
        return page;
    }
    app_page(&app, &view, &person, &Shown::default()).await
}

async fn app_page(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let (id, now_ms, fresh, seal) = (person.id, app.now_ms(), totp::fresh_secret()?, app.seal.clone());
    // Showing the form makes the secret, once: it is nothing until a code confirms it.
    let found = app.db.tx(move |tx| {
        Box::pin(async move {
            sql::offer_totp(tx, &seal, id, (&fresh, now_ms)).await?;
            sql::totp(tx, &seal, id).await
        })
    });
    let kept = found.await?.ok_or_else(|| Fault::Ours("a secret was kept and is not there".into()))?;
    let (mut qr, mut secret) = (String::new(), String::new());
    if !kept.is_on {
        qr = totp::qr(&totp::uri(&kept.secret, "Gatepost", &person.email), &view.t("app-qr"));
        secret = kept.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    }
    let status = form.status();
    show_with(status, &AppPage { view, form, is_on: kept.is_on, qr, secret })
}

/// `POST /account/app`: a code of the app confirms it. Those without recovery codes get them next.
pub async fn app(State(app): State<App>, view: View, person: Person, Form(typed): Form<Typed>) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/app") {
        return page;
    }
    let (id, now_ms, ids, by, seal) = (person.id, app.now_ms(), app.ids.clone(), person.clone(), app.seal.clone());
    app.limits().take(&format!("code {}", id.0), limit::CODE, now_ms)?;
    let confirmed = app.db.tx(move |tx| {
        Box::pin(async move {
            let Some(kept) = sql::totp(tx, &seal, id).await?.filter(|kept| !kept.is_on) else { return Ok(None) };
            let Some(step) = totp::fitting_step(&kept.secret, &typed.code, now_ms, 0) else { return Ok(None) };
            if !sql::confirm_totp(tx, id, step).await? {
                return Ok(None);
            }
            audit::note(tx, &by, &ids, now_ms, Entry::new(by.home, "people.app-added", id)).await?;
            Ok::<_, Error>(Some(sql::factors(tx, id).await?.recovery_codes))
        })
    });
    match confirmed.await? {
        Some(0) => done("/account/recovery", Say::new("app-added")),
        Some(_) => done("/account", Say::new("app-added")),
        None => app_page(&app, &view, &person, &Shown::default().with_wrong(vec![Wrong::new("code", "second-wrong")])).await,
    }
}

/// `POST /account/app/remove`: asks first.
pub async fn remove_app(State(app): State<App>, view: View, person: Person, Form(typed): Form<Typed>) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account") {
        return page;
    }
    if typed.sure.is_empty() {
        return asked(&view, "app-remove", "app-remove-sure", "/account/app/remove");
    }
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let removed = app.db.tx(move |tx| {
        Box::pin(async move {
            let is_gone = sql::remove_totp(tx, person.id).await?;
            if is_gone {
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.app-removed", person.id)).await?;
            }
            Ok::<_, Error>(is_gone)
        })
    });
    if removed.await? { done("/account", Say::new("app-removed")) } else { Err(Fault::NotFound) }
}

fn asked(view: &View, title: &'static str, text: &'static str, action: &str) -> Page {
    let (title, text) = (Say::new(title), Say::new(text));
    let button = if title.key == "app-remove" { "app-remove" } else { "passkey-remove" };
    confirm::page(view, &Confirm { title, text, button, action: action.into(), fields: Vec::new(), back: "/account".into() })
}

/// `GET /account/recovery`.
pub async fn recovery_form(State(app): State<App>, view: View, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/recovery") {
        return page;
    }
    show(&RecoveryPage { view: &view, codes: String::new(), left: factors(&app, &person).await?.recovery_codes })
}

/// `POST /account/recovery`: new codes, shown on this page only; older ones hold no longer.
pub async fn recovery(State(app): State<App>, view: View, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/recovery") {
        return page;
    }
    let codes = factor::fresh_codes()?;
    let (shown, digests): (Vec<String>, Vec<String>) = codes.into_iter().unzip();
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let kept: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::set_recovery_codes(tx, person.id, &digests).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.recovery-codes", person.id)).await
            })
        })
        .await;
    kept?;
    let left = shown.len() as i64;
    show(&RecoveryPage { view: &view, codes: shown.join("\n"), left })
}

/// `GET /account/passkeys/new`.
pub async fn passkey_form(State(app): State<App>, view: View, person: Person) -> Page {
    if let Some(page) = sure_first(&app, &person, "/account/passkeys/new") {
        return page;
    }
    show(&PasskeyPage { view: &view })
}

/// `POST /account/passkeys/{passkey}/remove`: asks first.
pub async fn remove_passkey(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(passkey): Path<String>,
    Form(typed): Form<Typed>,
) -> Page {
    let (id, wanted) = (person.id, passkey.clone());
    let all = app.db.read(move |tx| Box::pin(async move { sql::passkeys(tx, id).await })).await?;
    if !all.iter().any(|one| one.id == wanted) {
        return Err(Fault::NotFound);
    }
    if let Some(page) = sure_first(&app, &person, "/account") {
        return page;
    }
    if typed.sure.is_empty() {
        return asked(&view, "passkey-remove", "passkey-remove-sure", &format!("/account/passkeys/{passkey}/remove"));
    }
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let removed = app.db.tx(move |tx| {
        Box::pin(async move {
            if !sql::remove_passkey(tx, person.id, &passkey).await? {
                return Err(Fault::NotFound);
            }
            Ok(audit::note(tx, &person, &ids, now_ms, Entry::new(person.home, "people.passkey-removed", person.id)).await?)
        })
    });
    removed.await?;
    done("/account", Say::new("passkey-removed"))
}
