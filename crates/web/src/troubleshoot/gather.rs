//! Reading what there is about the mail in question: mails with their stories, refusals, issues of the service.
//!
//! In: a question. Out: [`Facts`]. Invariant: everything is read in the asker's scope and bounded; what was not looked through is said.
//! Not here: what it means (`judge`).

use super::ground::Ground;
use super::judge::distance;
use super::question::{End, Question};
use super::sql;
use super::symptom::Symptom;
use crate::health::issue::Issue;
use crate::health::sql::{self as health_sql, Wanted};
use gateway::receipt::Receipt;
use gateway::trace::api::{EventBody, Incomplete, MailBody};
use gateway::trace::{self, Query, RefusalQuery};
use mail::MailId;
use serde_json::Value;
use store::{Error, Tx};

/// Mails of one search, and those whose story is read.
const ROWS_MAX: usize = 200;
const STORIES_MAX: usize = 40;
/// Refusals of one search.
const REFUSALS_MAX: usize = 200;
/// How far from the moment that was named mail is looked for.
const AROUND_MS: i64 = 36 * 60 * 60 * 1000;
/// How far back without a moment.
const BACK_MS: i64 = 14 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const ISSUES_MAX: usize = 50;

/// One mail with its story.
#[derive(Debug, Clone)]
pub struct Story {
    pub row: MailBody,
    pub events: Vec<EventBody>,
    pub receipt: Option<Receipt>,
    /// How well it fits what was asked: 1 is exactly it.
    pub fit: f64,
}

/// One refusal.
#[derive(Debug, Clone)]
pub struct Refused {
    pub event: EventBody,
    pub detail: trace::Refusal,
    pub receipt: Option<Receipt>,
    pub fit: f64,
}

impl Refused {
    /// `550 5.7.1 …` without the identifier that we put behind it.
    pub fn reply(&self) -> &str {
        &self.detail.reply
    }

