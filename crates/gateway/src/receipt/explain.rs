//! The story of one mail in plain words: what it is, the strongest reasons, what was done, and what would have changed it.
//!
//! In: a receipt. Out: lines that fit one screen, in English or 简体中文. Everything said follows from the receipt.

use super::Receipt;
use crate::intake::grey;
use crate::policy::PolicyAction;
use crate::rules::{Mode, NoteOutcome, RuleNote};
use detect::finding::DECISIVE;
use detect::{Class, Finding, Kind, Thresholds, Verdict};
use mail::auth::{DmarcPolicy, DmarcResult};
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// "zh", "zh-CN", "zh_CN.UTF-8" are Chinese; everything else is English.
    pub fn of(tag: &str) -> Language {
        if tag.to_ascii_lowercase().starts_with("zh") { Language::Chinese } else { Language::English }
    }

    fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// Findings named in an explanation.
const REASONS_MAX: usize = 3;

/// The explanation, line by line.
pub fn explain(receipt: &Receipt, thresholds: &Thresholds, language: Language) -> Vec<String> {
    let mut lines = vec![opening(receipt, language), String::new()];
    lines.push(verdict_line(&receipt.verdict, language));
    let reasons = strongest(receipt);
    if !reasons.is_empty() {
        lines.push(language.pick("Strongest reasons:", "主要原因：").into());
        lines.extend(reasons.into_iter().enumerate().map(|(n, finding)| reason_line(n + 1, finding, language)));
    }
    lines.push(auth_line(receipt, language));
    lines.push(String::new());
    lines.extend(outcome_lines(receipt, language));
    lines.push(String::new());
    lines.push(language.pick("What would have changed it:", "怎样会有不同的结果：").into());
    lines.extend(counterfactuals(receipt, thresholds, language).into_iter().map(|line| format!("  - {line}")));
    lines
}

fn opening(receipt: &Receipt, language: Language) -> String {
    let from = match receipt.envelope.sender.as_str() {
        "" => "<>",
        sender => sender,
    };
    let (id, ip, subject) = (receipt.mail, receipt.connection.ip, &receipt.header.subject);
    let helo = &receipt.connection.helo;
    match language {
        Language::English => format!("{id}: “{subject}” from {from}, handed over by {helo} [{ip}]"),
        Language::Chinese => format!("{id}：“{subject}”，发件人 {from}，由 {helo} [{ip}] 送来"),
    }
}

fn verdict_line(verdict: &Verdict, language: Language) -> String {
    let name = class_words(verdict.class, language);
    let (spam, phish) = (verdict.spam_probability * 100.0, verdict.phish_probability * 100.0);
    match language {
        Language::English => format!("Verdict: {name} (SCL {}, BCL {}, spam {spam:.1} %, phish {phish:.1} %)", verdict.scl, verdict.bcl),
        Language::Chinese => {
            format!("判定：{name}（SCL {}，BCL {}，垃圾邮件 {spam:.1} %，网络钓鱼 {phish:.1} %）", verdict.scl, verdict.bcl)
        }
    }
}

/// The finding that decided first, then by weight; findings without weight only when there is nothing else.
pub fn strongest(receipt: &Receipt) -> Vec<&Finding> {
    let decided = receipt.verdict.decided_by.and_then(|at| receipt.findings.get(at));
    let mut rest: Vec<&Finding> = receipt.findings.iter().filter(|finding| !matches!(finding.kind, Kind::Note)).collect();
    rest.retain(|finding| decided.is_none_or(|decided| !std::ptr::eq(*finding, decided)));
    rest.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    decided.into_iter().chain(rest).take(REASONS_MAX).collect()
}

/// What the check is called; its id when it comes from another version.
pub fn title(check: &str, language: Language) -> &str {
    detect::checks::find(check).map_or(check, |doc| language.pick(doc.title_en, doc.title_zh))
}

/// What was seen, with our words in this language; what is of the mail stays as it is.
pub fn evidence(finding: &Finding, language: Language) -> Cow<'_, str> {
    match language {
        Language::English => finding.evidence.as_str().into(),
        Language::Chinese => detect::checks::chinese::in_chinese(&finding.evidence),
    }
}

fn reason_line(n: usize, finding: &Finding, language: Language) -> String {
    let title = title(&finding.check, language);
    let weight = match finding.weight {
        weight if weight >= DECISIVE => language.pick("decisive", "决定性").to_string(),
        weight => format!("{weight:+.1}"),
    };
    format!("  {n}. {title}: {} [{}, {weight}]", evidence(finding, language), finding.check)
}

fn auth_line(receipt: &Receipt, language: Language) -> String {
    let auth = &receipt.auth;
    let dkim = match auth.dkim.iter().find(|one| one.aligned).or(auth.dkim.first()) {
        Some(one) => format!("{} (d={})", word(&one.result), one.domain),
        None => "none".into(),
    };
    let label = language.pick("Sender authentication", "发件人验证");
    format!(
        "{label}: SPF {} ({}), DKIM {dkim}, DMARC {} ({}), ARC {}; compauth {} {:03}",
        word(&auth.spf.result),
        auth.spf.domain,
        word(&auth.dmarc.result),
        auth.dmarc.domain,
        word(&auth.arc.result),
        word(&auth.composite.result),
        auth.composite.reason,
    )
}

/// Mail flow rules named in an explanation.
const RULES_MAX: usize = 5;

