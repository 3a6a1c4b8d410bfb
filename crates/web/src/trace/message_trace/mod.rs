//! `GET /api/v1/message-trace`: the trace in the words of Exchange Online's Get-MessageTraceV2, so that scripts written for that need another
//! address and a token, and nothing else.
//!
//! Rows are recipients, the latest first, those of one moment by address. As there: two days when nothing is said, ten days a question,
//! 1000 rows or up to 5000, a hundred questions in five minutes, and `EndDate` with `StartingRecipientAddress` of the last row to go on.
//! Not as there: what is out of range is refused, and the answer says whether it is all.

mod found;
mod guid;
mod wanted;

use super::kept_since_ms;
use crate::App;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Query, State};
use found::Found;
use gateway::trace::api::{MailBody, RecipientBody};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wanted::Wanted;

/// Questions of one person in five minutes.
const TURNS_MAX: u32 = 100;
/// How long one question looks; each step of it is a look of its own.
const WITHIN: Duration = Duration::from_secs(10);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(message_trace))
}

/// What can be asked; what is left out does not matter. Several values stand with commas between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Received at or after: RFC 3339, or a date or date and time of UTC.
    start_date: String,
    /// Received before; with StartingRecipientAddress, before or at.
    end_date: String,
    /// Addresses, `*@domain`, or `<>`.
    sender_address: String,
    /// Addresses or `*@domain`.
    recipient_address: String,
    /// Message-IDs, with or without angle brackets.
    message_id: String,
    /// A MessageTraceId of an earlier answer, or `m…`.
    message_trace_id: String,
    /// Delivered, Expanded, Failed, FilteredAsSpam, GettingStatus, Pending, Quarantined.
    status: String,
    /// The address that connected.
    #[serde(rename = "FromIP")]
    from_ip: String,
    /// The address it was delivered to.
    #[serde(rename = "ToIP")]
    to_ip: String,
    subject: String,
    /// Contains (the usual), StartsWith, EndsWith.
    subject_filter_type: String,
    /// Rows of the answer, 1 to 5000; 1000 when nothing is said.
    result_size: String,
    /// Go on after this recipient of the moment EndDate: both from the last row of the answer before.
    starting_recipient_address: String,
}

/// What became of a recipient, in the words of Exchange Online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
enum MessageTraceStatus {
    Delivered,
    /// A group that was resolved; there is none here.
    Expanded,
    Failed,
    /// Deleted for what it is.
    FilteredAsSpam,
    /// Not tried yet.
    GettingStatus,
    /// Tried, and to be tried again.
    Pending,
    /// Held, or it was until its time was over.
    Quarantined,
}

use MessageTraceStatus as Status;

impl MessageTraceStatus {
    const ALL: [Status; 7] = [
        Status::Delivered,
        Status::Expanded,
        Status::Failed,
        Status::FilteredAsSpam,
        Status::GettingStatus,
        Status::Pending,
        Status::Quarantined,
    ];

    fn of(mail: &MailBody, recipient: &RecipientBody) -> Status {
        match recipient.state.as_str() {
            "delivered" => Status::Delivered,
            "queued" if recipient.tries == 0 => Status::GettingStatus,
            "queued" => Status::Pending,
            "held" | "expired" => Status::Quarantined,
            "deleted" if mail.verdict != "clean" => Status::FilteredAsSpam,
            _ => Status::Failed,
        }
    }

    /// The only state of ours that has it; the search is quicker with it.
    fn state(self) -> Option<&'static str> {
        match self {
            Status::Delivered => Some("delivered"),
            Status::GettingStatus | Status::Pending => Some("queued"),
            _ => None,
        }
    }
}

/// One recipient of one mail.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct MessageTraceRow {
    /// RFC 3339 in UTC.
    received: String,
    /// `<>` is the null reverse-path.
    sender_address: String,
    recipient_address: String,
    subject: String,
    status: MessageTraceStatus,
    #[serde(rename = "ToIP")]
    to_ip: Option<String>,
    #[serde(rename = "FromIP")]
    from_ip: String,
    /// Octets.
    size: i64,
    message_id: String,
    message_trace_id: String,
    /// What it is called here: `/api/v1/trace/{mail}` tells its story.
    mail: String,
    #[serde(skip)]
    received_ms: i64,
}

impl MessageTraceRow {
    fn key(&self) -> (std::cmp::Reverse<i64>, String) {
        (std::cmp::Reverse(self.received_ms), self.recipient_address.to_lowercase())
    }
}

/// What to ask for next.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct MessageTraceNext {
    end_date: String,
    starting_recipient_address: String,
}

/// Rows, and how far they can be relied on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct MessageTraceList {
    #[serde(rename = "value")]
    value: Vec<MessageTraceRow>,
    /// Whether `value` is everything that was asked for.
    is_complete: bool,
    /// Why it is not, in sentences.
    incomplete_because: Vec<String>,
    /// Ask the same with these for what comes next; null at the end.
    next: Option<MessageTraceNext>,
}

/// Mails by recipient, in the words of Exchange Online's Get-MessageTraceV2.
#[utoipa::path(get, path = "/message-trace", tag = "trace", params(Asked),
    responses((status = 200, description = "Recipients of mails", body = MessageTraceList)))]
async fn message_trace(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
) -> Result<Json<MessageTraceList>, Fault> {
    person.require(May::Trace)?;
    let wanted = Wanted::read(&asked, &view, (app.now_ms(), kept_since_ms(&app)))?;
    app.turns.take(person.id, "message-trace", TURNS_MAX)?;
    let deadline = Instant::now() + WITHIN;
    let mut found = Found::default();
    for search in &wanted.searches {
        found.look(&app, person.scope(), (search, &wanted), deadline).await.map_err(Fault::from)?;
    }
    Ok(Json(found.answer(&wanted)))
}
