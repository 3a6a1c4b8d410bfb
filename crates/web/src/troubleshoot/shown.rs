//! A diagnosis in words: one shape for pages, programs and the command line. What is serialised here is promised.

use super::answer::Answer;
use super::apply::{self, Verified};
use super::fix::Fix;
use super::run::{Diagnosis, State};
use super::suspect::{Evidence, Suspect};
use crate::page::words::{self, Lang};
use crate::page::{Say, slug};
use crate::people::{May, Person};
use gateway::receipt;
use serde::Serialize;
use utoipa::ToSchema;

/// A diagnosis.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DiagnosisBody {
    pub id: String,
    /// "running", "done" or "failed".
    pub state: String,
    pub asked_ms: i64,
    /// As it was understood: "not-received", …
    pub symptom: String,
    pub sender: String,
    pub recipient: String,
    /// "found", "not-us", "unsure" or "cannot-tell"; empty while it runs.
    pub outcome: String,
    /// The outcome and the first cause in one sentence.
    pub summary: String,
    /// The likeliest first.
    pub causes: Vec<CauseBody>,
    /// What would help to tell more.
    pub needs: Vec<NeedBody>,
    /// Mails that fit what was asked.
    pub mails: Vec<String>,
    /// From when to when records were looked through.
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    /// Whether all of them were.
    pub is_complete: bool,
    pub steps: Vec<StepBody>,
    /// How long it took.
    pub ms: u32,
}

/// One cause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CauseBody {
    /// Stable, such as "mailbox-full"; its article is `/help/cause/{id}`.
    pub id: String,
    /// Whom or what it is about: a connector, a domain, an address, a rule; may be empty.
    pub what: String,
    /// A reply, a list, an address; may be empty.
    pub detail: String,
    pub title: String,
    /// Words for the person who asks.
    pub for_person: String,
    /// Words for an administrator; empty for those who are none.
    pub for_administrator: String,
    /// "administrator", "operator", "sender", "sender-administrator", "recipient", "recipient-administrator" or "nobody".
    pub turn: String,
    pub turn_text: String,
    /// 0 to 1.
    pub probability: f64,
    /// "certain", "likely" or "possible".
    pub confidence: String,
    pub evidence: Vec<CauseEvidenceBody>,
    pub fixes: Vec<FixBody>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CauseEvidenceBody {
    /// The rule that says it counts.
    pub rule: String,
    /// "against", "hint", "fits", "shown" or "record".
    pub strength: String,
    pub text: String,
    pub at_ms: Option<i64>,
    pub mail: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FixBody {
    /// Names it in paths, such as "0-1".
    pub id: String,
    /// "release", "retry", "allow", "end-entry", "rule-off", "add-recipient", "connector-private", "connector-tls",
    /// "connector-tls-name", "connector-pin", "publish", "tell" or "open".
    pub kind: String,
    /// We do it when asked to; else it is somebody else's to do.
    pub is_ours: bool,
    pub text: String,
    /// With kind "open": the page.
    pub path: String,
    /// With kind "publish": the record to the letter.
    pub record: Option<DnsRecordBody>,
    /// "", "applied" or "undone".
    pub state: String,
    pub can_undo: bool,
    /// After it was applied: "works", "not-yet" or "does-not"; empty before.
    pub verified: String,
}

/// A record of DNS.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DnsRecordBody {
    pub name: String,
    pub r#type: String,
    pub value: String,
}

/// Something that would help.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NeedBody {
    /// "sender", "recipient", "moment", "bounce" or "header".
    pub id: String,
    pub text: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepBody {
    pub id: String,
    pub text: String,
    /// Nothing that explains anything was found there.
    pub is_well: bool,
    /// Since the beginning.
    pub ms: u32,
}

/// Who reads, in which language.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub lang: Lang,
    pub person: &'a Person,
}

