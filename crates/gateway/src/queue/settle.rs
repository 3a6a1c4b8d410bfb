//! Results of attempts on their way into the table: many share one commit.
//!
//! Everything is idempotent: a row that has ended stays as it ended, and only the one that ends it tells the sender.

use super::job::{Due, Job};
use super::notice::{self, Notice, Told, What};
use super::sql::{self, Statement};
use super::{GiveUp, Shared, now_ms};
use crate::signal::Counter;
use crate::trace::{self, Event, EventKind};
use mail::MailId;
use mail::id::EventId;
use mail::smtp::Reply;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;
use tokio::sync::{mpsc, watch};

/// Results that share one commit.
const BATCH_MAX: usize = 256;
/// Characters of a reply kept with the row and in the event.
const REPLY_CHARS_MAX: usize = 500;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long workers may take for what they are sending when the queue stops.
const LAST_JOBS: Duration = Duration::from_secs(30);
/// Failures that waiting does not mend, before results are committed one by one.
const BROKEN_TRIES_MAX: u32 = 5;

/// What came of one recipient in one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub n: i64,
    pub outcome: Outcome,
    /// What the next hop said, or what we say about it.
    pub reply: Reply,
    /// Who said it: "mx.example.net [192.0.2.1]:25"; '' when nobody was reached.
    pub hop: String,
    /// TLS version of the connection; '' is none.
    pub tls: String,
    /// Which policy of the recipient's domain the connection stood under, such as "DANE"; '' is none.
    pub policy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop took it. `is_final`: into a mailbox (LMTP, folder). `dsn_passed_on`: it now owes the sender the DSNs.
    Delivered { is_final: bool, dsn_passed_on: bool },
    /// 4yz, or nobody was reached: try later (RFC 5321 §4.2.1).
    Deferred,
    /// 5yz: stop, tell the sender (RFC 3464).
    Refused,
}

pub(super) struct Settlement {
    pub job: Job,
    pub attempts: Vec<Attempt>,
}

/// One settlement as statements.
#[derive(Default)]
struct Plan {
    mail: Option<MailId>,
    /// Those whose effect decides whether the sender is told.
    ends: Vec<Statement>,
    rest: Vec<Statement>,
    events: Vec<Event>,
    notice: Option<Notice>,
    /// The notice is owed even if no row ended by us: a delay.
    notice_is_due: bool,
    /// The body lies in a file and may go.
    drops_file: bool,
}

/// What a commit brought: notices to send on, files to remove.
#[derive(Default)]
struct Done {
    notices: Vec<usize>,
    files: Vec<String>,
}

/// Commits what has piled up, until the queue stops and nothing is in memory any more.
pub(super) async fn run(shared: Arc<Shared>, mut results: mpsc::Receiver<Settlement>) {
    let mut closing = shared.closing.subscribe();
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        tokio::select! {
            taken = results.recv_many(&mut batch, BATCH_MAX) => if taken == 0 { return },
            () = drained(&shared, &mut closing) => return,
        }
        commit(&shared, std::mem::take(&mut batch)).await;
    }
}

/// The queue stops, and what was being sent is settled or has taken too long; its lease then brings it back.
async fn drained(shared: &Shared, closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|is_closing| *is_closing).await;
    let until = Instant::now() + LAST_JOBS;
    while shared.lanes.held_count() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn commit(shared: &Arc<Shared>, batch: Vec<Settlement>) {
    let mut plans = Vec::with_capacity(batch.len());
    for settlement in &batch {
        plans.push(plan(shared, settlement).await);
    }
    let plans = Arc::new(plans);
    let all: Vec<usize> = (0..plans.len()).collect();
    if let Err(why) = commit_some(shared, &plans, all.clone()).await {
        tracing::error!(%why, "results of deliveries could not be stored together; storing them one by one");
        for one in all {
            if let Err(why) = commit_some(shared, &plans, vec![one]).await {
                let mail = plans[one].mail.map(|mail| mail.to_string());
                tracing::error!(%why, mail, "the result of a delivery could not be stored; the mail will be sent again");
            }
        }
    }
}

