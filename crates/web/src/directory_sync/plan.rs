//! From what was found in a directory to what is to be done here; and whether that is to be asked first. Pure.
//!
//! Invariants: what another source owns is never touched; every address belongs to a domain of the organisation; a run that would take
//! too much away does nothing at all until somebody looked ([`Plan::stops`]).

use super::ldap::{Found, Member};
use gateway::directory::group::name_key;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// So few may always go.
pub const HANDFUL: usize = 3;
/// Lines of each list that are kept.
pub const LISTED_MAX: usize = 100;

/// A recipient as it is or should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipient {
    pub name: String,
    /// First address of the account; "" for itself.
    pub main: String,
    pub source: String,
}

/// A group as it is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupThere {
    pub id: i64,
    pub name: String,
    pub external: String,
    pub address: String,
    pub source: String,
    pub members: BTreeSet<String>,
    /// Numbers of groups inside.
    pub inner: BTreeSet<i64>,
}

/// What is here of an organisation.
#[derive(Debug, Clone, Default)]
pub struct There {
    /// Name as DNS has it, and whether its sub-domains count.
    pub domains: Vec<(String, bool)>,
    pub recipients: HashMap<String, Recipient>,
    pub groups: Vec<GroupThere>,
}

/// A group as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupWanted {
    pub name: String,
    pub external: String,
    pub address: String,
    /// Main addresses of members.
    pub members: BTreeSet<String>,
    /// What the directory calls the groups inside.
    pub inner: BTreeSet<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Address, name, main address.
    pub put: Vec<(String, String, String)>,
    pub added: usize,
    pub changed: usize,
    pub same: usize,
    pub gone: Vec<String>,
    /// Address, and which source owns it.
    pub conflicts: Vec<(String, String)>,
    /// Addresses of domains that are not the organisation's.
    pub elsewhere: Vec<String>,
    pub unreadable: usize,
    /// Groups to be written, with the number of those that are there.
    pub groups: Vec<(Option<i64>, GroupWanted)>,
    pub groups_gone: Vec<(i64, String)>,
    /// All groups that should be there, by what the directory calls them.
    pub groups_found: usize,
    pub members_before: usize,
    pub members_gone: usize,
    pub recipients_before: usize,
    pub groups_before: usize,
}

/// What somebody allowed to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    pub recipients: HashSet<String>,
    pub groups: HashSet<String>,
    pub members: usize,
}

