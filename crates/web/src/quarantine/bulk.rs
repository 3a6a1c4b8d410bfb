//! Deciding about everything that matches a search: in steps of bounded size, each of which says how far it is. With scripts the
//! next step begins by itself; without, a press of a button goes on. Stopping between two steps leaves what was done done.

use super::decide::{self, Verb};
use super::list::{self, Asked};
use super::policy;
use crate::App;
use crate::page::{Fault, Page, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::State;

/// Rows decided about in one step.
const STEP: usize = 100;

#[derive(Template)]
#[template(path = "quarantine/templates/bulk.html")]
struct BulkPage<'a> {
    view: &'a View,
    title: &'static str,
    fields: Vec<(String, String)>,
    looked_at: usize,
    /// `None` when nobody can tell.
    total: Option<usize>,
    said: crate::page::Say,
    back: &'a str,
}

type Pairs = Vec<(String, String)>;

fn number(pairs: &Pairs, name: &str) -> usize {
    value(pairs, name).parse().unwrap_or(0)
}

fn value<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// `POST /quarantine/all`: the fields of the search, `verb`, `mine`, `sure`, and how far the steps before came.
pub async fn step(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Pairs>) -> Page {
    let is_mine = !value(&pairs, "mine").is_empty();
    person.require(if is_mine { May::OwnQuarantine } else { May::Quarantine })?;
    let verb = Verb::parse(value(&pairs, "verb"))?;
    let back = if is_mine { "/quarantine/mine" } else { "/quarantine" };
    let own = is_mine.then(|| person.email.clone());
    let mut filter = Asked::of_pairs(&pairs, own).filter();
    filter.limit = STEP;
    if value(&pairs, "sure").is_empty() {
        return asked(&app, &view, (&person, verb), (filter, pairs, back)).await;
    }
    let rules = policy::rules(&app, &person).await?;
    let (rows, next) = app.quarantine.list(person.scope(), filter).await?;
    let (mut did, mut refused) = (number(&pairs, "did"), number(&pairs, "refused"));
    for row in &rows {
        match decide::one(&app, &person, ((row.mail, row.n), verb), &rules).await {
            Ok(count) => did += count,
            Err(Fault::Ours(why)) => return Err(Fault::Ours(why)),
            Err(_) => refused += 1,
        }
    }
    let said = verb.said(did, refused);
    let Some(next) = next else { return done(back, said) };
    let total = value(&pairs, "total").parse().ok();
    let counts = [("did", did.to_string()), ("refused", refused.to_string()), ("after", list::written(next))];
    let kept = pairs.iter().filter(|(key, _)| !counts.iter().any(|(name, _)| name == key)).cloned();
    let kept: Pairs = kept.collect();
    let fields = kept.into_iter().chain(counts.map(|(name, value)| (name.to_string(), value))).collect();
    show(&BulkPage { view: &view, title: title(verb), fields, looked_at: did + refused, total, said, back })
}

fn title(verb: Verb) -> &'static str {
    if verb == Verb::Release { "quarantine-release-all" } else { "quarantine-delete-all" }
}

/// Asks first, also before a release: it may be thousands.
async fn asked(app: &App, view: &View, (person, verb): (&Person, Verb), of: (gateway::quarantine::Filter, Pairs, &str)) -> Page {
    let (filter, mut fields, back) = of;
    let total = app.quarantine.count(person.scope(), filter).await?;
    if let Some(total) = total {
        fields.push(("total".into(), total.to_string()));
    }
    let text = match (total, verb) {
        (Some(total), Verb::Delete) => crate::page::Say::new("quarantine-delete-sure").with("count", total),
        (Some(total), Verb::Release) => crate::page::Say::new("quarantine-release-sure").with("count", total),
        (None, Verb::Delete) => crate::page::Say::new("quarantine-delete-all-sure"),
        (None, Verb::Release) => crate::page::Say::new("quarantine-release-all-sure"),
    };
    let sure = confirm::Confirm {
        title: crate::page::Say::new(title(verb)),
        text,
        button: title(verb),
        action: "/quarantine/all".into(),
        fields,
        back: back.into(),
    };
    confirm::page(view, &sure)
}
