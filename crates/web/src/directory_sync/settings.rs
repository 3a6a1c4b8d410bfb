//! How a directory is read: what is stored, what people type, and what is wrong with it.

use super::ldap::{filter, transport};
use crate::page::fault::Wrong;
use serde::{Deserialize, Serialize};

pub const EVERY_S: u32 = 45;
const EVERY_S_MIN: u32 = 10;
const EVERY_S_MAX: u32 = 86_400;
pub const ENTRIES_MAX: u32 = 200_000;
const ENTRIES_MAX_MAX: u32 = 1_000_000;
pub const WITHIN_S: u32 = 120;
const WITHIN_S_MAX: u32 = 900;
pub const STOP_PERCENT: u8 = 20;
const NAME_CHARS_MAX: usize = 60;
const FIELD_CHARS_MAX: usize = 1_000;
const AUTHORITY_OCTETS_MAX: usize = 100_000;
const ATTRIBUTES_MAX: usize = 10;
/// Groups made by a filter here.
pub const DYNAMIC_MAX: usize = 100;

/// One directory, as stored. The password is sealed in the row ([`super::sql`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceSettings {
    pub is_on: bool,
    pub url: String,
    /// Authorities in PEM; "": those that browsers trust.
    pub ca: String,
    pub bind_dn: String,
    pub password: String,
    pub base: String,
    pub people_filter: String,
    /// "": no groups are read.
    pub groups_filter: String,
    pub mail_attributes: Vec<String>,
    pub name_attribute: String,
    pub member_attributes: Vec<String>,
    pub dynamic: Vec<Dynamic>,
    pub every_s: u32,
    pub entries_max: u32,
    /// One run has this long.
    pub within_s: u32,
    /// When more of what is there would go, a person is asked.
    pub stop_percent: u8,
    /// It may be inside a private network.
    pub allow_private: bool,
}

/// A group of whoever a filter finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Dynamic {
    pub name: String,
    pub filter: String,
}

/// What suits the usual directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    ActiveDirectory,
    OpenLdap,
}

impl Preset {
    pub const ALL: [Preset; 2] = [Preset::ActiveDirectory, Preset::OpenLdap];

    /// End of its words key `directory-preset-…`.
    pub fn name(self) -> &'static str {
        match self {
            Preset::ActiveDirectory => "active-directory",
            Preset::OpenLdap => "openldap",
        }
    }

    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    pub fn settings(self) -> SourceSettings {
        let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        let other = SourceSettings::default();
        match self {
            // Accounts that are switched off stay: shared mailboxes of Exchange are such accounts.
            Preset::ActiveDirectory => SourceSettings {
                people_filter: "(&(|(objectCategory=person)(objectClass=publicFolder)(objectClass=msExchDynamicDistributionList))\
                                (|(mail=*)(proxyAddresses=*)))"
                    .into(),
                groups_filter: "(objectCategory=group)".into(),
                mail_attributes: words(&["mail", "proxyAddresses"]),
                member_attributes: words(&["member"]),
                ..other
            },
            Preset::OpenLdap => SourceSettings {
                people_filter: "(&(mail=*)(|(objectClass=inetOrgPerson)(objectClass=posixAccount)(objectClass=inetLocalMailRecipient)))"
                    .into(),
                groups_filter:
                    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=groupOfURLs))".into(),
                mail_attributes: words(&["mail", "mailAlternateAddress", "mailLocalAddress"]),
                member_attributes: words(&["member", "uniqueMember", "memberUid"]),
                ..other
            },
        }
    }
}

impl Default for SourceSettings {
    fn default() -> SourceSettings {
        SourceSettings {
            is_on: true,
            url: String::new(),
            ca: String::new(),
            bind_dn: String::new(),
            password: String::new(),
            base: String::new(),
            people_filter: "(mail=*)".into(),
            groups_filter: String::new(),
            mail_attributes: vec!["mail".into()],
            name_attribute: "displayName".into(),
            member_attributes: vec!["member".into()],
            dynamic: Vec::new(),
            every_s: EVERY_S,
            entries_max: ENTRIES_MAX,
            within_s: WITHIN_S,
            stop_percent: STOP_PERCENT,
            allow_private: false,
        }
    }
}

/// As forms send it: everything is text, lists are lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub name: String,
    pub is_on: String,
    pub url: String,
    pub ca: String,
    pub bind_dn: String,
    #[serde(skip_serializing)]
    pub password: String,
    pub base: String,
    pub people_filter: String,
    pub groups_filter: String,
    pub mail_attributes: String,
    pub name_attribute: String,
    pub member_attributes: String,
    /// Lines `name = (filter)`.
    pub dynamic: String,
    pub every_s: String,
    pub entries_max: String,
    pub within_s: String,
    pub stop_percent: String,
    pub allow_private: String,
}

