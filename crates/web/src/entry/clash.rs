//! Entries that speak about the same: which of them wins, and which can never win.

use super::NewEntry;
use crate::App;
use crate::page::{Fault, Say, View};
use gateway::directory::{Effect, Entry};
use gateway::entry::{self, Listed};
use mail::OrgId;
use store::Error;

/// What an entry and another one are to each other, as a sentence about `ours`; `None`: they do not get into each other's way.
pub(super) fn clash(ours: &Entry, other: &Listed, now_ms: i64) -> Option<&'static str> {
    let theirs = &other.entry;
    if theirs.expires_ms.is_some_and(|end| end <= now_ms) {
        return None;
    }
    let covers = |wide: &Entry, narrow: &Entry| wide.scope.is_empty() || wide.scope == narrow.scope;
    let meet = covers(ours, theirs) || covers(theirs, ours);
    let is_same_value = ours.kind == theirs.kind && ours.value == theirs.value;
    match (ours.effect, theirs.effect) {
        _ if !meet => None,
        (Effect::Allow, Effect::Block) if covers(theirs, ours) => Some("entry-clash-never"),
        (Effect::Allow, Effect::Block) => Some("entry-clash-partly"),
        (Effect::Block, Effect::Allow) if is_same_value => Some("entry-clash-blocks"),
        (Effect::Block, Effect::Allow) => Some("entry-clash-blocks-more"),
        _ if is_same_value && covers(theirs, ours) => Some("entry-clash-double"),
        _ if covers(theirs, ours) => Some("entry-clash-wider"),
        _ => None,
    }
}

/// Sentences about what a new entry meets.
pub async fn clashes_of(app: &App, view: &View, org: OrgId, new: &NewEntry) -> Result<Vec<String>, Fault> {
    sentences(app, view, org, &new.as_entry(0, None)).await
}

pub(super) async fn sentences(app: &App, view: &View, org: OrgId, ours: &Entry) -> Result<Vec<String>, Fault> {
    let (asked, now_ms) = (ours.clone(), app.now_ms());
    let others: Result<Vec<Listed>, Error> = app.db.read(move |tx| Box::pin(async move { entry::clashing(tx, org, &asked).await })).await;
    let told = |other: &Listed| {
        let key = clash(ours, other, now_ms)?;
        let theirs = &other.entry;
        let scope = if theirs.scope.is_empty() { view.t("entry-everybody") } else { theirs.scope.clone() };
        Some(view.say(&Say::new(key).with("what", theirs.value.as_str()).with("scope", scope)))
    };
    Ok(others?.iter().filter_map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::directory::EntryKind;

    #[test]
    fn what_two_entries_are_to_each_other() {
        use Effect::{Allow, Block};
        let entry = |effect, value: &str, scope: &str| {
            let kind = if value.contains('@') { EntryKind::Address } else { EntryKind::Domain };
            Entry { id: 1, effect, kind, value: value.into(), scope: scope.into(), expires_ms: Some(10), note: String::new() }
        };
        let (tom, partner, li) = ("tom@partner.example", "partner.example", "li@demo.example");
        for (ours, theirs, now_ms, want) in [
            (entry(Allow, tom, ""), entry(Block, tom, ""), 0, Some("entry-clash-never")),
            (entry(Allow, tom, ""), entry(Block, partner, ""), 0, Some("entry-clash-never")),
            (entry(Allow, tom, ""), entry(Block, partner, ""), 10, None),
            (entry(Allow, tom, li), entry(Block, tom, ""), 0, Some("entry-clash-never")),
            (entry(Allow, tom, ""), entry(Block, tom, li), 0, Some("entry-clash-partly")),
            (entry(Allow, tom, li), entry(Block, tom, "bo@demo.example"), 0, None),
            (entry(Block, tom, ""), entry(Allow, tom, ""), 0, Some("entry-clash-blocks")),
            (entry(Block, tom, ""), entry(Allow, partner, ""), 0, Some("entry-clash-blocks-more")),
            (entry(Allow, tom, ""), entry(Allow, partner, ""), 0, Some("entry-clash-wider")),
            (entry(Block, tom, li), entry(Block, tom, ""), 0, Some("entry-clash-double")),
        ] {
            let other = Listed { org: OrgId(1), entry: theirs, made_ms: 0, made_by: String::new(), source: String::new() };
            assert_eq!(clash(&ours, &other, now_ms), want, "{ours:?} {other:?}");
        }
    }
}
