//! Making an entry: the form, what it would have done, and saving it.

use super::{DAYS_DEFAULT, NewEntry, may_make, own_scope, save};
use crate::App;
use crate::draft::{self, What};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use crate::policy;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use gateway::directory::{Effect, EntryKind};
use serde::{Deserialize, Serialize};

/// An entry as a form or a link sends it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntryForm {
    effect: String,
    kind: String,
    value: String,
    scope: String,
    /// Days, or "never".
    days: String,
    note: String,
    #[serde(skip_serializing)]
    verb: String,
    /// A draft that is changed once more.
    #[serde(skip_serializing)]
    draft: String,
}

#[derive(Template)]
#[template(path = "entry/templates/form.html")]
struct FormPage<'a> {
    view: &'a View,
    form: &'a Shown,
    effects: &'static [&'static str],
    kinds: &'static [&'static str],
    days: &'static [&'static str],
    /// Only for one's own mailbox.
    own: String,
}

const EFFECTS: &[&str] = &["allow", "block"];
const KINDS: &[&str] = &["address", "domain", "ip", "host", "hash"];
const OWN_KINDS: &[&str] = &["address", "domain"];
pub(super) const DAYS: &[&str] = &["1", "7", "30", "60", "90", "never"];

impl EntryForm {
    fn read(&self) -> Result<NewEntry, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let effect = Effect::named(&self.effect).unwrap_or_else(|| {
            wrong.push(Wrong::new("effect", "entry-wrong-effect"));
            Effect::Block
        });
        let kind = EntryKind::named(&self.kind).unwrap_or_else(|| {
            wrong.push(Wrong::new("kind", "entry-wrong-kind"));
            EntryKind::Address
        });
        let days = days(&self.days).unwrap_or_else(|| {
            wrong.push(Wrong::new("days", "entry-wrong-days"));
            Some(DAYS_DEFAULT)
        });
        let (value, scope, note) = (self.value.trim().to_string(), self.scope.clone(), self.note.clone());
        if wrong.is_empty() { Ok(NewEntry { effect, kind, value, scope, days, note }) } else { Err(wrong) }
    }
}

/// "30" or "never"; '' is the usual span. `None`: neither.
pub(super) fn days(text: &str) -> Option<Option<i64>> {
    match text {
        "" => Some(Some(DAYS_DEFAULT)),
        "never" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

/// `GET /entries/new`: what a link names stands in the form already.
pub async fn fresh(State(app): State<App>, view: View, person: Person, Query(asked): Query<EntryForm>) -> Page {
    let own = own(&app, &person).await?;
    let mut form = asked;
    if let Some(entry) = drafted(&app, &person, &form.draft).await? {
        form = EntryForm {
            effect: entry.effect.name().into(),
            kind: entry.kind.name().into(),
            value: entry.value,
            scope: entry.scope,
            days: entry.days.map_or("never".into(), |days| days.to_string()),
            note: entry.note,
            ..EntryForm::default()
        };
    }
    for (field, usual) in [(&mut form.effect, "allow"), (&mut form.kind, "address"), (&mut form.days, "30")] {
        if field.is_empty() {
            *field = usual.into();
        }
    }
    if !own.is_empty() {
        form.scope = own.clone();
    }
    shown(&view, &Shown::of(&form), own)
}

/// The entry that a draft holds; `None` for '' and for drafts of something else.
async fn drafted(app: &App, person: &Person, id: &str) -> Result<Option<NewEntry>, Fault> {
    if id.is_empty() {
        return Ok(None);
    }
    Ok(match draft::mine(app, person, id).await?.what {
        What::Entry { entry } => Some(entry),
        What::Policy { .. } => None,
    })
}

/// The mailbox this person is limited to; '' for those who look after entries.
async fn own(app: &App, person: &Person) -> Result<String, Fault> {
    if person.may(May::Entries) {
        person.acting_org()?;
        return Ok(String::new());
    }
    let own = own_scope(person);
    let like = NewEntry {
        effect: Effect::Allow,
        kind: EntryKind::Address,
        value: String::new(),
        scope: own.clone(),
        days: Some(DAYS_DEFAULT),
        note: String::new(),
    };
    may_make(app, person, &like).await?;
    Ok(own)
}

fn shown(view: &View, form: &Shown, own: String) -> Page {
    let status = form.status();
    let kinds = if own.is_empty() { KINDS } else { OWN_KINDS };
    show_with(status, &FormPage { view, form, effects: EFFECTS, kinds, days: DAYS, own })
}

/// `POST /entries/new`: `verb` is "replay" or "save".
pub async fn create(State(app): State<App>, view: View, person: Person, Form(mut form): Form<EntryForm>) -> Page {
    let own = own(&app, &person).await?;
    if !own.is_empty() {
        form.scope = own.clone();
    }
    let org = person.acting_org()?;
    let new = match form.read().and_then(|typed| NewEntry::checked(&app, org, typed)) {
        Ok(new) => new,
        Err(wrong) => return shown(&view, &Shown::of(&form).with_wrong(wrong), own),
    };
    may_make(&app, &person, &new).await?;
    if form.verb == "replay" {
        let id = draft::begin(&app, &person, What::Entry { entry: new }, draft::DAYS_DEFAULT).await?;
        return Ok(Redirect::to(&format!("/drafts/{id}")).into_response());
    }
    let (fresh, value) = ((org, app.fresh_id(), app.now_ms()), new.value.clone());
    let who = person.clone();
    let made = policy::change(&app, &person, move |tx| Box::pin(async move { save(tx, fresh, new, &who).await })).await;
    match made {
        Err(Fault::Conflict(say)) => shown(&view, &Shown::of(&form).with_wrong(vec![Wrong { field: "value", say }]), own),
        Err(other) => Err(other),
        Ok(()) => done(if own.is_empty() { "/entries" } else { "/entries/mine" }, Say::new("entry-made").with("what", value)),
    }
}
