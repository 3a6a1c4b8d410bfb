//! What each rule means to people: title, impact, what to do, whose turn it is.

use super::Text;
use crate::page::Say;
use gateway::health::{Level, Track};
use std::borrow::Cow;

/// Every rule of `gateway::health::rules`, with whom it comes from.
const CAUSES: &[(&str, &str)] = &[
    ("database.unreachable", "microsoft"),
    ("database.slow", "microsoft"),
    ("intake.store", "microsoft"),
    ("intake.slow", "microsoft"),
    ("intake.port", "microsoft"),
    ("bodies.unreachable", "microsoft"),
    ("bodies.slow", "microsoft"),
    ("disk.low", "microsoft"),
    ("filter.engine", "thirdParty"),
    ("filter.list", "thirdParty"),
    ("filter.slow", "microsoft"),
    ("filter.uninspected", "microsoft"),
    ("signatures.old", "thirdParty"),
    ("dns.unreachable", "thirdParty"),
    ("dns.failing", "thirdParty"),
    ("connector.unreachable", "customer"),
    ("connector.unsteady", "customer"),
    ("connector.deferring", "customer"),
    ("queue.age", "customer"),
    ("queue.depth", "microsoft"),
    ("certificate.expiring", "microsoft"),
    ("certificate.expired", "microsoft"),
    ("certificate.not-renewed", "microsoft"),
    ("clock.jumped", "microsoft"),
    ("trace.losing", "microsoft"),
    ("node.silent", "microsoft"),
    ("balance.wrong", "microsoft"),
    ("probe.refused", "microsoft"),
    ("probe.late", "microsoft"),
    ("probe.connector", "customer"),
    ("status.bucket", "thirdParty"),
    ("reports", "microsoft"),
];

/// `resource` names in Graph: the provider is called microsoft there.
pub fn origin(cause: &str) -> &'static str {
    CAUSES.iter().find(|(name, _)| *name == cause).map_or("microsoft", |(_, origin)| origin)
}

fn key(family: &str, cause: &str) -> Cow<'static, str> {
    Cow::Owned(format!("{family}-{}", cause.replace('.', "-")))
}

fn say(family: &str, cause: &str, what: &str) -> Say {
    Say { key: key(family, cause), args: vec![(Cow::Borrowed("what"), what.into())] }
}

pub fn title(cause: &str, what: &str) -> Text {
    say("health-cause", cause, what).into()
}

/// What people notice.
pub fn impact(cause: &str, what: &str) -> Text {
    say("health-impact", cause, what).into()
}

/// What helps meanwhile.
pub fn workaround(cause: &str, what: &str) -> Text {
    say("health-do", cause, what).into()
}

/// What happened to the cause, as a post.
pub fn post(kind: &str, track: &Track) -> Text {
    let level = match track.level {
        Level::Interrupted => "interrupted",
        Level::Degraded => "degraded",
        _ => "advice",
    };
    let key =
        if matches!(kind, "began" | "worse" | "better") { format!("health-post-{kind}-{level}") } else { format!("health-post-{kind}") };
    Say { key: Cow::Owned(key), args: vec![(Cow::Borrowed("what"), track.evidence.said.as_str().into())] }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::{Lang, has};

    #[test]
    fn every_cause_of_the_rules_has_words() {
        let rules = include_str!("../../../gateway/src/health/rules.rs");
        let named: Vec<&str> =
            rules.split('"').filter(|part| part.contains('.') && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')).collect();
        for cause in &named {
            assert!(CAUSES.iter().any(|(name, _)| name == cause), "{cause} stands in no list");
        }
        assert!(named.len() > 20, "{named:?}");
        for (cause, _) in CAUSES {
            for family in ["health-cause", "health-impact", "health-do"] {
                assert!(Lang::ALL.into_iter().all(|lang| has(lang, &key(family, cause))), "{family} of {cause}");
            }
        }
    }
}
