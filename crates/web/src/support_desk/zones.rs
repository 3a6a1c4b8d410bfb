//! The week of a plan as a page shows it.

use super::clock::{Plan, PlanBody};
use crate::page::View;

/// The next seven days with their hours, local time of the plan.
pub fn week(view: &View, body: &PlanBody) -> Vec<(String, String)> {
    let Ok(plan) = Plan::new(0, body.clone()) else { return Vec::new() };
    let day = |(day, spans): (jiff::civil::Date, Vec<String>)| {
        let hours = if spans.is_empty() { view.t("support-closed") } else { spans.join(", ") };
        (super::clock::said::date(view, day), hours)
    };
    plan.hours().week(view.now_ms).into_iter().map(day).collect()
}
