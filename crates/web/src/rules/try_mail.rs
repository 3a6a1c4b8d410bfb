//! A draft against one mail: condition by condition, what matched and with what.

use super::sentence;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say, View};
use crate::people::{May, Person};
use gateway::receipt::Receipt;
use gateway::rules::content::Content;
use gateway::rules::{Evidence, NoteOutcome, Past, Rule, RuleSettings, evaluate_one};
use gateway::trace;
use mail::{MailId, OrgId, RuleId};
use serde::Serialize;
use utoipa::ToSchema;

/// Octets of a pasted mail.
pub const PASTED_OCTETS_MAX: usize = 1 << 20;

/// Which mail is asked about: a traced one, or a pasted one with its envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Identifier; '' is pasted.
    pub mail: String,
    pub message: String,
    pub sender: String,
    pub recipients: Vec<String>,
}

/// What the draft makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tried {
    /// "matched", "not-matched", "excepted", "failed", "malware".
    pub outcome: String,
    /// Every condition and exception in order.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub tests: Vec<Evidence>,
    /// For whom it would apply; empty: for all, or for nobody.
    pub recipients: Vec<String>,
    /// What it would do, in words of English.
    pub actions: Vec<String>,
    /// Why a disclaimer could not be written into it; empty when it could, or there is none.
    pub not_editable: String,
    /// The content is kept; without it only what the receipt says could be asked.
    pub has_content: bool,
}

/// Tries a draft that has nothing wrong with it.
/// # Errors
/// Who may not read the mail, which mail is not there.
pub async fn tried(app: &App, person: &Person, org: OrgId, draft: &RuleSettings, wanted: &Wanted) -> Result<Tried, Fault> {
    let past = past(app, person, org, wanted).await?;
    let settings = RuleSettings { enabled: true, starts: String::new(), ends: String::new(), mode: gateway::rules::Mode::Enforce, ..draft.clone() };
    let rule = Rule::new(RuleId(0), org, settings, "draft");
    let directory = app.directory.snapshot();
    let (done, tests) = evaluate_one(&rule, past.facts(&directory, org));
    let note = done.notes.into_iter().next();
    let outcome = note.as_ref().map_or(NoteOutcome::Failed, |note| note.outcome);
    let contents = done.rulings.iter().map(|ruling| &ruling.content);
    let not_editable = contents.filter_map(|content: &Content| content.not_editable(past.octets())).next();
    let actions = match outcome {
        NoteOutcome::Matched => draft.actions.iter().map(|one| sentence::action(crate::page::words::Lang::English, one)).collect(),
        _ => Vec::new(),
    };
    Ok(Tried {
        outcome: outcome.name().into(),
        tests,
        recipients: note.map(|note| note.recipients).unwrap_or_default(),
        actions,
        not_editable: not_editable.filter(|_| past.has_content()).map(|why| why.name().to_string()).unwrap_or_default(),
        has_content: past.has_content(),
    })
}

async fn past(app: &App, person: &Person, org: OrgId, wanted: &Wanted) -> Result<Past, Fault> {
    if wanted.mail.trim().is_empty() {
        if wanted.message.trim().is_empty() {
            return Err(Fault::Invalid(vec![Wrong::new("message", "rules-test-nothing")]));
        }
        if wanted.message.len() > PASTED_OCTETS_MAX {
            return Err(Fault::Invalid(vec![Wrong::new("message", "rules-test-large")]));
        }
        let octets = bytes::Bytes::from(wanted.message.clone());
        return Ok(Past::pasted(octets, wanted.sender.trim(), &wanted.recipients, app.now_ms()));
    }
    person.require(May::Trace)?;
    person.require(May::ReadMail)?;
    let not_there = || Fault::Invalid(vec![Wrong::new("mail", "rules-test-no-mail")]);
    let mail: MailId = wanted.mail.trim().parse().map_err(|_| not_there())?;
    let (ids, now_ms, who) = (app.ids.clone(), app.now_ms(), person.clone());
    let scope = gateway::scope::OrgScope::One(org);
    let read = app.db.tx(move |tx| {
        Box::pin(async move {
            let receipt = trace::receipt_of(tx, scope, mail).await?;
            if receipt.is_some() {
                audit::note(tx, &who, &ids, now_ms, Entry::new(Some(org), "rules.test", mail)).await?;
            }
            Ok::<_, store::Error>(receipt)
        })
    });
    let receipt: Receipt = read.await?.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(not_there)?;
    Ok(Past::of_receipt(&receipt, app.octets_of(mail).await?))
}

/// One line of the result as the page shows it.
#[derive(Debug)]
pub struct Line {
    pub title: String,
    pub is_exception: bool,
    /// "good" holds, "plain" does not, "warn" cannot be said.
    pub tone: &'static str,
    pub holds: String,
    pub found: String,
}

/// The lines of a result.
pub fn lines(view: &View, draft: &RuleSettings, tried: &Tried) -> Vec<Line> {
    let conditions = draft.conditions.iter().chain(&draft.exceptions);
    let line = |(condition, evidence): (_, &Evidence)| {
        let (tone, key) = match evidence.holds {
            Some(true) => ("good", "rules-test-yes"),
            Some(false) => ("plain", "rules-test-no"),
            None => ("warn", "rules-test-unknown"),
        };
        let found = if evidence.holds.is_none() { view.of_kind("rules-why", &crate::page::slug(&evidence.found)) } else { evidence.found.clone() };
        Line { title: sentence::condition(view.lang, condition), is_exception: evidence.is_exception, tone, holds: view.t(key), found }
    };
    conditions.zip(&tried.tests).map(line).collect()
}

/// What came of it, as a sentence.
pub fn summary(view: &View, tried: &Tried) -> String {
    let say = Say { key: format!("rules-tried-{}", tried.outcome).into(), args: Vec::new() };
    view.say(&say)
}
