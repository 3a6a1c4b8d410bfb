//! A policy as programs and forms write it: flat, the same names in both, and what can be wrong with it.

use crate::page::fault::Wrong;
use gateway::policy::{OUTBOUND, PolicyAction, PolicySettings, PolicyThresholds, Preset, RecipientFilter};
use mail::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Values of one filter.
pub const VALUES_MAX: usize = 500;
pub const NAME_CHARS_MAX: usize = 60;
const TEXT_CHARS_MAX: usize = 200;
const RETENTION_DAYS_MAX: u32 = 365;
/// Names that are taken: presets and pages.
const RESERVED: [&str; 8] = ["default", OUTBOUND, "new", "applying", "order", "presets", "thresholds", "replay"];

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyBody {
    /// Unique in the organisation. "strict" and "standard" are the presets: of them only the recipients and `enabled` can be said.
    pub name: String,
    pub enabled: bool,
    /// Recipients by address; with domains, both must match. Empty: all.
    #[schema(max_items = 500)]
    pub applies_addresses: Vec<String>,
    #[schema(max_items = 500)]
    pub applies_domains: Vec<String>,
    /// Names of groups; with addresses or domains, all that are given must match.
    #[schema(max_items = 500)]
    pub applies_groups: Vec<String>,
    /// Recipients it does not apply to.
    #[schema(max_items = 500)]
    pub except_addresses: Vec<String>,
    #[schema(max_items = 500)]
    pub except_domains: Vec<String>,
    #[schema(max_items = 500)]
    pub except_groups: Vec<String>,
    /// none, junk, add-header, prefix, redirect, delete, quarantine or reject; so for each class.
    pub spam: String,
    pub high_spam: String,
    pub phish: String,
    /// quarantine or redirect.
    pub high_phish: String,
    pub bulk: String,
    pub spoof: String,
    pub impersonation: String,
    /// reject or quarantine.
    pub blocked_type: String,
    /// Bulk complaint level from which mail is bulk, 1 to 9.
    pub bulk_level: u8,
    /// Probability from which mail is spam; 0: the installation's.
    pub threshold_spam: f64,
    pub threshold_high_spam: f64,
    pub threshold_phish: f64,
    pub threshold_high_phish: f64,
    /// What the owner of the From domain asks for in DMARC is done.
    pub honor_dmarc: bool,
    /// Days a held mail is kept.
    pub retention_days: u32,
    pub redirect_to: String,
    pub subject_prefix: String,
    pub header: String,
}

impl Default for PolicyBody {
    fn default() -> PolicyBody {
        PolicyBody::of(&PolicySettings::default())
    }
}

impl PolicyBody {
    pub fn of(settings: &PolicySettings) -> PolicyBody {
        let action = |action: PolicyAction| action.name().to_string();
        PolicyBody {
            name: settings.name.clone(),
            enabled: settings.enabled,
            applies_addresses: settings.applies_to.addresses.clone(),
            applies_domains: settings.applies_to.domains.clone(),
            applies_groups: settings.applies_to.groups.clone(),
            except_addresses: settings.except.addresses.clone(),
            except_domains: settings.except.domains.clone(),
            except_groups: settings.except.groups.clone(),
            spam: action(settings.spam),
            high_spam: action(settings.high_spam),
            phish: action(settings.phish),
            high_phish: action(settings.high_phish),
            bulk: action(settings.bulk),
            spoof: action(settings.spoof),
            impersonation: action(settings.impersonation),
            blocked_type: action(settings.blocked_type),
            bulk_level: settings.bulk_level,
            threshold_spam: settings.thresholds.spam,
            threshold_high_spam: settings.thresholds.high_spam,
            threshold_phish: settings.thresholds.phish,
            threshold_high_phish: settings.thresholds.high_phish,
            honor_dmarc: settings.honor_dmarc,
            retention_days: settings.retention_days,
            redirect_to: settings.redirect_to.clone(),
            subject_prefix: settings.subject_prefix.clone(),
            header: settings.header.clone(),
        }
    }

