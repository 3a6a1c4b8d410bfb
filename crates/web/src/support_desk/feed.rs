//! Events of a request as its clocks see them.

use super::clock::{Event, What};
use crate::service_request::{self as request, Severity, Side, State};

/// `plan` is the version that holds when no event names one.
pub fn events(all: &[request::Event], plan: i64) -> Vec<Event> {
    all.iter().filter_map(|event| of(event, plan)).map(|(at_ms, what)| Event { at_ms, what }).collect()
}

fn of(event: &request::Event, plan: i64) -> Option<(i64, What)> {
    let text = |name: &str| event.detail.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let what = match event.what {
        request::What::Opened => What::Opened { severity: Severity::parse(text("severity")).unwrap_or(Severity::C), plan },
        request::What::Word | request::What::Call if !event.is_internal => match event.side {
            Side::Support => What::Answer { is_automatic: event.is_automatic },
            Side::Requester => What::Word { is_automatic: event.is_automatic },
            Side::System => return None,
        },
        request::What::State => What::State(State::parse(text("to"))?),
        request::What::Severity => What::Severity(Severity::parse(text("to"))?),
        request::What::Plan => What::Plan(event.detail.get("version").and_then(|version| version.as_i64())?),
        _ => return None,
    };
    Some((event.at_ms, what))
}
