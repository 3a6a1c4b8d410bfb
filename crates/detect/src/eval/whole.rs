//! The whole judgement, measured: every inspection, the classifier and the verdict, network off.
//!
//! In: an index and a detector. Out: [`Whole`]: what became of each label, what each check is worth, and the worst mistakes
//! with their reasons. Without the network nobody is authenticated, so what rests on SPF, DKIM and DMARC is not in it.

use super::index::Entry;
use super::metrics::Judged;
use crate::classify::corpus::{self, CorpusError};
use crate::classify::{Label, log_odds};
use crate::finding::Finding;
use crate::inspect::{Detector, Inspected, Surroundings};
use crate::verdict::{Class, Thresholds, Verdict, judge};
use mail::envelope::BodyType;
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One message as it was judged.
pub struct Seen {
    pub entry: Entry,
    pub inspected: Inspected,
    pub verdict: Verdict,
}

/// What one check did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckCount {
    pub ham: usize,
    pub junk: usize,
    /// Junk that is caught with it and not without.
    pub caught_more: usize,
    /// Ham that is lost with it and not without.
    pub lost_more: usize,
}

/// All messages of an index, judged.
pub struct Whole {
    pub seen: Vec<Seen>,
    thresholds: Thresholds,
}

/// Name under which the classifier stands in the table of checks.
pub const CLASSIFIER: &str = "classifier";

impl Whole {
    /// Inspects every message of `index`.
    /// # Errors
    /// A message cannot be read.
    pub async fn of(
        index: &[Entry],
        detector: &Detector,
        thresholds: Thresholds,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Whole, CorpusError> {
        let peer = Peer { helo: "localhost".to_string(), ..Peer::at(Ipv4Addr::LOCALHOST.into()) };
        let envelope = Envelope { smtputf8: true, body: BodyType::EightBit, ..Envelope::empty() };
        let (auth, surroundings) = (AuthResults::not_asked(""), Surroundings::default());
        let mut seen = Vec::with_capacity(index.len());
        for entry in index {
            let message = Message::parse(corpus::message(&entry.path)?, &Budget::default());
            // The time of the mail itself: a collection of old mail is not old news.
            let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: message.date_ms.unwrap_or_default() };
            let inspected = detector.inspect(mail, &auth, &surroundings).await;
            let verdict = judged(&inspected, &inspected.findings, &thresholds);
            seen.push(Seen { entry: entry.clone(), inspected, verdict });
            progress(seen.len());
        }
        Ok(Whole { seen, thresholds })
    }

    /// For the ruler: the verdict's probabilities as log-odds; junk is what would not reach the inbox.
    pub fn judged(&self) -> Vec<Judged> {
        let score = |verdict: &Verdict| log_odds(verdict.spam_probability.max(verdict.phish_probability).clamp(1e-9, 1.0 - 1e-7));
        self.seen
            .iter()
            .map(|seen| Judged { label: seen.entry.label, score: score(&seen.verdict), is_junk: is_kept_out(seen.verdict.class) })
            .collect()
    }

    /// How many of each label ended in each class.
    pub fn confusion(&self) -> BTreeMap<(Label, Class), usize> {
        let mut counts = BTreeMap::new();
        for seen in &self.seen {
            *counts.entry((seen.entry.label, seen.verdict.class)).or_default() += 1;
        }
        counts
    }

    /// What each check saw, and what would be otherwise without it; the classifier among them.
    pub fn checks(&self) -> BTreeMap<String, CheckCount> {
        let mut counts: BTreeMap<String, CheckCount> = BTreeMap::new();
        for seen in &self.seen {
            let mut names: Vec<&str> = seen.inspected.findings.iter().map(|finding| finding.check.as_ref()).collect();
            names.sort_unstable();
            names.dedup();
            let is_junk = seen.entry.label.is_junk();
            for name in names.into_iter().chain([CLASSIFIER]) {
                let count = counts.entry(name.to_string()).or_default();
                *(if is_junk { &mut count.junk } else { &mut count.ham }) += 1;
                if is_kept_out(seen.verdict.class) && !is_kept_out(self.class_without(seen, name)) {
                    *(if is_junk { &mut count.caught_more } else { &mut count.lost_more }) += 1;
                }
            }
        }
        counts
    }

    fn class_without(&self, seen: &Seen, check: &str) -> Class {
        if check == CLASSIFIER {
            let without = Inspected { spam_log_odds: NEUTRAL, phish_log_odds: NEUTRAL, bcl: seen.inspected.bcl, ..Inspected::default() };
            return judged(&without, &seen.inspected.findings, &self.thresholds).class;
        }
        let kept: Vec<Finding> = seen.inspected.findings.iter().filter(|finding| finding.check != check).cloned().collect();
        judged(&seen.inspected, &kept, &self.thresholds).class
    }

    /// The `most` ham with the highest and the `most` junk with the lowest score that ended on the wrong side.
    pub fn worst(&self, most: usize) -> (Vec<&Seen>, Vec<&Seen>) {
        let scores = self.judged();
        let wrong = |junk: bool| {
            let mut wrong: Vec<(f32, &Seen)> = self
                .seen
                .iter()
                .zip(&scores)
                .filter(|(seen, judged)| seen.entry.label.is_junk() == junk && judged.is_junk != junk)
                .map(|(seen, judged)| (if junk { judged.score } else { -judged.score }, seen))
                .collect();
            wrong.sort_by(|a, b| a.0.total_cmp(&b.0));
            wrong.into_iter().take(most).map(|(_, seen)| seen).collect()
        };
        (wrong(false), wrong(true))
    }
}

/// Log-odds of "no opinion" where a table asks what the findings do alone.
const NEUTRAL: f32 = -2.0;

/// Whether a mail of this class stays out of the inbox by default.
pub fn is_kept_out(class: Class) -> bool {
    class > Class::Bulk
}

fn judged(inspected: &Inspected, findings: &[Finding], thresholds: &Thresholds) -> Verdict {
    judge(findings, inspected.spam_log_odds, inspected.phish_log_odds, inspected.bcl, thresholds)
}
