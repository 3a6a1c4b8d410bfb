//! What the rules want for one recipient.

use super::content::Content;
use super::Deed;
use detect::{Class, Verdict};
use mail::smtp::Reply;
use mail::{Address, RuleId};

/// What the rules want for one recipient, in the order they said it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruling {
    /// Whether another rule may still speak.
    pub is_stopped: bool,
    /// The first that ends it.
    pub fate: Option<RulingFate>,
    /// Instead of the recipient.
    pub redirect: Vec<Address>,
    /// Besides the recipient.
    pub copies: Vec<(Copied, Address)>,
    /// What is changed in the message.
    pub content: Content,
    /// Spam confidence level, and the rule that set it.
    pub scl: Option<(i8, String)>,
    /// '' is as the directory says.
    pub connector: String,
    /// Rules that did something for this recipient: their names.
    pub by: Vec<String>,
}

/// How somebody was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Copied {
    To,
    Cc,
    Bcc,
}

/// What ends the way of a mail to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub enum RulingFate {
    Reject { reply: Reply, rule: String },
    Quarantine { rule: String },
    Delete { rule: String },
    /// Held until one of these approves.
    Moderate { by: Vec<Address>, rule: String, id: RuleId },
}

impl RulingFate {
    pub fn rule(&self) -> &str {
        match self {
            RulingFate::Reject { rule, .. }
            | RulingFate::Quarantine { rule }
            | RulingFate::Delete { rule }
            | RulingFate::Moderate { rule, .. } => rule,
        }
    }
}

/// A notice that a rule asks for; at most one of each rule and kind a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub rule: String,
    /// Empty: the sender.
    pub to: Vec<Address>,
    pub text: String,
}

impl Ruling {
    /// Takes up what one rule does.
    pub(super) fn take(&mut self, id: RuleId, rule: &str, deeds: &[Deed]) {
        self.by.push(rule.to_string());
        for deed in deeds {
            self.take_one(id, rule, deed);
        }
    }

    fn take_one(&mut self, id: RuleId, rule: &str, deed: &Deed) {
        let rule = || rule.to_string();
        match deed {
            Deed::Reject(reply) => self.end(RulingFate::Reject { reply: reply.clone(), rule: rule() }),
            Deed::Quarantine => self.end(RulingFate::Quarantine { rule: rule() }),
            Deed::Delete => self.end(RulingFate::Delete { rule: rule() }),
            Deed::Moderate(by) => self.end(RulingFate::Moderate { by: by.clone(), rule: rule(), id }),
            Deed::Redirect(to) if self.redirect.is_empty() => self.redirect.extend(to.iter().cloned()),
            Deed::Redirect(_) => {} // the first rule that redirects has said where
            Deed::Copy(how, to) => self.copies.extend(to.iter().map(|one| (*how, one.clone()))),
            Deed::SetHeader(name, value) => self.content.set_header(name, value),
            Deed::RemoveHeader(name) => self.content.remove_header(name),
            Deed::PrependSubject(text) => self.content.prefixes.push(text.clone()),
            Deed::Disclaimer(disclaimer) => self.content.disclaimers.push(disclaimer.clone()),
            Deed::SetScl(scl) => self.scl = Some((*scl, rule())),
            Deed::Connector(name) => self.connector.clone_from(name),
            Deed::RequireTls => self.content.require_tls = true,
            Deed::NotifySender(_) | Deed::Notify(..) => {} // once a mail: `evaluate`
        }
    }

    fn end(&mut self, fate: RulingFate) {
        self.is_stopped = true;
        self.fate.get_or_insert(fate);
    }

    /// The verdict as the policy is to see it. -1 spares what is at most phish the filter, 5 to 9 make it spam; 0 to 4 leave it to
    /// the filter, as the model does (`service.md` §1.2). What is worse than phish no rule makes better.
    pub fn verdict(&self, verdict: &Verdict) -> Verdict {
        let mut changed = verdict.clone();
        match &self.scl {
            Some((-1, _)) if verdict.class < Class::HighPhish => {
                changed.class = Class::Clean;
                changed.scl = detect::verdict::SCL_BYPASSED;
                changed.bcl = 0;
            }
            Some((scl @ 5..=9, _)) => {
                changed.class = verdict.class.max(if *scl >= 7 { Class::HighSpam } else { Class::Spam });
                changed.scl = *scl;
            }
            _ => {}
        }
        changed
    }

    /// Nothing was said.
    pub fn is_nothing(&self) -> bool {
        self.by.is_empty()
    }
}
