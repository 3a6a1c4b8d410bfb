//! A rule as a sentence in the reader's language, made from what it is.

use crate::page::words::{self, Lang};
use crate::page::{Say, View};
use gateway::rules::{Action, ActionKind, Condition, Mode, RuleSettings, Takes};

/// Values named in a sentence; the rest is counted.
const VALUES_MAX: usize = 4;
/// Characters of one value in a sentence.
const VALUE_CHARS_MAX: usize = 60;

/// The whole rule.
pub fn rule(lang: Lang, rule: &RuleSettings) -> String {
    let conditions: Vec<String> = rule.conditions.iter().map(|one| condition(lang, one)).collect();
    let exceptions: Vec<String> = rule.exceptions.iter().map(|one| condition(lang, one)).collect();
    let mut actions: Vec<String> = rule.actions.iter().map(|one| action(lang, one)).collect();
    if rule.stop {
        actions.push(words::text(lang, "rules-sentence-stop", &[]));
    }
    let begin = match conditions.is_empty() {
        true => words::text(lang, "rules-sentence-every", &[]),
        false => Say::new("rules-sentence-if").with("what", joined(lang, &conditions, "rules-join-and")).in_lang(lang),
    };
    let except = match exceptions.is_empty() {
        true => String::new(),
        false => Say::new("rules-sentence-except").with("what", joined(lang, &exceptions, "rules-join-or-when")).in_lang(lang),
    };
    let done = joined(lang, &actions, "rules-join-then");
    let key = if rule.mode == Mode::Enforce { "rules-sentence" } else { "rules-sentence-audit" };
    Say::new(key).with("if", begin).with("except", except).with("do", done).in_lang(lang)
}

/// One condition: "the subject contains “invoice” or “offer”".
pub fn condition(lang: Lang, condition: &Condition) -> String {
    let family = if condition.kind.takes() == Takes::Choice(gateway::rules::VERDICTS) { "verdict" } else { "rule-word" };
    let quoted = matches!(condition.kind.takes(), Takes::Words | Takes::Patterns);
    let shown = |value: &String| {
        let word = in_family(lang, family, value);
        if quoted { quote(lang, &cut(&word)) } else { cut(&word) }
    };
    let mut values: Vec<String> = condition.values.iter().take(VALUES_MAX).map(shown).collect();
    if condition.values.len() > VALUES_MAX {
        values.push(Say::new("rules-more").with("count", condition.values.len() - VALUES_MAX).in_lang(lang));
    }
    kind(lang, condition.kind.name(), &joined(lang, &values, "rules-join-or"), &condition.header)
}

/// A kind of condition with something in the place of its values.
pub fn kind(lang: Lang, kind: &str, what: &str, header: &str) -> String {
    let header = if header.is_empty() { "…" } else { header };
    Say { key: format!("rule-if-{kind}").into(), args: Vec::new() }.with("what", what).with("header", header).in_lang(lang)
}

/// A kind of condition, for templates.
pub fn title(view: &View, name: &str) -> String {
    kind(view.lang, name, "…", "")
}

/// One action: "prepend “[outside]” to the subject".
pub fn action(lang: Lang, action: &Action) -> String {
    let what = match action.kind {
        ActionKind::SetHeader | ActionKind::RemoveHeader => action.header.clone(),
        ActionKind::SetScl => action.scl.to_string(),
        ActionKind::Connector => action.connector.clone(),
        ActionKind::Redirect | ActionKind::AddTo | ActionKind::AddCc | ActionKind::Bcc | ActionKind::Notify | ActionKind::Moderate => {
            joined(lang, &action.to, "rules-join-comma")
        }
        ActionKind::Disclaimer => in_family(lang, "rule-place", action.place.name()),
        _ => quote(lang, &cut(&action.text)),
    };
    let status = if action.status.is_empty() { "5.7.1" } else { &action.status };
    let say = Say { key: format!("rule-do-{}", action.kind.name()).into(), args: Vec::new() };
    say.with("what", what).with("status", status).with("value", cut(&action.value)).in_lang(lang)
}

/// A kind of action, without what it needs.
pub fn action_kind(lang: Lang, kind: ActionKind) -> String {
    in_family(lang, "rule-action", kind.name())
}

/// The words of a family, or the word itself.
pub fn in_family(lang: Lang, family: &str, word: &str) -> String {
    let key = format!("{family}-{word}");
    if words::has(lang, &key) { words::text(lang, &key, &[]) } else { word.to_string() }
}

fn quote(lang: Lang, text: &str) -> String {
    Say::new("rules-quote").with("what", text).in_lang(lang)
}

/// The last two stand with the word between them, the others with commas.
fn joined(lang: Lang, parts: &[String], last: &'static str) -> String {
    let comma = words::text(lang, "rules-join-comma", &[]);
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, others)) if last == "rules-join-or" => format!("{}{}{end}", others.join(&comma), words::text(lang, last, &[])),
        Some(_) => parts.join(&words::text(lang, last, &[])),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::rules::ConditionKind;

    fn words_of(kind: ConditionKind, values: &[&str]) -> Condition {
        Condition { values: values.iter().map(|value| value.to_string()).collect(), ..Condition::new(kind) }
    }

    #[test]
    fn a_rule_reads_as_a_sentence_in_both_languages() {
        let outside = words_of(ConditionKind::SenderScope, &["outside"]);
        let subject = words_of(ConditionKind::SubjectWords, &["invoice", "offer", "付款"]);
        let scored = words_of(ConditionKind::Verdict, &["spam", "high-spam"]);
        let prefix = Action { text: "[outside]".into(), ..Action::new(ActionKind::PrependSubject) };
        let draft = RuleSettings {
            conditions: vec![outside, subject],
            exceptions: vec![words_of(ConditionKind::Sender, &["a@b.example"]), scored],
            actions: vec![prefix, Action::new(ActionKind::Quarantine)],
            stop: true,
            ..RuleSettings::default()
        };
        assert_eq!(
            rule(Lang::English, &draft),
            "If the sender is outside the organisation and the subject contains “invoice”, “offer” or “付款”, except when the sender is \
             a@b.example or the filter judges it as Spam or Spam, high confidence: prepend “[outside]” to the subject, then hold it in quarantine, \
             then stop."
        );
        assert_eq!(
            rule(Lang::Chinese, &draft),
            "如果发件人在组织外部，且主题包含“invoice”、“offer”或“付款”，除非发件人为 a@b.example，或筛选器判定为垃圾邮件或垃圾邮件（高可信度）：\
             在主题前加上“[outside]”，然后将邮件隔离，然后不再处理后续规则。"
        );
    }

    #[test]
    fn every_kind_has_words() {
        for lang in Lang::ALL {
            for kind in ConditionKind::ALL {
                assert!(words::has(lang, &format!("rule-if-{}", kind.name())), "{kind:?}");
            }
            for kind in ActionKind::ALL {
                assert!(words::has(lang, &format!("rule-do-{}", kind.name())), "{kind:?}");
                assert!(words::has(lang, &format!("rule-action-{}", kind.name())), "{kind:?}");
            }
        }
    }
}