impl Draft {
    pub fn of(name: &str, settings: &SourceSettings) -> Draft {
        let on = |is_on: bool| if is_on { "on".to_string() } else { String::new() };
        let dynamic: Vec<String> = settings.dynamic.iter().map(|one| format!("{} = {}", one.name, one.filter)).collect();
        Draft {
            name: name.to_string(),
            is_on: on(settings.is_on),
            url: settings.url.clone(),
            ca: settings.ca.clone(),
            bind_dn: settings.bind_dn.clone(),
            password: String::new(),
            base: settings.base.clone(),
            people_filter: settings.people_filter.clone(),
            groups_filter: settings.groups_filter.clone(),
            mail_attributes: settings.mail_attributes.join("\n"),
            name_attribute: settings.name_attribute.clone(),
            member_attributes: settings.member_attributes.join("\n"),
            dynamic: dynamic.join("\n"),
            every_s: settings.every_s.to_string(),
            entries_max: settings.entries_max.to_string(),
            within_s: settings.within_s.to_string(),
            stop_percent: settings.stop_percent.to_string(),
            allow_private: on(settings.allow_private),
        }
    }

    /// The name and the settings, or every field that is wrong. An empty password keeps the one that is set, as long as address and
    /// account stay: what somebody typed in for one server is not sent to another.
    pub fn settings(&self, before: Option<&SourceSettings>, may_private: bool) -> Result<(String, SourceSettings), Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut check = |is_wrong: bool, field: &'static str, key: &'static str| {
            if is_wrong {
                wrong.push(Wrong::new(field, key));
            }
        };
        let is_on = |text: &str| matches!(text, "on" | "true" | "1");
        let text = |text: &str| text.trim().to_string();
        let name = text(&self.name);
        check(
            name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control),
            "name",
            "directory-wrong-name",
        );
        let place = transport::place(&self.url);
        check(place.is_none() || self.url.len() > FIELD_CHARS_MAX, "url", "directory-wrong-url");
        let is_inside = place.and_then(|place| place.host.parse().ok()).is_some_and(|ip| !gateway::delivery::is_public(ip));
        check(is_on(&self.allow_private) && !may_private || is_inside && !is_on(&self.allow_private), "url", "directory-wrong-private");
        let ca = self.ca.trim();
        check(!ca.is_empty() && (ca.len() > AUTHORITY_OCTETS_MAX || transport::authorities(ca).is_none()), "ca", "directory-wrong-ca");
        let (url, bind_dn) = (text(&self.url), text(&self.bind_dn));
        check(bind_dn.chars().count() > FIELD_CHARS_MAX, "bind_dn", "directory-wrong-long");
        let kept = before.filter(|before| before.url == url && before.bind_dn == bind_dn).map(|before| before.password.clone());
        let password = if self.password.is_empty() { kept.unwrap_or_default() } else { self.password.clone() };
        check(!bind_dn.is_empty() && password.is_empty(), "password", "directory-wrong-password");
        check(password.chars().count() > FIELD_CHARS_MAX, "password", "directory-wrong-long");
        check(self.base.trim().is_empty() || self.base.len() > FIELD_CHARS_MAX, "base", "directory-wrong-base");
        check(filter::encoded(&self.people_filter).is_err(), "people_filter", "directory-wrong-filter");
        let has_groups = !self.groups_filter.trim().is_empty();
        check(has_groups && filter::encoded(&self.groups_filter).is_err(), "groups_filter", "directory-wrong-filter");
        let (mail_attributes, member_attributes) = (attributes(&self.mail_attributes), attributes(&self.member_attributes));
        check(mail_attributes.as_ref().is_none_or(Vec::is_empty), "mail_attributes", "directory-wrong-attributes");
        check(member_attributes.is_none(), "member_attributes", "directory-wrong-attributes");
        let name_attribute = attributes(&self.name_attribute).filter(|all| all.len() <= 1);
        check(name_attribute.is_none(), "name_attribute", "directory-wrong-attributes");
        let dynamic = dynamic(&self.dynamic);
        check(dynamic.is_none(), "dynamic", "directory-wrong-dynamic");
        let mut number = |field: &'static str, text: &str, usual: u32, range: std::ops::RangeInclusive<u32>| match text.trim() {
            "" => usual,
            text => text.parse().ok().filter(|number| range.contains(number)).unwrap_or_else(|| {
                wrong.push(Wrong::new(field, "directory-wrong-number"));
                usual
            }),
        };
        let settings = SourceSettings {
            every_s: number("every_s", &self.every_s, EVERY_S, EVERY_S_MIN..=EVERY_S_MAX),
            entries_max: number("entries_max", &self.entries_max, ENTRIES_MAX, 1..=ENTRIES_MAX_MAX),
            within_s: number("within_s", &self.within_s, WITHIN_S, 1..=WITHIN_S_MAX),
            stop_percent: number("stop_percent", &self.stop_percent, u32::from(STOP_PERCENT), 1..=100) as u8,
            is_on: is_on(&self.is_on),
            url,
            ca: ca.to_string(),
            bind_dn,
            password,
            base: text(&self.base),
            people_filter: text(&self.people_filter),
            groups_filter: text(&self.groups_filter),
            mail_attributes: mail_attributes.unwrap_or_default(),
            name_attribute: name_attribute.and_then(|all| all.into_iter().next()).unwrap_or_else(|| "cn".into()),
            member_attributes: member_attributes.unwrap_or_default(),
            dynamic: dynamic.unwrap_or_default(),
            allow_private: is_on(&self.allow_private),
        };
        if wrong.is_empty() { Ok((name, settings)) } else { Err(wrong) }
    }
}

