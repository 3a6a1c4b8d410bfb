//! Reports of other servers: how mail in our domains' names was judged (DMARC), how TLS to our servers went, what people complained about.
//!
//! In: what `mail::report::received` read of a mail or a file. Out: one row each, and sums of days for pages ([`Sums`]). Invariants: a report
//! counts once, by domain, reporter and report id; only reports about domains of the organisation count; what cannot be used is a row that
//! says why; row and sums are one transaction, whose size is bounded. Not here: the formats (`mail::report`), pages (`web::mail_reports`).

mod settings;
pub mod sql;
mod sums;
#[cfg(test)]
mod tests;

pub use settings::{DmarcShape, FeedbackLoop, MailReportSettings};
pub use sums::{Counts, DAY_MS, Detail, OTHERS, Sums, TOGETHER, day_of};

use crate::directory::Directory;
use aws_lc_rs::digest::{SHA256, digest};
use mail::id::{IdMaker, MailReportId};
use mail::report::received::{Report, ReportError};
use mail::{MailId, OrgId};
use store::{Error, Tx};

/// Reports of one organisation that are taken in a day.
pub const A_DAY_MAX: i64 = 5_000;
/// Reports may be about tomorrow: clocks and zones differ.
const AHEAD_MS: i64 = 2 * DAY_MS;

/// How reports came, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub org: OrgId,
    /// `MailId(0)`: uploaded.
    pub mail: MailId,
    /// From of the mail, or who uploaded it.
    pub sender: String,
    pub is_proven: bool,
    /// Subject of the mail, or name of the file.
    pub about: String,
    /// Of the octets, to know the same broken mail again.
    pub digest: String,
    pub now_ms: i64,
}

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of the row that is new, or of the one that was there.
    pub id: MailReportId,
    pub kind: &'static str,
    /// It was there already, and does not count again.
    pub is_known: bool,
    /// Why it cannot be used; "" when it can.
    pub problem: &'static str,
}

/// A report as a row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: MailReportId,
    pub org: OrgId,
    pub kind: String,
    pub mail: MailId,
    pub sender: String,
    pub is_proven: bool,
    pub domain: String,
    pub reporter: String,
    pub report_id: String,
    pub begin_ms: i64,
    pub end_ms: i64,
    pub messages: i64,
    pub failed: i64,
    pub problem: String,
    pub about: String,
    pub detail: String,
}

/// A report that was read and is to be written: everything that needs no database.
pub struct Ready {
    row: Row,
    once: String,
    kind: &'static str,
    problem: &'static str,
    sums: Sums,
}

/// Makes rows and sums of what was read.
pub fn ready(directory: &Directory, arrival: &Arrival, keep_days: u32, found: Vec<Result<Report, ReportError>>) -> Vec<Ready> {
    let one = |(n, found): (usize, Result<Report, ReportError>)| match found {
        Ok(report) => usable(directory, arrival, keep_days, report),
        Err(why) => unusable(arrival, n, why.name(), why.what()),
    };
    found.into_iter().enumerate().map(one).collect()
}

/// What there is to say about a mail that is not even looked into.
pub fn unusable(arrival: &Arrival, n: usize, problem: &'static str, what: &str) -> Ready {
    let about = if what.is_empty() { arrival.about.clone() } else { what.to_string() };
    let row = Row { problem: problem.into(), about, detail: "{}".into(), ..Row::of(arrival) };
    let once = format!("problem {problem} {n} {}", arrival.digest);
    Ready { row, once, kind: "", problem, sums: Sums::default() }
}

fn usable(directory: &Directory, arrival: &Arrival, keep_days: u32, report: Report) -> Ready {
    let detail = Detail::of(&report);
    let row = detail.row(arrival, &report);
    let kind = kind_of(&report);
    let own = own_domains(directory, arrival.org, &report);
    let oldest_ms = arrival.now_ms - i64::from(keep_days) * DAY_MS;
    let problem = if own.is_empty() {
        "not-ours"
    } else if row.begin_ms > arrival.now_ms + AHEAD_MS {
        "future"
    } else if row.begin_ms < oldest_ms {
        "too-old"
    } else {
        ""
    };
    let sums = if problem.is_empty() { Sums::of(&report, &own).for_org(arrival.org) } else { Sums::default() };
    let once = once(kind, &row, &detail);
    Ready { row: Row { problem: problem.into(), ..row }, once, kind, problem, sums }
}

