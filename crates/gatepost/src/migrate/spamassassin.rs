//! SpamAssassin: `local.cf`, other `*.cf` beside it, and `user_prefs` (Mail::SpamAssassin::Conf(3pm)).

use super::{Draft, Fate, file, slashed};
use gateway::directory::{Effect, EntryKind, InboundSettings, SkipMode};
use gateway::rules::{Action, ActionKind, Condition, ConditionKind, RuleSettings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that are read.
const FILES_MAX: usize = 500;
/// A rule of the operator's own with this score or more makes spam by itself.
const DECIDES: f64 = 5.0;

/// A header or body rule of the operator's own.
struct Own {
    at: String,
    line: String,
    condition: Result<Condition, (&'static str, &'static str)>,
}

#[derive(Default)]
struct Reading {
    own: BTreeMap<String, Own>,
    scores: BTreeMap<String, (f64, String)>,
    networks: Vec<String>,
}

/// Reads the folder of SpamAssassin's settings.
/// # Errors
/// There is no `.cf` in it, or a file cannot be read.
pub fn read(folder: &Path, organisation: &str) -> anyhow::Result<Draft> {
    let mut draft = Draft::new(organisation);
    let files = files(folder)?;
    anyhow::ensure!(!files.is_empty(), "{} has no .cf file; name the folder of SpamAssassin's settings", folder.display());
    let mut reading = Reading::default();
    for path in files {
        let shown = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for (at, line) in file(&path)?.unwrap_or_default().lines().enumerate() {
            let bare = line
                .split_once('#')
                .filter(|(before, _)| !before.ends_with('\\') && !before.contains('/'))
                .map_or(line, |(before, _)| before)
                .trim();
            if !bare.is_empty() && !bare.starts_with('#') {
                one(&mut draft, &mut reading, &format!("{shown}:{}", at + 1), bare);
            }
        }
    }
    own_rules(&mut draft, reading.own, &reading.scores);
    networks(&mut draft, reading.networks);
    Ok(draft)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|why| anyhow::anyhow!("{} cannot be read: {why}", folder.display()))?.take(FILES_MAX) {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "cf") || path.file_name().is_some_and(|name| name == "user_prefs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn one(draft: &mut Draft, reading: &mut Reading, at: &str, line: &str) {
    let (key, value) = line.split_once(char::is_whitespace).map_or((line, ""), |(key, value)| (key, value.trim()));
    match key {
        "welcomelist_from"
        | "whitelist_from"
        | "welcomelist_auth"
        | "whitelist_auth"
        | "def_whitelist_auth"
        | "def_welcomelist_auth"
        | "whitelist_from_dkim"
        | "welcomelist_from_dkim"
        | "whitelist_from_spf"
        | "welcomelist_from_spf" => senders(draft, at, line, Effect::Allow, value),
        "whitelist_from_rcvd" | "welcomelist_from_rcvd" => {
            senders(draft, at, line, Effect::Allow, value.split_whitespace().next().unwrap_or_default())
        }
        "blocklist_from" | "blacklist_from" => senders(draft, at, line, Effect::Block, value),
        "blocklist_uri_host" | "blacklist_uri_host" => hosts(draft, at, line, value),
        "trusted_networks" | "internal_networks" | "msa_networks" => {
            reading.networks.extend(value.split_whitespace().filter(|word| !word.starts_with('!')).map(str::to_string));
            draft.note(Fate::Changed, at, line, "[[inbound]] “trusted” that is looked past: SPF and lists use the address before it. Check that these are gateways in front.", "[[inbound]] “trusted”，会越过它看更前面的地址（用于 SPF 和列表）。请确认它们确实是前置网关。");
        }
        "score" => {
            let mut words = value.split_whitespace();
            if let (Some(name), Some(score)) = (words.next(), words.next().and_then(|score| score.parse().ok())) {
                reading.scores.insert(name.to_string(), (score, format!("{at}\n{line}")));
            }
        }
        "header" | "body" | "rawbody" | "full" | "uri" => {
            if let Some((name, rest)) = value.split_once(char::is_whitespace) {
                let made = Own { at: at.to_string(), line: line.to_string(), condition: condition(key, rest.trim()) };
                reading.own.insert(name.to_string(), made);
            }
        }
        "dns_server" => match toml::Value::from(vec![value.to_string()]).try_into() {
            Ok(servers) => {
                draft.settings.dns.servers = servers;
                draft.note(Fate::Taken, at, line, "[dns] servers", "[dns] servers");
            }
            Err(_) => draft.note(Fate::Left, at, line, "No address.", "不是地址。"),
        },
        _ => {
            let (fate, english, chinese) = other(key);
            draft.note(fate, at, line, english, chinese);
        }
    }
}

const WEIGHTS: (&str, &str) = (
    "Thresholds here are probabilities, [detect.thresholds]; the defaults fit. Try a change with gatepost replay.",
    "这里的阈值是概率，见 [detect.thresholds]；默认值即可。改动前可用 gatepost replay 试算。",
);

/// Settings that need no reading of their values.
fn other(key: &str) -> (Fate, &'static str, &'static str) {
    match key {
        "required_score" | "required_hits" => (Fate::Changed, WEIGHTS.0, WEIGHTS.1),
        "rewrite_header" | "add_header" | "remove_header" | "clear_headers" => (
            Fate::Changed,
            "What is written into mail is a policy's: prefix, add-header or junk with its header; X-Gatepost-Report says the rest.",
            "写进邮件的内容由策略决定：加前缀、加邮件头或 junk；其余见 X-Gatepost-Report。",
        ),
        "use_bayes"
        | "bayes_auto_learn"
        | "bayes_path"
        | "bayes_auto_expire"
        | "bayes_file_mode"
        | "bayes_store_module"
        | "bayes_sql_dsn"
        | "bayes_auto_learn_threshold_spam"
        | "bayes_auto_learn_threshold_nonspam"
        | "bayes_ignore_header" => (
            Fate::Changed,
            "The classifier is trained already and learns from reports; train it on your own mail with gatepost train.",
            "分类器已训练好，并从举报中学习；也可用 gatepost train 以您自己的邮件训练。",
        ),
        "report_safe"
        | "lock_method"
        | "report_safe_copy_headers"
        | "normalize_charset"
        | "dns_available"
        | "loadplugin"
        | "tryplugin"
        | "describe"
        | "lang"
        | "tflags"
        | "priority"
        | "ifplugin"
        | "endif"
        | "if"
        | "else"
        | "time_limit"
        | "report"
        | "clear_report_template"
        | "report_contact"
        | "version_tag"
        | "include" => (Fate::Unneeded, "Concerns the inside of SpamAssassin.", "只与 SpamAssassin 内部有关。"),
        "ok_languages" | "ok_locales" => (
            Fate::Left,
            "Languages are not filtered by themselves; a mail flow rule on the character set may say so.",
            "不会单独按语言过滤；可用按字符集的邮件流规则。",
        ),
        "whitelist_to" | "welcomelist_to" | "all_spam_to" | "more_spam_to" => {
            (Fate::Left, "Give these recipients a policy of their own.", "请为这些收件人单独设一条策略。")
        }
        "skip_rbl_checks" | "rbl_timeout" | "use_razor2" | "use_pyzor" | "use_dcc" | "dns_query_restriction" => (
            Fate::Left,
            "Lists are named in [[dns.list]]; networks of checksums are not asked.",
            "列表在 [[dns.list]] 中填写；不查询校验和网络。",
        ),
        "unwhitelist_from" | "unwelcomelist_from" | "unblacklist_from" | "unblocklist_from" => {
            (Fate::Left, "Remove the entry it takes back from the draft.", "请从草稿中删除它所撤销的条目。")
        }
        "meta" | "shortcircuit" | "eval" | "mimeheader" | "urirhsbl" | "urirhssub" | "uridnsbl" | "askdns" => (
            Fate::Left,
            "Rules made of other rules have no counterpart; a mail flow rule may say the same.",
            "由其他规则组合而成的规则没有对应项；也许可以写成邮件流规则。",
        ),
        _ => (Fate::Left, "Not known to this migration.", "本迁移不认识该项。"),
    }
}

/// `*@example.com` is a domain; other patterns are none of ours.
fn senders(draft: &mut Draft, at: &str, line: &str, effect: Effect, values: &str) {
    for value in values.split_whitespace() {
        let plain = value.to_ascii_lowercase();
        let domain = plain.strip_prefix("*@").unwrap_or(&plain);
        let domain = domain.strip_prefix("*.").unwrap_or(domain);
        let kind = if domain.contains('@') { EntryKind::Address } else { EntryKind::Domain };
        let is_taken = !domain.contains(['*', '?']) && draft.entry(effect, kind, domain, &format!("SpamAssassin {at}"));
        match (is_taken, effect) {
            (false, _) => draft.note(
                Fate::Left,
                at,
                value,
                "A pattern that no entry can say; a mail flow rule with sender-patterns may.",
                "条目无法表达该模式；可用 sender-patterns 条件的邮件流规则。",
            ),
            (true, Effect::Allow) => draft.note(
                Fate::Changed,
                at,
                line,
                "[[entry]]: it allows only who proves to be the sender (SPF, DKIM), and never malware.",
                "[[entry]]：只放行能证明身份（SPF、DKIM）的发件人，且绝不放行恶意软件。",
            ),
            (true, Effect::Block) => draft.note(Fate::Taken, at, line, "[[entry]]", "[[entry]]"),
        }
    }
}

fn hosts(draft: &mut Draft, at: &str, line: &str, values: &str) {
    for value in values.split_whitespace() {
        let plain = value.trim_start_matches("*.");
        match draft.entry(Effect::Block, EntryKind::Host, plain, &format!("SpamAssassin {at}")) {
            true => draft.note(Fate::Taken, at, line, "[[entry]]", "[[entry]]"),
            false => draft.note(Fate::Left, at, line, "No host name.", "不是主机名。"),
        }
    }
}

/// `Subject =~ /x/i`, or a pattern over the text.
fn condition(key: &str, text: &str) -> Result<Condition, (&'static str, &'static str)> {
    let pattern = |text: &str| -> Result<String, (&'static str, &'static str)> {
        let text = text.strip_prefix('m').filter(|rest| rest.starts_with(['{', '|', '!', '#', ',', '%', '~'])).unwrap_or(text);
        let (pattern, flags) = slashed(text).ok_or(("No pattern that we can read.", "无法识别的模式。"))?;
        Ok(if flags.contains('i') { format!("(?i){pattern}") } else { pattern })
    };
    match key {
        "header" => {
            let (name, rest) =
                text.split_once("=~").ok_or(("Only patterns over a header field can be taken.", "只能接收针对邮件头字段的模式。"))?;
            let name = name.trim();
            let value = pattern(rest.trim())?;
            match name.split_once(':') {
                // `From:addr` is the address alone.
                Some(("From", "addr")) => Ok(Condition { values: vec![value], ..Condition::new(ConditionKind::SenderPatterns) }),
                None if name != "ALL" => {
                    Ok(Condition { header: name.to_string(), values: vec![value], ..Condition::new(ConditionKind::HeaderPatterns) })
                }
                _ => Err(("Only patterns over one whole header field can be taken.", "只能接收针对单个完整邮件头字段的模式。")),
            }
        }
        "body" => Ok(Condition { values: vec![pattern(text)?], ..Condition::new(ConditionKind::TextPatterns) }),
        _ => Err(("Only header and body rules can be taken.", "只能接收 header 和 body 规则。")),
    }
}

/// A rule of the operator's own that makes spam by itself is a rule here; weaker ones and scores of shipped rules are left.
fn own_rules(draft: &mut Draft, own: BTreeMap<String, Own>, scores: &BTreeMap<String, (f64, String)>) {
    for (name, (score, place)) in scores.iter().filter(|(name, _)| !own.contains_key(*name)) {
        let (at, line) = place.split_once('\n').unwrap_or((place, name));
        let english = format!("Weight {score} of a shipped rule: weights are learned here, none is set by hand.");
        draft.note(Fate::Left, at, line, english, format!("自带规则的权重 {score}：这里的权重由训练得出，不手工设定。"));
    }
    for (name, rule) in own.into_iter().filter(|(name, _)| !name.starts_with("__")) {
        // Without a score SpamAssassin gives one point.
        let score = scores.get(&name).map_or(1.0, |(score, _)| *score);
        let condition = match rule.condition {
            Ok(condition) if score >= DECIDES => condition,
            Ok(_) => {
                let english =
                    format!("{name} weighs {score}: what does not decide alone has no counterpart. Write a rule by hand if it should.");
                draft.note(
                    Fate::Left,
                    &rule.at,
                    &rule.line,
                    english,
                    format!("{name} 的分值为 {score}：不能单独决定结果的规则没有对应项。如有需要请手工写规则。"),
                );
                continue;
            }
            Err((english, chinese)) => {
                draft.note(Fate::Left, &rule.at, &rule.line, english, chinese);
                continue;
            }
        };
        let action = Action { scl: 6, ..Action::new(ActionKind::SetScl) };
        let made = RuleSettings {
            conditions: vec![condition],
            actions: vec![action],
            comment: format!("SpamAssassin {}, score {score}", rule.at),
            ..RuleSettings::default()
        };
        match draft.rule(&name, made) {
            Ok(()) => {
                draft.note(Fate::Changed, &rule.at, &rule.line, "[[rule]] that marks as spam (scl 6)", "标记为垃圾邮件的 [[rule]]（scl 6）")
            }
            Err(why) => draft.note(Fate::Left, &rule.at, &rule.line, format!("It cannot be a rule: {why}"), format!("不能写成规则：{why}")),
        }
    }
}

fn networks(draft: &mut Draft, networks: Vec<String>) {
    let table = toml::Table::from_iter([("addresses".to_string(), toml::Value::from(networks))]);
    if let Ok(made) = toml::Value::Table(table).try_into::<InboundSettings>()
        && !made.addresses.is_empty()
    {
        let organisation = draft.organisation.clone();
        draft.settings.inbound.push(InboundSettings { name: "trusted".into(), organisation, skip: SkipMode::Last, ..made });
    }
}
