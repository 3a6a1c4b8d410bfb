//! Our judgement as points, for protocols that know points. Pure; docs/beside.md holds the table.

use crate::intake::beside::Said;
use crate::policy::PolicyAction;
use detect::Class;

/// spamd: spam from here on, as SpamAssassin has it.
pub const SPAMD_THRESHOLD: f64 = 5.0;
/// rspamd: "add header" and "reject", as its own defaults.
pub const ADD_HEADER_SCORE: f64 = 6.0;
pub const REJECT_SCORE: f64 = 15.0;
/// Mail that an allow entry lets through.
const BYPASSED_POINTS: f64 = -10.0;

/// Points of a mail: the class gives the range, the probability of spam the place in it.
pub fn points(said: &Said) -> f64 {
    points_of(said.class, said.scl, said.spam_probability.max(said.phish_probability))
}

pub(super) fn points_of(class: Class, scl: i8, probability: f32) -> f64 {
    if scl < 0 {
        return BYPASSED_POINTS;
    }
    let (from, to) = match class {
        Class::Clean => (0.0, 4.0),
        Class::Bulk => (4.0, 4.9),
        Class::Spam => (6.0, 7.9),
        Class::Impersonation | Class::Spoof => (8.0, 9.0),
        Class::Uninspectable => (9.0, 9.9),
        Class::HighSpam => (10.0, 11.9),
        Class::Phish => (12.0, 14.9),
        Class::HighPhish => (15.0, 17.9),
        Class::BlockedType => (18.0, 19.0),
        Class::Malware => (20.0, 20.0),
    };
    let probability = f64::from(probability).clamp(0.0, 1.0);
    ((from + (to - from) * probability) * 100.0).round() / 100.0
}

/// What rspamd would call the action. Holding, redirecting and deleting are not a neighbour's to do on our word: what is to be kept away
/// from the mailbox is refused, what is to go elsewhere is marked.
pub fn rspamd_action(action: PolicyAction) -> &'static str {
    match action {
        PolicyAction::None => "no action",
        PolicyAction::Prefix => "rewrite subject",
        PolicyAction::AddHeader | PolicyAction::Junk | PolicyAction::Redirect => "add header",
        PolicyAction::Quarantine | PolicyAction::Delete | PolicyAction::Reject => "reject",
    }
}

/// A check as rspamd and SpamAssassin spell names: `auth.dmarc.fail` is `AUTH_DMARC_FAIL`.
pub fn symbol(check: &str) -> String {
    check.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Weight of a finding as points: a decisive one is no hundred.
pub fn finding_points(weight: f32) -> f64 {
    (f64::from(weight).clamp(-20.0, 20.0) * 100.0).round() / 100.0
}
