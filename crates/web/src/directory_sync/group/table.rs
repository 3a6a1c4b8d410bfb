//! Groups as a table: one membership a line, a group and who is in it. Pure.

use super::NAME_CHARS_MAX;
use crate::domain::recipients::cells;
use crate::page::Say;
use gateway::directory::group::name_key;
use gateway::directory::sql::is_kept_elsewhere;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Lines of one table.
pub const LINES_MAX: usize = 50_000;
/// Mistakes that are listed.
const MISTAKES_MAX: usize = 100;

/// What a table would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub groups: Vec<Filled>,
    pub new: usize,
    pub added: usize,
    pub removed: usize,
    pub same: usize,
    /// Line number, what stands there, what is wrong.
    pub mistakes: Vec<(usize, String, Say)>,
    pub mistakes_count: usize,
}

/// One group that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    pub name: String,
    pub is_new: bool,
    /// Keys of addresses, or names of groups.
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// A group as it is: name, source, and members as [`super::sql::all`] has them.
#[derive(Debug, Clone, Default)]
struct There {
    name: String,
    is_fixed: bool,
    members: BTreeMap<String, String>,
}

/// Reads CSV (RFC 4180, with comma, semicolon or tab) and compares. With `is_whole` the groups that are named lose who is not listed.
/// A first line of headings is passed over; a line with a group alone makes the group.
pub fn plan(text: &str, rows: &[(String, String, String)], is_whole: bool) -> Plan {
    let there = there(rows);
    let mut plan = Plan::default();
    let mut wanted: BTreeMap<String, (String, BTreeMap<String, String>)> = BTreeMap::new();
    let lines: Vec<(usize, Vec<String>)> = read(text, &mut plan);
    let named: BTreeSet<String> = lines.iter().map(|(_, cells)| name_key(&cells[0])).chain(there.keys().cloned()).collect();
    for (line, cells) in lines {
        let (group, member) = (cells[0].trim(), cells.get(1).map(|cell| cell.trim()).unwrap_or_default());
        let key = name_key(group);
        if group.is_empty() || group.chars().count() > NAME_CHARS_MAX || group.chars().any(char::is_control) {
            plan.mistake(line, group, Say::new("group-wrong-name"));
        } else if there.get(&key).is_some_and(|there| there.is_fixed) {
            plan.mistake(line, group, Say::new("group-is-fixed"));
        } else {
            match member_key(member, &named, &key) {
                Ok(member_key) => {
                    let one = wanted.entry(key).or_insert_with(|| (group.to_string(), BTreeMap::new()));
                    one.1.extend(member_key.map(|key| (key, member.to_string())));
                }
                Err(wrong) => plan.mistake(line, member, Say::new(wrong).with("what", member.to_string())),
            }
        }
    }
    for (key, (name, members)) in wanted {
        plan.take(there.get(&key), name, members, is_whole);
    }
    plan
}

fn there(rows: &[(String, String, String)]) -> HashMap<String, There> {
    let mut there: HashMap<String, There> = HashMap::new();
    for (name, source, member) in rows {
        let one = there.entry(name_key(name)).or_insert_with(|| There {
            name: name.clone(),
            is_fixed: is_kept_elsewhere(source),
            ..There::default()
        });
        if !member.is_empty() {
            one.members.insert(name_key(member), member.clone());
        }
    }
    there
}

fn read(text: &str, plan: &mut Plan) -> Vec<(usize, Vec<String>)> {
    let mut lines = Vec::new();
    for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_heading = n == 0 && cells(line).first().is_some_and(|cell| matches!(cell.trim().to_lowercase().as_str(), "group" | "群组"));
        if line.trim().is_empty() || is_heading {
            continue;
        }
        if lines.len() >= LINES_MAX {
            plan.mistake(n + 1, "", Say::new("recipient-wrong-many").with("count", LINES_MAX));
            break;
        }
        lines.push((n + 1, cells(line)));
    }
    lines
}

/// What the member is compared by; `None` for a line without one.
fn member_key(member: &str, named: &BTreeSet<String>, group: &str) -> Result<Option<String>, &'static str> {
    if member.is_empty() {
        return Ok(None);
    }
    if let Ok(address) = mail::Address::parse(member) {
        return Ok(Some(address.key()));
    }
    match name_key(member) {
        key if key == group => Err("group-wrong-itself"),
        key if named.contains(&key) => Ok(Some(key)),
        _ => Err("group-wrong-member"),
    }
}

impl Plan {
    fn take(&mut self, there: Option<&There>, name: String, wanted: BTreeMap<String, String>, is_whole: bool) {
        let empty = BTreeMap::new();
        let members = there.map_or(&empty, |there| &there.members);
        let mut filled = Filled { name: there.map_or(name, |there| there.name.clone()), is_new: there.is_none(), ..Filled::default() };
        for (key, written) in &wanted {
            match members.contains_key(key) {
                true => self.same += 1,
                false => filled.add.push(written.clone()),
            }
        }
        if is_whole {
            filled.remove = members.iter().filter(|(key, _)| !wanted.contains_key(*key)).map(|(_, member)| member.clone()).collect();
        }
        self.new += usize::from(filled.is_new);
        self.added += filled.add.len();
        self.removed += filled.remove.len();
        if filled.is_new || !filled.add.is_empty() || !filled.remove.is_empty() {
            self.groups.push(filled);
        }
    }

    fn mistake(&mut self, line: usize, text: &str, say: Say) {
        self.mistakes_count += 1;
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push((line, text.chars().take(120).collect(), say));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_and_compared() {
        let row = |group: &str, source: &str, member: &str| (group.to_string(), source.to_string(), member.to_string());
        let there = [
            row("Sales", "page", "bo@a.example"),
            row("Sales", "page", "li@a.example"),
            row("LDAP people", "ldap:7", "x@a.example"),
            row("Empty", "page", ""),
        ];
        let text = "\u{feff}group,member\r\nsales,Bo@A.example\r\nSales,new@a.example\nSales,Empty\nNew;li@a.example\nAlone\n\
                    Sales,nowhere\nSales,sales\nLDAP people,bo@a.example\n,bo@a.example\n";
        let plan = plan(text, &there, false);
        let shown: Vec<String> =
            plan.groups.iter().map(|one| format!("{} {} {:?} {:?}", one.name, one.is_new, one.add, one.remove)).collect();
        assert_eq!(shown, ["Alone true [] []", "New true [\"li@a.example\"] []", "Sales false [\"Empty\", \"new@a.example\"] []"]);
        assert_eq!((plan.new, plan.added, plan.removed, plan.same), (2, 3, 0, 1));
        let wrong: Vec<(usize, &str)> = plan.mistakes.iter().map(|(line, _, say)| (*line, say.key.as_ref())).collect();
        assert_eq!(wrong, [(7, "group-wrong-member"), (8, "group-wrong-itself"), (9, "group-is-fixed"), (10, "group-wrong-name")]);
        let whole = super::plan("Sales,bo@a.example", &there, true);
        assert_eq!(whole.groups, [Filled { name: "Sales".into(), is_new: false, add: vec![], remove: vec!["li@a.example".into()] }]);
    }
}