/// Names of attributes, by lines, blanks or commas. `None`: one is none, or there are too many.
fn attributes(text: &str) -> Option<Vec<String>> {
    let all: Vec<String> =
        text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|one| !one.is_empty()).map(str::to_string).collect();
    let is_name =
        |name: &String| name.len() <= 80 && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.'));
    (all.len() <= ATTRIBUTES_MAX && all.iter().all(is_name)).then_some(all)
}

/// Lines `name = (filter)`.
fn dynamic(text: &str) -> Option<Vec<Dynamic>> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > DYNAMIC_MAX {
        return None;
    }
    let one = |line: &str| {
        let (name, filter) = line.split_once('=')?;
        let (name, filter) = (name.trim().to_string(), filter.trim().to_string());
        let is_sound = !name.is_empty() && name.chars().count() <= 200 && filter::encoded(&filter).is_ok();
        is_sound.then_some(Dynamic { name, filter })
    };
    lines.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(change: impl Fn(&mut Draft)) -> Result<SourceSettings, Vec<&'static str>> {
        let mut draft = Draft::of("staff", &Preset::OpenLdap.settings());
        draft.url = "ldaps://dir.a.example".into();
        draft.base = "dc=a".into();
        change(&mut draft);
        draft.settings(None, false).map(|(_, settings)| settings).map_err(|wrong| wrong.iter().map(|one| one.field).collect())
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        type Change = fn(&mut Draft);
        let cases: [(Change, &[&str]); 14] = [
            (|_| {}, &[]),
            (|draft| draft.name = " ".into(), &["name"]),
            (|draft| draft.url = "http://a".into(), &["url"]),
            (|draft| draft.url = "ldap://127.0.0.1".into(), &["url"]),
            (|draft| draft.allow_private = "on".into(), &["url"]),
            (|draft| draft.ca = "no pem".into(), &["ca"]),
            (|draft| draft.bind_dn = "cn=reader".into(), &["password"]),
            (|draft| draft.base = String::new(), &["base"]),
            (|draft| draft.people_filter = "(mail".into(), &["people_filter"]),
            (|draft| draft.mail_attributes = String::new(), &["mail_attributes"]),
            (|draft| draft.member_attributes = "a(b".into(), &["member_attributes"]),
            (|draft| draft.dynamic = "berlin (l=Berlin)\nno filter".into(), &["dynamic"]),
            (|draft| draft.every_s = "5".into(), &["every_s"]),
            (|draft| draft.stop_percent = "0".into(), &["stop_percent"]),
        ];
        for (at, (change, want)) in cases.iter().enumerate() {
            assert_eq!(draft(change).err().unwrap_or_default(), *want, "case {at}");
        }
        let made = draft(|draft| draft.dynamic = "Berlin = (l=Berlin)\n\n Köln=(l=K\\c3\\b6ln)".into()).expect("settings");
        assert_eq!(made.dynamic.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Berlin", "Köln"]);
    }

    #[test]
    fn a_password_stays_with_its_server_and_account() {
        let before = SourceSettings {
            url: "ldaps://a".into(),
            bind_dn: "cn=r".into(),
            password: "secret".into(),
            base: "dc=a".into(),
            ..Preset::OpenLdap.settings()
        };
        let saved = |change: fn(&mut Draft)| {
            let mut draft = Draft::of("staff", &before);
            change(&mut draft);
            draft.settings(Some(&before), false).map(|(_, settings)| settings.password).map_err(|wrong| wrong[0].field)
        };
        assert_eq!(saved(|_| {}), Ok("secret".into()));
        assert_eq!(saved(|draft| draft.url = "ldaps://b".into()), Err("password"));
        assert_eq!(saved(|draft| draft.bind_dn = "cn=x".into()), Err("password"));
        assert_eq!(saved(|draft| draft.password = "new".into()), Ok("new".into()));
    }

    #[test]
    fn presets_are_sound_and_forms_give_back_what_they_were_made_of() {
        for preset in Preset::ALL {
            let settings = SourceSettings { url: "ldap://a".into(), base: "dc=a".into(), ..preset.settings() };
            let draft = Draft::of("staff", &settings);
            assert_eq!(draft.settings(None, false), Ok(("staff".into(), settings)), "{}", preset.name());
            assert_eq!(Preset::named(preset.name()), Some(preset));
        }
    }
}