impl There {
    pub fn is_ours(&self, domain: &str) -> bool {
        let is_under = |(name, with_subdomains): &(String, bool)| {
            domain == name || *with_subdomains && domain.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        self.domains.iter().any(is_under)
    }
}

/// Compares. `source` is the name under which rows of this source stand.
pub fn plan(found: &Found, there: &There, source: &str) -> Plan {
    let mut plan = Plan { unreadable: found.unreadable, ..Plan::default() };
    let wanted = wanted(found, there, &mut plan);
    for (address, (name, main)) in &wanted {
        match there.recipients.get(address) {
            Some(old) if old.source != source => plan.conflicts.push((address.clone(), old.source.clone())),
            Some(old) if old.name == *name && old.main == *main => plan.same += 1,
            old => {
                if old.is_some() {
                    plan.changed += 1;
                } else {
                    plan.added += 1;
                }
                plan.put.push((address.clone(), name.clone(), main.clone()));
            }
        }
    }
    let own = there.recipients.iter().filter(|(_, one)| one.source == source);
    let mut gone: Vec<String> = Vec::new();
    for (address, _) in own {
        plan.recipients_before += 1;
        if !wanted.contains_key(address) {
            gone.push(address.clone());
        }
    }
    gone.sort();
    plan.gone = gone;
    groups(found, there, source, &mut plan);
    plan
}

/// Every address that should be there: name and main address. Of two accounts with the same one the first has it.
fn wanted(found: &Found, there: &There, plan: &mut Plan) -> BTreeMap<String, (String, String)> {
    let mut wanted: BTreeMap<String, (String, String)> = BTreeMap::new();
    let people = found.people.iter().map(|one| (&one.name, &one.addresses));
    let nobody = String::new();
    // The name of a group is nobody's, so it is not protected from impersonation.
    let lists = found.groups.iter().map(|one| (&nobody, &one.addresses));
    for (name, addresses) in people.chain(lists) {
        let Some(main) = addresses.first() else { continue };
        for address in addresses {
            let domain = address.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
            if !there.is_ours(domain) {
                plan.elsewhere.push(address.clone());
                continue;
            }
            let of = if address == main { String::new() } else { main.clone() };
            wanted.entry(address.clone()).or_insert_with(|| (name.clone(), of));
        }
    }
    wanted
}

fn groups(found: &Found, there: &There, source: &str, plan: &mut Plan) {
    let wanted = wanted_groups(found, there, source);
    plan.groups_found = wanted.len();
    let own: HashMap<&str, &GroupThere> =
        there.groups.iter().filter(|group| group.source == source).map(|group| (group.external.as_str(), group)).collect();
    let called: HashMap<i64, &str> = own.values().map(|group| (group.id, group.external.as_str())).collect();
    plan.groups_before = own.len();
    plan.members_before = own.values().map(|group| group.members.len() + group.inner.len()).sum();
    let by_name: HashMap<&str, &GroupWanted> = wanted.iter().map(|one| (one.external.as_str(), one)).collect();
    for group in own.values() {
        let Some(kept) = by_name.get(group.external.as_str()) else {
            plan.groups_gone.push((group.id, group.name.clone()));
            continue;
        };
        let inner: BTreeSet<String> = group.inner.iter().filter_map(|id| called.get(id)).map(|name| name.to_string()).collect();
        plan.members_gone += group.members.difference(&kept.members).count() + inner.difference(&kept.inner).count();
        let is_same = group.name == kept.name && group.address == kept.address && group.members == kept.members && inner == kept.inner;
        if !is_same {
            plan.groups.push((Some(group.id), (*kept).clone()));
        }
    }
    plan.groups.extend(wanted.into_iter().filter(|one| !own.contains_key(one.external.as_str())).map(|one| (None, one)));
    plan.groups.sort_by(|a, b| a.1.external.cmp(&b.1.external));
    plan.groups_gone.sort_by(|a, b| a.1.cmp(&b.1));
}

/// Groups with their members resolved, each under a name that no other has.
fn wanted_groups(found: &Found, there: &There, source: &str) -> Vec<GroupWanted> {
    let main_of_dn: HashMap<&str, &str> = found.people.iter().map(|one| (one.dn.as_str(), one.addresses[0].as_str())).collect();
    let main_of_uid: HashMap<&str, &str> =
        found.people.iter().filter(|one| !one.uid.is_empty()).map(|one| (one.uid.as_str(), one.addresses[0].as_str())).collect();
    let is_group: HashSet<&str> = found.groups.iter().map(|one| one.dn.as_str()).collect();
    let mut primary: HashMap<u32, Vec<&str>> = HashMap::new();
    for one in &found.people {
        one.primary_group.into_iter().for_each(|rid| primary.entry(rid).or_default().push(one.addresses[0].as_str()));
    }
    let mut taken: HashSet<String> =
        there.groups.iter().filter(|group| group.source != source).map(|group| name_key(&group.name)).collect();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut made = Vec::new();
    for group in found.groups.iter().filter(|group| seen.insert(group.dn.as_str())) {
        let mut one = GroupWanted {
            name: free_name(&group.name, &mut taken),
            external: group.dn.clone(),
            address: group.addresses.first().cloned().unwrap_or_default(),
            ..GroupWanted::default()
        };
        for member in &group.members {
            match member {
                Member::Dn(dn) if is_group.contains(dn.as_str()) => drop(one.inner.insert(dn.clone())),
                Member::Dn(dn) => one.members.extend(main_of_dn.get(dn.as_str()).map(|main| main.to_string())),
                Member::Uid(uid) => one.members.extend(main_of_uid.get(uid.as_str()).map(|main| main.to_string())),
            }
        }
        let by_primary = group.rid.and_then(|rid| primary.get(&rid));
        one.members.extend(by_primary.into_iter().flatten().map(|main| main.to_string()));
        made.push(one);
    }
    made
}

/// The name, with a number when another group has it.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    /// Groups of one name.
    const SAME_MAX: usize = 10_000;
    let tries = std::iter::once(name.to_string()).chain((2..SAME_MAX).map(|n| format!("{name} ({n})")));
    let free = tries.into_iter().find(|name| taken.insert(name_key(name)));
    free.unwrap_or_else(|| name.to_string())
}

