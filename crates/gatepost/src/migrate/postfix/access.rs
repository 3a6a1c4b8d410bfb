//! Access tables become entries, header and body checks become rules; rewriting and filters are named.

use super::Reading;
use super::main_cf::{Row, Rows, table, words};
use crate::migrate::{Fate, slashed};
use gateway::directory::{Effect, EntryKind};
use gateway::rules::{Action, ActionKind, Condition, ConditionKind, RuleSettings};

/// One row of an access table (access(5)).
pub(super) fn row(reading: &mut Reading, word: &str, row: &Row) {
    let shown = format!("{word}: {} {}", row.key, row.value);
    let verb = row.value.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let effect = match verb.as_str() {
        "OK" | "PERMIT" | "PERMIT_AUTH_DESTINATION" => Some(Effect::Allow),
        "REJECT" | "DISCARD" | "HOLD" | "554" | "550" => Some(Effect::Block),
        _ if verb.starts_with('5') && verb.len() == 3 => Some(Effect::Block),
        _ => None,
    };
    let kind = match word {
        "check_client_access" | "check_reverse_client_hostname_access" => client(&row.key),
        "check_sender_access" => sender(&row.key),
        _ => None,
    };
    let (Some(effect), Some((kind, value))) = (effect, kind) else {
        let english = "No entry of ours says this; a mail flow rule may.";
        reading.draft.note(Fate::Left, &row.at, &shown, english, "没有对应的条目；也许可以用邮件流规则。");
        return;
    };
    let is_allow = effect == Effect::Allow;
    if !reading.draft.entry(effect, kind, &value, &format!("Postfix {}", row.at)) {
        reading.draft.note(Fate::Left, &row.at, &shown, "The value is none that an entry takes.", "该值不能用于条目。");
    } else if is_allow && kind != EntryKind::Ip {
        let english = "[[entry]]: it allows only who proves to be the sender (SPF, DKIM), and never malware.";
        reading.draft.note(
            Fate::Changed,
            &row.at,
            &shown,
            english,
            "[[entry]]：只放行能证明身份（SPF、DKIM）的发件人，且绝不放行恶意软件。",
        );
    } else if verb == "DISCARD" || verb == "HOLD" {
        reading.draft.note(
            Fate::Changed,
            &row.at,
            &shown,
            "[[entry]]: it refuses, so that the sender is told.",
            "[[entry]]：改为拒收，让发件人知道。",
        );
    } else {
        reading.draft.note(Fate::Taken, &row.at, &shown, "[[entry]]", "[[entry]]");
    }
}

/// An address or network; `10.0.0` stands for 10.0.0.0/24 (access(5)). Names of hosts are none.
fn client(key: &str) -> Option<(EntryKind, String)> {
    let plain = key.trim_matches(['[', ']']);
    if plain.contains('/') || plain.contains(':') || plain.parse::<std::net::IpAddr>().is_ok() {
        return Some((EntryKind::Ip, plain.to_string()));
    }
    let parts: Vec<&str> = plain.trim_end_matches('.').split('.').collect();
    if (1..=3).contains(&parts.len()) && parts.iter().all(|part| part.parse::<u8>().is_ok()) {
        let padded: Vec<&str> = parts.iter().copied().chain(std::iter::repeat("0")).take(4).collect();
        return Some((EntryKind::Ip, format!("{}/{}", padded.join("."), parts.len() * 8)));
    }
    None
}

fn sender(key: &str) -> Option<(EntryKind, String)> {
    if key.starts_with('/') || key.ends_with('@') || key == "<>" {
        return None;
    }
    match key.contains('@') {
        true => Some((EntryKind::Address, key.to_string())),
        false => Some((EntryKind::Domain, key.trim_start_matches('.').to_string())),
    }
}

