//! Mail flow rules on their way through intake: from what the rules said to whom the mail goes, in how many shapes, and what is told.
//!
//! In: a judged mail. Out: [`Ruled`], the targets that policy then decides about. Nothing is written here; an organisation without rules
//! costs one look into a map.

use super::judge::{Judged, guarded, step};
use super::{Direction, Gate};
use crate::directory::Directory;
use crate::policy::{Considered, Decision, PolicyAction};
use crate::queue::Statement;
use crate::queue::letter::Letter;
use crate::receipt::Step;
use crate::rules::content::Content;
use crate::rules::{self, Copied, Evaluated, Facts, Mode, Ruling, RulingFate};
use detect::Verdict;
use mail::auth::{CompositeResult, SpfResult};
use mail::smtp::Reply;
use mail::{Address, Mail, MailId, OrgId};
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// All rules of one mail together.
const RULES_TIME_MAX: Duration = Duration::from_secs(10);
/// Whom one mail goes to after rules have added some.
const TARGETS_MAX: usize = 1_000;
/// Shapes that one mail may take for its recipients: each is a mail of its own.
const SHAPES_MAX: usize = 16;

/// Somebody the mail is to go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub address: Address,
    /// The recipient of the envelope it stems from.
    pub of: usize,
    /// A rule added it.
    pub is_added: bool,
}

/// What the rules made of a mail.
#[derive(Debug, Default)]
pub struct Ruled {
    /// In the order of the recipients, added ones behind.
    pub targets: Vec<Target>,
    pub evaluated: Evaluated,
    pub step: Option<Step>,
}

/// Evaluates the rules of the organisation.
/// # Errors
/// The reply that asks the peer to come again, and what is known for the receipt.
pub async fn rule(directory: &Directory, direction: Direction, mail: Mail<'_>, judged: &Judged) -> Result<Ruled, (Reply, Ruled)> {
    let plain = Ruled::of_envelope(mail);
    let Some(rules) = directory.rules.get(&direction.org).filter(|rules| !rules.is_empty()) else { return Ok(plain) };
    let started = Instant::now();
    let facts = Facts {
        mail,
        directory,
        org: direction.org,
        auth: &judged.auth,
        verdict: &judged.verdict,
        is_receipt_only: false,
        is_unjudged: false,
        is_outbound: direction.outbound,
        octets: mail.message.raw().len() as u64,
    };
    let evaluated = match guarded(RULES_TIME_MAX, rules::evaluate(rules, facts)).await {
        Ok(evaluated) => evaluated,
        Err(why) => {
            tracing::error!(org = %direction.org, why, "the rules of an organisation could not be evaluated; its mail waits");
            return Err((Reply::new(451, (4, 3, 0), "The mail flow rules could not be evaluated; try again later"), plain));
        }
    };
    let mut ruled = Ruled { evaluated, step: Some(step("rules", started)), ..plain };
    if let Some(rule) = &ruled.evaluated.defer {
        tracing::warn!(org = %direction.org, rule, "a rule could not be evaluated and wants the mail to wait");
        return Err((Reply::new(451, (4, 3, 0), "A mail flow rule could not be evaluated; try again later"), ruled));
    }
    ruled.refuse_what_cannot_be_edited(mail);
    ruled.aim(mail);
    if ruled.shapes().len() > SHAPES_MAX {
        return Err((Reply::new(452, (4, 5, 3), "Send to fewer recipients at once: rules change the message for each"), ruled));
    }
    Ok(ruled)
}

impl Ruled {
    /// Nobody has rules.
    pub fn of_envelope(mail: Mail<'_>) -> Ruled {
        let target = |(of, address): (usize, &Address)| Target { address: address.clone(), of, is_added: false };
        let targets = mail.envelope.recipients.iter().map(|recipient| &recipient.address).enumerate().map(target).collect();
        Ruled { targets, ..Ruled::default() }
    }

    fn ruling(&self, target: &Target) -> Option<&Ruling> {
        self.evaluated.rulings.get(target.of).filter(|ruling| !ruling.is_nothing())
    }

    /// A disclaimer that must be there and cannot be is a refusal.
    fn refuse_what_cannot_be_edited(&mut self, mail: Mail<'_>) {
        for ruling in self.evaluated.rulings.iter_mut().filter(|ruling| ruling.fate.is_none()) {
            if let Some(why) = ruling.content.refuses(mail.message.raw()) {
                let rule = ruling.by.last().cloned().unwrap_or_default();
                let reply = Reply::new(550, (5, 7, 1), format!("A notice of the organisation could not be added: {why}"));
                ruling.fate = Some(RulingFate::Reject { reply, rule });
            }
        }
    }

