//! `[[policy]]`: what is done with which verdict, for whom.

use super::Preset;
use crate::directory::Membership;
use detect::{Class, Thresholds};
use mail::Address;
use serde::{Deserialize, Serialize};

/// `[[policy]]`: a custom filter policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// Name, unique in the organisation. One named "strict" or "standard" gives that preset to the recipients it names; of its other
    /// keys only `applies_to`, `except` and `enabled` count.
    pub name: String,
    /// Organisation it belongs to.
    pub organisation: String,
    /// Whether it is looked at. Default true.
    pub enabled: bool,
    /// 0 is looked at first.
    pub priority: i64,
    /// Recipients it applies to. All kinds that are given must match; of one kind, any value.
    pub applies_to: RecipientFilter,
    /// Recipients it does not apply to, although `applies_to` matches. Any value of any kind.
    pub except: RecipientFilter,
    /// Spam. Default "junk".
    pub spam: PolicyAction,
    /// High confidence spam. Default "junk".
    pub high_spam: PolicyAction,
    /// Phish. Default "quarantine".
    pub phish: PolicyAction,
    /// High confidence phish: "quarantine" or "redirect". Default "quarantine".
    pub high_phish: PolicyAction,
    /// Bulk at or over `bulk_level`. Default "junk".
    pub bulk: PolicyAction,
    /// The sender is forged. Default "junk".
    pub spoof: PolicyAction,
    /// The sender poses as somebody we protect. Default "junk".
    pub impersonation: PolicyAction,
    /// An attachment of a blocked type: "reject" or "quarantine". Default "reject".
    pub blocked_type: PolicyAction,
    /// Bulk complaint level from which mail is bulk. Default 7.
    pub bulk_level: u8,
    /// Where probabilities become spam and phish for these recipients.
    pub thresholds: PolicyThresholds,
    /// What the domain owner asks for in DMARC is done: p=reject refuses, p=quarantine holds. Default true.
    pub honor_dmarc: bool,
    /// Days a held mail is kept. Default 15.
    pub retention_days: u32,
    /// Where "redirect" sends mail.
    pub redirect_to: String,
    /// Words that "prefix" puts before the subject. Default "[SPAM] ".
    pub subject_prefix: String,
    /// Header that "junk" and "add-header" write, as "Name: value". Default "X-Gatepost-Junk: yes".
    pub header: String,
}

impl Default for PolicySettings {
    fn default() -> PolicySettings {
        use PolicyAction::{Junk, Quarantine, Reject};
        PolicySettings {
            name: String::new(),
            organisation: String::new(),
            enabled: true,
            priority: 0,
            applies_to: RecipientFilter::default(),
            except: RecipientFilter::default(),
            spam: Junk,
            high_spam: Junk,
            phish: Quarantine,
            high_phish: Quarantine,
            bulk: Junk,
            spoof: Junk,
            impersonation: Junk,
            blocked_type: Reject,
            bulk_level: 7,
            thresholds: PolicyThresholds::default(),
            honor_dmarc: true,
            retention_days: 15,
            redirect_to: String::new(),
            subject_prefix: "[SPAM] ".into(),
            header: "X-Gatepost-Junk: yes".into(),
        }
    }
}

/// `[policy.thresholds]`: probabilities from which mail is spam or phish. 0 is what `[detect.thresholds]` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyThresholds {
    /// Spam from here on. Default 0: the installation's.
    pub spam: f64,
    /// High confidence spam from here on. Default 0: the installation's.
    pub high_spam: f64,
    /// Phish from here on. Default 0: the installation's.
    pub phish: f64,
    /// High confidence phish from here on. Default 0: the installation's.
    pub high_phish: f64,
}

/// Thresholds a policy can have of its own: below, a coin would do; at 1 nothing would be found.
const THRESHOLD_MIN: f64 = 0.5;
const THRESHOLD_MAX: f64 = 0.9999;

impl PolicyThresholds {
    pub fn is_own(&self) -> bool {
        *self != PolicyThresholds::default()
    }

    /// These over the installation's.
    pub fn over(&self, base: &Thresholds) -> Thresholds {
        let pick = |own: f64, base: f32| if own > 0.0 { own as f32 } else { base };
        let (spam, phish) = (pick(self.spam, base.spam), pick(self.phish, base.phish));
        Thresholds {
            spam,
            // One that was raised past the level above it takes that one along.
            high_spam: pick(self.high_spam, base.high_spam).max(spam),
            phish,
            high_phish: pick(self.high_phish, base.high_phish).max(phish),
            bulk: base.bulk,
        }
    }

    fn complaint(&self) -> Option<String> {
        let sound = |value: f64| value == 0.0 || (THRESHOLD_MIN..=THRESHOLD_MAX).contains(&value);
        if ![self.spam, self.high_spam, self.phish, self.high_phish].into_iter().all(sound) {
            return Some(format!("a threshold is 0 or lies between {THRESHOLD_MIN} and {THRESHOLD_MAX}"));
        }
        let ordered = |low: f64, high: f64| low == 0.0 || high == 0.0 || low <= high;
        (!ordered(self.spam, self.high_spam) || !ordered(self.phish, self.high_phish))
            .then(|| "the threshold of high confidence lies under the other".into())
    }
}

/// Recipients by address, by domain and by group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipientFilter {
    /// Addresses.
    pub addresses: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
    /// Names of groups; who is in a group inside counts.
    pub groups: Vec<String>,
}

/// Name of the policy that all mail going out has.
pub const OUTBOUND: &str = "outbound";

