//! DKIM keys of a domain: made, published, switched on, replaced.

use super::{Named, find};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::outside::View as OutsideView;
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::directory::sql as directory_sql;
use gateway::dkim::{self, DomainKey, KeyState, OVERLAP_MS, Wish, rotate};
use gateway::scope::OrgScope;
use mail::auth::KeyKind;
use serde::Deserialize;

/// Days of a rotation that is chosen: half a year is what the industry advises.
const ROTATIONS: &[i64] = &[0, 30, 90, 180, 365];

/// A key as the page shows it.
struct KeyRow {
    key: DomainKey,
    tone: &'static str,
    state: &'static str,
    /// When its record may go; 0 when that is not known.
    over_ms: i64,
}

#[derive(Template)]
#[template(path = "domain/templates/keys.html")]
struct KeysPage<'a> {
    view: &'a View,
    named: &'a Named,
    keys: Vec<KeyRow>,
    rotations: &'static [i64],
    rotation: i64,
    may_change: bool,
}

/// Keys of a domain, newest first.
pub async fn keys(app: &App, named: &Named) -> Result<Vec<DomainKey>, Fault> {
    let (org, name) = (named.org, named.name.clone());
    app.db.read(move |tx| Box::pin(async move { dkim::sql::of_domain(tx, OrgScope::One(org), &name).await })).await.map_err(Fault::from)
}

/// `GET /domains/{name}/keys`.
pub async fn list(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    let keys = keys(&app, &named).await?;
    let rotation = keys.iter().filter(|key| key.state != KeyState::Retired).map(|key| key.rotate_days).max().unwrap_or(0);
    let row = |key: DomainKey| KeyRow {
        tone: match key.state {
            KeyState::Active => "good",
            KeyState::Made | KeyState::Published => "info",
            KeyState::Retiring => "warn",
            KeyState::Retired => "plain",
        },
        state: key.state.name(),
        over_ms: if key.state == KeyState::Retiring { key.state_ms + OVERLAP_MS } else { 0 },
        key,
    };
    let may_change = named.is_served() && view.may(May::Domains);
    show(&KeysPage { view: &view, named: &named, keys: keys.into_iter().map(row).collect(), rotations: ROTATIONS, rotation, may_change })
}

/// The domain, when keys may be made for it: also where the settings file names it, as keys are not settings.
pub async fn keyed(app: &App, person: &Person, name: &str) -> Result<Named, Fault> {
    let named = find(app, person, name).await?;
    person.require(May::Domains)?;
    if named.is_served() { Ok(named) } else { Err(Fault::Conflict(Say::new("domain-not-served"))) }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewKey {
    kind: String,
}

/// `POST /domains/{name}/keys`.
pub async fn make(State(app): State<App>, person: Person, Path(name): Path<String>, Form(new): Form<NewKey>) -> Page {
    let named = keyed(&app, &person, &name).await?;
    let kind = kind(&new.kind).ok_or_else(|| Fault::Unreadable("kind is rsa or ed25519".into()))?;
    make_one(&app, &person, &named, kind).await?;
    done(&format!("/domains/{}/keys", named.name), Say::new("key-made"))
}

pub fn kind(word: &str) -> Option<KeyKind> {
    match word {
        "rsa" => Some(KeyKind::Rsa2048),
        "ed25519" => Some(KeyKind::Ed25519),
        _ => None,
    }
}

/// A fresh key with its line in the audit log. Its private half never leaves this function but sealed.
pub async fn make_one(app: &App, person: &Person, named: &Named, kind: KeyKind) -> Result<DomainKey, Fault> {
    let rotate_days = keys(app, named).await?.iter().filter(|key| key.state != KeyState::Retired).map(|key| key.rotate_days).max().unwrap_or(0);
    let wish = Wish { org: named.org, domain: named.name.clone(), kind, rotate_days };
    let (seal, id, now_ms, ids, person) = (app.seal.clone(), app.fresh_id(), app.now_ms(), app.ids.clone(), person.clone());
    let made = tokio::task::spawn_blocking(move || dkim::make(&wish, &seal, id, now_ms)).await; // an RSA key takes a moment
    let key = made.map_err(|why| Fault::Ours(why.to_string()))?.map_err(|why| Fault::Ours(why.to_string()))?;
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                dkim::sql::insert(tx, &key).await?;
                let detail = serde_json::json!({ "selector": key.selector, "kind": key.kind });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(key.org), "domain.key-make", &key.domain).with(detail)).await?;
                Ok::<_, store::Error>(key)
            })
        })
        .await
        .map_err(Fault::from)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rotation {
    days: i64,
}