impl Plan {
    /// More would go than may without somebody having looked. What is in `allowed` may.
    pub fn stops(&self, percent: u8, allowed: &Allowed) -> bool {
        let recipients = self.gone.iter().filter(|address| !allowed.recipients.contains(*address)).count();
        let groups = self.groups_gone.iter().filter(|(_, name)| !allowed.groups.contains(name)).count();
        let members = if self.members_gone <= allowed.members { 0 } else { self.members_gone };
        is_too_much(self.recipients_before, recipients, percent)
            || is_too_much(self.groups_before, groups, percent)
            || is_too_much(self.members_before, members, percent)
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty() && self.groups.is_empty() && self.groups_gone.is_empty()
    }
}

/// More than the share and more than a handful; or everything, of more than one.
pub fn is_too_much(before: usize, gone: usize, percent: u8) -> bool {
    gone > HANDFUL && gone * 100 > before * usize::from(percent) || gone > 1 && gone >= before
}

#[cfg(test)]
mod tests {
    use super::super::ldap::{Account, FoundGroup};
    use super::*;

    const SOURCE: &str = "ldap:7";

    fn person(n: &str, addresses: &[&str]) -> Account {
        Account {
            dn: format!("cn={n}"),
            uid: n.into(),
            name: n.to_uppercase(),
            addresses: addresses.iter().map(|one| one.to_string()).collect(),
            primary_group: Some(513),
        }
    }

    fn group(n: &str, members: &[&str]) -> FoundGroup {
        let members = members.iter().map(|dn| Member::Dn(dn.to_string())).collect();
        FoundGroup { dn: format!("cn={n}"), name: n.into(), addresses: Vec::new(), members, rid: None }
    }

    fn there(recipients: &[(&str, &str, &str, &str)]) -> There {
        let one = |(address, name, main, source): &(&str, &str, &str, &str)| {
            (address.to_string(), Recipient { name: name.to_string(), main: main.to_string(), source: source.to_string() })
        };
        There { domains: vec![("a.example".into(), false)], recipients: recipients.iter().map(one).collect(), groups: Vec::new() }
    }

    #[test]
    fn only_what_is_ours_and_of_our_domains_is_touched() {
        let there = there(&[
            ("bo@a.example", "BO", "", SOURCE),
            ("old@a.example", "OLD", "", SOURCE),
            ("li@a.example", "Li", "", "page"),
            ("fix@a.example", "Fix", "", "file"),
            ("b@a.example", "BO", "", SOURCE),
        ]);
        let found = Found {
            people: vec![
                person("bo", &["bo@a.example", "b@a.example", "bo@b.example"]),
                person("li", &["li@a.example"]),
                person("new", &["new@a.example"]),
            ],
            ..Found::default()
        };
        let plan = plan(&found, &there, SOURCE);
        let put: Vec<(&str, &str)> = plan.put.iter().map(|(address, _, main)| (address.as_str(), main.as_str())).collect();
        assert_eq!(put, [("b@a.example", "bo@a.example"), ("new@a.example", "")], "the alias learns whose it is");
        assert_eq!((plan.added, plan.changed, plan.same), (1, 1, 1));
        assert_eq!(plan.gone, ["old@a.example"]);
        assert_eq!(plan.conflicts, [("li@a.example".to_string(), "page".to_string())]);
        assert_eq!(plan.elsewhere, ["bo@b.example"]);
        assert!(!plan.stops(20, &Allowed::default()), "one of three is a handful");
    }