/// `header_checks` and their like (header_checks(5)).
pub(super) fn checks(reading: &mut Reading) -> anyhow::Result<()> {
    for name in ["header_checks", "mime_header_checks", "nested_header_checks", "body_checks", "smtp_header_checks"] {
        let Some(value) = reading.take(name) else { continue };
        for word in words(&value) {
            match table(&reading.main, &word)? {
                Rows::Text(rows) => rows.iter().for_each(|row| check(reading, name, row)),
                Rows::Elsewhere(kind) => reading.draft.note(
                    Fate::Left,
                    &reading.main.at(name),
                    &word,
                    format!("A table of kind {kind} has no text to read."),
                    format!("{kind} 类型的表没有文本可读。"),
                ),
                Rows::Missing(path) => reading.draft.note(
                    Fate::Left,
                    &reading.main.at(name),
                    &word,
                    format!("{} is not there.", path.display()),
                    format!("{} 不存在。", path.display()),
                ),
            }
        }
    }
    if let Some(to) = reading.take("always_bcc").filter(|to| !to.is_empty()) {
        let rule = RuleSettings { actions: vec![Action { to: vec![to], ..Action::new(ActionKind::Bcc) }], ..RuleSettings::default() };
        match reading.draft.rule("Copy of everything", rule) {
            Ok(()) => reading.note(Fate::Taken, "always_bcc", "[[rule]] “Copy of everything”", "[[rule]] “Copy of everything”"),
            Err(why) => reading.note(Fate::Left, "always_bcc", why.clone(), why),
        }
    }
    Ok(())
}

fn check(reading: &mut Reading, list: &str, row: &Row) {
    let shown = format!("{list}: {} {}", row.key, row.value);
    let made = condition(list, &row.key).and_then(|condition| action(&row.value).map(|action| (condition, action)));
    let (condition, (action, is_changed)) = match made {
        Ok(made) => made,
        Err((english, chinese)) => return reading.draft.note(Fate::Left, &row.at, &shown, english, chinese),
    };
    let rule = RuleSettings {
        conditions: vec![condition],
        actions: vec![action],
        comment: format!("Postfix {}", row.at),
        ..RuleSettings::default()
    };
    match reading.draft.rule(&format!("{list} {}", row.at), rule) {
        Err(why) => reading.draft.note(Fate::Left, &row.at, &shown, format!("It cannot be a rule: {why}"), format!("不能写成规则：{why}")),
        Ok(()) if is_changed => reading.draft.note(
            Fate::Changed,
            &row.at,
            &shown,
            "[[rule]]; read what its action does here.",
            "[[rule]]；请核对动作在这里的含义。",
        ),
        Ok(()) => reading.draft.note(Fate::Taken, &row.at, &shown, "[[rule]]", "[[rule]]"),
    }
}

type Why = (&'static str, &'static str);

/// `/^Subject:.*word/` asks of one header field; a body check of the text.
fn condition(list: &str, key: &str) -> Result<Condition, Why> {
    let (pattern, flags) = slashed(key).ok_or(("Only patterns between slashes can be taken.", "只能接收斜杠之间的模式。"))?;
    // Postfix ignores case unless the flag says so: i switches it (regexp_table(5)).
    let case = if flags.contains('i') { "" } else { "(?i)" };
    if list == "body_checks" {
        return Ok(Condition { values: vec![format!("{case}{pattern}")], ..Condition::new(ConditionKind::TextPatterns) });
    }
    let whole = pattern.strip_prefix('^').unwrap_or(&pattern);
    let (header, rest) =
        whole.split_once(':').ok_or(("It does not begin with the name of one header field.", "模式没有以某个邮件头字段名开头。"))?;
    if header.is_empty() || !header.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
        return Err(("It does not begin with the name of one header field.", "模式没有以某个邮件头字段名开头。"));
    }
    // What stood after the colon was searched from there: `.*x` at the start finds x anywhere, `\s*x` at the start of the value.
    let value = match rest.strip_prefix(".*") {
        Some(anywhere) => anywhere.to_string(),
        None => format!("^{}", rest.trim_start_matches(' ').trim_start_matches("\\s*").trim_start_matches("\\s+")),
    };
    let value = if value.is_empty() { "^".to_string() } else { value };
    Ok(Condition { header: header.to_string(), values: vec![format!("{case}{value}")], ..Condition::new(ConditionKind::HeaderPatterns) })
}

