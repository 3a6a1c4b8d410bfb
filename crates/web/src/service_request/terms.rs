//! Words to find requests by: text cut into terms that are the same in a question and in what answers it.
//!
//! Words are as the help compares them (`help::search::words`): lower case, narrow letters, English endings off. Chinese is pairs of
//! characters that follow each other; codes such as 5.7.1 and addresses stay whole. What people call differently, in either language, is one
//! term ([`SAME`]). Pure.

use crate::help::search::words::{is_han, plain, stem};
use std::collections::BTreeMap;

/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 8_000;
/// Different terms of one text; the first count.
pub const TERMS_MAX: usize = 150;
/// Characters of a term; what is longer is no word.
const TERM_CHARS_MAX: usize = 40;

/// What means the same. The first word stands for all, with a mark that no text has.
const SAME: &[&[&str]] = &[
    &["quarantine", "quarantined", "held", "hold", "隔离", "隔离区", "扣留"],
    &["allow", "whitelist", "allowlist", "safelist", "允许", "白名单", "放行名单"],
    &["block", "blacklist", "blocklist", "阻止", "黑名单", "拦截"],
    &["release", "放行", "释放"],
    &["spam", "junk", "垃圾邮件"],
    &["phish", "phishing", "钓鱼"],
    &["malware", "virus", "恶意软件", "病毒"],
    &["mail", "email", "message", "邮件"],
    &["domain", "域名"],
    &["rule", "规则"],
    &["connector", "smarthost", "连接器"],
    &["digest", "摘要"],
    &["attachment", "附件"],
    &["sender", "发件人", "发信人"],
    &["recipient", "收件人"],
    &["refuse", "refused", "reject", "rejected", "拒绝", "拒收"],
    &["bounce", "ndr", "退信"],
    &["delay", "slow", "late", "延迟", "延误", "很慢"],
    &["certificate", "证书"],
    &["sign", "login", "登录"],
    &["password", "密码"],
    &["bill", "billing", "invoice", "账单", "发票"],
    &["lost", "missing", "vanish", "丢失", "没收到", "收不到"],
    &["queue", "队列"],
];

const IDLE: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has",
    "have", "he", "how", "i", "if", "in", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "she", "so", "some", "that",
    "the", "their", "them", "there", "they", "this", "to", "us", "was", "we", "were", "what", "when", "which", "why", "will", "with",
    "would", "you", "your", "please", "hello", "hi", "thanks", "thank", "since", "any", "all", "am", "about",
];

/// Pairs that say nothing by themselves.
const IDLE_HAN: &[&str] = &["什么", "怎么", "为什", "么会", "我们", "他们", "你们", "请问", "一个", "可以", "没有", "如何", "您好", "谢谢"];

/// Terms of a text and how often each stands there, at most [`TERMS_MAX`].
pub fn of(text: &str) -> BTreeMap<String, i64> {
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    for term in cut(text) {
        let is_new = !found.contains_key(&term);
        if is_new && found.len() >= TERMS_MAX {
            continue;
        }
        *found.entry(term).or_default() += 1;
    }
    found
}

/// All terms in order.
fn cut(text: &str) -> Vec<String> {
    let plain = plain(&text.chars().take(TEXT_CHARS_MAX).collect::<String>());
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    let mut found = Vec::new();
    for part in plain.split(|c: char| !is_inside(c)).map(|part| part.trim_matches(['.', '-', '_', '@'])).filter(|part| !part.is_empty()) {
        let mut run = String::new();
        let mut is_run_han = false;
        for c in part.chars() {
            if is_han(c) != is_run_han && !run.is_empty() {
                add(&mut found, &std::mem::take(&mut run), is_run_han);
            }
            is_run_han = is_han(c);
            run.push(c);
        }
        add(&mut found, &run, is_run_han);
    }
    found
}

fn add(found: &mut Vec<String>, run: &str, is_han: bool) {
    if is_han {
        found.extend(han(run));
        return;
    }
    let run = run.trim_matches(['.', '-', '_', '@']);
    if run.is_empty() || IDLE.contains(&run) || run.chars().count() > TERM_CHARS_MAX {
        return;
    }
    match known(run) {
        Some(term) => found.push(term),
        None => {
            let short = stem(run);
            found.push(known(&short).unwrap_or(short));
            // A code or an address is found by its parts as well.
            if run.contains(['-', '_', '@']) {
                let parts = run.split(['-', '_', '@', '.']).filter(|part| part.chars().count() > 2 && !IDLE.contains(part));
                found.extend(parts.map(|part| known(part).unwrap_or_else(|| stem(part))));
            }
        }
    }
}

/// Words that we know stay whole, the longest first; what stands between them becomes pairs.
fn han(run: &str) -> Vec<String> {
    let known = |at: &str| {
        let words = SAME.iter().flat_map(|words| words.iter().copied()).filter(|word| at.starts_with(word));
        words.max_by_key(|word| word.len())
    };
    let (mut found, mut between, mut at) = (Vec::new(), 0, 0);
    while at < run.len() {
        let step = run[at..].chars().next().map_or(1, char::len_utf8);
        let Some(word) = known(&run[at..]) else {
            at += step;
            continue;
        };
        pairs(&run[between..at], &mut found);
        found.extend(self::known(word));
        at += word.len();
        between = at;
    }
    pairs(&run[between..], &mut found);
    found
}

fn pairs(run: &str, found: &mut Vec<String>) {
    let chars: Vec<char> = run.chars().collect();
    let pairs = chars.windows(2).map(|pair| pair.iter().collect::<String>());
    let alone = (chars.len() == 1).then(|| run.to_string());
    found.extend(pairs.chain(alone).filter(|pair| !IDLE_HAN.contains(&pair.as_str())));
}

fn known(word: &str) -> Option<String> {
    let of = |word: &str| SAME.iter().find(|words| words.contains(&word)).map(|words| format!("={}", words[0]));
    // Also when it has an ending: "invoices", "rejecting".
    of(word).or_else(|| ["s", "es", "ed", "ing"].iter().filter_map(|ending| word.strip_suffix(ending)).find_map(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_meets() {
        for (one, other) in [
            ("Mails are held in quarantine", "邮件被隔离"),
            ("delayed", "delays"),
            ("rejecting", "拒绝"),
            ("ＤＯＭＡＩＮ", "domain"),
            ("connector mail.acme-corp.example", "acme"),
            ("查询", "无法查询"),
        ] {
            let (one, other) = (of(one), of(other));
            assert!(one.keys().any(|term| other.contains_key(term)), "{one:?} {other:?}");
        }
    }

    #[test]
    fn codes_stay_whole_and_idle_words_go() {
        let found = of("Why was my mail refused with 550 5.7.1? auth.dmarc.fail");
        let want = ["5.7.1", "550", "=mail", "=refuse", "auth.dmarc.fail"];
        assert_eq!(found.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), want.into_iter().collect());
        assert!(of("the of and").is_empty() && of("").is_empty() && of("--- ..").is_empty());
        assert!(of(&"word1 ".repeat(1_000)).len() == 1);
        assert_eq!(of(&"隔离".repeat(100_000)).len(), 1, "as deep as it is long");
        assert!(of(&(0..10_000).map(|n| format!("w{n}x ")).collect::<String>()).len() <= TERMS_MAX);
    }
}