/// `POST /domains/{name}/keys/rotation`.
pub async fn rotation(State(app): State<App>, person: Person, Path(name): Path<String>, Form(Rotation { days }): Form<Rotation>) -> Page {
    let named = keyed(&app, &person, &name).await?;
    if !ROTATIONS.contains(&days) {
        return Err(Fault::Unreadable("days".into()));
    }
    let (now_ms, ids, to) = (app.now_ms(), app.ids.clone(), format!("/domains/{}/keys", named.name));
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                dkim::sql::set_rotation(tx, named.org, &named.name, days).await?;
                let detail = serde_json::json!({ "days": days });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "domain.key-rotation", &named.name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    done(&to, Say::new("domain-saved"))
}

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Activate,
    Retire,
    Destroy,
}

impl Verb {
    pub fn named(word: &str) -> Option<Verb> {
        match word {
            "activate" => Some(Verb::Activate),
            "retire" => Some(Verb::Retire),
            "destroy" => Some(Verb::Destroy),
            _ => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /domains/{name}/keys/{key}/{verb}`: activate, retire, destroy. The last two ask first.
pub async fn change(
    State(app): State<App>,
    view: View,
    person: Person,
    Path((name, key, verb)): Path<(String, String, String)>,
    Form(Sure { sure }): Form<Sure>,
) -> Page {
    let named = find(&app, &person, &name).await?;
    let key = key_of(&app, &named, &key).await?;
    person.require(May::Domains)?;
    let word = Verb::named(&verb).ok_or(Fault::NotFound)?;
    let back = format!("/domains/{}/keys", named.name);
    if word != Verb::Activate && sure.is_empty() {
        let (title, text) = if word == Verb::Retire { ("key-retire", "key-retire-sure") } else { ("key-destroy", "key-destroy-sure") };
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say { key: title.into(), args: Vec::new() },
                text: Say { key: text.into(), args: Vec::new() }.with("what", key.selector.as_str()),
                button: title,
                action: format!("{back}/{}/{verb}", key.id),
                fields: Vec::new(),
                back,
            },
        );
    }
    let selector = key.selector.clone();
    apply(&app, &person, key, word).await?;
    let say = match word {
        Verb::Activate => "key-activated",
        Verb::Retire => "key-retiring",
        Verb::Destroy => "key-destroyed",
    };
    done(&back, Say { key: say.into(), args: Vec::new() }.with("what", selector))
}

pub async fn key_of(app: &App, named: &Named, id: &str) -> Result<DomainKey, Fault> {
    let (id, org): (i64, _) = (id.parse().map_err(|_| Fault::NotFound)?, named.org);
    let found = app.db.read(move |tx| Box::pin(async move { dkim::sql::one(tx, OrgScope::One(org), id).await })).await.map_err(Fault::from)?;
    found.filter(|key| key.domain == named.name).ok_or(Fault::NotFound)
}

/// Takes the step when the key is where it can be taken.
pub async fn apply(app: &App, person: &Person, key: DomainKey, verb: Verb) -> Result<(), Fault> {
    let (state, done_as) = match (verb, key.state) {
        (Verb::Activate, KeyState::Made | KeyState::Published) => {
            let view = OutsideView::of(&key.domain, &app.dns, &app.dns_at).await;
            if !rotate::is_published(&key, &view).await {
                return Err(Fault::Conflict(Say::new("key-not-published").with("what", key.record_name())));
            }
            (KeyState::Active, "domain.key-activate")
        }
        (Verb::Retire, KeyState::Active) => (KeyState::Retiring, "domain.key-retire"),
        (Verb::Destroy, KeyState::Made | KeyState::Published | KeyState::Retiring) => (KeyState::Retired, "domain.key-destroy"),
        _ => return Err(Fault::Conflict(Say::new("key-wrong-state"))),
    };
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let is_done = match state {
                    KeyState::Active => dkim::sql::activate(tx, &key, now_ms).await?,
                    _ => dkim::sql::change(tx, &key, state, now_ms).await?,
                };
                if !is_done {
                    return Err(Fault::Conflict(Say::new("key-wrong-state")));
                }
                directory_sql::bump(tx).await?;
                let detail = serde_json::json!({ "selector": key.selector });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(key.org), done_as, &key.domain).with(detail)).await?;
                Ok(())
            })
        })
        .await?;
    super::follow(app).await;
    Ok(())
}