    /// Whom the mail goes to: redirected recipients at their new place, added ones behind, nobody twice.
    fn aim(&mut self, mail: Mail<'_>) {
        if self.evaluated.rulings.iter().all(|ruling| ruling.redirect.is_empty() && ruling.copies.is_empty()) {
            return;
        }
        let (mut targets, mut added) = (Vec::new(), Vec::new());
        for (of, recipient) in mail.envelope.recipients.iter().enumerate() {
            let ruling = &self.evaluated.rulings[of];
            let is_refused = matches!(ruling.fate, Some(RulingFate::Reject { .. }));
            let (first, others) = match ruling.redirect.split_first() {
                Some((first, others)) if ruling.fate.is_none() => (first.clone(), others),
                _ => (recipient.address.clone(), &[][..]),
            };
            targets.push(Target { address: first, of, is_added: false });
            let copies = ruling.copies.iter().map(|(_, address)| address).filter(|_| !is_refused);
            added.extend(others.iter().chain(copies).map(|address| Target { address: address.clone(), of, is_added: true }));
        }
        let mut seen: HashSet<String> = targets.iter().map(|target| target.address.key()).collect();
        added.retain(|target| seen.insert(target.address.key()));
        targets.extend(added);
        targets.truncate(TARGETS_MAX.max(mail.envelope.recipients.len()));
        self.targets = targets;
        for ruling in &mut self.evaluated.rulings {
            let shown = ruling.copies.iter().filter(|(how, _)| *how != Copied::Bcc);
            ruling.content.shown = shown.map(|(how, address)| (*how, address.clone())).collect();
        }
    }

    /// The verdict as policy is to see it for this target.
    pub fn verdict<'v>(&self, target: &Target, verdict: &'v Verdict) -> Cow<'v, Verdict> {
        match self.ruling(target) {
            Some(ruling) if ruling.scl.is_some() => Cow::Owned(ruling.verdict(verdict)),
            _ => Cow::Borrowed(verdict),
        }
    }

    /// What the rules want, put over what the policy decided. A rule that keeps the mail from a recipient wins; one that asks for
    /// approval does not free what the policy holds.
    pub fn over(&self, target: &Target, decision: &mut Decision) {
        let Some(ruling) = self.ruling(target) else { return };
        let mut note = |rule: &str, why: &str| {
            decision.considered.push(Considered { kind: "rule".into(), name: rule.into(), won: true, why: why.into() });
        };
        if let Some((_, rule)) = &ruling.scl {
            note(rule, "a rule set the spam confidence level");
        }
        if !target.is_added && !ruling.redirect.is_empty() && ruling.fate.is_none() {
            note(ruling.by.last().map(String::as_str).unwrap_or_default(), "a rule redirects the mail");
        }
        let Some(fate) = ruling.fate.as_ref().filter(|_| !target.is_added) else { return };
        let is_kept = matches!(decision.action, PolicyAction::Quarantine | PolicyAction::Reject | PolicyAction::Delete);
        let (action, why) = match fate {
            RulingFate::Reject { .. } => (PolicyAction::Reject, "a rule refuses the mail"),
            RulingFate::Quarantine { .. } => (PolicyAction::Quarantine, "a rule holds the mail"),
            RulingFate::Delete { .. } => (PolicyAction::Delete, "a rule deletes the mail"),
            RulingFate::Moderate { .. } if is_kept => return,
            RulingFate::Moderate { .. } => (PolicyAction::Quarantine, "a rule asks for approval"),
        };
        note(fate.rule(), why);
        decision.action = action;
    }

    /// The refusal that a rule wrote.
    pub fn reply(&self, target: &Target) -> Option<&Reply> {
        match self.ruling(target)?.fate.as_ref()? {
            RulingFate::Reject { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// The connector that a rule chose, if it still is one of the organisation's.
    pub fn connector<'a>(&'a self, directory: &Directory, org: OrgId, target: &Target) -> Option<&'a str> {
        let name = self.ruling(target).map(|ruling| ruling.connector.as_str()).filter(|name| !name.is_empty())?;
        directory.has_connector(org, name).then_some(name)
    }

    /// Targets by what the message is to look like for them; the first holds the first target.
    pub fn shapes(&self) -> Vec<(Content, Vec<usize>)> {
        let mut shapes: Vec<(Content, Vec<usize>)> = Vec::new();
        for (at, target) in self.targets.iter().enumerate() {
            let content = self.ruling(target).map(|ruling| ruling.content.clone()).unwrap_or_default();
            match shapes.iter_mut().find(|(known, _)| *known == content) {
                Some((_, targets)) => targets.push(at),
                None => shapes.push((content, vec![at])),
            }
        }
        shapes
    }

    /// Rows that remember which rules applied.
    pub fn hits(&self, mail: MailId, org: OrgId) -> Vec<Statement> {
        let hit = |note: &rules::RuleNote| rules::sql::hit(note.rule, mail, org, note.mode.name());
        self.evaluated.notes.iter().filter(|note| note.outcome == rules::NoteOutcome::Matched).map(hit).collect()
    }

    /// Who may approve what is held for a target, and by which rule.
    pub fn moderators(&self, target: &Target, decision_is_ours: bool) -> Option<(&[Address], &str)> {
        match self.ruling(target)?.fate.as_ref()? {
            RulingFate::Moderate { by, rule, .. } if decision_is_ours && !target.is_added => Some((by, rule)),
            _ => None,
        }
    }

    /// Notices that rules ask for. To a sender only where it cannot hit a stranger whose name was forged (RFC 3834 §2).
    pub fn letters(&self, gate: &Gate, directory: &Directory, direction: Direction, mail: Mail<'_>, judged: &Judged) -> Vec<Letter> {
        let is_chinese = directory.organisation(direction.org).is_some_and(|org| org.settings.language.starts_with("zh"));
        let writer = Writer { gate, org: direction.org, mail, is_chinese };
        let mut letters = Vec::new();
        for notice in &self.evaluated.notices {
            let to: Vec<Address> = match notice.to.is_empty() {
                true => sender_to_tell(direction, mail, judged).into_iter().collect(),
                false => notice.to.clone(),
            };
            letters.extend(to.into_iter().map(|to| writer.notice(to, &notice.rule, &notice.text)));
        }
        let mut asked = HashSet::new();
        for ruling in &self.evaluated.rulings {
            if let Some(RulingFate::Moderate { by, rule, .. }) = &ruling.fate {
                let fresh = by.iter().filter(|one| asked.insert(one.key()));
                letters.extend(fresh.map(|to| writer.approval(to.clone(), rule)));
            }
        }
        letters.truncate(LETTERS_MAX);
        letters
    }

    /// Whether some rule enforced something, for those who ask quickly.
    pub fn is_nothing(&self) -> bool {
        self.evaluated.rulings.iter().all(Ruling::is_nothing) && self.evaluated.notes.iter().all(|note| note.mode != Mode::Enforce)
    }
}