/// Commits the plans named, waiting as long as the database is away, and does what follows from it.
async fn commit_some(shared: &Arc<Shared>, plans: &Arc<Vec<Plan>>, some: Vec<usize>) -> Result<(), Error> {
    let (mut wait, mut broken) = (RETRY_FIRST, 0);
    let done = loop {
        let (these, which) = (plans.clone(), some.clone());
        match shared.db.later(move |tx| Box::pin(async move { write(tx, &these, &which).await })).await {
            Ok(done) => break done,
            Err(why) => {
                broken += u32::from(!(why.is_passing() || matches!(why, Error::Full(_))) || *shared.closing.borrow());
                if broken >= BROKEN_TRIES_MAX {
                    return Err(why);
                }
                tracing::warn!(%why, "results of deliveries wait for the database");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    };
    count(shared, some.iter().flat_map(|at| &plans[*at].events));
    for notice in done.notices.iter().filter_map(|at| plans[*at].notice.as_ref()) {
        shared.signals.add(Counter::DsnSent, 1);
        shared.start(notice.accepted.clone());
    }
    for file in &done.files {
        if let Err(why) = shared.bodies.remove(file).await {
            tracing::warn!(%why, file, "a body that nobody needs could not be removed; it is collected later");
        }
    }
    Ok(())
}

fn count<'a>(shared: &Shared, events: impl Iterator<Item = &'a Event>) {
    for event in events {
        match event.kind {
            EventKind::Delivered => shared.signals.add(Counter::Delivered, 1),
            EventKind::Deferred => shared.signals.add(Counter::Deferred, 1),
            EventKind::Bounced => shared.signals.add(Counter::Bounced, 1),
            _ => {}
        }
    }
}

async fn write(tx: &mut store::Tx, plans: &[Plan], which: &[usize]) -> Result<Done, Error> {
    let mut done = Done::default();
    // What needs no look at its effect goes in one round trip.
    let plain = which.iter().filter(|at| plans[**at].notice.is_none());
    tx.run_all(plain.flat_map(|at| plans[*at].ends.iter().chain(&plans[*at].rest)).cloned().collect()).await?;
    let events: Vec<Event> = which.iter().flat_map(|at| plans[*at].events.iter().cloned()).collect();
    trace::insert(tx, &events).await?;
    for at in which.iter().copied().filter(|at| plans[*at].notice.is_some()) {
        let plan = &plans[at];
        let mut ended = 0;
        for (statement, args) in &plan.ends {
            ended += tx.run(statement, args.clone()).await?;
        }
        tx.run_all(plan.rest.clone()).await?;
        if let Some(notice) = plan.notice.as_ref().filter(|_| ended > 0 || plan.notice_is_due) {
            tx.run_all(notice.statements.clone()).await?;
            done.notices.push(at);
        }
    }
    for mail in which.iter().filter(|at| plans[**at].drops_file).filter_map(|at| plans[*at].mail) {
        done.files.extend(sql::drop_body_file(tx, mail).await?);
    }
    Ok(done)
}

/// Turns the attempts of one job into statements, and into a notice where one is owed.
async fn plan(shared: &Arc<Shared>, settlement: &Settlement) -> Plan {
    let mail = &settlement.job.mail;
    let mut plan = Plan { mail: Some(mail.id), ..Plan::default() };
    let mut told = Vec::new();
    let now = now_ms();
    for attempt in &settlement.attempts {
        let Some(due) = settlement.job.recipients.iter().find(|due| due.n == attempt.n) else { continue };
        let step = Step { shared, settlement, attempt, now };
        match attempt.outcome {
            Outcome::Delivered { .. } => step.delivered(due, &mut plan, &mut told),
            Outcome::Refused => step.refused(due, &mut plan, &mut told, None),
            Outcome::Deferred => step.deferred(due, &mut plan, &mut told).await,
        }
    }
    let owes_nobody = mail.sender.is_empty() || mail.extras.is_notice; // RFC 5321 §4.5.5: nothing is returned to `<>`
    if !told.is_empty() && !owes_nobody {
        match notice::write(shared, &settlement.job, &told, now).await {
            Ok(notice) => plan.notice = notice,
            Err(why) => tracing::error!(%why, mail = %mail.id, "a notice to the sender could not be written"),
        }
    }
    if !plan.ends.is_empty() {
        match mail.place.as_str() {
            "" => plan.rest.push(sql::drop_body(mail.id)),
            _ => plan.drops_file = true,
        }
    }
    plan
}

/// One attempt of one recipient being planned.
struct Step<'a> {
    shared: &'a Arc<Shared>,
    settlement: &'a Settlement,
    attempt: &'a Attempt,
    now: i64,
}

