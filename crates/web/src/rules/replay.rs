//! What a draft would have done with the mail of the last days, from receipts and from what is kept of the content.
//!
//! Invariant: bounded in mails, matches and time, and it says where it stopped and for how many mails it could not know.

use crate::App;
use crate::page::Fault;
use gateway::queue;
use gateway::receipt::Receipt;
use gateway::rules::{NoteOutcome, Past, Rule, RuleSettings, evaluate_one};
use gateway::scope::OrgScope;
use gateway::trace;
use mail::{MailId, OrgId, RuleId};
use serde::Serialize;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

pub const DAYS_MAX: i64 = 30;
pub const DAYS_USUAL: i64 = 7;
/// Mails looked at.
pub const MAILS_MAX: usize = 50_000;
/// Matches listed.
pub const MATCHES_MAX: usize = 500;
/// Mails whose content is read; each may be large.
const CONTENTS_MAX: usize = 2_000;
const TIME_MAX: Duration = Duration::from_secs(15);
/// Receipts read at once.
const PAGE: usize = 500;

/// What would have happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replayed {
    pub days: i64,
    /// Mails of these days that were looked at.
    pub mails: usize,
    /// For so many it is known: the rule would have applied to `matched` of them.
    pub known: usize,
    pub matched: usize,
    /// The content would have to be asked and is not kept any more.
    pub unknown: usize,
    /// The limit of mails or time came first: what is later was not looked at.
    pub is_cut: bool,
    /// The first of those it would have applied to.
    pub matches: Vec<Match>,
}

/// One mail that the rule would have applied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Match {
    #[schema(value_type = String)]
    pub mail: MailId,
    pub at_ms: i64,
    pub sender: String,
    pub subject: String,
    /// For these recipients.
    pub recipients: Vec<String>,
    /// What the mail was judged to be.
    pub verdict: String,
}

/// Asks the draft about every mail of the last days. Mode, dates and switch do not count: it is asked as if it were in force.
pub async fn replay(app: &App, org: OrgId, draft: &RuleSettings, days: i64) -> Result<Replayed, Fault> {
    let settings = RuleSettings { enabled: true, starts: String::new(), ends: String::new(), mode: gateway::rules::Mode::Audit, ..draft.clone() };
    let rule = Rule::new(RuleId(0), org, settings, "draft");
    let mut run = Run { app, org, rule, done: Replayed { days, ..Replayed::default() }, contents_left: CONTENTS_MAX };
    let mut after = trace::first_id_at(app.now_ms() - days.clamp(1, DAYS_MAX) * 24 * 60 * 60 * 1000);
    let started = Instant::now();
    loop {
        let from = after;
        let page = app.db.read(move |tx| Box::pin(async move { trace::receipts_after(tx, OrgScope::One(org), from, PAGE).await })).await;
        let page: Vec<(MailId, String)> = page.map_err(<Fault as From<store::Error>>::from)?;
        let Some((last, _)) = page.last() else { return Ok(run.done) };
        after = *last;
        for (_, text) in &page {
            if run.done.mails >= MAILS_MAX || started.elapsed() > TIME_MAX {
                run.done.is_cut = true;
                return Ok(run.done);
            }
            run.one(text).await?;
        }
        tokio::task::yield_now().await;
    }
}

struct Run<'a> {
    app: &'a App,
    org: OrgId,
    rule: Rule,
    done: Replayed,
    contents_left: usize,
}

/// What one mail says about the rule.
enum Answer {
    Yes(Vec<String>),
    No,
    NotKnown,
}

impl Run<'_> {
    async fn one(&mut self, text: &str) -> Result<(), Fault> {
        // Our own letters have a receipt of another shape; no rule is asked about them.
        let Ok(receipt) = serde_json::from_str::<Receipt>(text) else { return Ok(()) };
        self.done.mails += 1;
        let mut answer = self.asked(&Past::of_receipt(&receipt, None));
        if matches!(answer, Answer::NotKnown)
            && let Some(octets) = self.octets(receipt.mail).await?
        {
            answer = self.asked(&Past::of_receipt(&receipt, Some(octets)));
        }
        match answer {
            Answer::NotKnown => self.done.unknown += 1,
            Answer::No => self.done.known += 1,
            Answer::Yes(recipients) => {
                self.done.known += 1;
                self.done.matched += 1;
                if self.done.matches.len() < MATCHES_MAX {
                    self.done.matches.push(Match {
                        mail: receipt.mail,
                        at_ms: receipt.at_ms,
                        sender: receipt.envelope.sender.clone(),
                        subject: receipt.header.subject.clone(),
                        recipients,
                        verdict: receipt.verdict.class.name().into(),
                    });
                }
            }
        }
        Ok(())
    }

    fn asked(&self, past: &Past) -> Answer {
        let directory = self.app.directory.snapshot();
        let facts = past.facts(&directory, self.org);
        let (done, _) = evaluate_one(&self.rule, facts);
        let Some(note) = done.notes.into_iter().next() else { return Answer::NotKnown };
        match note.outcome {
            NoteOutcome::Matched if note.recipients.is_empty() => {
                Answer::Yes(facts.mail.envelope.recipients.iter().map(|one| one.address.to_string()).collect())
            }
            NoteOutcome::Matched => Answer::Yes(note.recipients),
            NoteOutcome::Failed => Answer::NotKnown,
            _ => Answer::No,
        }
    }

    async fn octets(&mut self, mail: MailId) -> Result<Option<bytes::Bytes>, Fault> {
        if self.contents_left == 0 {
            return Ok(None);
        }
        let org = self.org;
        let body = self.app.db.read(move |tx| {
            Box::pin(async move {
                // The receipt came from this organisation; its body is asked for under the same scope.
                match trace::receipt_of(tx, OrgScope::One(org), mail).await? {
                    Some(_) => queue::body_of(tx, mail).await,
                    None => Ok(None),
                }
            })
        });
        let body: Option<(String, bytes::Bytes)> = body.await.map_err(<Fault as From<store::Error>>::from)?;
        let octets = match body {
            None => None,
            Some((place, octets)) if place.is_empty() => Some(octets),
            Some((place, _)) => self.app.bodies.read(&place).await?,
        };
        self.contents_left -= usize::from(octets.is_some());
        Ok(octets)
    }
}
