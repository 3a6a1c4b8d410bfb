//! Groups of recipients, resolved when the directory is loaded, so that the mail path only looks into sets.
//!
//! In: rows of `directory_group` and `directory_member`. Out: [`Groups`], and [`Membership`] of one address. Invariant: circles and
//! depth end ([`DEPTH_MAX`], [`REACH_MAX`]); memory grows with the rows, not with what nesting makes of them. Not here: where groups
//! come from (`web::directory_sync`).

use super::Directory;
use mail::{Address, OrgId};
use std::collections::{HashMap, HashSet};

/// Groups in groups are followed this deep.
pub const DEPTH_MAX: usize = 16;
/// Groups that one group reaches; what is beyond is not in it.
pub const REACH_MAX: usize = 1_000;

/// One row of `directory_member`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub group: i64,
    /// Key of an address; "" for a group.
    pub address: String,
    /// Another group, everybody of which is in this one; 0 is none.
    pub inner: i64,
}

/// The groups of one organisation.
#[derive(Debug, Default)]
pub struct Groups {
    by_name: HashMap<String, usize>,
    all: Vec<Group>,
}

#[derive(Debug, Default)]
struct Group {
    name: String,
    direct: HashSet<Box<str>>,
    /// Places in `all` of every group whose members are in this one; itself first.
    reach: Vec<usize>,
}

/// As names of groups are compared.
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Groups {
    /// From rows: groups by number and name, and who is in them.
    pub fn new(groups: Vec<(i64, String)>, members: Vec<MemberRow>) -> Groups {
        let mut made = Groups::default();
        let mut places: HashMap<i64, usize> = HashMap::new();
        for (id, name) in groups {
            places.insert(id, made.all.len());
            made.by_name.insert(name_key(&name), made.all.len());
            made.all.push(Group { name, ..Group::default() });
        }
        let mut inner: Vec<Vec<usize>> = vec![Vec::new(); made.all.len()];
        for member in members {
            let Some(place) = places.get(&member.group).copied() else { continue };
            match places.get(&member.inner) {
                Some(within) if member.inner != 0 => inner[place].push(*within),
                _ if !member.address.is_empty() => {
                    made.all[place].direct.insert(member.address.into_boxed_str());
                }
                _ => {}
            }
        }
        for place in 0..made.all.len() {
            made.all[place].reach = reached(&inner, place);
        }
        made
    }

    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(&name_key(name))
    }

    fn is_in(&self, name: &str, keys: &[String]) -> bool {
        let group = self.by_name.get(&name_key(name)).map(|place| &self.all[*place]);
        let reach = group.into_iter().flat_map(|group| &group.reach);
        reach.into_iter().any(|place| keys.iter().any(|key| self.all[*place].direct.contains(key.as_str())))
    }
}

/// The group and all inside it, nearest first; each once, however they go round.
fn reached(inner: &[Vec<usize>], from: usize) -> Vec<usize> {
    let (mut found, mut seen) = (vec![from], HashSet::from([from]));
    let mut begin = 0;
    for _ in 0..DEPTH_MAX {
        let level: Vec<usize> = found[begin..].to_vec();
        begin = found.len();
        for next in level.iter().flat_map(|place| &inner[*place]) {
            if found.len() < REACH_MAX && seen.insert(*next) {
                found.push(*next);
            }
        }
        if begin == found.len() {
            break;
        }
    }
    found
}

/// What one address belongs to.
#[derive(Debug, Clone, Default)]
pub struct Membership<'a> {
    groups: Option<&'a Groups>,
    /// The address, and the first address of the account it is of.
    keys: Vec<String>,
}

impl Membership<'_> {
    /// In any of these groups. A group that is not there has nobody in it.
    pub fn is_in_any(&self, names: &[String]) -> bool {
        self.groups.is_some_and(|groups| names.iter().any(|name| groups.is_in(name, &self.keys)))
    }

    /// Names of all groups it is in, in order.
    pub fn names(&self) -> Vec<&str> {
        let all = self.groups.into_iter().flat_map(|groups| groups.all.iter().map(move |group| (groups, group.name.as_str())));
        let mut names: Vec<&str> = all.filter(|(groups, name)| groups.is_in(name, &self.keys)).map(|(_, name)| name).collect();
        names.sort_unstable();
        names
    }
}

impl Directory {
    /// The groups of `org` that an address is in, by itself or as another address of an account.
    pub fn membership(&self, org: OrgId, address: &Address) -> Membership<'_> {
        let Some(groups) = self.groups.get(&org) else { return Membership::default() };
        let key = address.key();
        let main = self.recipients.get(&key).filter(|known| known.org == org && !known.main.is_empty()).map(|known| known.main.clone());
        Membership { groups: Some(groups), keys: std::iter::once(key).chain(main).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(group: i64, address: &str) -> MemberRow {
        MemberRow { group, address: address.into(), inner: 0 }
    }

    fn inside(group: i64, inner: i64) -> MemberRow {
        MemberRow { group, address: String::new(), inner }
    }

    #[test]
    fn nested_groups_circles_and_depth() {
        let mut groups: Vec<(i64, String)> = vec![(1, "All Staff".into()), (2, "sales".into()), (3, "EMEA".into()), (4, "empty".into())];
        let mut rows = vec![member(2, "bo@a.example"), member(3, "li@a.example"), inside(1, 2), inside(2, 3), inside(3, 1), inside(4, 99)];
        // A chain that is deeper than is followed.
        for at in 0..DEPTH_MAX as i64 + 2 {
            groups.push((100 + at, format!("chain {at}")));
            rows.push(inside(100 + at, 101 + at));
            rows.push(member(100 + at, &format!("n{at}@a.example")));
        }
        let made = Groups::new(groups, rows);
        let is_in = |name: &str, key: &str| made.is_in(name, &[key.to_string()]);
        for (name, key, want, why) in [
            ("sales", "bo@a.example", true, "directly"),
            ("all staff", "bo@a.example", true, "through a group, in any case of letters"),
            ("ALL STAFF ", "li@a.example", true, "through two"),
            ("emea", "bo@a.example", true, "the circle leads back"),
            ("sales", "eve@a.example", false, "nobody put her there"),
            ("empty", "bo@a.example", false, "a group inside that is not there"),
            ("nowhere", "bo@a.example", false, "no such group"),
            ("chain 0", &format!("n{DEPTH_MAX}@a.example"), true, "as deep as is followed"),
            ("chain 0", &format!("n{}@a.example", DEPTH_MAX + 1), false, "deeper"),
        ] {
            assert_eq!(is_in(name, key), want, "{name} {key}: {why}");
        }
        assert!(made.has("Sales") && !made.has("sale"));
    }

    #[test]
    fn an_alias_is_in_the_groups_of_its_account() {
        let org = OrgId(7);
        let mut directory = Directory::default();
        let known = |main: &str| super::super::KnownRecipient { org, name: String::new(), main: main.into() };
        directory.recipients.insert("bo@a.example".into(), known(""));
        directory.recipients.insert("robert@a.example".into(), known("bo@a.example"));
        directory.groups.insert(org, Groups::new(vec![(1, "sales".into())], vec![member(1, "bo@a.example")]));
        let of = |address: &str, org| directory.membership(org, &Address::parse(address).expect("an address")).names().join(",");
        assert_eq!(of("bo@a.example", org), "sales");
        assert_eq!(of("Robert@A.example", org), "sales");
        assert_eq!(of("li@a.example", org), "");
        assert_eq!(of("bo@a.example", OrgId(8)), "", "another organisation has other groups");
    }
}