/// What one rule that applied did, or would have done.
fn rule_line(note: &RuleNote, language: Language) -> String {
    let actions: Vec<&str> = note.actions.iter().map(|action| action.name()).collect();
    let said = match note.mode {
        Mode::Enforce => language.pick("applied", "已适用"),
        Mode::Audit | Mode::AuditAndNotify => language.pick("would have applied (audit)", "本应适用（审核模式）"),
    };
    format!("{} “{}” {said}: {}", language.pick("Mail flow rule", "邮件流规则"), note.name, actions.join(", "))
}

fn outcome_lines(receipt: &Receipt, language: Language) -> Vec<String> {
    if !receipt.refused.is_empty() {
        let label = language.pick("It was refused; the sender's server was told", "邮件被拒收，已告知发件方服务器");
        return vec![format!("{label}: {}", receipt.refused)];
    }
    let mut lines = Vec::new();
    for decided in &receipt.recipients {
        let policy = language.pick("policy", "策略");
        lines.push(format!("{}: {} ({policy} “{}”)", decided.address, action_words(decided.action, language), decided.policy));
        for considered in &decided.considered {
            let mark = if considered.won { language.pick("applied", "生效") } else { language.pick("did not apply", "未生效") };
            lines.push(format!("    {} {}: {mark}, {}", considered.kind, considered.name, considered.why));
        }
    }
    lines.extend(
        receipt.rules.iter().filter(|note| note.outcome == NoteOutcome::Matched).take(RULES_MAX).map(|note| rule_line(note, language)),
    );
    lines
}

/// What, changed alone, would have led to another class or action. Each follows from the receipt by judging again.
pub fn counterfactuals(receipt: &Receipt, thresholds: &Thresholds, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    let auth = &receipt.auth;
    let honoured = receipt.recipients.iter().any(|decided| decided.considered.iter().any(|one| one.kind == "dmarc" && one.won));
    if auth.dmarc.result == DmarcResult::Fail && auth.dmarc.policy != DmarcPolicy::None && honoured {
        lines.push(match language {
            Language::English => format!(
                "It would not have been stopped by DMARC if SPF had passed for {0}, or a DKIM signature of {0} had verified.",
                auth.dmarc.domain
            ),
            Language::Chinese => format!("如果 SPF 对 {0} 通过，或有 {0} 的有效 DKIM 签名，DMARC 就不会拦下它。", auth.dmarc.domain),
        });
    }
    if receipt.refused.starts_with(grey::CODE) {
        lines.push(
            language
                .pick(
                    "It passes when the sender's server sends it again after five minutes, as mail servers do by themselves.",
                    "发件方服务器五分钟后再次发送即可通过，正常的邮件服务器会自动重试。",
                )
                .into(),
        );
    }
    let without =
        detect::verdict::counterfactual(&receipt.findings, receipt.spam_log_odds, receipt.phish_log_odds, receipt.verdict.bcl, thresholds);
    for one in without.iter().take(REASONS_MAX) {
        let class = class_words(one.class, language);
        let named = |check: &std::borrow::Cow<'_, str>| format!("“{}” ({check})", title(check, language));
        let (and, names) = (language.pick(" and ", "和"), one.without.iter().map(named).collect::<Vec<_>>());
        lines.push(match language {
            Language::English => format!("Without {} it would have been {class}.", names.join(and)),
            Language::Chinese => format!("如果没有{}，判定会是{class}。", names.join(and)),
        });
    }
    if lines.is_empty() && receipt.verdict.class != Class::Clean {
        lines.push(several_line(receipt, language));
    } else if lines.is_empty() {
        lines.push(language.pick("Nothing: no single finding stood between it and delivery.", "没有：任何单项发现都不影响投递。").into());
    }
    lines
}

fn several_line(receipt: &Receipt, language: Language) -> String {
    let words = receipt.spam_log_odds.max(receipt.phish_log_odds);
    match language {
        Language::English => format!("No single finding: the words and shape of the mail alone weigh {words:+.1}."),
        Language::Chinese => format!("没有单独的一项：仅邮件的用词和结构就占 {words:+.1}。"),
    }
}

/// The class in words.
pub fn class_words(class: Class, language: Language) -> &'static str {
    let (english, chinese) = match class {
        Class::Clean => ("clean", "正常"),
        Class::Bulk => ("bulk mail", "批量邮件"),
        Class::Spam => ("spam", "垃圾邮件"),
        Class::Impersonation => ("impersonation", "冒充他人"),
        Class::Spoof => ("forged sender", "伪造发件人"),
        Class::HighSpam => ("spam, with high confidence", "高可信度垃圾邮件"),
        Class::Phish => ("phishing", "网络钓鱼"),
        Class::HighPhish => ("phishing, with high confidence", "高可信度网络钓鱼"),
        Class::Uninspectable => ("not fully inspectable", "无法完整检查"),
        Class::BlockedType => ("attachment of a blocked type", "附件类型被禁止"),
        Class::Malware => ("malware", "恶意软件"),
    };
    language.pick(english, chinese)
}

/// What was done, in words.
pub fn action_words(action: PolicyAction, language: Language) -> &'static str {
    let (english, chinese) = match action {
        PolicyAction::None => ("delivered as it is", "正常投递"),
        PolicyAction::Junk => ("delivered, marked as junk", "投递并标为垃圾邮件"),
        PolicyAction::AddHeader => ("delivered with a header", "投递并加邮件头"),
        PolicyAction::Prefix => ("delivered with words before the subject", "投递并在主题前加字"),
        PolicyAction::Redirect => ("sent to another address", "转到其他地址"),
        PolicyAction::Delete => ("dropped", "丢弃"),
        PolicyAction::Quarantine => ("held in quarantine", "隔离"),
        PolicyAction::Reject => ("refused", "拒收"),
    };
    language.pick(english, chinese)
}

/// The word serde gives a unit variant, as Authentication-Results writes it.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