impl DiagnosisBody {
    pub fn of(reader: Reader<'_>, diagnosis: &Diagnosis) -> DiagnosisBody {
        let question = &diagnosis.question;
        let shown = |end: &Option<super::question::End>| end.as_ref().map(|end| end.shown().to_string()).unwrap_or_default();
        let mut body = DiagnosisBody {
            id: diagnosis.name(),
            state: diagnosis.state.name().into(),
            asked_ms: diagnosis.asked_ms,
            symptom: question.symptom.name().into(),
            sender: shown(&question.sender),
            recipient: shown(&question.recipient),
            outcome: String::new(),
            summary: text(reader.lang, &format!("diagnosis-state-{}", diagnosis.state.name())),
            causes: Vec::new(),
            needs: Vec::new(),
            mails: Vec::new(),
            since_ms: None,
            until_ms: None,
            is_complete: false,
            steps: diagnosis.steps.iter().map(|step| step_body(reader.lang, step)).collect(),
            ms: 0,
        };
        if let (Some(answer), State::Done) = (&diagnosis.answer, diagnosis.state) {
            body.take(reader, answer);
            body.mark(diagnosis);
        }
        body
    }

    /// An answer that nobody keeps, for the command line.
    pub fn of_answer(reader: Reader<'_>, question: &super::question::Question, answer: &Answer) -> DiagnosisBody {
        let kept = Diagnosis {
            id: 0,
            org: mail::OrgId(0),
            person: reader.person.id,
            state: State::Done,
            question: question.clone(),
            steps: answer.steps.clone(),
            answer: Some(answer.clone()),
            applied: Vec::new(),
            asked_ms: 0,
        };
        DiagnosisBody::of(reader, &kept)
    }

    fn take(&mut self, reader: Reader<'_>, answer: &Answer) {
        let lang = reader.lang;
        self.outcome = answer.outcome.name().into();
        self.causes = answer.causes.iter().enumerate().map(|(at, cause)| cause_body(reader, at, cause)).collect();
        let outcome = text(lang, &format!("outcome-{}", answer.outcome.name()));
        let stop = if lang == Lang::English { ": " } else { "：" };
        self.summary = match self.causes.first() {
            Some(first) => format!("{outcome}{stop}{}", first.title),
            None => outcome,
        };
        let need = |need: &super::answer::Need| NeedBody { id: need.name().into(), text: text(lang, &format!("need-{}", need.name())) };
        self.needs = answer.needs.iter().map(need).collect();
        if reader.person.may(May::Trace) {
            self.mails = answer.mails.iter().map(ToString::to_string).collect();
        }
        (self.since_ms, self.until_ms, self.is_complete, self.ms) =
            (Some(answer.since_ms), Some(answer.until_ms), answer.is_complete, answer.ms);
    }

    /// What became of fixes.
    fn mark(&mut self, diagnosis: &Diagnosis) {
        for applied in &diagnosis.applied {
            let id = fix_id(applied.cause, applied.fix);
            let fix = self.causes.iter_mut().flat_map(|cause| &mut cause.fixes).find(|fix| fix.id == id);
            if let Some(fix) = fix {
                fix.state = if applied.is_undone { "undone" } else { "applied" }.into();
                fix.can_undo = applied.undo.is_some() && !applied.is_undone;
            }
        }
    }

    /// Says of one fix whether it worked.
    pub fn verify(&mut self, id: &str, verified: Verified) {
        if let Some(fix) = self.causes.iter_mut().flat_map(|cause| &mut cause.fixes).find(|fix| fix.id == id) {
            fix.verified = verified.name().into();
        }
    }

