//! The rule of silence: what happens to a request when its requester says nothing. It is stated wherever a request waits for them.
//!
//! Solved: told when it was solved and again after seven days; closed after fourteen days without a word. Waiting for the requester: told
//! after seven and fourteen days; closed after twenty-eight. A word opens a closed request again, whenever it comes. Nothing else closes a
//! request but the requester.

use super::change::{self, At, Told};
use super::model::{By, Request, State, What};
use super::{letter, sql};
use crate::App;
use crate::page::Fault;
use gateway::scope::OrgScope;
use serde_json::json;
use std::time::Duration;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days after which a reminder goes out, and after which it is closed.
pub const RESOLVED_DAYS: [i64; 2] = [7, 14];
pub const WAITING_DAYS: [i64; 3] = [7, 14, 28];
const EVERY: Duration = Duration::from_secs(60);
/// Requests acted upon in one round.
const ROUND_MAX: usize = 100;

fn days(state: State) -> &'static [i64] {
    match state {
        State::Resolved => &RESOLVED_DAYS,
        State::WaitingCustomer => &WAITING_DAYS,
        _ => &[],
    }
}

/// When the rule acts first after a request came into a state, Unix milliseconds; 0 never.
pub fn first(state: State, now_ms: i64) -> i64 {
    days(state).first().map_or(0, |days| now_ms + days * DAY_MS)
}

/// When it would be closed if nobody said a word; `None` when it would not.
pub fn closes_ms(request: &Request) -> Option<i64> {
    let days = days(request.state);
    let at = usize::try_from(request.told).ok().filter(|told| *told < days.len() && request.next_ms > 0)?;
    Some(request.next_ms + (days[days.len() - 1] - days[at]) * DAY_MS)
}

/// Acts for as long as the server runs.
pub async fn run(app: App) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(why) = round(&app).await {
            tracing::warn!(%why, "the rule of silence of service requests was not looked at");
        }
    }
}

/// Acts on what is due; returns on how many.
pub async fn round(app: &App) -> Result<usize, Fault> {
    let now_ms = app.now_ms();
    let due: Vec<Request> =
        app.db.read(move |tx| Box::pin(async move { sql::due(tx, now_ms, ROUND_MAX).await })).await.map_err(Fault::from)?;
    let count = due.len();
    for request in due {
        let at = At { app: app.clone(), by: By::rule(), now_ms };
        app.db.tx(move |tx| Box::pin(async move { act(tx, &at, request).await })).await?;
    }
    Ok(count)
}

async fn act(tx: &mut store::Tx, at: &At, seen: Request) -> Result<(), Fault> {
    // Another server, or a word, may have been first.
    let Some(request) = sql::one(tx, OrgScope::One(seen.org), seen.id).await? else { return Ok(()) };
    let days = days(request.state);
    let told = usize::try_from(request.told).unwrap_or(usize::MAX);
    if request.next_ms == 0 || request.next_ms > at.now_ms || told >= days.len() {
        return Ok(());
    }
    if told + 1 == days.len() {
        change::change_state(tx, at, OrgScope::One(request.org), request.id, State::Closed).await?;
        return letter::closed(tx, at, &request).await;
    }
    let next_ms = request.next_ms + (days[told + 1] - days[told]) * DAY_MS;
    sql::set_told(tx, &request, request.told + 1, next_ms).await?;
    let request = Request { told: request.told + 1, next_ms, ..request };
    let closes_ms = closes_ms(&request);
    let detail = json!({ "count": request.told, "closes_ms": closes_ms });
    change::event(tx, at, &request, What::Reminder, Told { detail, is_automatic: true, ..Told::default() }).await?;
    letter::reminder(tx, at, &request, closes_ms).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_for_the_requester_is_closed_by_silence() {
        for state in State::ALL {
            let acts = first(*state, 1_000) > 0;
            assert_eq!(acts, matches!(state, State::Resolved | State::WaitingCustomer), "{state:?}");
        }
        assert_eq!(first(State::Resolved, 0), 7 * DAY_MS);
    }
}