    #[test]
    fn groups_nested_by_uid_by_primary_group_and_with_names_of_others() {
        let mut there = there(&[]);
        there.groups.push(GroupThere { id: 1, name: "Sales".into(), source: "page".into(), ..GroupThere::default() });
        there.groups.push(GroupThere {
            id: 2,
            name: "gone".into(),
            external: "cn=gone".into(),
            source: SOURCE.into(),
            ..GroupThere::default()
        });
        let mut users = group("users", &[]);
        users.rid = Some(513);
        let mut posix = group("posix", &[]);
        posix.members = vec![Member::Uid("li".into()), Member::Uid("nobody".into())];
        let found = Found {
            people: vec![person("bo", &["bo@a.example", "b@a.example"]), person("li", &["li@a.example"])],
            groups: vec![group("sales", &["cn=bo", "cn=all", "cn=stranger"]), group("all", &["cn=sales"]), users, posix],
            unreadable: 0,
        };
        let plan = plan(&found, &there, SOURCE);
        let written: Vec<String> =
            plan.groups.iter().map(|(_, group)| format!("{}: {:?} {:?}", group.name, group.members, group.inner)).collect();
        assert_eq!(
            written,
            [
                "all: {} {\"cn=sales\"}",
                "posix: {\"li@a.example\"} {}",
                "sales (2): {\"bo@a.example\"} {\"cn=all\"}",
                "users: {\"bo@a.example\", \"li@a.example\"} {}",
            ]
        );
        assert_eq!(plan.groups_gone, [(2, "gone".to_string())]);
    }

    #[test]
    fn a_second_run_has_nothing_to_do() {
        let found = Found {
            people: vec![person("bo", &["bo@a.example"])],
            groups: vec![group("s", &["cn=bo", "cn=t"]), group("t", &[])],
            unreadable: 0,
        };
        let mut now = there(&[("bo@a.example", "BO", "", SOURCE)]);
        for (id, wanted) in plan(&found, &now, SOURCE).groups.into_iter().enumerate().map(|(at, (_, group))| (at as i64 + 1, group)) {
            let inner = if wanted.inner.is_empty() { BTreeSet::new() } else { BTreeSet::from([2]) };
            now.groups.push(GroupThere {
                id,
                name: wanted.name,
                external: wanted.external,
                members: wanted.members,
                inner,
                source: SOURCE.into(),
                ..GroupThere::default()
            });
        }
        assert!(plan(&found, &now, SOURCE).is_empty());
    }

    #[test]
    fn too_much_is_a_share_and_more_than_a_handful_or_everything() {
        for (before, gone, want) in [
            (10, 3, false),
            (10, 5, true),
            (4, 3, false),
            (4, 4, true),
            (1, 1, false),
            (2, 2, true),
            (100, 20, false),
            (100, 21, true),
            (1000, 200, false),
            (1000, 201, true),
            (0, 0, false),
        ] {
            assert_eq!(is_too_much(before, gone, 20), want, "{gone} of {before}");
        }
    }

    #[test]
    fn what_somebody_allowed_may_go_and_no_more() {
        let plan = Plan { recipients_before: 20, gone: (0..10).map(|n| format!("n{n}@a.example")).collect(), ..Plan::default() };
        assert!(plan.stops(20, &Allowed::default()));
        let all = Allowed { recipients: plan.gone.iter().cloned().collect(), ..Allowed::default() };
        assert!(!plan.stops(20, &all));
        let few = Allowed { recipients: plan.gone.iter().take(2).cloned().collect(), ..Allowed::default() };
        assert!(plan.stops(20, &few));
        let members = Plan { members_before: 100, members_gone: 50, ..Plan::default() };
        assert!(members.stops(20, &Allowed::default()));
        assert!(!members.stops(20, &Allowed { members: 50, ..Allowed::default() }));
    }
}