/// What to do with a mail of one class for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyAction {
    /// Deliver as it is.
    None,
    /// Deliver with the junk header, which mail servers sort into the junk folder.
    Junk,
    /// Deliver with the header.
    AddHeader,
    /// Deliver with words before the subject.
    Prefix,
    /// Deliver to `redirect_to` instead.
    Redirect,
    /// Drop, with a trace event.
    Delete,
    /// Hold.
    Quarantine,
    /// Refuse with 550.
    Reject,
}

impl PolicyAction {
    pub const ALL: [PolicyAction; 8] = [
        PolicyAction::None,
        PolicyAction::Junk,
        PolicyAction::AddHeader,
        PolicyAction::Prefix,
        PolicyAction::Redirect,
        PolicyAction::Delete,
        PolicyAction::Quarantine,
        PolicyAction::Reject,
    ];

    /// As settings and receipts write it.
    pub fn name(self) -> &'static str {
        match self {
            PolicyAction::None => "none",
            PolicyAction::Junk => "junk",
            PolicyAction::AddHeader => "add-header",
            PolicyAction::Prefix => "prefix",
            PolicyAction::Redirect => "redirect",
            PolicyAction::Delete => "delete",
            PolicyAction::Quarantine => "quarantine",
            PolicyAction::Reject => "reject",
        }
    }

    pub fn named(name: &str) -> Option<PolicyAction> {
        PolicyAction::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl RecipientFilter {
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.domains.is_empty() && self.groups.is_empty()
    }

    /// All kinds that are given match (`service.md` §1.1: values of one kind OR, kinds AND).
    fn all(&self, recipient: &Address, membership: &Membership<'_>) -> bool {
        (self.addresses.is_empty() || self.has_address(recipient))
            && (self.domains.is_empty() || self.has_domain(recipient))
            && (self.groups.is_empty() || membership.is_in_any(&self.groups))
    }

    fn any(&self, recipient: &Address, membership: &Membership<'_>) -> bool {
        self.has_address(recipient) || self.has_domain(recipient) || membership.is_in_any(&self.groups)
    }

    pub fn has_address(&self, recipient: &Address) -> bool {
        let key = recipient.key();
        self.addresses.iter().any(|address| address.to_lowercase() == key)
    }

    pub fn has_domain(&self, recipient: &Address) -> bool {
        self.domains.iter().any(|domain| mail::address::domain_to_ascii(domain).is_some_and(|domain| domain == recipient.domain()))
    }
}

impl PolicySettings {
    /// `None` if it applies to this recipient, else why not, for the receipt.
    pub fn passes_over(&self, recipient: &Address, membership: &Membership<'_>) -> Option<&'static str> {
        if !self.enabled {
            Some("it is switched off")
        } else if !self.applies_to.all(recipient, membership) {
            Some("the recipient is not among those it applies to")
        } else if self.except.any(recipient, membership) {
            Some("the recipient is among its exceptions")
        } else {
            None
        }
    }

    /// What it wants done with mail of this class.
    pub fn action(&self, class: Class) -> PolicyAction {
        match class {
            Class::Clean => PolicyAction::None,
            Class::Bulk => self.bulk,
            Class::Spam => self.spam,
            Class::Impersonation => self.impersonation,
            Class::Spoof => self.spoof,
            Class::HighSpam => self.high_spam,
            Class::Phish => self.phish,
            // service.md §1.2: high confidence phish can only be held or redirected.
            Class::HighPhish => match self.high_phish {
                PolicyAction::Redirect => PolicyAction::Redirect,
                _ => PolicyAction::Quarantine,
            },
            Class::BlockedType => match self.blocked_type {
                PolicyAction::Reject => PolicyAction::Reject,
                _ => PolicyAction::Quarantine,
            },
            Class::Uninspectable | Class::Malware => PolicyAction::Quarantine,
        }
    }

    /// What is wrong with these settings, for people; empty when nothing is.
    pub fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let actions = [self.spam, self.high_spam, self.phish, self.high_phish, self.bulk, self.spoof, self.impersonation];
        if actions.contains(&PolicyAction::Redirect) && Address::parse(&self.redirect_to).is_err() {
            wrong.push(format!("an action is “redirect”, but redirect_to “{}” is not an address", self.redirect_to));
        }
        let plain = |text: &str| !text.chars().any(char::is_control);
        if !self.header.split_once(':').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()))
            || !plain(&self.header)
        {
            wrong.push(format!("header “{}” is not of the form “Name: value”", self.header.escape_default()));
        }
        if !plain(&self.subject_prefix) {
            wrong.push("subject_prefix has control characters".into());
        }
        if !(1..=9).contains(&self.bulk_level) {
            wrong.push("bulk_level goes from 1 to 9".into());
        }
        for address in self.applies_to.addresses.iter().chain(&self.except.addresses) {
            if Address::parse(address).is_err() {
                wrong.push(format!("“{address}” is not an address"));
            }
        }
        for domain in self.applies_to.domains.iter().chain(&self.except.domains) {
            if mail::address::domain_to_ascii(domain).is_none() {
                wrong.push(format!("“{domain}” is not a domain name"));
            }
        }
        if self.applies_to.groups.iter().chain(&self.except.groups).any(|group| group.trim().is_empty()) {
            wrong.push("the name of a group is empty".into());
        }
        if self.name == OUTBOUND || self.name == Preset::Default.name() {
            wrong.push(format!("the name “{}” is taken by what comes with Gatepost", self.name));
        }
        wrong.extend(self.thresholds.complaint());
        wrong
    }
}
