//! The list of policies in the order they are asked, and the presets side by side.

use super::{body, encoded, ordered};
use crate::App;
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use detect::Class;
use gateway::policy::sql::{self, Stored};
use gateway::policy::{PolicySettings, Preset};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "policy/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    may_change: bool,
    presets: Vec<PresetRow>,
    customs: Vec<CustomRow>,
    /// The preset of the whole organisation, when there is one: then nothing else is asked.
    everybody: Option<&'static str>,
    sides: Vec<Side>,
    focus: String,
}

/// Strict or standard.
struct PresetRow {
    name: &'static str,
    who: Vec<String>,
    is_on: bool,
    is_of_file: bool,
}

struct CustomRow {
    name: String,
    path: String,
    who: Vec<String>,
    what: Vec<(String, String)>,
    is_on: bool,
    is_of_file: bool,
    is_first: bool,
    is_last: bool,
    up: String,
    down: String,
}

/// One line of the comparison: what, and default, standard, strict.
struct Side {
    title: String,
    values: Vec<String>,
    note: String,
}

/// Values of a filter that are named in the list.
const NAMED_MAX: usize = 3;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    moved: String,
}

/// Identifier of a button that moves a policy.
pub(super) fn anchor(way: &str, name: &str) -> String {
    format!("{way}-{}", encoded(name).replace('%', "_"))
}

/// `GET /policies`.
pub async fn list(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::ReadSettings)?;
    let org = person.acting_org()?;
    let rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, org).await })).await.map_err(Fault::from)?;
    let rows = ordered(rows);
    let directory = app.directory.snapshot();
    let everybody = directory.organisation(org).map(|org| org.settings.preset).filter(|preset| *preset != Preset::Default);
    let custom: Vec<&Stored> = rows.iter().filter(|row| body::preset(&row.settings.name).is_none()).collect();
    let last = custom.len().saturating_sub(1);
    // A policy at the end has only one button left: the focus goes to that.
    let focus = asked.moved.split_once(':').map(|(way, name)| match custom.iter().position(|row| row.settings.name == name) {
        Some(0) => anchor("down", name),
        Some(at) if at == last => anchor("up", name),
        _ => anchor(way, name),
    });
    show(&ListPage {
        view: &view,
        may_change: person.may(May::Policies),
        presets: [Preset::Strict, Preset::Standard].map(|preset| preset_row(&view, &rows, preset)).into(),
        customs: custom.iter().enumerate().map(|(at, row)| custom_row(&view, row, (at == 0, at == last))).collect(),
        everybody: everybody.map(Preset::name),
        sides: sides(&view),
        focus: focus.unwrap_or_default(),
    })
}

fn preset_row(view: &View, rows: &[Stored], preset: Preset) -> PresetRow {
    let row = rows.iter().find(|row| row.settings.name == preset.name());
    PresetRow {
        name: preset.name(),
        who: row.map(|row| who(view, &row.settings)).unwrap_or_default(),
        is_on: row.is_some_and(|row| row.settings.enabled),
        is_of_file: row.is_some_and(Stored::is_of_file),
    }
}

fn custom_row(view: &View, row: &Stored, (is_first, is_last): (bool, bool)) -> CustomRow {
    let settings = &row.settings;
    CustomRow {
        path: format!("/policies/{}", encoded(&settings.name)),
        who: who(view, settings),
        what: differences(view, settings),
        is_on: settings.enabled,
        is_of_file: row.is_of_file(),
        is_first,
        is_last,
        up: anchor("up", &settings.name),
        down: anchor("down", &settings.name),
        name: settings.name.clone(),
    }
}

/// Whom it is for, in a few words.
pub(super) fn who(view: &View, settings: &PolicySettings) -> Vec<String> {
    let named = |values: &[String]| {
        let mut text = values.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        if values.len() > NAMED_MAX {
            text.push_str(&format!(" {}", view.n("policy-and-more", values.len() - NAMED_MAX)));
        }
        text
    };
    let mut lines = Vec::new();
    if settings.applies_to.is_empty() {
        lines.push(view.t("policy-everybody"));
    }
    if !settings.applies_to.addresses.is_empty() {
        lines.push(view.w("policy-who-addresses", named(&settings.applies_to.addresses)));
    }
    if !settings.applies_to.domains.is_empty() {
        lines.push(view.w("policy-who-domains", named(&settings.applies_to.domains)));
    }
    if !settings.applies_to.groups.is_empty() {
        lines.push(view.w("policy-who-groups", named(&settings.applies_to.groups)));
    }
    let except = &settings.except;
    let except: Vec<String> = except.addresses.iter().chain(&except.domains).chain(&except.groups).cloned().collect();
    if !except.is_empty() {
        lines.push(view.w("policy-who-except", named(&except)));
    }
    lines
}

/// Classes whose action a policy chooses, worst first, with the words key of each.
pub(super) const CLASSES: [Class; 8] =
    [Class::BlockedType, Class::HighPhish, Class::Phish, Class::HighSpam, Class::Spoof, Class::Impersonation, Class::Spam, Class::Bulk];

/// What it does otherwise than the default.
fn differences(view: &View, settings: &PolicySettings) -> Vec<(String, String)> {
    let default = PolicySettings::default();
    let other = CLASSES.iter().filter(|class| settings.action(**class) != default.action(**class));
    let mut lines: Vec<(String, String)> =
        other.map(|class| (view.of_kind("verdict", class.name()), view.of_kind("policy-action", settings.action(*class).name()))).collect();
    if settings.bulk_level != default.bulk_level {
        lines.push((view.t("policy-bulk-level"), settings.bulk_level.to_string()));
    }
    if settings.thresholds.is_own() {
        let own = [settings.thresholds.spam, settings.thresholds.high_spam, settings.thresholds.phish, settings.thresholds.high_phish];
        let shown = own.iter().map(|share| if *share == 0.0 { "–".into() } else { format!("{} %", super::percent(*share)) });
        lines.push((view.t("policy-thresholds-own"), shown.collect::<Vec<String>>().join(" / ")));
    }
    if !settings.honor_dmarc {
        lines.push((view.t("policy-honor-dmarc"), view.t("policy-no")));
    }
    lines
}

/// The presets' numbers.
fn sides(view: &View) -> Vec<Side> {
    let presets = Preset::ALL.map(Preset::settings);
    let line = |title: String, value: &dyn Fn(&PolicySettings) -> String, note: &str| Side {
        title,
        values: presets.iter().map(value).collect(),
        note: if note.is_empty() { String::new() } else { view.t(note) },
    };
    let mut lines: Vec<Side> = CLASSES
        .iter()
        .map(|class| {
            let note = match class {
                Class::Impersonation => "policy-note-impersonation",
                Class::BlockedType => "policy-note-blocked-type",
                _ => "",
            };
            let value = |settings: &PolicySettings| view.of_kind("policy-action", settings.action(*class).name());
            line(view.of_kind("verdict", class.name()), &value, note)
        })
        .collect();
    lines.push(line(view.t("policy-bulk-level"), &|settings| settings.bulk_level.to_string(), ""));
    lines.push(line(view.t("policy-retention"), &|settings| settings.retention_days.to_string(), "policy-note-retention"));
    let yes = |settings: &PolicySettings| view.t(if settings.honor_dmarc { "policy-yes" } else { "policy-no" });
    lines.push(line(view.t("policy-honor-dmarc"), &yes, ""));
    lines
}
