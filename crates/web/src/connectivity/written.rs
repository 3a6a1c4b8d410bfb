//! A test in words: as text, as JSON, as a page that stands alone.

use super::api::ConnectivityTest;
use super::{Branch, Step, Test};
use crate::page::{Fault, View, time};
use askama::Template;

pub fn title(view: &View, test: &Test) -> String {
    view.w(&format!("connectivity-title-{}", test.way.name()), &test.target)
}

pub fn branch_title(view: &View, branch: &Branch) -> String {
    match branch.kind.as_str() {
        "host" => branch.name.clone(),
        kind => view.of_kind("connectivity-branch", kind),
    }
}

/// The name of a step.
pub fn step_title(view: &View, step: &Step) -> String {
    view.of_kind("connectivity-step", &step.id)
}

/// Lines for a mail or a ticket; the dialogue as it was.
pub fn text(view: &View, test: &Test) -> String {
    let result = |name: &str| view.of_kind("check-result", name);
    let mut out = format!(
        "{}\n{}: {}\n{}\n",
        title(view, test),
        view.t("connectivity-result"),
        result(test.result().name()),
        time::text(view, test.at_ms)
    );
    for branch in &test.branches {
        out.push_str(&format!("\n{} {}\n", branch_title(view, branch), branch.address).replace(" \n", "\n"));
        for step in &branch.steps {
            let detail = if step.detail.is_empty() { String::new() } else { format!(" | {}", step.detail) };
            let ms = view.n("connectivity-ms", step.ms);
            out.push_str(&format!(
                "  [{}] {}: {}{detail} ({ms})\n",
                result(step.result.name()),
                step_title(view, step),
                view.say(&step.say)
            ));
            if let Some(fix) = &step.fix {
                out.push_str(&format!("      -> {}\n", view.say(fix)));
            }
        }
        for line in &branch.lines {
            let who = match line.who.name() {
                "we" => "C:",
                "they" => "S:",
                _ => "--",
            };
            out.push_str(&format!("    {:>6} {who} {}\n", line.ms, line.text));
        }
    }
    out
}

pub fn json(view: &View, test: &Test) -> String {
    serde_json::to_string_pretty(&ConnectivityTest::of(view, test)).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "connectivity/templates/report.html")]
struct Report<'a> {
    view: &'a View,
    title: String,
    text: String,
}

/// A page that needs nothing else.
pub fn html(view: &View, test: &Test) -> Result<String, Fault> {
    let page = Report { view, title: title(view, test), text: text(view, test) };
    page.render().map_err(|why| Fault::Ours(format!("a report could not be written: {why}")))
}