impl Step<'_> {
    fn delivered(&self, due: &Due, plan: &mut Plan, told: &mut Vec<Told>) {
        plan.ends.push(self.finish(due, "delivered"));
        plan.events.push(self.event(EventKind::Delivered, due, self.detail(due)));
        told.extend(Told::of_success(due, self.attempt));
    }

    fn refused(&self, due: &Due, plan: &mut Plan, told: &mut Vec<Told>, expired: Option<&str>) {
        plan.ends.push(self.finish(due, "bounced"));
        let mut detail = self.detail(due);
        if let Some(why) = expired {
            detail["expired"] = json!(why);
        }
        plan.events.push(self.event(EventKind::Bounced, due, detail));
        if due.dsn.failure || !due.dsn.given {
            told.push(Told::new(due, self.attempt, if expired.is_some() { What::Expired } else { What::Failed }));
        }
    }

    async fn deferred(&self, due: &Due, plan: &mut Plan, told: &mut Vec<Told>) {
        let mail = &self.settlement.job.mail;
        let settings = &self.shared.settings;
        let mut since = trace::time_of(mail.id);
        if self.now - since >= settings.give_up_after.as_ms() {
            since = since.max(self.released_ms().await); // held mail does not age
        }
        match settings.next_try_ms(since, self.now, due.tries + 1, mail.id.0 ^ due.n) {
            Err(GiveUp) => self.refused(due, plan, told, Some("no next hop took it in time")),
            Ok(next_ms) => {
                let mut detail = self.detail(due);
                detail["next_ms"] = json!(next_ms);
                plan.rest.push(sql::defer(mail.id, due.n, &self.reply(), next_ms));
                plan.events.push(self.event(EventKind::Deferred, due, detail));
                if self.is_delay_due(due).await {
                    plan.events.push(self.event(EventKind::DelayNotice, due, json!({})));
                    plan.notice_is_due = true;
                    let until_ms = since + settings.give_up_after.as_ms();
                    told.push(Told::new(due, self.attempt, What::Delayed { until_ms }));
                }
            }
        }
    }

    /// Does the sender hear, once, that this recipient still waits?
    async fn is_delay_due(&self, due: &Due) -> bool {
        let mail = &self.settlement.job.mail;
        let wants = (due.dsn.delay || !due.dsn.given) && !mail.sender.is_empty() && !mail.extras.is_notice;
        let warn_after = self.shared.settings.warn_after;
        if !wants || warn_after.is_zero() || self.now - trace::time_of(mail.id) < warn_after.as_ms() {
            return false;
        }
        let (id, address) = (mail.id, due.address.clone());
        let asked = self.shared.db.read(move |tx| Box::pin(async move { sql::was_warned(tx, id, &address).await }));
        let was_warned = asked.await.unwrap_or(true); // unsure: rather no word than the same word every hour
        !was_warned && self.now - self.released_ms().await >= warn_after.as_ms()
    }

    /// When a person put the mail back into the queue; 0 if nobody did.
    async fn released_ms(&self) -> i64 {
        let id = self.settlement.job.mail.id;
        match self.shared.db.read(move |tx| Box::pin(sql::released_ms(tx, id))).await {
            Ok(at_ms) => at_ms.unwrap_or(0),
            Err(_) => self.now, // unsure: rather one more attempt than a bounce
        }
    }

    fn finish(&self, due: &Due, state: &'static str) -> Statement {
        sql::finish(self.settlement.job.mail.id, due.n, state, &self.reply(), self.now)
    }

    fn event(&self, kind: EventKind, due: &Due, detail: serde_json::Value) -> Event {
        let mail = &self.settlement.job.mail;
        let id = EventId(self.shared.ids.next(self.now));
        Event { id, mail: mail.id, org: mail.org, at_ms: self.now, kind, recipient: due.address.clone(), detail: detail.to_string() }
    }

    fn detail(&self, due: &Due) -> serde_json::Value {
        let attempt = self.attempt;
        json!({ "hop": attempt.hop, "reply": self.reply(), "tls": attempt.tls, "policy": attempt.policy, "tries": due.tries + 1 })
    }

    fn reply(&self) -> String {
        reply_line(&self.attempt.reply)
    }
}

/// A reply in one line: `451 4.7.1 Try again later`.
pub(super) fn reply_line(reply: &Reply) -> String {
    let line = reply.to_string();
    match line.char_indices().nth(REPLY_CHARS_MAX) {
        Some((at, _)) => line[..at].to_string(),
        None => line,
    }
}
