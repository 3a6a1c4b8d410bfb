//! `GET /api/v1/message-trace`: the trace in the words of Exchange Online's Get-MessageTraceV2, so that scripts written for that need another
//! address and a token, and nothing else.
//!
//! Rows are recipients, the latest first, those of one moment by address. As there: two days when nothing is said, ten days a question,
//! 1000 rows or up to 5000, a hundred questions in five minutes, and `EndDate` with `StartingRecipientAddress` of the last row to go on.
//! Not as there: what is out of range is refused, and the answer says whether it is all.

use super::kept_since_ms;
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, Say, View, time};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Query, State};
use gateway::scope::OrgScope;
use gateway::trace::api::{Incomplete, MailBody, RecipientBody};
use gateway::trace::{self, Query as Search};
use mail::MailId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use store::{Error, Tx};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const USUAL_HOURS: i64 = 48;
const DAYS_MAX: i64 = 10;
const ROWS: usize = 1_000;
const ROWS_MAX: usize = 5_000;
/// Questions of one person in five minutes.
const TURNS_MAX: u32 = 100;
/// Senders times recipients times Message-IDs.
const SEARCHES_MAX: usize = 10;
/// How long one question looks; each step of it is a look of its own.
const WITHIN: Duration = Duration::from_secs(10);
const STEP_WITHIN: Duration = Duration::from_millis(500);
/// Recipients of one mail that are told.
const RECIPIENTS_MAX: usize = 10_000;
/// A clock that is a little behind asks for nothing that is gone.
const GRACE_MS: i64 = 5 * 60 * 1_000;

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