fn kind_of(report: &Report) -> &'static str {
    match report {
        Report::Aggregate(_) => "dmarc",
        Report::Tls(_) => "tls",
        Report::Feedback(found) if found.is_failure() => "failure",
        Report::Feedback(_) => "complaint",
    }
}

/// The same report: RFC 7489 §7.2.1.1 and RFC 8460 §5.1 name it by who reports and an id; reports about one mail by all they say.
fn once(kind: &str, row: &Row, detail: &Detail) -> String {
    let name = match kind {
        "dmarc" | "tls" => format!("{} {} {}", row.domain, row.reporter.to_ascii_lowercase(), row.report_id),
        _ => detail.json(),
    };
    let hash = digest(&SHA256, name.as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    format!("{kind} {hex}")
}

/// The domains of this organisation that a report is about.
fn own_domains(directory: &Directory, org: OrgId, report: &Report) -> Vec<String> {
    let named: Vec<&String> = match report {
        Report::Aggregate(report) => vec![&report.policy.domain],
        Report::Tls(report) => report.policies.iter().map(|policy| &policy.domain).collect(),
        Report::Feedback(report) => vec![&report.reported_domain],
    };
    let mut own: Vec<String> = named.into_iter().filter(|domain| is_own(directory, org, domain)).cloned().collect();
    own.sort();
    own.dedup();
    // A complaint about mail that left here may name the domain of the one who complains, or none.
    if own.is_empty()
        && let Report::Feedback(found) = report
    {
        let of_sender = [&found.mail_from, &found.from]
            .map(|text| text.rsplit('@').next().unwrap_or_default().trim_end_matches('>').to_ascii_lowercase());
        own.extend(of_sender.into_iter().find(|domain| is_own(directory, org, domain)));
    }
    own
}

/// Whether a domain, or one above it, is served for this organisation.
fn is_own(directory: &Directory, org: OrgId, domain: &str) -> bool {
    let above = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above));
    above.take(LABELS_MAX).any(|name| directory.domains.get(name).is_some_and(|found| found.org == org))
}

/// RFC 1035 §2.3.4: 255 octets hold no more.
const LABELS_MAX: usize = 127;

impl Row {
    fn of(arrival: &Arrival) -> Row {
        Row {
            id: MailReportId(0),
            org: arrival.org,
            kind: String::new(),
            mail: arrival.mail,
            sender: arrival.sender.clone(),
            is_proven: arrival.is_proven,
            domain: String::new(),
            reporter: String::new(),
            report_id: String::new(),
            begin_ms: arrival.now_ms,
            end_ms: arrival.now_ms,
            messages: 0,
            failed: 0,
            problem: String::new(),
            about: arrival.about.clone(),
            detail: String::new(),
        }
    }

    /// When it came, Unix milliseconds.
    pub fn at_ms(&self) -> i64 {
        crate::trace::time_of(MailId(self.id.0))
    }
}

/// Writes what is new, with its sums.
pub async fn keep(tx: &mut Tx, ids: &IdMaker, now_ms: i64, all: Vec<Ready>) -> Result<Vec<Kept>, Error> {
    let mut kept = Vec::with_capacity(all.len());
    for ready in all {
        let id = MailReportId(ids.next(now_ms));
        let (kind, problem) = (ready.kind, ready.problem);
        let was = sql::insert(tx, &Row { id, ..ready.row }, (kind, &ready.once), &ready.sums.json()).await?;
        if was.is_none() {
            sql::add(tx, &ready.sums).await?;
        }
        kept.push(Kept { id: was.unwrap_or(id), kind, is_known: was.is_some(), problem });
    }
    Ok(kept)
}
