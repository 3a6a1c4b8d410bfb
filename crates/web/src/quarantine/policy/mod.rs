//! Quarantine policies: what people may do with mail that is held for themselves, by verdict.
//!
//! In: an organisation's choice. Out: a [`PowerSet`] for a verdict. Invariant: nobody alone releases malware, high confidence phish
//! or what could not be inspected to themselves, whatever a policy says. Not here: what administrators may (`people::May`), and
//! what is held at all (`gateway::policy`).

pub mod api;
pub mod page;
pub mod sql;

use super::list::VERDICTS;
use crate::App;
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::Person;
use mail::OrgId;
use store::Error;

/// One thing that can be done with mail held for oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Power {
    /// See the header fields.
    Header,
    /// See text and attachments' names.
    Preview,
    Download,
    Release,
    /// Ask somebody else to release it; never together with [`Power::Release`].
    Request,
    Delete,
    /// Allow its sender for oneself.
    Allow,
    Block,
    /// Be told of it in digests.
    Notify,
}

impl Power {
    pub const ALL: [Power; 9] = [
        Power::Header,
        Power::Preview,
        Power::Download,
        Power::Release,
        Power::Request,
        Power::Delete,
        Power::Allow,
        Power::Block,
        Power::Notify,
    ];

    /// As stored and in JSON; words `power-…`.
    pub fn name(self) -> &'static str {
        match self {
            Power::Header => "header",
            Power::Preview => "preview",
            Power::Download => "download",
            Power::Release => "release",
            Power::Request => "request",
            Power::Delete => "delete",
            Power::Allow => "allow",
            Power::Block => "block",
            Power::Notify => "notify",
        }
    }

    pub fn parse(name: &str) -> Option<Power> {
        Power::ALL.into_iter().find(|power| power.name() == name)
    }
}

/// Several powers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PowerSet(u16);

impl PowerSet {
    pub const fn of(powers: &[Power]) -> PowerSet {
        let (mut bits, mut at) = (0, 0);
        while at < powers.len() {
            bits |= 1 << powers[at] as u16;
            at += 1;
        }
        PowerSet(bits)
    }

    pub fn has(self, power: Power) -> bool {
        self.0 & (1 << power as u16) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn powers(self) -> impl Iterator<Item = Power> {
        Power::ALL.into_iter().filter(move |power| self.has(*power))
    }

    /// Words with spaces between; what a newer version wrote is left out.
    pub fn parse(words: &str) -> PowerSet {
        let powers: Vec<Power> = words.split(' ').filter_map(Power::parse).collect();
        PowerSet::of(&powers)
    }

    pub fn written(self) -> String {
        self.powers().map(Power::name).collect::<Vec<_>>().join(" ")
    }

    /// What is left of it for mail of this verdict.
    pub fn over(self, verdict: &str) -> PowerSet {
        match NEVER_ALONE.contains(&verdict) && self.has(Power::Release) {
            true => PowerSet(self.0 & !(1 << Power::Release as u16) | 1 << Power::Request as u16),
            false => self,
        }
    }
}

/// Verdicts that nobody releases to themselves (`service.md` §1.2: own malware and high confidence phish: request only).
const NEVER_ALONE: [&str; 3] = ["malware", "high-phish", "uninspectable"];

/// Sets that come with the program (`service.md` §1.2), by name; words `quarantine-preset-…`.
pub const PRESETS: [(&str, PowerSet); 4] = {
    use Power::*;
    [
        ("admin-only", PowerSet::of(&[])),
        ("limited", PowerSet::of(&[Preview, Request, Delete, Block, Notify])),
        ("full", PowerSet::of(&[Header, Preview, Download, Release, Delete, Allow, Block])),
        ("full-notify", PowerSet::of(&[Header, Preview, Download, Release, Delete, Allow, Block, Notify])),
    ]
};

/// The preset that holds for a verdict unless the organisation chose another.
pub fn usual(verdict: &str) -> &'static str {
    match verdict {
        "malware" | "high-phish" | "phish" | "blocked-type" | "uninspectable" => "limited",
        _ => "full-notify",
    }
}

/// A set that an organisation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    pub id: i64,
    pub org: OrgId,
    pub name: String,
    pub powers: PowerSet,
}

const NAME_CHARS_MAX: usize = 64;
/// Sets that one organisation can make.
pub const CUSTOM_MAX: usize = 50;