    /// All of it as plain text, to pass on.
    pub fn as_text(&self) -> String {
        let mut lines = vec![self.summary.clone(), String::new()];
        for cause in &self.causes {
            lines.push(format!(
                "{} ({:.0} %): {}",
                cause.title,
                cause.probability * 100.0,
                [cause.what.as_str(), cause.detail.as_str()].join(" ").trim()
            ));
            lines.extend(cause.evidence.iter().map(|one| format!("  - {}", one.text)));
            lines.extend(cause.fixes.iter().map(|one| format!("  > {}", one.text)));
        }
        lines.extend(self.needs.iter().map(|need| format!("? {}", need.text)));
        lines.join("\n")
    }
}

pub fn fix_id(cause: usize, fix: usize) -> String {
    format!("{cause}-{fix}")
}

/// Places of cause and fix.
pub fn fix_place(id: &str) -> Option<(usize, usize)> {
    let (cause, fix) = id.split_once('-')?;
    Some((cause.parse().ok()?, fix.parse().ok()?))
}

fn text(lang: Lang, key: &str) -> String {
    words::text(lang, key, &[])
}

pub fn step_body(lang: Lang, step: &super::steps::Step) -> StepBody {
    StepBody { id: step.look.name().into(), text: text(lang, &format!("look-{}", step.look.name())), is_well: step.is_well, ms: step.ms }
}

fn cause_body(reader: Reader<'_>, at: usize, suspect: &Suspect) -> CauseBody {
    let (lang, name) = (reader.lang, suspect.cause.name());
    let is_administrator = reader.person.may(May::Trace);
    let may_see = |fix: &Fix| match fix {
        Fix::Tell { .. } => true,
        fix => is_administrator && reader.person.may(apply::needs(fix)),
    };
    // Figures of an installation that many organisations share are its operator's; that it is at fault is told to everybody.
    let is_operator = reader.person.may(May::Operate);
    let is_told_of = suspect.cause.is_of_installation() && !is_operator;
    let fixes = suspect.fixes.iter().enumerate().filter(|(_, fix)| may_see(fix));
    let fixes = fixes.map(|(n, fix)| (n, if is_operator { fix.clone() } else { for_others(fix) }));
    CauseBody {
        id: name.into(),
        what: if is_told_of { String::new() } else { suspect.what.clone() },
        detail: if is_administrator && !is_told_of { suspect.detail.clone() } else { String::new() },
        title: text(lang, &format!("cause-{name}")),
        for_person: text(lang, &format!("cause-{name}-say")),
        for_administrator: if is_administrator { text(lang, &format!("cause-{name}-do")) } else { String::new() },
        turn: suspect.turn.name().into(),
        turn_text: text(lang, &format!("turn-{}", suspect.turn.name())),
        probability: (suspect.probability * 1_000.0).round() / 1_000.0,
        confidence: suspect.confidence.name().into(),
        evidence: match (is_administrator, is_told_of) {
            (false, _) => Vec::new(),
            (true, false) => suspect.evidence.iter().map(|one| evidence_body(lang, one)).collect(),
            (true, true) => told_of(&suspect.evidence).iter().map(|one| evidence_body(lang, one)).collect(),
        },
        fixes: fixes.map(|(n, fix)| fix_body(lang, (at, n), &fix)).collect(),
    }
}

/// The recovery assistant is the operator's; others ask them.
fn for_others(fix: &Fix) -> Fix {
    match fix {
        Fix::Open { path, .. } if path == "/admin/doctor" => super::fix::open("/requests/new", "fix-open-request"),
        fix => fix.clone(),
    }
}

/// Evidence of a fault of the installation as its organisations may have it: of their own mail all, of the installation only that.
fn told_of(all: &[Evidence]) -> Vec<Evidence> {
    let is_figure = |one: &Evidence| one.mail.is_none() && one.rule.starts_with("seen-own-");
    let mut told: Vec<Evidence> = Vec::new();
    for one in all {
        match is_figure(one) {
            false => told.push(one.clone()),
            true if told.iter().any(|other| other.rule == "seen-own-told") => {}
            true => told.push(Evidence { rule: "seen-own-told".into(), say: Say::new("seen-own-told"), ..one.clone() }),
        }
    }
    told
}