/// A question that can be answered.
#[derive(Debug)]
struct Wanted {
    searches: Vec<Search>,
    /// Addresses in lower case, and `@domain`; empty: all.
    recipients: Vec<String>,
    statuses: Vec<Status>,
    subject: String,
    subject_match: SubjectMatch,
    to_ip: Option<IpAddr>,
    size: usize,
    /// Rows of this moment count from behind this recipient, in lower case.
    after: Option<(i64, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SubjectMatch {
    Contains,
    StartsWith,
    EndsWith,
}

/// Reads fields and collects what is wrong with them.
struct Reading {
    wrong: Vec<Wrong>,
}

impl Reading {
    fn field<T>(&mut self, field: &'static str, text: &str, key: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let found = read(text);
        if found.is_none() {
            self.wrong.push(Wrong::new(field, key));
        }
        found
    }

    fn span(&mut self, asked: &Asked, view: &View, (now_ms, kept_ms): (i64, i64)) -> (i64, i64) {
        let start = self.field("StartDate", &asked.start_date, "trace-wrong-time", moment);
        let end_ms = self.field("EndDate", &asked.end_date, "trace-wrong-time", moment).unwrap_or(now_ms);
        let start_ms = start.unwrap_or(end_ms - USUAL_HOURS * HOUR_MS);
        if end_ms <= start_ms {
            self.wrong.push(Wrong::new("EndDate", "trace-wrong-range"));
        } else if end_ms - start_ms > DAYS_MAX * 24 * HOUR_MS {
            self.wrong.push(Wrong::new("StartDate", "trace-wrong-days"));
        }
        if start.is_some() && start_ms < kept_ms - GRACE_MS {
            let say = Say::new("trace-out-of-range").with("what", view.moment(kept_ms));
            self.wrong.push(Wrong { field: "StartDate", say });
        }
        (start_ms, end_ms)
    }
}

impl Wanted {
    fn read(asked: &Asked, view: &View, times: (i64, i64)) -> Result<Wanted, Fault> {
        let mut reading = Reading { wrong: Vec::new() };
        let (start_ms, end_ms) = reading.span(asked, view, times);
        let after = Some(asked.starting_recipient_address.trim().to_lowercase()).filter(|after| !after.is_empty());
        let statuses = reading.field("Status", &asked.status, "trace-wrong-status", statuses).unwrap_or_default();
        let states: Vec<Option<&str>> = statuses.iter().map(|status| status.state()).collect();
        let state = states.first().copied().flatten().filter(|first| states.iter().all(|state| *state == Some(first)));
        let base = Search {
            mail: reading.field("MessageTraceId", &asked.message_trace_id, "trace-wrong-cursor", mail_of),
            ip: reading.field("FromIP", &asked.from_ip, "trace-wrong-ip", |text| text.parse().ok()),
            subject: Some(asked.subject.clone()).filter(|subject| !subject.is_empty()),
            state: state.map(str::to_string),
            since_ms: Some(start_ms),
            until_ms: Some(end_ms + i64::from(after.is_some())),
            limit: trace::LIMIT_MAX,
            within: STEP_WITHIN,
            ..Search::default()
        };
        let recipients = several(&asked.recipient_address, address);
        let by = [several(&asked.sender_address, address), recipients.clone(), several(&asked.message_id, str::to_string)];
        let wanted = Wanted {
            searches: searches(&base, &by).unwrap_or_else(|| {
                reading.wrong.push(Wrong::new("RecipientAddress", "trace-wrong-many"));
                Vec::new()
            }),
            recipients: recipients.iter().map(|one| one.to_lowercase()).collect(),
            statuses,
            subject: asked.subject.to_lowercase(),
            subject_match: reading
                .field("SubjectFilterType", &asked.subject_filter_type, "trace-wrong-match", subject_match)
                .unwrap_or(SubjectMatch::Contains),
            to_ip: reading.field("ToIP", &asked.to_ip, "trace-wrong-ip", |text| text.parse().ok()),
            size: reading.field("ResultSize", &asked.result_size, "trace-wrong-size", size).unwrap_or(ROWS),
            after: after.map(|after| (end_ms, after)),
        };
        if reading.wrong.is_empty() { Ok(wanted) } else { Err(Fault::Invalid(reading.wrong)) }
    }

    fn takes_mail(&self, mail: &MailBody) -> bool {
        let subject = mail.subject.to_lowercase();
        match self.subject_match {
            SubjectMatch::Contains => true, // the search looked
            SubjectMatch::StartsWith => subject.starts_with(&self.subject),
            SubjectMatch::EndsWith => subject.ends_with(&self.subject),
        }
    }

    fn takes(&self, row: &MessageTraceRow) -> bool {
        let recipient = row.recipient_address.to_lowercase();
        let is_it = |wanted: &String| if wanted.starts_with('@') { recipient.ends_with(wanted) } else { recipient == *wanted };
        let is_after = |(at_ms, after): &(i64, String)| row.received_ms < *at_ms || recipient > *after;
        (self.recipients.is_empty() || self.recipients.iter().any(is_it))
            && (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.to_ip.is_none_or(|ip| row.to_ip.as_deref() == Some(ip.to_string().as_str()))
            && self.after.as_ref().is_none_or(is_after)
    }
}

/// One search for each combination; `None`: too many.
fn searches(base: &Search, [senders, recipients, ids]: &[Vec<String>; 3]) -> Option<Vec<Search>> {
    let or_none = |all: &[String]| -> Vec<Option<String>> { if all.is_empty() { vec![None] } else { all.iter().cloned().map(Some).collect() } };
    let (senders, recipients, ids) = (or_none(senders), or_none(recipients), or_none(ids));
    if senders.len() * recipients.len() * ids.len() > SEARCHES_MAX {
        return None;
    }
    let mut all = Vec::new();
    for sender in &senders {
        for recipient in &recipients {
            for id in &ids {
                all.push(Search { sender: sender.clone(), recipient: recipient.clone(), message_id: id.clone(), ..base.clone() });
            }
        }
    }
    Some(all)
}

fn several(text: &str, read: impl Fn(&str) -> String) -> Vec<String> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(read).take(SEARCHES_MAX + 1).collect()
}

/// `*@domain` is `@domain` here, and `<>` is nothing.
fn address(text: &str) -> String {
    match text {
        "<>" => String::new(),
        text => text.strip_prefix('*').unwrap_or(text).to_string(),
    }
}

fn moment(text: &str) -> Option<i64> {
    let instant = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    instant.or_else(|| {
        let local = text.parse::<jiff::civil::DateTime>().ok().or_else(|| Some(text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0)));
        Some(local?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
    })
}

fn statuses(text: &str) -> Option<Vec<Status>> {
    let read = |name: &str| Status::ALL.into_iter().find(|status| format!("{status:?}").eq_ignore_ascii_case(name.trim()));
    text.split(',').map(read).collect()
}

fn subject_match(text: &str) -> Option<SubjectMatch> {
    let all = [("contains", SubjectMatch::Contains), ("startswith", SubjectMatch::StartsWith), ("endswith", SubjectMatch::EndsWith)];
    all.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, found)| found)
}

