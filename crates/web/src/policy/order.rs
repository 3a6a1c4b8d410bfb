//! The order of policies, switching them on and off, deleting them.

use super::{Base, arrange, encoded, list, remove, save};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, Say, View, confirm, done};
use crate::people::{May, Person};
use axum::Form;
use axum::extract::{Path, State};
use futures_util::future::BoxFuture;
use gateway::policy::PolicySettings;
use gateway::policy::sql;
use serde::Deserialize;
use store::Tx;

/// Priorities for policies in this order. Those of the settings file bring their own and keep it; `None` when they leave no room.
pub(super) fn priorities(slots: &[Option<i64>]) -> Option<Vec<i64>> {
    let mut given: Vec<i64> = Vec::with_capacity(slots.len());
    for (at, slot) in slots.iter().enumerate() {
        let before = given.last().copied();
        let fixed = slots[at..].iter().enumerate().find_map(|(ahead, slot)| slot.map(|priority| (ahead as i64, priority)));
        let priority = match (slot, before, fixed) {
            (Some(priority), ..) => *priority,
            (None, Some(before), _) => before + 1,
            // The first ones stand right before what the file fixes, or begin at 0.
            (None, None, Some((ahead, priority))) => (priority - ahead).min(0),
            (None, None, None) => 0,
        };
        if before.is_some_and(|before| before >= priority) {
            return None;
        }
        given.push(priority);
    }
    Some(given)
}

/// `POST /policies/order`: `name` once for each policy, in their new order; `move` as "up:NAME" or "down:NAME" moves one of them.
pub async fn reorder(State(app): State<App>, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    let mut names: Vec<String> = pairs.iter().filter(|(key, _)| key == "name").map(|(_, name)| name.clone()).collect();
    let step = pairs.iter().find(|(key, _)| key == "move").and_then(|(_, step)| step.split_once(':'));
    if let Some((way, name)) = step {
        let at = names.iter().position(|one| one == name).ok_or(Fault::Changed)?;
        let to = if way == "up" { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < names.len()) };
        let to = to.ok_or_else(|| Fault::Conflict(Say::new("policy-order-end")))?;
        names.swap(at, to);
    }
    change(&app, &person, move |tx| Box::pin(async move { arrange(tx, org, &names).await })).await?;
    let say = match step {
        Some((_, name)) => Say::new("policy-moved").with("what", name),
        None => Say::new("policy-ordered"),
    };
    // The focus comes back to the button that was pressed.
    let back = step.map(|(way, name)| {
        format!("/policies?{}#{}", crate::page::guard::form_pair("moved", &format!("{way}:{name}")), list::anchor(way, name))
    });
    done(back.as_deref().unwrap_or("/policies"), say)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    on: String,
    sure: String,
}

/// `POST /policies/{name}/switch`: `on` is "1" or "0".
pub async fn switch(State(app): State<App>, person: Person, Path(name): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Policies)?;
    let (org, enabled, of) = (person.acting_org()?, wanted.on == "1", name.clone());
    change(&app, &person, move |tx| {
        Box::pin(async move {
            let there = sql::one(tx, org, &of).await?.ok_or(Fault::NotFound)?;
            save(tx, org, PolicySettings { enabled, ..there.settings }, Base::Any).await
        })
    })
    .await?;
    done("/policies", Say::new(if enabled { "policy-switched-on" } else { "policy-switched-off" }).with("what", name))
}

/// `POST /policies/{name}/delete`: asks first.
pub async fn delete(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Policies)?;
    let (org, of) = (person.acting_org()?, name.clone());
    let asked = of.clone();
    let there = app.db.read(move |tx| Box::pin(async move { sql::one(tx, org, &asked).await })).await.map_err(Fault::from)?;
    there.ok_or(Fault::NotFound)?;
    if wanted.sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("policy-delete-title").with("what", name.as_str()),
                text: Say::new("policy-delete-sure"),
                button: "policy-delete",
                action: format!("/policies/{}/delete", encoded(&name)),
                fields: Vec::new(),
                back: format!("/policies/{}", encoded(&name)),
            },
        );
    }
    change(&app, &person, move |tx| Box::pin(async move { remove(tx, org, &of).await })).await?;
    done("/policies", Say::new("policy-deleted").with("what", name))
}

/// Changes policies with a line in the audit log in the same transaction, and makes this server see it at once.
pub async fn change(
    app: &App,
    person: &Person,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Entry, Fault>> + Send + 'static,
) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let entry = work(tx).await?;
                audit::note(tx, &person, &ids, now_ms, entry).await.map_err(Fault::from)
            })
        })
        .await?;
    app.directory.reload().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::priorities;

    #[test]
    fn policies_of_the_file_keep_their_priority() {
        for (slots, want) in [
            (vec![], Some(vec![])),
            (vec![None, None], Some(vec![0, 1])),
            (vec![None, Some(0), None], Some(vec![-1, 0, 1])),
            (vec![Some(5), None, Some(7), None], Some(vec![5, 6, 7, 8])),
            (vec![Some(5), None, None, Some(7)], None),
            (vec![Some(7), Some(5)], None),
            (vec![None, None, Some(9)], Some(vec![0, 1, 9])),
        ] {
            assert_eq!(priorities(&slots), want, "{slots:?}");
        }
    }
}