/// A name and powers as somebody gave them, checked.
pub fn checked(name: &str, powers: &[String]) -> Result<(String, PowerSet), Fault> {
    let name = name.trim();
    let mut wrong = Vec::new();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        wrong.push(Wrong::new("name", "quarantine-policy-name-wrong"));
    } else if PRESETS.iter().any(|(preset, _)| preset.eq_ignore_ascii_case(name)) {
        wrong.push(Wrong::new("name", "quarantine-policy-name-taken"));
    }
    let known: Vec<Power> = powers.iter().filter_map(|power| Power::parse(power)).collect();
    let set = PowerSet::of(&known);
    if known.len() != powers.len() {
        wrong.push(Wrong::new("powers", "quarantine-policy-powers-wrong"));
    } else if set.has(Power::Release) && set.has(Power::Request) {
        wrong.push(Wrong::new("powers", "quarantine-policy-both"));
    }
    if wrong.is_empty() { Ok((name.to_string(), set)) } else { Err(Fault::Invalid(wrong)) }
}

/// What holds in one organisation: the choice for each verdict.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// `(verdict, name or id of the policy, its powers)`; verdicts that are missing have the usual one.
    chosen: Vec<(String, String, PowerSet)>,
}

impl Rules {
    pub fn new(assigned: &[(String, String)], customs: &[Custom]) -> Rules {
        let powers = |policy: &str| {
            let preset = PRESETS.iter().find(|(name, _)| *name == policy).map(|(_, powers)| *powers);
            preset.or_else(|| customs.iter().find(|custom| custom.id.to_string() == policy).map(|custom| custom.powers))
        };
        let known = assigned.iter().filter_map(|(verdict, policy)| Some((verdict.clone(), policy.clone(), powers(policy)?)));
        Rules { chosen: known.collect() }
    }

    /// Name of the preset, or id of the organisation's own, that holds for a verdict.
    pub fn policy(&self, verdict: &str) -> &str {
        self.chosen.iter().find(|(of, ..)| of == verdict).map_or(usual(verdict), |(_, policy, _)| policy)
    }

    /// What somebody may do with mail of this verdict that is held for them.
    pub fn powers(&self, verdict: &str) -> PowerSet {
        let chosen = self.chosen.iter().find(|(of, ..)| of == verdict).map(|(.., powers)| *powers);
        let usual = || PRESETS.iter().find(|(name, _)| *name == usual(verdict)).map(|(_, powers)| *powers);
        chosen.or_else(usual).unwrap_or_default().over(verdict)
    }

    /// Verdicts that have this policy.
    pub fn verdicts_of(&self, policy: &str) -> Vec<&'static str> {
        VERDICTS.iter().copied().filter(|verdict| self.policy(verdict) == policy).collect()
    }
}

/// What holds for mail of this person. Whoever belongs to no organisation has no mail here.
pub async fn rules(app: &App, person: &Person) -> Result<Rules, Fault> {
    let Some(org) = person.org else { return Ok(Rules::default()) };
    let rules: Result<Rules, Error> = app.db.read(move |tx| Box::pin(async move { sql::rules(tx, org).await })).await;
    Ok(rules?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_gives_what_it_says_but_never_malware() {
        let custom = Custom { id: 7, org: OrgId(1), name: "all".into(), powers: PowerSet::of(&[Power::Release, Power::Delete]) };
        let assigned = |verdict: &str, policy: &str| (verdict.to_string(), policy.to_string());
        let rules = Rules::new(
            &[assigned("malware", "7"), assigned("spam", "admin-only"), assigned("bulk", "99"), assigned("phish", "full")],
            &[custom],
        );
        for (verdict, want, why) in [
            ("malware", "request delete", "release becomes a request"),
            ("spam", "", "administrators only"),
            ("bulk", "header preview download release delete allow block notify", "a policy that is gone is the usual one"),
            ("phish", "header preview download release delete allow block", "as chosen"),
            ("high-phish", "preview request delete block notify", "the usual one"),
        ] {
            assert_eq!(rules.powers(verdict).written(), want, "{verdict}: {why}");
        }
        assert_eq!((rules.policy("malware"), rules.policy("bulk"), rules.policy("spoof")), ("7", "full-notify", "full-notify"));
        assert_eq!(rules.verdicts_of("7"), ["malware"]);
    }

    #[test]
    fn a_name_and_powers_are_checked() {
        let words = |words: &str| words.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        for (name, powers, is_good, why) in [
            (" Sales ", "preview release", true, "as it should be"),
            ("Nothing", "", true, "no power is one, too"),
            ("", "preview", false, "no name"),
            ("Full", "preview", false, "the name of a preset"),
            ("a\nb", "preview", false, "a control"),
            ("x", "preview fly", false, "no such power"),
            ("x", "release request", false, "both"),
        ] {
            assert_eq!(checked(name, &words(powers)).is_ok(), is_good, "{why}");
        }
        assert_eq!(PowerSet::parse("release fly notify").written(), "release notify");
    }
}