fn size(text: &str) -> Option<usize> {
    text.parse().ok().filter(|size| (1..=ROWS_MAX).contains(size))
}

/// Rows of all searches so far.
#[derive(Default)]
struct Found {
    rows: Vec<MessageTraceRow>,
    /// Of this moment and before, not everything was seen.
    seen_after_ms: Option<i64>,
    because: Vec<String>,
}

impl Found {
    async fn look(&mut self, app: &App, scope: OrgScope, (search, wanted): (&Search, &Wanted), deadline: Instant) -> Result<(), Error> {
        let (mut before, mut rows) = (search.before, Vec::new());
        loop {
            let step = Search { before, ..search.clone() };
            let part = app.db.read(move |tx| Box::pin(async move { read_step(tx, scope, step).await })).await?;
            rows.extend(part.rows.iter().filter(|(mail, _)| wanted.takes_mail(mail)).flat_map(|(mail, all)| all.iter().map(move |one| one.row(mail))));
            rows.retain(|row| wanted.takes(row));
            self.because.extend(part.kept_since);
            let Some(next) = part.next else { break };
            // Mails of one moment are told together: only what came later is whole.
            let to_ms = trace::time_of(next);
            let is_full = rows.iter().filter(|row| row.received_ms > to_ms).count() > wanted.size;
            if is_full || Instant::now() >= deadline {
                self.seen_after_ms = self.seen_after_ms.max(Some(to_ms));
                break;
            }
            before = Some(next);
        }
        self.rows.extend(rows);
        Ok(())
    }

    fn answer(mut self, wanted: &Wanted) -> MessageTraceList {
        let seen_after_ms = self.seen_after_ms;
        self.rows.retain(|row| seen_after_ms.is_none_or(|ms| row.received_ms > ms));
        self.rows.sort_by_cached_key(|row| (row.key(), row.mail.clone()));
        self.rows.dedup_by(|a, b| (&a.mail, &a.recipient_address) == (&b.mail, &b.recipient_address));
        let is_cut = self.rows.len() > wanted.size;
        if is_cut {
            // Going on starts behind a moment and a recipient: rows that have both in common stay together.
            let last = self.rows[wanted.size - 1].key();
            let end = self.rows.iter().position(|row| row.key() > last).unwrap_or(self.rows.len());
            self.rows.truncate(end);
        }
        let next = match (is_cut, self.rows.last(), seen_after_ms) {
            (true, Some(last), _) => {
                self.because.push(format!("more than {} rows match; go on from the last one", wanted.size));
                Some(MessageTraceNext { end_date: last.received.clone(), starting_recipient_address: last.recipient_address.clone() })
            }
            (_, _, Some(ms)) => {
                self.because.push(format!("only what was received after {} was looked through; go on from there", time::rfc3339(ms)));
                Some(MessageTraceNext { end_date: time::rfc3339(ms + 1), starting_recipient_address: String::new() })
            }
            _ => None,
        };
        self.because.dedup();
        MessageTraceList { value: self.rows, is_complete: self.because.is_empty(), incomplete_because: self.because, next }
    }
}

/// A recipient with where it was delivered to.
struct Told {
    recipient: RecipientBody,
    hop: Option<String>,
}

impl Told {
    fn row(&self, mail: &MailBody) -> MessageTraceRow {
        MessageTraceRow {
            received: time::rfc3339(mail.at_ms),
            sender_address: if mail.sender.is_empty() { "<>".into() } else { mail.sender.clone() },
            recipient_address: self.recipient.address.clone(),
            subject: mail.subject.clone(),
            status: Status::of(mail, &self.recipient),
            to_ip: self.hop.as_deref().and_then(ip_of).map(|ip| ip.to_string()),
            from_ip: mail.peer_ip.clone(),
            size: mail.octets,
            message_id: mail.message_id.clone(),
            message_trace_id: guid(mail.mail),
            mail: mail.mail.to_string(),
            received_ms: mail.at_ms,
        }
    }
}

