//! MTA-STS policies: what a domain asks of those who send to it (RFC 8461). Pure: text in, policy out.

/// Lines of a policy that are read.
const LINES_MAX: usize = 1_000;
/// `mx` patterns kept.
const PATTERNS_MAX: usize = 200;
/// RFC 8461 §3.2: at most a year, in seconds.
const MAX_AGE_MAX_S: u64 = 31_557_600;
/// Characters of an id (RFC 8461 §3.1).
const ID_CHARS_MAX: usize = 32;

/// How much a policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Enforce,
    Testing,
    None,
}

/// A policy as it was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub mode: Mode,
    /// Host names in lower case; `*.` stands for one label.
    pub patterns: Vec<String>,
    pub max_age_s: u64,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        }
    }
}

impl Policy {
    /// Reads a policy (RFC 8461 §3.2). The first of repeated keys counts; unknown ones are passed over.
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Policy, String> {
        let (mut version, mut mode, mut max_age, mut patterns) = (None, None, None, Vec::new());
        for line in text.lines().take(LINES_MAX).map(str::trim_end).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("“{}” is no line of a policy", short(line)))?;
            let value = value.trim();
            match key.trim_end() {
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" if patterns.len() < PATTERNS_MAX => patterns.push(value.trim_end_matches('.').to_ascii_lowercase()),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err("it does not begin with “version: STSv1”".into());
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            other => return Err(format!("its mode is “{}”", short(other.unwrap_or_default()))),
        };
        let max_age_s: u64 = max_age
            .filter(|age| !age.is_empty() && age.len() <= 10 && age.bytes().all(|octet| octet.is_ascii_digit()))
            .and_then(|age| age.parse().ok())
            .ok_or("its max_age is no number")?;
        if let Some(bad) = patterns.iter().find(|pattern| !is_pattern(pattern)) {
            return Err(format!("“{}” is no name of a mail server", short(bad)));
        }
        if patterns.is_empty() && mode != Mode::None {
            return Err("it names no mail server".into());
        }
        Ok(Policy { mode, patterns, max_age_s: max_age_s.min(MAX_AGE_MAX_S) })
    }

    /// RFC 8461 §4.1: `*.` stands for exactly one label.
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.patterns.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(first, above)| !first.is_empty() && above == parent),
            None => host == *pattern,
        })
    }

    /// The lines of the policy, as reports show them.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec!["version: STSv1".to_string(), format!("mode: {}", self.mode.name())];
        lines.extend(self.patterns.iter().map(|pattern| format!("mx: {pattern}")));
        lines.push(format!("max_age: {}", self.max_age_s));
        lines
    }
}

fn is_pattern(pattern: &str) -> bool {
    let name = pattern.strip_prefix("*.").unwrap_or(pattern);
    let is_label =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(|o| o.is_ascii_alphanumeric() || o == b'-' || o == b'_');
    name.len() <= 253 && name.split('.').all(is_label)
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The id in the TXT records of `_mta-sts.` (RFC 8461 §3.1); `None` unless there is exactly one record, and it is well made.
pub fn id_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let mut found = texts.filter_map(|text| std::str::from_utf8(text).ok()).filter(|text| text.starts_with("v=STSv1;"));
    let (only, None) = (found.next()?, found.next()) else { return None };
    let fields = only.split(';').skip(1).filter_map(|field| field.trim().split_once('='));
    let id = fields.into_iter().find(|(key, _)| key.trim_end() == "id").map(|(_, value)| value.trim_start())?;
    (!id.is_empty() && id.len() <= ID_CHARS_MAX && id.bytes().all(|octet| octet.is_ascii_alphanumeric())).then(|| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_or_named() {
        let good = "version: STSv1\r\nmode: enforce\r\nmx: mx.a.example\r\nmx: *.b.example.\r\nmax_age: 604800\r\nnew: x\r\n";
        let policy = Policy::read(good).expect("a policy");
        assert_eq!((policy.mode, policy.max_age_s), (Mode::Enforce, 604_800));
        for (text, why) in [
            ("", "empty"),
            ("<html>\n<b>no</b>", "a page"),
            ("version: STSv2\nmode: none\nmax_age: 1", "another version"),
            ("version: STSv1\nmode: strict\nmx: a.example\nmax_age: 1", "another mode"),
            ("version: STSv1\nmode: enforce\nmax_age: 1", "no mx"),
            ("version: STSv1\nmode: enforce\nmx: a.example", "no age"),
            ("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1", "a negative age"),
            ("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", "a star alone"),
            ("version: STSv1\nmode: enforce\nmx: a*.example\nmax_age: 1", "a star within"),
        ] {
            assert!(Policy::read(text).is_err(), "{why}");
        }
        let plain = Policy::read("version: STSv1\nmode: none\nmax_age: 99999999999").map_err(|_| ());
        assert_eq!(plain, Err(()), "an age of eleven digits");
        let long = Policy::read("version: STSv1\nmode: none\nmax_age: 9999999999").expect("a policy");
        assert_eq!(long.max_age_s, MAX_AGE_MAX_S);
        let first = Policy::read("version: STSv1\nmode: testing\nmode: enforce\nmx: a.example\nmax_age: 5\n").expect("a policy");
        assert_eq!(first.mode, Mode::Testing);
    }

    #[test]
    fn a_star_is_one_label() {
        let policy = Policy { mode: Mode::Enforce, patterns: vec!["mx.a.example".into(), "*.b.example".into()], max_age_s: 1 };
        for (host, want) in [
            ("mx.a.example", true),
            ("MX.A.Example.", true),
            ("x.mx.a.example", false),
            ("mx.b.example", true),
            ("x.mx.b.example", false),
            ("b.example", false),
            (".b.example", false),
            ("mxb.example", false),
        ] {
            assert_eq!(policy.names(host), want, "{host}");
        }
    }

    #[test]
    fn an_id_stands_in_one_record() {
        for (texts, want) in [
            (&["v=STSv1; id=20260101T00;"][..], Some("20260101T00")),
            (&["v=STSv1;id=a", "v=spf1 -all"], Some("a")),
            (&["v=STSv1; id=a;", "v=STSv1; id=b;"], None),
            (&["v=STSv1; id=;"], None),
            (&["v=STSv1; id=a b;"], None),
            (&["v=STSv1"], None),
            (&["v=STSv12; id=a"], None),
            (&[], None),
        ] {
            assert_eq!(id_of(texts.iter().map(|text| text.as_bytes())).as_deref(), want, "{texts:?}");
        }
    }
}
