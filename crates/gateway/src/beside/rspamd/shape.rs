//! The JSON that rspamd's clients read.

use super::super::score::{ADD_HEADER_SCORE, REJECT_SCORE, finding_points, points, symbol};
use super::action;
use crate::intake::beside::{Answered, Ruling, Said};
use mail::auth::{AuthResults, DkimResult, DmarcPolicy, DmarcResult, SpfResult};
use mail::smtp::Reply;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The answer to `/checkv2`.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    is_skipped: bool,
    score: f64,
    required_score: f64,
    action: &'static str,
    thresholds: BTreeMap<&'static str, f64>,
    symbols: BTreeMap<String, Symbol>,
    messages: BTreeMap<&'static str, String>,
    /// Only where the subject is to be written anew.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    urls: Vec<String>,
    emails: Vec<String>,
    #[serde(rename = "message-id")]
    message_id: String,
    time_real: f64,
    milter: Milter,
    /// The id in our trace; empty when the mail is not recorded.
    #[serde(skip_serializing_if = "String::is_empty")]
    gatepost_id: String,
    /// In our own words.
    gatepost_verdict: &'static str,
}

#[derive(Debug, Default, Serialize)]
struct Symbol {
    name: String,
    score: f64,
    metric_score: f64,
    description: String,
    options: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Milter {
    add_headers: BTreeMap<String, Header>,
    remove_headers: BTreeMap<String, u32>,
}

#[derive(Debug, Serialize)]
struct Header {
    value: String,
    order: u32,
}

/// Fields that rspamd's clients are told to remove before ours go in: nobody outside may write them.
const REMOVED: [&str; 2] = ["X-Gatepost-Report", "X-Gatepost-Junk"];

pub(super) fn checked(answered: &Answered, said: &Said, took: Duration) -> Checked {
    let reply = super::refusal(answered);
    let action = action(answered, said);
    Checked {
        is_skipped: said.scl < 0,
        score: points(said),
        required_score: REJECT_SCORE,
        action,
        thresholds: [("reject", REJECT_SCORE), ("add header", ADD_HEADER_SCORE)].into(),
        symbols: symbols(said),
        messages: reply.map(|reply| ("smtp_message", reply.text.join(" "))).into_iter().collect(),
        subject: if action == "rewrite subject" { format!("{}{}", said.prefix, said.subject) } else { String::new() },
        urls: said.links.clone(),
        emails: said.addresses.clone(),
        message_id: said.message_id.clone(),
        time_real: took.as_secs_f64(),
        milter: milter(answered, said),
        gatepost_id: said.id.map(|id| id.to_string()).unwrap_or_default(),
        gatepost_verdict: said.class.name(),
    }
}

/// A mail that was refused before it was judged.
pub(super) fn refused(reply: &Reply, took: Duration) -> Checked {
    Checked {
        is_skipped: false,
        score: REJECT_SCORE,
        required_score: REJECT_SCORE,
        action: if reply.is_temporary() { "soft reject" } else { "reject" },
        thresholds: [("reject", REJECT_SCORE), ("add header", ADD_HEADER_SCORE)].into(),
        symbols: BTreeMap::new(),
        messages: [("smtp_message", reply.text.join(" "))].into(),
        subject: String::new(),
        urls: Vec::new(),
        emails: Vec::new(),
        message_id: String::new(),
        time_real: took.as_secs_f64(),
        milter: Milter::default(),
        gatepost_id: String::new(),
        gatepost_verdict: "refused",
    }
}

fn symbols(said: &Said) -> BTreeMap<String, Symbol> {
    let mut symbols: BTreeMap<String, Symbol> = BTreeMap::new();
    for finding in &said.findings {
        let (name, score) = (symbol(&finding.check), finding_points(finding.weight));
        let known =
            symbols.entry(name.clone()).or_insert_with(|| Symbol { name, description: finding.check.to_string(), ..Symbol::default() });
        known.score += score;
        known.metric_score += score;
        known.options.push(finding.evidence.clone());
    }
    for (name, option) in authentication(&said.auth) {
        symbols.entry(name.into()).or_insert_with(|| Symbol { name: name.into(), options: vec![option], ..Symbol::default() });
    }
    symbols
}

/// Results in the names that rspamd gives them; scripts look for those.
fn authentication(auth: &AuthResults) -> [(&'static str, String); 4] {
    let spf = match auth.spf.result {
        SpfResult::Pass => "R_SPF_ALLOW",
        SpfResult::Fail => "R_SPF_FAIL",
        SpfResult::SoftFail => "R_SPF_SOFTFAIL",
        SpfResult::Neutral => "R_SPF_NEUTRAL",
        SpfResult::TempError => "R_SPF_DNSFAIL",
        SpfResult::PermError => "R_SPF_PERMFAIL",
        SpfResult::None => "R_SPF_NA",
    };
    let best = auth.dkim.iter().find(|one| one.result == DkimResult::Pass).or(auth.dkim.first());
    let dkim = match best.map(|one| one.result) {
        Some(DkimResult::Pass) => "R_DKIM_ALLOW",
        Some(DkimResult::TempError) => "R_DKIM_TEMPFAIL",
        Some(DkimResult::PermError) => "R_DKIM_PERMFAIL",
        Some(DkimResult::None) | None => "R_DKIM_NA",
        Some(_) => "R_DKIM_REJECT",
    };
    let dmarc = match (auth.dmarc.result, auth.dmarc.policy) {
        (DmarcResult::Pass, _) => "DMARC_POLICY_ALLOW",
        (DmarcResult::Fail, DmarcPolicy::Reject) => "DMARC_POLICY_REJECT",
        (DmarcResult::Fail, DmarcPolicy::Quarantine) => "DMARC_POLICY_QUARANTINE",
        (DmarcResult::Fail, DmarcPolicy::None) => "DMARC_POLICY_SOFTFAIL",
        (DmarcResult::TempError, _) => "DMARC_DNSFAIL",
        (DmarcResult::PermError, _) => "DMARC_BAD_POLICY",
        (DmarcResult::None | DmarcResult::BestGuessPass, _) => "DMARC_NA",
    };
    let arc = match auth.arc.result {
        DkimResult::Pass => "ARC_ALLOW",
        DkimResult::None => "ARC_NA",
        DkimResult::TempError => "ARC_DNSFAIL",
        _ => "ARC_REJECT",
    };
    let signer = best.map(|one| one.domain.clone()).unwrap_or_default();
    [(spf, auth.spf.domain.clone()), (dkim, signer), (dmarc, auth.dmarc.domain.clone()), (arc, auth.arc.sealer.clone().unwrap_or_default())]
}

/// The lines that we would write ourselves.
fn milter(answered: &Answered, said: &Said) -> Milter {
    let lines = match &answered.ruling {
        Ruling::HandBack(edits) => edits.lines.as_str(),
        _ if said.header.is_empty() => return Milter::default(),
        _ => said.header.as_str(),
    };
    let fields = mail::beside::header_edits::fields(lines.as_bytes());
    let unfolded = |value: &[u8]| String::from_utf8_lossy(value).split_whitespace().collect::<Vec<_>>().join(" ");
    let header = |(name, value): (&[u8], &[u8])| (String::from_utf8_lossy(name).into_owned(), Header { value: unfolded(value), order: 0 });
    Milter {
        add_headers: fields.into_iter().map(header).collect(),
        remove_headers: REMOVED.iter().map(|name| (name.to_string(), 0)).collect(),
    }
}
