//! Bulk mail: sent to many at once, wanted by some. Its level says how likely recipients complain.
//!
//! In: the header marks that senders of bulk mail write, and what is known of the sender's volume and complaints. Out: a
//! level of 0-9 ([`level`]) and one finding naming the marks.
//! Whether bulk mail is unwanted is the policy's threshold. Not here: discussion lists are not held against anybody.

mod history;

use crate::acquaintance::Volume;
use crate::checks::CheckDoc;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::auth::{DkimResult, DmarcResult, SpfResult};
use mail::{AuthResults, Mail, Message};

pub const INSPECTIONS: &[&dyn Inspect] = &[&BulkMarks];

pub const CHECKS: &[CheckDoc] = crate::checks::bulk::CHECKS;

struct BulkMarks;

impl Inspect for BulkMarks {
    fn name(&self) -> &'static str {
        "bulk.marks"
    }

    fn inspect(&self, mail: &Mail<'_>, auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let marks = Marks::of(mail.message);
        let level = marks.level(auth);
        if level > 0 {
            findings.push(Finding::new("bulk.marks", Kind::Bulk, f32::from(level), format!("level {level}: {}", marks.named.join(", "))));
        }
    }
}

/// Bulk complaint level: 0 not bulk, 1-3 lists people joined, 4-6 newsletters that can be left, 7-9 bulk that hides who
/// sends it or how to leave.
///
/// Where recipients' own word is known it counts for more than what the header says of itself.
pub fn level(message: &Message, auth: &AuthResults, volume: &Volume) -> u8 {
    history::adjusted(Marks::of(message).level(auth), volume)
}

/// Names what recipients said, when that changed the level.
pub fn inspect(message: &Message, auth: &AuthResults, volume: &Volume, findings: &mut Vec<Finding>) {
    let by_marks = Marks::of(message).level(auth);
    let level = history::adjusted(by_marks, volume);
    if level != by_marks {
        findings.push(Finding::new("bulk.history", Kind::Bulk, f32::from(level), history::said(by_marks, level, volume)));
    }
}

/// Header names that programs for sending to many write.
const SENDING_PROGRAMS: &[&str] = &[
    "feedback-id",
    "x-campaign",
    "x-campaignid",
    "x-campaign-id",
    "x-csa-complaints",
    "x-mailer-recptid",
    "x-mailgun-sid",
    "x-mailing-id",
    "x-mandrill-user",
    "x-mc-user",
    "x-report-abuse",
    "x-sg-eid",
    "x-bulkmail",
    "x-ses-outgoing",
    "x-sib-id",
    "x-list-unsubscribe",
];

#[derive(Default)]
struct Marks {
    list: bool,
    leave: bool,
    leave_at_once: bool,
    precedence: bool,
    program: bool,
    answer: bool,
    named: Vec<String>,
}

impl Marks {
    fn of(message: &Message) -> Marks {
        let mut marks = Marks::default();
        for (name, value) in message.fields() {
            // Cheap way out for the many headers that say nothing here.
            if !matches!(name.first(), Some(b'L' | b'l' | b'P' | b'p' | b'F' | b'f' | b'X' | b'x' | b'A' | b'a' | b'I' | b'i')) {
                continue;
            }
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let mark = if is("List-Id") || is("List-Post") {
                &mut marks.list
            } else if is("List-Unsubscribe") {
                &mut marks.leave
            } else if is("List-Unsubscribe-Post") {
                &mut marks.leave_at_once // RFC 8058
            } else if is("Precedence") && says(value, &["bulk", "list", "junk"]) {
                &mut marks.precedence
            } else if (is("Auto-Submitted") && !says(value, &["no"])) || is("In-Reply-To") {
                &mut marks.answer // RFC 3834: notices and answers are not bulk
            } else if SENDING_PROGRAMS.iter().any(|program| is(program)) {
                &mut marks.program
            } else {
                continue;
            };
            if !std::mem::replace(mark, true) {
                marks.named.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        marks
    }

    fn level(&self, auth: &AuthResults) -> u8 {
        let discussion = self.list && !self.program;
        if discussion {
            return if self.answer { 1 } else { 2 };
        }
        let mut level: u8 = match (self.program || self.precedence, self.leave) {
            (true, true) => 5,
            (false, true) => 4,
            // Sent to many, with no way to leave: what people complain about. A program that also sends receipts
            // needs none, hence not more.
            (true, false) if self.precedence => 6,
            (true, false) => 4,
            (false, false) => return 0,
        };
        if self.leave_at_once {
            level -= 1;
        }
        // Bulk that nobody signs for.
        let fails = auth.dmarc.result == DmarcResult::Fail
            || (auth.spf.result == SpfResult::Fail && !auth.dkim.iter().any(|dkim| dkim.result == DkimResult::Pass));
        if fails { (level + 3).min(9) } else { level }
    }
}

fn says(value: &[u8], words: &[&str]) -> bool {
    let value = value.trim_ascii();
    words.iter().any(|word| value.len() >= word.len() && value[..word.len()].eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests;
