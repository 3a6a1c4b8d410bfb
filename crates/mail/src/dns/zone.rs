//! A fixed set of records. Everything that is not in it does not exist.

use super::{Answer, Dns, DnsError, Record, RecordType};
use futures_util::future::{BoxFuture, ready};
use std::collections::HashMap;

/// Fixed DNS, for tests, replays and `scan --dns off`.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    records: HashMap<(String, RecordType), Result<Vec<Record>, ()>>,
    names: std::collections::HashSet<String>,
    /// `cname[name]` is followed before anything else.
    aliases: HashMap<String, String>,
    /// Domains whose signatures do not fit: all names in them are only answered unchecked.
    bogus: Vec<String>,
}

/// CNAME chains longer than this end in a temporary failure, as resolvers do.
const ALIASES_MAX: usize = 8;

impl Zone {
    pub fn new() -> Zone {
        Zone::default()
    }

    pub fn add(&mut self, name: &str, record: Record) -> &mut Zone {
        let kind = match &record {
            Record::A(_) => RecordType::A,
            Record::Aaaa(_) => RecordType::Aaaa,
            Record::Mx { .. } => RecordType::Mx,
            Record::Ns(_) => RecordType::Ns,
            Record::Ptr(_) => RecordType::Ptr,
            Record::Txt(_) => RecordType::Txt,
            Record::Tlsa { .. } => RecordType::Tlsa,
        };
        if let Ok(records) = self.records.entry((key(name), kind)).or_insert_with(|| Ok(Vec::new())) {
            records.push(record);
        }
        self.exists(name)
    }

    pub fn txt(&mut self, name: &str, text: &str) -> &mut Zone {
        self.add(name, Record::Txt(text.as_bytes().to_vec()))
    }

    /// The name exists even if it has no records.
    pub fn exists(&mut self, name: &str) -> &mut Zone {
        self.names.insert(key(name));
        self
    }

    pub fn alias(&mut self, name: &str, target: &str) -> &mut Zone {
        self.aliases.insert(key(name), key(target));
        self
    }

    /// Questions for this name and type time out.
    pub fn fails(&mut self, name: &str, kind: RecordType) -> &mut Zone {
        self.records.insert((key(name), kind), Err(()));
        self.exists(name)
    }

    /// Signatures of this domain do not fit: a resolver that checks them answers nothing (RFC 4035 §5.5).
    pub fn bogus(&mut self, domain: &str) -> &mut Zone {
        self.bogus.push(key(domain));
        self
    }

    fn checked(&self, name: &str, kind: RecordType) -> Answer {
        let asked = key(name);
        let is_in = |domain: &String| asked.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        match self.bogus.iter().any(is_in) {
            true => Err(DnsError::Temporary { name: asked, why: "Server Failure".into() }),
            false => self.answer(name, kind),
        }
    }

    fn answer(&self, name: &str, kind: RecordType) -> Answer {
        let mut asked = key(name);
        if asked.split('.').any(|label| label.is_empty() || label.len() > 63) || asked.len() > 253 {
            return Err(DnsError::BadName(asked));
        }
        for _ in 0..ALIASES_MAX {
            match self.aliases.get(&asked) {
                Some(target) => asked = target.clone(),
                None => break,
            }
        }
        match self.records.get(&(asked.clone(), kind)) {
            Some(Ok(records)) => Ok(records.as_slice().into()),
            Some(Err(())) => Err(DnsError::Temporary { name: asked, why: "time-out".into() }),
            None if self.names.contains(&asked) => Ok([].into()),
            None => Err(DnsError::NoSuchName(asked)),
        }
    }
}

impl Dns for Zone {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        Box::pin(ready(self.checked(name, kind)))
    }

    fn unchecked<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(ready(Some(self.answer(name, kind))))
    }
}

fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_domain_whose_signatures_do_not_fit_is_only_seen_unchecked() {
        let mut zone = Zone::new();
        zone.txt("bogus.example", "here").txt("a.bogus.example", "here").txt("notbogus.example", "here").bogus("bogus.example");
        for (name, is_answered) in [("bogus.example", false), ("A.Bogus.Example", false), ("notbogus.example", true)] {
            assert_eq!(zone.lookup(name, RecordType::Txt).await.is_ok(), is_answered, "{name}");
            assert!(matches!(zone.unchecked(name, RecordType::Txt).await, Some(Ok(records)) if records.len() == 1), "{name}");
        }
    }
}
