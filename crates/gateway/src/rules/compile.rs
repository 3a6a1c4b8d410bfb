//! From a rule as written to one that can be asked quickly. Done once per change of the directory, shared by all sessions.

use super::content::Disclaimer;
use super::kinds::Takes;
use super::ruling::Copied;
use super::{Action, ActionKind, Condition, ConditionKind, RuleSettings, check, pattern};
use crate::settings::{Network, Networks};
use mail::smtp::Reply;
use mail::{Address, OrgId, RuleId};
use regex::Regex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The rules of one organisation, in the order they are looked at.
pub type OrgRules = Arc<Vec<Arc<Rule>>>;

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    pub id: RuleId,
    pub org: OrgId,
    pub settings: RuleSettings,
    pub source: String,
    pub(super) conditions: Vec<Test>,
    pub(super) exceptions: Vec<Test>,
    pub(super) deeds: Vec<Deed>,
    pub(super) starts_ms: Option<i64>,
    pub(super) ends_ms: Option<i64>,
    /// Why it cannot be used; it then counts as failed for every mail.
    pub broken: Option<String>,
}

/// One condition, ready.
#[derive(Debug)]
pub(super) struct Test {
    pub kind: ConditionKind,
    pub header: String,
    pub wants: Wants,
}

#[derive(Debug)]
pub(super) enum Wants {
    Nothing,
    Pattern(Regex),
    /// Keys of addresses.
    Addresses(HashSet<String>),
    /// A-labels; subdomains count.
    Domains(Vec<String>),
    /// Names of groups; the directory of the moment knows who is in them.
    Groups(Vec<String>),
    Networks(Networks),
    Number(i64),
    /// Lower case.
    Names(Vec<String>),
}

/// One action, ready.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    Reject(Reply),
    Redirect(Vec<Address>),
    Copy(Copied, Vec<Address>),
    Quarantine,
    Delete,
    SetHeader(String, String),
    RemoveHeader(String),
    Disclaimer(Arc<Disclaimer>),
    PrependSubject(String),
    SetScl(i8),
    Connector(String),
    RequireTls,
    NotifySender(String),
    Notify(Vec<Address>, String),
    Moderate(Vec<Address>),
}

impl Rule {
    /// Never fails: a rule that cannot be used says so in `broken`.
    pub fn new(id: RuleId, org: OrgId, settings: RuleSettings, source: &str) -> Rule {
        let broken = check(&settings).first().map(check::Complaint::to_string_with_place);
        let mut rule = Rule {
            id,
            org,
            source: source.to_string(),
            conditions: Vec::new(),
            exceptions: Vec::new(),
            deeds: Vec::new(),
            starts_ms: moment_ms(&settings.starts, false).unwrap_or_default(),
            ends_ms: moment_ms(&settings.ends, true).unwrap_or_default(),
            broken,
            settings,
        };
        if rule.broken.is_none() {
            rule.compile();
        }
        rule
    }

    fn compile(&mut self) {
        let tests = |conditions: &[Condition]| conditions.iter().map(test).collect::<Option<Vec<Test>>>();
        let deeds: Option<Vec<Deed>> = self.settings.actions.iter().map(deed).collect();
        match (tests(&self.settings.conditions), tests(&self.settings.exceptions), deeds) {
            (Some(conditions), Some(exceptions), Some(deeds)) => {
                (self.conditions, self.exceptions, self.deeds) = (conditions, exceptions, deeds);
            }
            _ => self.broken = Some("a value cannot be read".into()),
        }
    }

    /// It is switched on, and its time is now.
    pub fn is_on(&self, now_ms: i64) -> bool {
        self.settings.enabled && self.starts_ms.is_none_or(|at| at <= now_ms) && self.ends_ms.is_none_or(|at| now_ms < at)
    }
}

fn test(condition: &Condition) -> Option<Test> {
    let values: Vec<String> = condition.values.iter().map(|value| value.trim().to_string()).collect();
    let wants = match condition.kind.takes() {
        Takes::Nothing => Wants::Nothing,
        Takes::Words if condition.kind == ConditionKind::AttachmentExtension || condition.kind == ConditionKind::AttachmentType => {
            Wants::Names(values.iter().map(|value| value.trim_start_matches(['*', '.']).to_lowercase()).collect())
        }
        Takes::Words => Wants::Pattern(pattern::words(&values).ok()?),
        Takes::Patterns => Wants::Pattern(pattern::patterns(&values).ok()?),
        Takes::Addresses => {
            Wants::Addresses(values.iter().map(|value| Address::parse(value).ok().map(|one| one.key())).collect::<Option<_>>()?)
        }
        Takes::Domains => Wants::Domains(values.iter().map(|value| mail::address::domain_to_ascii(value)).collect::<Option<_>>()?),
        Takes::Groups => Wants::Groups(values),
        Takes::Networks => Wants::Networks(Networks(values.iter().map(|value| value.parse::<Network>().ok()).collect::<Option<_>>()?)),
        Takes::Size => Wants::Number(i64::try_from(size_octets(values.first()?)?).ok()?),
        Takes::Level(..) => Wants::Number(values.first()?.parse().ok()?),
        Takes::Choice(_) => Wants::Names(values),
    };
    Some(Test { kind: condition.kind, header: condition.header.trim().to_string(), wants })
}