    pub fn is_temporary(&self) -> bool {
        self.detail.reply.starts_with('4')
    }
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Facts {
    /// Newest first.
    pub stories: Vec<Story>,
    pub refusals: Vec<Refused>,
    /// Refusals of the same sender to other addresses, or of others to the same address.
    pub near: Vec<Refused>,
    /// Open now, or while the mail was under way.
    pub issues: Vec<Issue>,
    /// From when on was looked, Unix milliseconds.
    pub since_ms: i64,
    pub until_ms: i64,
    /// The oldest mail that is kept.
    pub oldest_ms: Option<i64>,
    /// Everything in that span was looked through.
    pub is_complete: bool,
    /// Mails seen to or from that address in that time, whoever the other end was.
    pub traffic: usize,
    /// Mails of other recipients of the asked domain in the last day: whether the way to us works.
    pub domain_traffic: usize,
    /// There is mail between the two the other way round, and no word says which way is meant.
    pub is_other_way: bool,
    /// There was nothing at the moment that was named; this is of other days.
    pub is_other_time: bool,
    /// The domain as it was asked about, where mail was only found to one of ours that is written nearly so.
    pub misspelled: Option<String>,
}

/// Reads it.
pub async fn gather(ground: &Ground, question: &Question) -> Result<Facts, Error> {
    let (scope, asked) = (ground.scope, question.clone());
    let span = span(ground, question);
    let mut facts = ground.db.read(move |tx| Box::pin(async move { read(tx, scope, &asked, span).await })).await?;
    let now_ms = ground.now_ms;
    let from_ms = question.about_ms.unwrap_or(now_ms).saturating_sub(DAY_MS);
    let issues = ground.db.read(move |tx| {
        Box::pin(
            async move { health_sql::issues(tx, scope, Wanted { open: None, known: None, since_ms: from_ms, rows_max: ISSUES_MAX }).await },
        )
    });
    facts.issues = issues.await?;
    Ok(facts)
}

/// Reads it, and where nothing is found and no word says who sent, looks whether there is trouble the other way round.
pub async fn either_way(ground: &Ground, question: &Question) -> Result<(Question, Facts), Error> {
    let mut facts = gather(ground, question).await?;
    if let Some(found) = another_time(ground, question, &facts).await? {
        return Ok(found);
    }
    if let Some(found) = another_domain(ground, question, &facts).await? {
        return Ok(found);
    }
    if !question.may_turn || !facts.stories.is_empty() || !facts.refusals.is_empty() {
        return Ok((question.clone(), facts));
    }
    let turned = question.turned(&ground.directory);
    let other = gather(ground, &turned).await?;
    let is_troubled = |story: &Story| story.row.recipients.iter().any(|one| one.state != "delivered");
    // What others sort into junk was taken by them: mail of ours counts as trouble although it is delivered.
    let is_junked_there = turned.symptom == Symptom::InJunk && other.stories.iter().any(|story| !story.is_inbound());
    if is_junked_there || !other.refusals.is_empty() || other.stories.iter().any(is_troubled) {
        return Ok((turned, other));
    }
    facts.is_other_way = !other.stories.is_empty();
    Ok((question.clone(), facts))
}

/// People are days wrong about when it was: such mail around the moment that was named, where there is none at it.
async fn another_time(ground: &Ground, question: &Question, facts: &Facts) -> Result<Option<(Question, Facts)>, Error> {
    /// Farther away it is another mail.
    const WRONG_MS: i64 = 7 * DAY_MS;
    let Some(about_ms) = question.about_ms.filter(|_| facts.stories.is_empty() && facts.refusals.is_empty()) else { return Ok(None) };
    if question.sender.is_none() {
        return Ok(None);
    }
    let any_time = Question { about_ms: None, ..question.clone() };
    let mut found = gather(ground, &any_time).await?;
    found.stories.retain(|story| (story.row.at_ms - about_ms).abs() <= WRONG_MS);
    found.refusals.retain(|refused| (refused.event.at_ms - about_ms).abs() <= WRONG_MS);
    found.is_other_time = true;
    Ok((!found.stories.is_empty() || !found.refusals.is_empty()).then_some((any_time, found)))
}

/// People misspell their own domain: mail to the one of ours that they nearly wrote, where there is none to what they wrote.
async fn another_domain(ground: &Ground, question: &Question, facts: &Facts) -> Result<Option<(Question, Facts)>, Error> {
    let is_empty = facts.stories.is_empty() && facts.refusals.is_empty();
    let Some(End::Address(asked)) = question.recipient.as_ref().filter(|_| is_empty) else { return Ok(None) };
    let Some((local, domain)) = asked.rsplit_once('@') else { return Ok(None) };
    let Some(meant) = nearly_ours(ground, domain) else { return Ok(None) };
    let other = question.about(End::Address(format!("{local}@{meant}")), &ground.directory);
    let mut found = gather(ground, &other).await?;
    found.misspelled = Some(asked.clone());
    Ok((!found.stories.is_empty() || !found.refusals.is_empty()).then_some((other, found)))
}

/// The one domain of ours that this is nearly; `None` when it is one of ours, or could be several.
pub fn nearly_ours(ground: &Ground, domain: &str) -> Option<String> {
    if ground.directory.domain_named(domain).is_some() {
        return None;
    }
    let own = ground.directory.domains.values().filter(|own| ground.scope.allows(own.org) && is_near_name(domain, &own.name));
    let mut names = own.map(|own| own.name.clone());
    names.next().filter(|_| names.next().is_none())
}

/// From when to when is looked.
fn span(ground: &Ground, question: &Question) -> (i64, i64) {
    let (kept, now) = (ground.now_ms - i64::from(ground.trace_days) * DAY_MS, ground.now_ms + DAY_MS);
    match question.about_ms {
        Some(about) => ((about - AROUND_MS).max(kept), (about + AROUND_MS).min(now).max(kept + 1)),
        None => ((ground.now_ms - BACK_MS).max(kept), now),
    }
}

async fn read(tx: &mut Tx, scope: gateway::scope::OrgScope, question: &Question, span: (i64, i64)) -> Result<Facts, Error> {
    let mut facts = Facts { since_ms: span.0, until_ms: span.1, is_complete: true, ..Facts::default() };
    facts.oldest_ms = sql::oldest_ms(tx, scope).await?;
    let mut rows = rows(tx, scope, question, &mut facts).await?;
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.mail.cmp(&a.0.mail)));
    for (row, fit) in rows.into_iter().take(STORIES_MAX) {
        let events = trace::events_of(tx, scope, row.mail).await?;
        let receipt = trace::receipt_of(tx, scope, row.mail).await?.and_then(|json| serde_json::from_str(&json).ok());
        facts.stories.push(Story { row, events: events.iter().map(EventBody::from).collect(), receipt, fit });
    }
    refusals(tx, scope, question, &mut facts).await?;
    if let Some(domain) = question.recipient.as_ref().map(|end| end.domain().to_string()) {
        let query = Query { since_ms: Some(span.1 - 2 * DAY_MS), limit: ROWS_MAX, ..Query::default() };
        let all = trace::search(tx, scope, &query).await?.rows;
        let is_of_domain =
            |row: &&MailBody| row.direction == "inbound" && row.recipients.iter().any(|one| one.original.ends_with(&format!("@{domain}")));
        facts.domain_traffic = all.iter().filter(is_of_domain).count();
    }
    Ok(facts)
}

