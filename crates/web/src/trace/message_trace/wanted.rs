//! What a question means: each field read, and what is wrong with it.

use super::guid::mail_of;
use super::{Asked, MessageTraceRow, Status};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say, View};
use gateway::trace::api::MailBody;
use gateway::trace::{self, Query as Search};
use std::net::IpAddr;
use std::time::Duration;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const USUAL_HOURS: i64 = 48;
const DAYS_MAX: i64 = 10;
const ROWS: usize = 1_000;
const ROWS_MAX: usize = 5_000;
/// Senders times recipients times Message-IDs.
const SEARCHES_MAX: usize = 10;
const STEP_WITHIN: Duration = Duration::from_millis(500);
/// A clock that is a little behind asks for nothing that is gone.
const GRACE_MS: i64 = 5 * 60 * 1_000;

/// A question that can be answered.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) searches: Vec<Search>,
    /// Addresses in lower case, and `@domain`; empty: all.
    recipients: Vec<String>,
    statuses: Vec<Status>,
    subject: String,
    subject_match: SubjectMatch,
    to_ip: Option<IpAddr>,
    pub(super) size: usize,
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
    pub(super) fn read(asked: &Asked, view: &View, times: (i64, i64)) -> Result<Wanted, Fault> {
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

    pub(super) fn takes_mail(&self, mail: &MailBody) -> bool {
        let subject = mail.subject.to_lowercase();
        match self.subject_match {
            SubjectMatch::Contains => true, // the search looked
            SubjectMatch::StartsWith => subject.starts_with(&self.subject),
            SubjectMatch::EndsWith => subject.ends_with(&self.subject),
        }
    }

    pub(super) fn takes(&self, row: &MessageTraceRow) -> bool {
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
    let or_none =
        |all: &[String]| -> Vec<Option<String>> { if all.is_empty() { vec![None] } else { all.iter().cloned().map(Some).collect() } };
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