/// What one look found.
struct Step {
    rows: Vec<(MailBody, Vec<Told>)>,
    next: Option<MailId>,
    kept_since: Option<String>,
}

async fn read_step(tx: &mut Tx, scope: OrgScope, search: Search) -> Result<Step, Error> {
    let found = trace::search(tx, scope, &search).await?;
    let ids: Vec<MailId> = found.rows.iter().map(|mail| mail.mail).collect();
    let hops: HashMap<(MailId, String), String> = trace::hops_of(tx, scope, &ids).await?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for mut mail in found.rows {
        let mut recipients = std::mem::take(&mut mail.recipients);
        if mail.recipients_count > recipients.len() as i64 {
            recipients = trace::recipients_of(tx, scope, mail.mail, RECIPIENTS_MAX).await?;
        }
        let told = |recipient: RecipientBody| Told { hop: hops.get(&(mail.mail, recipient.address.clone())).cloned(), recipient };
        let told = recipients.into_iter().map(told).collect();
        rows.push((mail, told));
    }
    let kept = found.because.iter().zip(&found.incomplete_because).find(|(why, _)| matches!(why, Incomplete::KeptSince { .. }));
    Ok(Step { rows, next: found.next.and_then(|next| next.parse().ok()), kept_since: kept.map(|(_, sentence)| sentence.clone()) })
}

/// The address of a hop, `name [192.0.2.7]:25`, or of a server beside us, which is named by it.
fn ip_of(hop: &str) -> Option<IpAddr> {
    let inside = hop.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(ip, _)| ip);
    inside.unwrap_or(hop).trim().parse().ok()
}

/// "gatepo" in ASCII, before our number.
const GUID_BEGIN: &str = "67617465706f8";
/// Bits of the number behind the variant of the GUID.
const GUID_LOW_BITS: u32 = 51;

/// Our number as a GUID (RFC 9562 §5.8), for programs that want one.
fn guid(mail: MailId) -> String {
    let number = mail.0 as u64;
    let (high, low) = (number >> GUID_LOW_BITS, (number & ((1 << GUID_LOW_BITS) - 1)) | 1 << 63);
    let hex = format!("{GUID_BEGIN}{high:03x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn mail_of(text: &str) -> Option<MailId> {
    if let Ok(mail) = text.parse() {
        return Some(mail);
    }
    let hex: String = text.trim_matches(['{', '}']).chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    let number = hex.strip_prefix(GUID_BEGIN).filter(|rest| rest.len() == 19 && rest.is_ascii())?;
    let (high, low) = (u64::from_str_radix(&number[..3], 16).ok()?, u64::from_str_radix(&number[3..], 16).ok()?);
    let mail = MailId(i64::try_from((high << GUID_LOW_BITS) | (low & ((1 << GUID_LOW_BITS) - 1))).ok()?);
    (guid(mail).replace('-', "") == hex).then_some(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_guids_and_back() {
        for number in [0, 1, 1_795_521_600_000 << 21, i64::MAX] {
            let text = guid(MailId(number));
            assert_eq!(text.len(), 36, "{text}");
            assert_eq!((text.as_bytes()[14], matches!(text.as_bytes()[19], b'8'..=b'b')), (b'8', true), "version and variant: {text}");
            assert_eq!(mail_of(&text), Some(MailId(number)), "{text}");
            assert_eq!(mail_of(&format!("{{{}}}", text.to_uppercase())), Some(MailId(number)));
        }
        for text in ["", "m1", "ae5c1219-4c90-41bf-fef5-08d837917e7c", "67617465-706f-8000-c000-000000000000"] {
            assert_eq!(mail_of(text), None, "{text}");
        }
    }

    #[test]
    fn hops_have_addresses() {
        for (hop, want) in
            [("mx.example [192.0.2.7]:25", Some("192.0.2.7")), ("mx [2001:db8::1]:25", Some("2001:db8::1")), ("127.0.0.1", Some("127.0.0.1")), ("folder", None)]
        {
            assert_eq!(ip_of(hop).map(|ip| ip.to_string()).as_deref(), want, "{hop}");
        }
    }
}