/// A mail that is named by an identifier; `None` when none is, or none has it.
async fn identified(
    tx: &mut Tx,
    scope: gateway::scope::OrgScope,
    question: &Question,
    facts: &Facts,
) -> Result<Option<Vec<(MailBody, f64)>>, Error> {
    if let Some(mail) = question.mail {
        let found = trace::search(tx, scope, &Query { mail: Some(mail), limit: 1, ..Query::default() }).await?;
        if !found.rows.is_empty() {
            return Ok(Some(found.rows.into_iter().map(|row| (row, 1.0)).collect()));
        }
    }
    if let Some(id) = &question.message_id {
        let query = Query {
            message_id: Some(id.clone()),
            since_ms: Some(facts.since_ms.min(facts.until_ms - BACK_MS)),
            limit: ROWS_MAX,
            ..Query::default()
        };
        let found = trace::search(tx, scope, &query).await?;
        if !found.rows.is_empty() {
            let fits = |row: &MailBody| if question.recipient.as_ref().is_none_or(|end| is_to(row, end)) { 1.0 } else { 0.6 };
            return Ok(Some(found.rows.into_iter().map(|row| (fits(&row), row)).map(|(fit, row)| (row, fit)).collect()));
        }
    }
    for id in bracketed(question) {
        let query = Query { message_id: Some(id), since_ms: Some(facts.since_ms), limit: ROWS_MAX, ..Query::default() };
        let found = trace::search(tx, scope, &query).await?;
        if !found.rows.is_empty() {
            return Ok(Some(found.rows.into_iter().map(|row| (row, 1.0)).collect()));
        }
    }
    Ok(None)
}