fn deed(action: &Action) -> Option<Deed> {
    let to = || action.to.iter().map(|one| Address::parse(one.trim()).ok()).collect::<Option<Vec<Address>>>();
    Some(match action.kind {
        ActionKind::Reject => {
            let status = if action.status.is_empty() { (5, 7, 1) } else { status(&action.status)? };
            Deed::Reject(Reply::new(550, status, action.text.trim()))
        }
        ActionKind::Redirect => Deed::Redirect(to()?),
        ActionKind::AddTo => Deed::Copy(Copied::To, to()?),
        ActionKind::AddCc => Deed::Copy(Copied::Cc, to()?),
        ActionKind::Bcc => Deed::Copy(Copied::Bcc, to()?),
        ActionKind::Quarantine => Deed::Quarantine,
        ActionKind::Delete => Deed::Delete,
        ActionKind::SetHeader => Deed::SetHeader(action.header.clone(), action.value.trim().to_string()),
        ActionKind::RemoveHeader => Deed::RemoveHeader(action.header.clone()),
        ActionKind::Disclaimer => Deed::Disclaimer(Arc::new(Disclaimer::new(action))),
        ActionKind::PrependSubject => Deed::PrependSubject(action.text.clone()),
        ActionKind::SetScl => Deed::SetScl(action.scl),
        ActionKind::Connector => Deed::Connector(action.connector.trim().to_string()),
        ActionKind::RequireTls => Deed::RequireTls,
        ActionKind::NotifySender => Deed::NotifySender(action.text.clone()),
        ActionKind::Notify => Deed::Notify(to()?, action.text.clone()),
        ActionKind::Moderate => Deed::Moderate(to()?),
    })
}

impl Deed {
    pub fn kind(&self) -> ActionKind {
        match self {
            Deed::Reject(_) => ActionKind::Reject,
            Deed::Redirect(_) => ActionKind::Redirect,
            Deed::Copy(Copied::To, _) => ActionKind::AddTo,
            Deed::Copy(Copied::Cc, _) => ActionKind::AddCc,
            Deed::Copy(Copied::Bcc, _) => ActionKind::Bcc,
            Deed::Quarantine => ActionKind::Quarantine,
            Deed::Delete => ActionKind::Delete,
            Deed::SetHeader(..) => ActionKind::SetHeader,
            Deed::RemoveHeader(_) => ActionKind::RemoveHeader,
            Deed::Disclaimer(_) => ActionKind::Disclaimer,
            Deed::PrependSubject(_) => ActionKind::PrependSubject,
            Deed::SetScl(_) => ActionKind::SetScl,
            Deed::Connector(_) => ActionKind::Connector,
            Deed::RequireTls => ActionKind::RequireTls,
            Deed::NotifySender(_) => ActionKind::NotifySender,
            Deed::Notify(..) => ActionKind::Notify,
            Deed::Moderate(_) => ActionKind::Moderate,
        }
    }
}

/// `5.7.1`, or `5.7.900` to `5.7.999` (`service.md` §1.3).
pub(super) fn status(text: &str) -> Option<(u8, u16, u16)> {
    let detail: u16 = text.trim().strip_prefix("5.7.")?.parse().ok()?;
    (detail == 1 || (900..=999).contains(&detail)).then_some((5, 7, detail))
}

/// "1000", "500 KB", "10 MB", "1 GB" in octets, in steps of 1024.
pub(super) fn size_octets(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let factor: u64 = match text[digits.len()..].trim() {
        "" | "B" => 1,
        "K" | "KB" => 1 << 10,
        "M" | "MB" => 1 << 20,
        "G" | "GB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|octets| *octets <= i64::MAX as u64)
}

/// Unix milliseconds of `2026-12-31` (its begin, or with `is_end` the begin of the next day) or `2026-12-31T09:00`, UTC; `None` for "".
pub(super) fn moment_ms(text: &str, is_end: bool) -> Result<Option<i64>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let at = match text.parse::<jiff::civil::Date>() {
        Ok(day) if !text.contains('T') => {
            let day = if is_end { day.tomorrow().map_err(|_| ())? } else { day };
            day.to_datetime(jiff::civil::Time::midnight())
        }
        _ => text.trim_end_matches('Z').parse::<jiff::civil::DateTime>().map_err(|_| ())?,
    };
    at.to_zoned(jiff::tz::TimeZone::UTC).map(|at| Some(at.timestamp().as_millisecond())).map_err(|_| ())
}

/// Compiles the rules of one load of the directory; what has not changed since `before` is taken from there.
pub(crate) fn together(rows: Vec<(RuleId, OrgId, RuleSettings, String)>, before: &HashMap<OrgId, OrgRules>) -> HashMap<OrgId, OrgRules> {
    let mut rules: HashMap<OrgId, Vec<Arc<Rule>>> = HashMap::new();
    for (id, org, settings, source) in rows {
        let known = before
            .get(&org)
            .and_then(|rules| rules.iter().find(|rule| rule.id == id && rule.settings == settings && rule.source == source));
        let of_org = rules.entry(org).or_default();
        if of_org.len() < super::RULES_MAX {
            of_org.push(known.cloned().unwrap_or_else(|| Arc::new(Rule::new(id, org, settings, &source))));
        }
    }
    rules.into_iter().map(|(org, rules)| (org, Arc::new(rules))).collect()
}
