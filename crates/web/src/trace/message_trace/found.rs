//! What searches find, as rows in one order, and where to go on.

use super::guid::guid;
use super::wanted::Wanted;
use super::{MessageTraceList, MessageTraceNext, MessageTraceRow, Status};
use crate::App;
use crate::page::time;
use gateway::scope::OrgScope;
use gateway::trace::api::{Incomplete, MailBody, RecipientBody};
use gateway::trace::{self, Query as Search};
use mail::MailId;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;
use store::{Error, Tx};

/// Recipients of one mail that are told.
const RECIPIENTS_MAX: usize = 10_000;

/// Rows of all searches so far.
#[derive(Default)]
pub(super) struct Found {
    rows: Vec<MessageTraceRow>,
    /// Of this moment and before, not everything was seen.
    seen_after_ms: Option<i64>,
    because: Vec<String>,
}

impl Found {
    pub(super) async fn look(
        &mut self,
        app: &App,
        scope: OrgScope,
        (search, wanted): (&Search, &Wanted),
        deadline: Instant,
    ) -> Result<(), Error> {
        let (mut before, mut rows) = (search.before, Vec::new());
        loop {
            let step = Search { before, ..search.clone() };
            let part = app.db.read(move |tx| Box::pin(async move { read_step(tx, scope, step).await })).await?;
            rows.extend(
                part.rows
                    .iter()
                    .filter(|(mail, _)| wanted.takes_mail(mail))
                    .flat_map(|(mail, all)| all.iter().map(move |one| one.row(mail))),
            );
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

    pub(super) fn answer(mut self, wanted: &Wanted) -> MessageTraceList {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_have_addresses() {
        for (hop, want) in [
            ("mx.example [192.0.2.7]:25", Some("192.0.2.7")),
            ("mx [2001:db8::1]:25", Some("2001:db8::1")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("folder", None),
        ] {
            assert_eq!(ip_of(hop).map(|ip| ip.to_string()).as_deref(), want, "{hop}");
        }
    }
}