    /// The settings, or every field that is wrong.
    pub fn settings(&self) -> Result<PolicySettings, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let trimmed = |values: &[String]| -> Vec<String> {
            values.iter().map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty()).collect()
        };
        let named = |values: &[String]| values.iter().map(|value| value.trim().to_string()).filter(|value| !value.is_empty()).collect();
        let filter = |addresses: &[String], domains: &[String], groups: &[String]| RecipientFilter {
            addresses: trimmed(addresses),
            domains: trimmed(domains),
            groups: named(groups),
        };
        let mut action = |field: &'static str, word: &str| {
            PolicyAction::named(word).unwrap_or_else(|| {
                wrong.push(Wrong::new(field, "policy-wrong-action"));
                PolicyAction::Quarantine
            })
        };
        let settings = PolicySettings {
            name: self.name.trim().to_string(),
            organisation: String::new(),
            enabled: self.enabled,
            priority: 0,
            applies_to: filter(&self.applies_addresses, &self.applies_domains, &self.applies_groups),
            except: filter(&self.except_addresses, &self.except_domains, &self.except_groups),
            spam: action("spam", &self.spam),
            high_spam: action("high_spam", &self.high_spam),
            phish: action("phish", &self.phish),
            high_phish: action("high_phish", &self.high_phish),
            bulk: action("bulk", &self.bulk),
            spoof: action("spoof", &self.spoof),
            impersonation: action("impersonation", &self.impersonation),
            blocked_type: action("blocked_type", &self.blocked_type),
            bulk_level: self.bulk_level,
            thresholds: PolicyThresholds {
                spam: self.threshold_spam,
                high_spam: self.threshold_high_spam,
                phish: self.threshold_phish,
                high_phish: self.threshold_high_phish,
            },
            honor_dmarc: self.honor_dmarc,
            retention_days: self.retention_days,
            redirect_to: self.redirect_to.trim().to_string(),
            subject_prefix: self.subject_prefix.clone(),
            header: self.header.trim().to_string(),
        };
        wrong.extend(wrongs(&settings));
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }
}

/// What is wrong, field by field.
fn wrongs(settings: &PolicySettings) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut check = |is_wrong: bool, field: &'static str, key: &'static str| {
        if is_wrong {
            wrong.push(Wrong::new(field, key));
        }
    };
    let name = settings.name.as_str();
    check(name.is_empty(), "name", "policy-wrong-name-missing");
    check(
        name.chars().count() > NAME_CHARS_MAX || name.contains(['/', '\\', '?', '#', '%']) || has_control(name),
        "name",
        "policy-wrong-name",
    );
    check(RESERVED.contains(&name.to_lowercase().as_str()), "name", "policy-wrong-name-taken");
    let filters =
        [("applies_addresses", "applies_domains", &settings.applies_to), ("except_addresses", "except_domains", &settings.except)];
    for (addresses, domains, filter) in filters {
        check(filter.addresses.iter().any(|one| Address::parse(one).is_err()), addresses, "policy-wrong-address");
        check(filter.domains.iter().any(|one| mail::address::domain_to_ascii(one).is_none()), domains, "policy-wrong-domain");
        check(filter.addresses.len() > VALUES_MAX, addresses, "policy-wrong-many");
        check(filter.domains.len() > VALUES_MAX, domains, "policy-wrong-many");
    }
    for (groups, filter) in [("applies_groups", &settings.applies_to), ("except_groups", &settings.except)] {
        check(filter.groups.iter().any(|one| has_control(one) || one.chars().count() > TEXT_CHARS_MAX), groups, "policy-wrong-group");
        check(filter.groups.len() > VALUES_MAX, groups, "policy-wrong-many");
    }
    check(!matches!(settings.high_phish, PolicyAction::Quarantine | PolicyAction::Redirect), "high_phish", "policy-wrong-high-phish");
    check(!matches!(settings.blocked_type, PolicyAction::Quarantine | PolicyAction::Reject), "blocked_type", "policy-wrong-blocked-type");
    let actions =
        [settings.spam, settings.high_spam, settings.phish, settings.high_phish, settings.bulk, settings.spoof, settings.impersonation];
    let redirects = actions.contains(&PolicyAction::Redirect) || !settings.redirect_to.is_empty();
    check(redirects && Address::parse(&settings.redirect_to).is_err(), "redirect_to", "policy-wrong-redirect");
    check(!(1..=9).contains(&settings.bulk_level), "bulk_level", "policy-wrong-bulk-level");
    check(!(1..=RETENTION_DAYS_MAX).contains(&settings.retention_days), "retention_days", "policy-wrong-days");
    let prefix = settings.subject_prefix.as_str();
    check(has_control(prefix) || prefix.chars().count() > TEXT_CHARS_MAX, "subject_prefix", "policy-wrong-prefix");
    let is_header = settings.header.split_once(':').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()));
    check(!is_header || has_control(&settings.header) || settings.header.len() > TEXT_CHARS_MAX, "header", "policy-wrong-header");
    let thresholds = settings.thresholds;
    let pairs = [
        ("threshold_spam", "threshold_high_spam", thresholds.spam, thresholds.high_spam),
        ("threshold_phish", "threshold_high_phish", thresholds.phish, thresholds.high_phish),
    ];
    for (low_field, high_field, low, high) in pairs {
        let is_wrong = |value: f64| value != 0.0 && !(0.5..=0.9999).contains(&value);
        check(is_wrong(low), low_field, "policy-wrong-threshold");
        check(is_wrong(high), high_field, "policy-wrong-threshold");
        check(low > 0.0 && high > 0.0 && high < low, high_field, "policy-wrong-threshold-order");
    }
    // What the mail path itself would complain of and nothing above named.
    if wrong.is_empty() && !settings.complaints().is_empty() {
        wrong.push(Wrong::new("", "policy-wrong-other"));
    }
    wrong
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Whether this name is a preset that can be given to some.
pub fn preset(name: &str) -> Option<Preset> {
    Preset::named(name).filter(|preset| *preset != Preset::Default)
}