fn evidence_body(lang: Lang, evidence: &Evidence) -> CauseEvidenceBody {
    CauseEvidenceBody {
        rule: evidence.rule.clone(),
        strength: evidence.strength.name().into(),
        text: said(lang, &evidence.say),
        at_ms: evidence.at_ms,
        mail: evidence.mail.map(|mail| mail.to_string()),
    }
}

fn fix_body(lang: Lang, (cause, n): (usize, usize), fix: &Fix) -> FixBody {
    let record = match fix {
        Fix::Publish { name, record, value } => Some(DnsRecordBody { name: name.clone(), r#type: record.clone(), value: value.clone() }),
        _ => None,
    };
    let path = if let Fix::Open { path, .. } = fix { path.clone() } else { String::new() };
    FixBody {
        id: fix_id(cause, n),
        kind: fix.kind().into(),
        is_ours: fix.is_ours(),
        text: fix.say().in_lang(lang),
        path,
        record,
        state: String::new(),
        can_undo: false,
        verified: String::new(),
    }
}

/// Evidence in words. What stands in it as a word of ours is put into the reader's language.
fn said(lang: Lang, say: &Say) -> String {
    let arg = |name: &str| {
        say.args.iter().find(|(key, _)| key == name).and_then(|(_, arg)| match arg {
            crate::page::said::Arg::Text(text) => Some(text.clone()),
            crate::page::said::Arg::Number(_) => None,
        })
    };
    let family = |prefix: &str, name: &str| {
        let value = arg(name).unwrap_or_default();
        let key = format!("{prefix}-{value}");
        (words::has(lang, &key), text(lang, &key))
    };
    let (name, (is_known, word)) = match say.key.as_ref() {
        "seen-verdict" => ("what", family("verdict", "what")),
        "seen-policy" => ("detail", family("verdict", "detail")),
        "seen-try-step" => ("step", family("connector-step", "step")),
        "seen-digest-not-due" => ("what", family("digest-every", "what")),
        "seen-entry-why" => ("what", why(lang, &arg("what").unwrap_or_default())),
        "seen-finding" => ("what", (true, receipt::title(&arg("check").unwrap_or_default(), lang.of_receipt()).to_string())),
        _ => return say.in_lang(lang),
    };
    if !is_known {
        return say.in_lang(lang);
    }
    let mut say = say.clone();
    for (key, value) in &mut say.args {
        if key == name {
            *value = word.clone().into();
        }
    }
    say.in_lang(lang)
}

/// Reasons of policies are stored as English sentences.
fn why(lang: Lang, sentence: &str) -> (bool, String) {
    let key = format!("why-{}", slug(sentence));
    (words::has(lang, &key), text(lang, &key))
}

/// A probability as people read it; what is not certain is not rounded up to it.
pub fn percent(probability: &f64) -> i64 {
    ((probability * 100.0).round() as i64).clamp(1, 99)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::troubleshoot::suspect::Strength;

    #[test]
    fn figures_of_the_installation_are_not_told_to_its_organisations() {
        let figure = |key| Evidence::new(Strength::Shown, Say::new(key).with("count", 3_i64));
        let of_mail = Evidence::new(Strength::Record, Say::new("seen-own-engine")).of_mail(Some(mail::MailId(7)));
        let told = told_of(&[figure("seen-own-disk"), figure("seen-own-database"), figure("seen-deferred"), of_mail]);
        let rules: Vec<&str> = told.iter().map(|one| one.rule.as_str()).collect();
        assert_eq!(rules, ["seen-own-told", "seen-deferred", "seen-own-engine"], "what their own mail met stays");
        assert!(told[0].say.args.is_empty());
        let doctor = super::super::fix::open("/admin/doctor", "fix-open-doctor");
        assert!(matches!(for_others(&doctor), Fix::Open { path, .. } if path == "/requests/new"));
    }
}