/// The action, and whether it means something else here.
fn action(value: &str) -> Result<(Action, bool), Why> {
    let (verb, text) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let text = text.trim().to_string();
    match verb.to_ascii_uppercase().as_str() {
        "REJECT" => {
            let text = if text.is_empty() { "This mail is not taken here".to_string() } else { text };
            Ok((Action { text, status: "5.7.1".into(), ..Action::new(ActionKind::Reject) }, false))
        }
        "DISCARD" => Ok((Action::new(ActionKind::Delete), false)),
        "HOLD" => Ok((Action::new(ActionKind::Quarantine), true)),
        "REDIRECT" => Ok((Action { to: vec![text], ..Action::new(ActionKind::Redirect) }, false)),
        "BCC" => Ok((Action { to: vec![text], ..Action::new(ActionKind::Bcc) }, false)),
        "PREPEND" => match text.split_once(':') {
            Some((header, value)) => {
                Ok((Action { header: header.trim().into(), value: value.trim().into(), ..Action::new(ActionKind::SetHeader) }, true))
            }
            None => Err(("No header field to write.", "没有要写入的邮件头字段。")),
        },
        "WARN" | "INFO" => Err(("Every mail is in the trace by itself.", "每封邮件本来就在追踪中。")),
        "IGNORE" | "STRIP" => Err((
            "Header fields are removed with the action remove-header; the whole field, not a line.",
            "可用 remove-header 动作删除邮件头；删除的是整个字段，不是某一行。",
        )),
        "FILTER" => Err(("Write a rule with the action connector.", "请写一条动作为 connector 的规则。")),
        _ => Err(("An action without counterpart.", "没有对应的动作。")),
    }
}

/// Addresses are not rewritten here.
pub(super) fn rewriting(reading: &mut Reading) {
    let names: Vec<String> = reading
        .main
        .parameters
        .keys()
        .filter(|name| {
            !reading.seen.contains(*name)
                && [
                    "virtual_alias",
                    "canonical",
                    "sender_canonical",
                    "recipient_canonical",
                    "alias_",
                    "masquerade",
                    "generic",
                    "smtp_generic",
                    "relocated",
                    "recipient_delimiter",
                    "sender_bcc",
                    "recipient_bcc",
                    "sender_dependent",
                    "virtual_",
                ]
                .iter()
                .any(|start| name.starts_with(start))
        })
        .cloned()
        .collect();
    for name in names {
        reading.seen.insert(name.clone());
        let english = "Addresses are not rewritten here: leave it to the mail server behind, or write a rule with the action redirect.";
        reading.note(Fate::Left, &name, english, "这里不改写地址：请留给后面的邮件服务器，或写一条动作为 redirect 的规则。");
    }
}

/// Programs that Postfix asks, which we stand in for.
pub(super) fn filters(reading: &mut Reading) {
    for name in [
        "smtpd_milters",
        "non_smtpd_milters",
        "content_filter",
        "smtpd_proxy_filter",
        "receive_override_options",
        "milter_protocol",
        "milter_default_action",
        "milter_connect_macros",
        "milter_mail_macros",
    ] {
        let Some(value) = reading.take(name).filter(|value| !value.is_empty()) else { continue };
        let known = [
            ("8891", "opendkim"),
            ("8892", "opendkim"),
            ("opendkim", "opendkim"),
            ("8893", "opendmarc"),
            ("opendmarc", "opendmarc"),
            ("11332", "rspamd"),
            ("rspamd", "rspamd"),
            ("10024", "amavis"),
            ("amavis", "amavis"),
            ("spamass", "spamass-milter"),
            ("clamav", "clamav-milter"),
        ];
        let programs: Vec<&str> = known.iter().filter(|(part, _)| value.contains(part)).map(|(_, program)| *program).collect();
        match programs.is_empty() {
            false => reading.note(Fate::Taken, name, format!("What {} did, Gatepost does by itself; its own settings are read by gatepost migrate as well where they are rspamd's or SpamAssassin's.", programs.join(", ")), format!("{} 的工作由 Gatepost 自己完成；rspamd 与 SpamAssassin 的设置也可用 gatepost migrate 读取。", programs.join("、"))),
            true => reading.note(Fate::Left, name, "Filters beside us are not asked.", "不调用其他过滤程序。"),
        }
    }
    let logins: Vec<String> = reading.main.parameters.keys().filter(|name| name.starts_with("smtpd_sasl")).cloned().collect();
    for name in logins {
        reading.seen.insert(name.clone());
        reading.note(
            Fate::Left,
            &name,
            "Logins for handing in mail are [[intake.login]] with their own passwords; the ones of the mail server are not asked.",
            "提交邮件的登录使用 [[intake.login]] 及其密码；不查询邮件服务器的账户。",
        );
    }
}