/// A policy as a form sends it: everything is text, lists are lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    pub name: String,
    pub enabled: String,
    pub applies_addresses: String,
    pub applies_domains: String,
    pub applies_groups: String,
    pub except_addresses: String,
    pub except_domains: String,
    pub except_groups: String,
    pub spam: String,
    pub high_spam: String,
    pub phish: String,
    pub high_phish: String,
    pub bulk: String,
    pub spoof: String,
    pub impersonation: String,
    pub blocked_type: String,
    pub bulk_level: String,
    /// Percent; '' is the installation's.
    pub threshold_spam: String,
    pub threshold_high_spam: String,
    pub threshold_phish: String,
    pub threshold_high_phish: String,
    pub honor_dmarc: String,
    pub retention_days: String,
    pub redirect_to: String,
    pub subject_prefix: String,
    pub header: String,
    /// Days that a replay looks back.
    pub days: String,
    #[serde(skip_serializing)]
    pub verb: String,
}

impl PolicyForm {
    pub fn of(settings: &PolicySettings) -> PolicyForm {
        let body = PolicyBody::of(settings);
        let on = |is_on: bool| if is_on { "on".to_string() } else { String::new() };
        PolicyForm {
            name: body.name,
            enabled: on(body.enabled),
            applies_addresses: body.applies_addresses.join("\n"),
            applies_domains: body.applies_domains.join("\n"),
            applies_groups: body.applies_groups.join("\n"),
            except_addresses: body.except_addresses.join("\n"),
            except_domains: body.except_domains.join("\n"),
            except_groups: body.except_groups.join("\n"),
            spam: body.spam,
            high_spam: body.high_spam,
            phish: body.phish,
            high_phish: body.high_phish,
            bulk: body.bulk,
            spoof: body.spoof,
            impersonation: body.impersonation,
            blocked_type: body.blocked_type,
            bulk_level: body.bulk_level.to_string(),
            threshold_spam: percent(body.threshold_spam),
            threshold_high_spam: percent(body.threshold_high_spam),
            threshold_phish: percent(body.threshold_phish),
            threshold_high_phish: percent(body.threshold_high_phish),
            honor_dmarc: on(body.honor_dmarc),
            retention_days: body.retention_days.to_string(),
            redirect_to: body.redirect_to,
            subject_prefix: body.subject_prefix,
            header: body.header,
            days: "7".into(),
            verb: String::new(),
        }
    }