/// Mails that may be meant, with how well each fits.
async fn rows(tx: &mut Tx, scope: gateway::scope::OrgScope, question: &Question, facts: &mut Facts) -> Result<Vec<(MailBody, f64)>, Error> {
    if let Some(rows) = identified(tx, scope, question, facts).await? {
        return Ok(rows);
    }
    let mut rows: Vec<(MailBody, f64)> = Vec::new();
    let base = Query { since_ms: Some(facts.since_ms), until_ms: Some(facts.until_ms), limit: ROWS_MAX, ..Query::default() };
    if let Some(recipient) = question.recipient.as_ref() {
        let queries = match recipient {
            End::Address(_) => recipient.queries().into_iter().map(|one| Query { recipient: Some(one), ..base.clone() }).collect(),
            End::Domain(_) => vec![base.clone()],
        };
        for query in queries {
            let found = trace::search(tx, scope, &query).await?;
            facts.is_complete &= is_whole(&found.because) || question.sender.is_some();
            for row in found.rows.into_iter().filter(|row| is_to(row, recipient)) {
                facts.traffic += 1;
                let fit = fit_of_sender(tx, scope, question, &row).await?;
                rows.push((row, fit));
            }
        }
    }
    for sender in question.sender.iter().flat_map(End::queries) {
        let found = trace::search(tx, scope, &Query { sender: Some(sender), ..base.clone() }).await?;
        facts.is_complete &= is_whole(&found.because);
        for row in found.rows {
            let is_known = rows.iter().any(|(there, _)| there.mail == row.mail);
            let receipt = if is_known { None } else { receipt(tx, scope, row.mail).await? };
            // Redirected mail goes to another address than it was written to.
            let fit = match &question.recipient {
                _ if is_known => continue,
                None => 0.9,
                Some(end)
                    if is_to(&row, end) || receipt.as_ref().is_some_and(|one| one.envelope.recipients.iter().any(|to| end.is(to))) =>
                {
                    1.0
                }
                Some(_) if is_nearly_to(&row, question) => FIT_NEAR,
                Some(_) => continue,
            };
            facts.traffic += 1;
            rows.push((row, fit));
        }
    }
    if rows.is_empty() {
        rows = beside(tx, scope, question, &base).await?;
    }
    rows.retain(|(_, fit)| *fit >= FIT_MIN);
    Ok(rows)
}

/// Where the ends say nothing: mail that names the sender as its author, whatever its envelope says (newsletters); or, where no end was
/// named, what waits on the way that the complaint is about.
async fn beside(tx: &mut Tx, scope: gateway::scope::OrgScope, question: &Question, base: &Query) -> Result<Vec<(MailBody, f64)>, Error> {
    let direction = match question.symptom {
        Symptom::NotReceived => "inbound",
        Symptom::NotDelivered => "outbound",
        _ => "",
    };
    if question.is_of_all() && matches!(question.symptom, Symptom::NotReceived | Symptom::NotDelivered | Symptom::Late | Symptom::Connector)
    {
        let waiting = trace::search(tx, scope, &Query { state: Some("queued".into()), ..base.clone() }).await?.rows;
        return Ok(waiting.into_iter().filter(|row| row.direction.contains(direction)).map(|row| (row, 0.9)).collect());
    }
    let (Some(sender), None) = (&question.sender, &question.recipient) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for row in trace::search(tx, scope, base).await?.rows.into_iter().filter(|row| row.direction == "inbound") {
        if receipt(tx, scope, row.mail).await?.is_some_and(|one| sender.is(&one.header.from)) {
            found.push((row, 0.9));
        }
    }
    Ok(found)
}

/// Nothing of the span was left out. That nothing is kept from before is no gap: `oldest_ms` says it.
fn is_whole(because: &[Incomplete]) -> bool {
    because.iter().all(|one| matches!(one, Incomplete::KeptSince { .. }))
}

/// Mail that fits less is another mail.
const FIT_MIN: f64 = 0.5;