/// Letters that the rules of one mail may cause.
const LETTERS_MAX: usize = 50;

/// The sender, where a notice reaches who sent it.
fn sender_to_tell(direction: Direction, mail: Mail<'_>, judged: &Judged) -> Option<Address> {
    let sender = mail.envelope.sender.clone()?;
    let automatic = mail.message.first("auto-submitted").is_some_and(|value| !value.trim_ascii().eq_ignore_ascii_case(b"no"));
    let is_known = direction.outbound
        || judged.auth.spf.result == SpfResult::Pass && !judged.auth.spf.by_helo
        || judged.auth.composite.result == CompositeResult::Pass;
    (is_known && !automatic).then_some(sender)
}

/// Writes letters in the organisation's language.
struct Writer<'a> {
    gate: &'a Gate,
    org: OrgId,
    mail: Mail<'a>,
    is_chinese: bool,
}

impl Writer<'_> {
    fn notice(&self, to: Address, rule: &str, text: &str) -> Letter {
        let (subject, named) = match self.is_chinese {
            true => (format!("关于邮件“{}”", self.subject()), format!("此通知由邮件流规则“{rule}”发出。")),
            false => (format!("About “{}”", self.subject()), format!("This notice was sent by the mail flow rule “{rule}”.")),
        };
        self.letter(to, subject, &format!("{text}\r\n\r\n{}\r\n\r\n{named}\r\n", self.facts()), "rule-notice")
    }

    fn approval(&self, to: Address, rule: &str) -> Letter {
        let (subject, text) = match self.is_chinese {
            true => (
                format!("待您批准：{}", self.subject()),
                format!("根据邮件流规则“{rule}”，此邮件须经您批准才会送达。请登录 Gatepost，在“待批准邮件”中处理。"),
            ),
            false => (
                format!("Waits for your approval: {}", self.subject()),
                format!("The mail flow rule “{rule}” holds this mail until you approve it. Sign in to Gatepost and open “Mail to approve”."),
            ),
        };
        self.letter(to, subject, &format!("{text}\r\n\r\n{}\r\n", self.facts()), "rule-approval")
    }

    fn subject(&self) -> String {
        self.mail.message.subject.chars().take(100).collect()
    }

    /// What the mail was, without its content.
    fn facts(&self) -> String {
        let sender = self.mail.envelope.sender.as_ref().map(ToString::to_string).unwrap_or_default();
        let recipients: Vec<String> = self.mail.envelope.recipients.iter().take(20).map(|one| one.address.to_string()).collect();
        let (from, to, about) = if self.is_chinese { ("发件人", "收件人", "主题") } else { ("From", "To", "Subject") };
        format!("{from}: {sender}\r\n{to}: {}\r\n{about}: {}", recipients.join(", "), self.subject())
    }

    fn letter(&self, to: Address, subject: String, text: &str, kind: &'static str) -> Letter {
        Letter {
            org: self.org,
            to,
            from_name: "Gatepost".into(),
            subject,
            text: text.to_string(),
            html: String::new(),
            language: if self.is_chinese { "zh-CN" } else { "en" }.into(),
            kind,
            host: self.gate.name.clone(),
        }
    }
}
