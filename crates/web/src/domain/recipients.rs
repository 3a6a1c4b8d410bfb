//! Lists of recipients as people paste them: one a line, an address and perhaps a name.

use crate::page::Say;
use gateway::directory::sql::is_kept_elsewhere;
use std::collections::HashMap;

/// Lines of one import.
pub const LINES_MAX: usize = 20_000;
/// Mistakes that are listed.
const MISTAKES_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 200;

/// What an import would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Address (as keys are) and name, to be added or changed.
    pub put: Vec<(String, String)>,
    pub new: usize,
    pub changed: usize,
    pub same: usize,
    /// Line number, what stands there, what is wrong.
    pub mistakes: Vec<(usize, String, Say)>,
    pub mistakes_count: usize,
}

/// Reads CSV (RFC 4180, with comma, semicolon or tab) and compares with what is there. A first line of headings is passed over.
pub fn plan(text: &str, is_in_domain: impl Fn(&str) -> bool, there: &HashMap<String, (String, String)>) -> Plan {
    let mut plan = Plan::default();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() || (n == 0 && !line.contains('@')) {
            continue;
        }
        if n >= LINES_MAX {
            plan.mistake(n + 1, "", Say::new("recipient-wrong-many").with("count", LINES_MAX));
            break;
        }
        let cells = cells(line);
        let written = cells.first().map(|cell| cell.trim()).unwrap_or_default();
        let name: String = cells.get(1).map(|cell| cell.trim()).unwrap_or_default().chars().take(NAME_CHARS_MAX).collect();
        let Ok(address) = mail::Address::parse(written) else {
            plan.mistake(n + 1, line, Say::new("recipient-wrong-address"));
            continue;
        };
        let key = address.key();
        if !is_in_domain(address.domain()) {
            plan.mistake(n + 1, line, Say::new("recipient-wrong-domain"));
        } else if let Some(first) = seen.insert(key.clone(), n + 1) {
            plan.mistake(n + 1, line, Say::new("recipient-wrong-twice").with("count", first));
        } else {
            plan.take(key, name, there);
        }
    }
    plan
}

impl Plan {
    fn take(&mut self, key: String, name: String, there: &HashMap<String, (String, String)>) {
        match there.get(&key) {
            None => self.new += 1,
            // Settings file and directories say what their recipients are called.
            Some((old, source)) if *old == name || name.is_empty() || is_kept_elsewhere(source) => {
                self.same += 1;
                return;
            }
            Some(_) => self.changed += 1,
        }
        self.put.push((key, name));
    }

    fn mistake(&mut self, line: usize, text: &str, say: Say) {
        self.mistakes_count += 1;
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push((line, text.chars().take(120).collect(), say));
        }
    }
}

/// Cells of a line; quotes hold separators and, doubled, themselves.
pub fn cells(line: &str) -> Vec<String> {
    let separator = [',', ';', '\t'].into_iter().find(|c| line.contains(*c)).unwrap_or(',');
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_people_paste_it() {
        let there = [("bo@a.example", "Bo", "page"), ("li@a.example", "李伟", "page"), ("fix@a.example", "Fix", "file")];
        let there: HashMap<String, (String, String)> =
            there.iter().map(|(address, name, source)| (address.to_string(), (name.to_string(), source.to_string()))).collect();
        let text = "\u{feff}address,name\r\nAnn@A.example,\"Miller, Ann\"\nbo@a.example;Bo Lind\nli@a.example\n\nfix@a.example,Other\n\
                    nobody\nx@other.example,X\nann@a.example\n";
        let plan = plan(text, |domain| domain == "a.example", &there);
        assert_eq!(plan.put, [("ann@a.example".into(), "Miller, Ann".into()), ("bo@a.example".into(), "Bo Lind".into())]);
        assert_eq!((plan.new, plan.changed, plan.same), (1, 1, 2));
        let mistakes: Vec<(usize, &str)> = plan.mistakes.iter().map(|(line, _, say)| (*line, say.key.as_ref())).collect();
        assert_eq!(mistakes, [(7, "recipient-wrong-address"), (8, "recipient-wrong-domain"), (9, "recipient-wrong-twice")]);
    }
}