    pub fn settings(&self) -> Result<PolicySettings, Vec<Wrong>> {
        let lines = |text: &str| text.split(['\n', ',', ';']).map(str::to_string).collect();
        // Names of groups may hold commas.
        let names = |text: &str| text.lines().map(str::to_string).collect();
        let is_on = |text: &str| matches!(text, "on" | "true" | "1");
        let mut unread = Vec::new();
        let mut number = |field: &'static str, text: &str, key: &'static str| {
            text.trim().parse::<u32>().unwrap_or_else(|_| {
                unread.push(Wrong::new(field, key));
                1
            })
        };
        let bulk_level = number("bulk_level", &self.bulk_level, "policy-wrong-bulk-level");
        let retention_days = number("retention_days", &self.retention_days, "policy-wrong-days");
        let mut share = |field: &'static str, text: &str| match text.trim().trim_end_matches('%').trim() {
            "" => 0.0,
            text => text.parse::<f64>().map(|percent| percent / 100.0).unwrap_or_else(|_| {
                unread.push(Wrong::new(field, "policy-wrong-threshold"));
                0.0
            }),
        };
        let body = PolicyBody {
            threshold_spam: share("threshold_spam", &self.threshold_spam),
            threshold_high_spam: share("threshold_high_spam", &self.threshold_high_spam),
            threshold_phish: share("threshold_phish", &self.threshold_phish),
            threshold_high_phish: share("threshold_high_phish", &self.threshold_high_phish),
            name: self.name.clone(),
            enabled: is_on(&self.enabled),
            applies_addresses: lines(&self.applies_addresses),
            applies_domains: lines(&self.applies_domains),
            applies_groups: names(&self.applies_groups),
            except_addresses: lines(&self.except_addresses),
            except_domains: lines(&self.except_domains),
            except_groups: names(&self.except_groups),
            spam: self.spam.clone(),
            high_spam: self.high_spam.clone(),
            phish: self.phish.clone(),
            high_phish: self.high_phish.clone(),
            bulk: self.bulk.clone(),
            spoof: self.spoof.clone(),
            impersonation: self.impersonation.clone(),
            blocked_type: self.blocked_type.clone(),
            bulk_level: u8::try_from(bulk_level).unwrap_or(0),
            honor_dmarc: is_on(&self.honor_dmarc),
            retention_days,
            redirect_to: self.redirect_to.clone(),
            subject_prefix: self.subject_prefix.clone(),
            header: self.header.clone(),
        };
        match body.settings() {
            Ok(settings) if unread.is_empty() => Ok(settings),
            Ok(_) => Err(unread),
            Err(wrong) => {
                unread.extend(wrong);
                unread.dedup_by(|a, b| a.field == b.field);
                Err(unread)
            }
        }
    }
}

/// 0.975 as "97.5"; 0 as ''.
pub fn percent(share: f64) -> String {
    if share == 0.0 { String::new() } else { format!("{}", (share * 1_000_000.0).round() / 10_000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_back_what_it_was_made_of() {
        let settings = PolicySettings {
            name: "finance".into(),
            applies_to: RecipientFilter {
                addresses: vec!["li@demo.example".into()],
                domains: vec!["demo.example".into()],
                groups: vec!["Sales, EMEA".into()],
            },
            thresholds: PolicyThresholds { spam: 0.975, ..Default::default() },
            spam: PolicyAction::Quarantine,
            ..PolicySettings::default()
        };
        assert_eq!(PolicyForm::of(&settings).settings(), Ok(settings.clone()));
        assert_eq!(PolicyBody::of(&settings).settings(), Ok(settings));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let form = |change: fn(&mut PolicyForm)| {
            let mut form = PolicyForm::of(&PolicySettings { name: "one".into(), ..PolicySettings::default() });
            change(&mut form);
            form.settings().map_err(|wrong| wrong.iter().map(|one| one.field).collect::<Vec<_>>()).map(|_| ())
        };
        let checks: [(fn(&mut PolicyForm), Result<(), Vec<&str>>); 12] = [
            (|_| {}, Ok(())),
            (|form| form.name = String::new(), Err(vec!["name"])),
            (|form| form.name = "Default".into(), Err(vec!["name"])),
            (|form| form.name = "a/b".into(), Err(vec!["name"])),
            (|form| form.spam = "explode".into(), Err(vec!["spam"])),
            (|form| form.spam = "redirect".into(), Err(vec!["redirect_to"])),
            (|form| form.high_phish = "none".into(), Err(vec!["high_phish"])),
            (|form| form.threshold_spam = "20".into(), Err(vec!["threshold_spam"])),
            (|form| form.threshold_spam = "soon".into(), Err(vec!["threshold_spam"])),
            (|form| form.bulk_level = "10".into(), Err(vec!["bulk_level"])),
            (|form| form.applies_addresses = "nobody".into(), Err(vec!["applies_addresses"])),
            (|form| form.header = "X: y\r\nBcc: z".into(), Err(vec!["header"])),
        ];
        for (at, (change, want)) in checks.into_iter().enumerate() {
            assert_eq!(form(change), want, "case {at}");
        }
    }
}