async fn receipt(tx: &mut Tx, scope: gateway::scope::OrgScope, mail: MailId) -> Result<Option<Receipt>, Error> {
    Ok(trace::receipt_of(tx, scope, mail).await?.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Words in brackets that may be a Message-ID.
fn bracketed(question: &Question) -> Vec<String> {
    if question.message_id.is_some() { Vec::new() } else { super::pasted::bracketed(&super::pasted::narrow(&question.text)) }
}

/// An address that is remembered wrongly by a letter or two. Sure enough to say so, not to be certain.
const FIT_NEAR: f64 = 0.7;

/// Whether two addresses differ so little that one may be meant for the other.
pub fn is_nearly(asked: &End, address: &str) -> bool {
    let (Some(asked), Some((local, domain))) = (asked.address(), address.rsplit_once('@')) else {
        let (asked, other) = (asked.domain(), address.rsplit('@').next().unwrap_or_default().to_lowercase());
        return is_near_name(asked, &other);
    };
    let (asked, local, domain) = (asked.to_lowercase(), local.to_lowercase(), domain.to_lowercase());
    let Some((asked_local, asked_domain)) = asked.rsplit_once('@') else { return false };
    match (asked_local == local, asked_domain == domain) {
        (true, true) => false,
        (true, false) => is_near_name(asked_domain, &domain),
        (false, true) => {
            let most = if asked_local.chars().count() <= 3 { 1 } else { 2 };
            distance(asked_local, &local) <= most
        }
        (false, false) => false,
    }
}

/// Domains that differ by a letter or two, or have the same name under another end (x.com, x.cn), which is how people remember them.
pub fn is_near_name(asked: &str, other: &str) -> bool {
    const SHORT: usize = 5;
    if asked == other || asked.is_empty() || other.is_empty() {
        return false;
    }
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
    let is_same_name = first(asked) == first(other) && first(asked).chars().count() >= SHORT;
    is_same_name || asked.chars().count() > SHORT && distance(asked, other) <= 2
}

/// The address that is asked about is nearly that of a recipient, and nobody has it here.
fn is_nearly_to(row: &MailBody, question: &Question) -> bool {
    row.recipients.iter().any(|one| question.is_nearly_to(&one.original))
}

/// Whether one of its recipients is meant. An address is compared in any case.
fn is_to(row: &MailBody, end: &End) -> bool {
    row.recipients.iter().any(|one| end.is(&one.address) || end.is(&one.original))
}

/// How well a mail to the right recipient fits by its sender: the envelope, else the author in From.
async fn fit_of_sender(tx: &mut Tx, scope: gateway::scope::OrgScope, question: &Question, row: &MailBody) -> Result<f64, Error> {
    let Some(sender) = &question.sender else { return Ok(0.9) };
    if sender.is(&row.sender) {
        return Ok(1.0);
    }
    let receipt = receipt(tx, scope, row.mail).await?;
    let from = receipt.map(|receipt| receipt.header.from).unwrap_or_default();
    Ok(match () {
        () if sender.is(&from) => 1.0,
        () if sender.is_related(&from) || sender.is_related(&row.sender) => 0.6,
        () if is_nearly(sender, &row.sender) || is_nearly(sender, &from) => FIT_NEAR,
        () => 0.0,
    })
}

async fn refusals(tx: &mut Tx, scope: gateway::scope::OrgScope, question: &Question, facts: &mut Facts) -> Result<(), Error> {
    let base =
        RefusalQuery { since_ms: Some(facts.since_ms), until_ms: Some(facts.until_ms), limit: REFUSALS_MAX, ..RefusalQuery::default() };
    let mut seen: Vec<EventBody> = Vec::new();
    let mut queries = Vec::new();
    if let Some(recipient) = &question.recipient {
        queries.extend(recipient.queries().into_iter().map(|one| RefusalQuery { recipient: Some(one), ..base.clone() }));
        // The same domain: the address may have been written wrongly.
        queries.push(RefusalQuery { recipient: Some(format!("@{}", recipient.domain())), ..base.clone() });
    }
    if let Some(sender) = &question.sender {
        queries.extend(sender.queries().into_iter().map(|one| RefusalQuery { sender: Some(one), ..base.clone() }));
    }
    if question.sender.is_some() && question.recipient.is_none() {
        queries.push(base.clone()); // an author whose envelope is another's
    }
    if queries.is_empty() && (question.mail.is_some() || question.message_id.is_some() || has_event(question)) {
        queries.push(base);
    }
    for query in queries {
        let found = trace::refusals(tx, scope, &query).await?;
        facts.is_complete &= is_whole(&found.because) || !facts.stories.is_empty();
        seen.extend(found.rows);
    }
    seen.sort_by_key(|event| std::cmp::Reverse(event.event));
    seen.dedup_by_key(|event| event.event);
    for event in seen {
        let Ok(detail) = serde_json::from_value::<trace::Refusal>(event.detail.clone()) else { continue };
        let receipt = match event.mail {
            Some(mail) => receipt(tx, scope, mail).await?,
            None => None,
        };
        let refused = Refused { fit: fit_of_refusal(question, &event, &detail, receipt.as_ref()), event, detail, receipt };
        match refused.fit {
            fit if fit >= FIT_MIN => facts.refusals.push(refused),
            fit if fit > 0.0 => facts.near.push(refused),
            _ => {}
        }
    }
    Ok(())
}

fn has_event(question: &Question) -> bool {
    question.pasted.as_ref().is_some_and(|pasted| pasted.event.is_some())
}

/// 1 exactly it, from [`FIT_MIN`] on probably, above 0 near it.
fn fit_of_refusal(question: &Question, event: &EventBody, detail: &trace::Refusal, receipt: Option<&Receipt>) -> f64 {
    let pasted = question.pasted.as_ref();
    if question.mail.is_some() && event.mail == question.mail || pasted.is_some_and(|pasted| pasted.event == Some(event.event.0)) {
        return 1.0;
    }
    if let Some(id) = question.message_id.as_ref().filter(|_| !detail.message_id.is_empty()) {
        let bare = |text: &str| text.trim().trim_start_matches('<').trim_end_matches('>').to_string();
        return if bare(id) == bare(&detail.message_id) { 1.0 } else { 0.0 };
    }
    let from = receipt.map(|receipt| receipt.header.from.as_str()).unwrap_or_default();
    let of_sender = question.sender.as_ref().map(|end| match () {
        () if end.is(&detail.sender) || end.is(from) => 1.0,
        () if end.is_related(&detail.sender) || end.is_related(from) => 0.6,
        () => 0.0,
    });
    let of_recipient = question.recipient.as_ref().map(|end| f64::from(u8::from(detail.recipients.iter().any(|to| end.is(to)))));
    match (of_sender, of_recipient) {
        (None, None) => 0.0,
        (Some(sender), None) => sender * 0.9,
        // Nobody named the sender: what was refused to this address may be it.
        (None, Some(recipient)) => recipient * 0.8,
        (Some(sender), Some(recipient)) if sender > 0.0 && recipient > 0.0 => sender,
        (Some(sender), Some(recipient)) => 0.2 * (sender + recipient),
    }
}

impl Story {
    /// It fits only as the mail of an address that is nearly the one asked about.
    pub fn is_nearly(&self, question: &Question) -> bool {
        let of_sender = question.sender.as_ref().is_some_and(|end| is_nearly(end, &self.row.sender) || is_nearly(end, self.author()));
        of_sender || is_nearly_to(&self.row, question)
    }

    /// Nearly the one asked about, and as likely somebody else: one letter of a short name is another name (Bob and Rob).
    pub fn is_doubtful(&self, question: &Question) -> bool {
        const SHORT: usize = 4;
        let Some((asked, domain)) = question.sender.as_ref().and_then(End::address).and_then(|address| address.rsplit_once('@')) else {
            return false;
        };
        let of_other = |other: &str| {
            let Some((local, of)) = other.rsplit_once('@') else { return false };
            of.eq_ignore_ascii_case(domain) && !local.eq_ignore_ascii_case(asked) && local.len() == asked.len() && local.len() <= SHORT
        };
        of_other(&self.row.sender)
    }

    /// The address in From.
    pub fn author(&self) -> &str {
        self.receipt.as_ref().map(|receipt| receipt.header.from.as_str()).unwrap_or_default()
    }

    pub fn mail(&self) -> MailId {
        self.row.mail
    }

    pub fn is_inbound(&self) -> bool {
        self.row.direction == "inbound"
    }

    /// A field of an event's detail.
    pub fn told<'a>(event: &'a EventBody, name: &str) -> &'a str {
        event.detail.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn events_for<'a>(&'a self, address: &'a str) -> impl Iterator<Item = &'a EventBody> {
        self.events.iter().filter(move |event| event.recipient.is_empty() || event.recipient.eq_ignore_ascii_case(address))
    }
}

impl Facts {
    /// Whether the question named what it is about so well that nothing else can be meant.
    pub fn is_exact(&self, question: &Question) -> bool {
        question.mail.is_some() || question.message_id.is_some() || matches!(question.symptom, Symptom::Unknown)
    }
}
