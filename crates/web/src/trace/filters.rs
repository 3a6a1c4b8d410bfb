//! What filters wrote into a header, key by key: ours, and those of others. Unknown keys are kept as they are.
//!
//! In: header fields of anybody. Out: [`Filtered`], one a field, bounded. What a key means stands in one table in both languages. Whoever
//! wrote a field may have lied: a field says what it says, not what was.

use crate::page::words::Lang;

/// Fields told of one header, keys of one field, characters of one value.
const FIELDS_MAX: usize = 40;
const KEYS_MAX: usize = 120;
const CHARS_MAX: usize = 300;

/// One field of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    pub name: String,
    /// Which filter writes such a field; '' for one that several write.
    pub by: &'static str,
    pub keys: Vec<Explained>,
}

/// One key with its value and what both mean; '' where nobody has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// '' when the field is one value.
    pub key: String,
    pub value: String,
    pub meaning: String,
}

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `A:1;B:2`
    Colons,
    /// `a=1; b=2`
    Equals,
    /// `Yes, score=7 required=5 tests=A,B`
    Status,
    /// `default: False [4.1 / 15.0]; SYMBOL(1.0)[options]; …`
    Symbols,
    /// One value.
    Plain,
}

/// Name in lower case, how it is written, whose it is.
#[rustfmt::skip]
const FIELDS: &[(&str, Shape, &str)] = &[
    ("x-gatepost-report", Shape::Equals, "Gatepost"),
    ("x-forefront-antispam-report", Shape::Colons, "Exchange Online Protection"),
    ("x-forefront-antispam-report-untrusted", Shape::Colons, "Exchange Online Protection"),
    ("x-microsoft-antispam", Shape::Colons, "Exchange Online Protection"),
    ("x-microsoft-antispam-untrusted", Shape::Colons, "Exchange Online Protection"),
    ("x-microsoft-antispam-mailbox-delivery", Shape::Colons, "Exchange Online Protection"),
    ("x-ms-exchange-organization-scl", Shape::Plain, "Exchange"),
    ("x-ms-exchange-organization-network-message-id", Shape::Plain, "Exchange"),
    ("x-ms-exchange-organization-authas", Shape::Plain, "Exchange"),
    ("x-ms-office365-filtering-correlation-id", Shape::Plain, "Exchange Online Protection"),
    ("x-customspam", Shape::Plain, "Exchange Online Protection"),
    ("x-spam-status", Shape::Status, "SpamAssassin"),
    ("x-spam-flag", Shape::Plain, ""),
    ("x-spam-score", Shape::Plain, ""),
    ("x-spam-level", Shape::Plain, ""),
    ("x-spam-bar", Shape::Plain, ""),
    ("x-spam", Shape::Plain, "rspamd"),
    ("x-spamd-result", Shape::Symbols, "rspamd"),
    ("x-spamd-bar", Shape::Plain, "rspamd"),
    ("x-rspamd-server", Shape::Plain, "rspamd"),
    ("x-rspamd-action", Shape::Plain, "rspamd"),
    ("x-rspamd-queue-id", Shape::Plain, "rspamd"),
    ("x-virus-scanned", Shape::Plain, ""),
    ("x-virus-status", Shape::Plain, ""),
    ("x-amavis-alert", Shape::Plain, "amavis"),
    ("x-quarantine-id", Shape::Plain, "amavis"),
    ("x-proofpoint-spam-details", Shape::Status, "Proofpoint"),
    ("x-proofpoint-virus-version", Shape::Plain, "Proofpoint"),
    ("x-barracuda-spam-score", Shape::Plain, "Barracuda"),
    ("x-barracuda-spam-status", Shape::Status, "Barracuda"),
    ("x-mimecast-spam-score", Shape::Plain, "Mimecast"),
    ("x-ironport-av", Shape::Colons, "Cisco"),
    ("x-ironport-anti-spam-filtered", Shape::Plain, "Cisco"),
    ("x-pmg-spam-level", Shape::Plain, "Proxmox Mail Gateway"),
    ("x-bogosity", Shape::Status, "bogofilter"),
    ("x-dspam-result", Shape::Plain, "DSPAM"),
];

/// Field ('' for any), key ('' for the field as a whole), value ('' for any), English, 简体中文. The first that fits is told.
type Meaning = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    ("x-gatepost-report", "id", "", "The mail's identifier here.", "邮件在本服务中的编号。"),
    ("x-gatepost-report", "verdict", "", "What the mail was judged to be.", "对邮件的判定。"),
    ("x-gatepost-report", "policy", "", "The policy that applied.", "所适用的策略。"),
    ("x-gatepost-report", "spam", "", "Probability of spam, 0 to 1.", "垃圾邮件概率，0 到 1。"),
    ("x-gatepost-report", "phish", "", "Probability of phishing, 0 to 1.", "钓鱼邮件概率，0 到 1。"),
    ("x-gatepost-report", "category", "", "The category, as Exchange abbreviates it.", "类别，采用 Exchange 的缩写。"),
    ("", "scl", "-1", "Spam confidence level: the filter was passed by (allowed, or from inside).", "垃圾邮件可信度：跳过了过滤（已允许或来自内部）。"),
    ("", "scl", "0", "Spam confidence level: clean.", "垃圾邮件可信度：正常。"),
    ("", "scl", "1", "Spam confidence level: clean.", "垃圾邮件可信度：正常。"),
    ("", "scl", "5", "Spam confidence level: spam.", "垃圾邮件可信度：垃圾邮件。"),
    ("", "scl", "6", "Spam confidence level: spam.", "垃圾邮件可信度：垃圾邮件。"),
    ("", "scl", "7", "Spam confidence level: spam, high confidence.", "垃圾邮件可信度：高可信度垃圾邮件。"),
    ("", "scl", "8", "Spam confidence level: spam, high confidence.", "垃圾邮件可信度：高可信度垃圾邮件。"),
    ("", "scl", "9", "Spam confidence level: spam, high confidence.", "垃圾邮件可信度：高可信度垃圾邮件。"),
    ("", "scl", "", "Spam confidence level, -1 to 9.", "垃圾邮件可信度，-1 到 9。"),
    ("", "bcl", "", "Bulk complaint level: 0 is no bulk mail, 1 to 3 few complaints, 4 to 7 some, 8 and 9 many.", "群发投诉级别：0 不是群发邮件，1–3 投诉少，4–7 有一些，8–9 很多。"),
    ("", "cat", "AMP", "Category: malware.", "类别：恶意软件。"),
    ("", "cat", "BIMP", "Category: brand impersonation.", "类别：仿冒品牌。"),
    ("", "cat", "BULK", "Category: bulk mail.", "类别：群发邮件。"),
    ("", "cat", "DIMP", "Category: domain impersonation.", "类别：仿冒域名。"),
    ("", "cat", "FTBP", "Category: a type of attachment that is blocked.", "类别：附件类型被阻止。"),
    ("", "cat", "GIMP", "Category: impersonation found by mailbox intelligence.", "类别：邮箱智能发现的仿冒。"),
    ("", "cat", "HPHSH", "Category: phishing, high confidence.", "类别：高可信度钓鱼邮件。"),
    ("", "cat", "HPHISH", "Category: phishing, high confidence.", "类别：高可信度钓鱼邮件。"),
    ("", "cat", "HSPM", "Category: spam, high confidence.", "类别：高可信度垃圾邮件。"),
    ("", "cat", "INTOS", "Category: phishing within the organisation.", "类别：组织内部的钓鱼邮件。"),
    ("", "cat", "MALW", "Category: malware.", "类别：恶意软件。"),
    ("", "cat", "NONE", "Category: nothing found.", "类别：未发现问题。"),
    ("", "cat", "OSPM", "Category: outbound spam.", "类别：外发垃圾邮件。"),
    ("", "cat", "PHSH", "Category: phishing.", "类别：钓鱼邮件。"),
    ("", "cat", "SAP", "Category: found by opening attachments safely.", "类别：由附件安全检测发现。"),
    ("", "cat", "SPM", "Category: spam.", "类别：垃圾邮件。"),
    ("", "cat", "SPOOF", "Category: forged sender.", "类别：伪造发件人。"),
    ("", "cat", "UIMP", "Category: impersonation of a person.", "类别：仿冒用户。"),
    ("", "sfv", "BLK", "Filtering was skipped: the recipient blocks the sender.", "跳过过滤：收件人阻止了该发件人。"),
    ("", "sfv", "NSPM", "Not spam.", "不是垃圾邮件。"),
    ("", "sfv", "SFE", "Filtering was skipped: the sender is in the recipient's safe list.", "跳过过滤：发件人在收件人的安全列表中。"),
    ("", "sfv", "SKA", "Filtering was skipped: an allow entry of the policy.", "跳过过滤：命中策略的允许条目。"),
    ("", "sfv", "SKB", "Marked as spam: a block entry of the policy.", "标记为垃圾邮件：命中策略的阻止条目。"),
    ("", "sfv", "SKI", "Filtering was skipped: mail within the organisation.", "跳过过滤：组织内部邮件。"),
    ("", "sfv", "SKN", "Filtering was skipped: marked as clean before, by a rule or a list of addresses.", "跳过过滤：之前已由规则或 IP 列表标记为正常。"),
    ("", "sfv", "SKQ", "Released from quarantine.", "已从隔离区放行。"),
    ("", "sfv", "SKS", "Marked as spam before, by a rule.", "之前已由规则标记为垃圾邮件。"),
    ("", "sfv", "SPM", "Spam.", "垃圾邮件。"),
    ("", "sfv", "DMS", "Ignored by a setting of the organisation.", "按组织设置忽略。"),
    ("", "ipv", "CAL", "The sending address is in the allow list of the connection filter.", "发信地址在连接筛选的允许列表中。"),
    ("", "ipv", "NLI", "The sending address is on no reputation list.", "发信地址不在任何信誉列表中。"),
    ("", "dir", "INB", "Inbound mail.", "入站邮件。"),
    ("", "dir", "OUT", "Outbound mail.", "出站邮件。"),
    ("", "dir", "INT", "Mail within the organisation.", "组织内部邮件。"),
    ("", "srv", "BULK", "Bulk mail by its complaint level.", "按投诉级别判定为群发邮件。"),
    ("", "sfty", "9.19", "Safety tip: domain impersonation.", "安全提示：仿冒域名。"),
    ("", "sfty", "9.20", "Safety tip: impersonation of a person.", "安全提示：仿冒用户。"),
    ("", "sfty", "9.25", "Safety tip: first contact.", "安全提示：首次联系。"),
    ("", "dest", "I", "Delivered to the inbox.", "投递到收件箱。"),
    ("", "dest", "J", "Delivered to the junk folder.", "投递到垃圾邮件文件夹。"),
    ("", "dest", "C", "Delivered to a folder of the recipient's choosing.", "投递到收件人指定的文件夹。"),
    ("", "cip", "", "Address that connected.", "连接的 IP 地址。"),
    ("", "ctry", "", "Country of the address that connected.", "连接地址所在的国家或地区。"),
    ("", "h", "", "Name that the sending server gave.", "发信服务器自称的名称。"),
    ("", "ptr", "", "Name of the address that connected (PTR).", "连接地址的反向解析名称（PTR）。"),
    ("", "lang", "", "Language of the message.", "邮件的语言。"),
    ("", "arc", "", "Result of the ARC chain.", "ARC 链的结果。"),
    ("", "sfs", "", "Rules that matched; what each means is not published.", "命中的规则编号，含义未公开。"),
    ("", "score", "", "Score of the mail.", "邮件得分。"),
    ("", "required", "", "Score from which on it counts as spam.", "达到该得分即视为垃圾邮件。"),
    ("", "tests", "", "Tests that matched.", "命中的测试项。"),
    ("", "autolearn", "", "Whether the filter learned from this mail.", "过滤器是否从这封邮件中学习。"),
    ("", "version", "", "Version of the filter.", "过滤器的版本。"),
    ("x-spamd-result", "verdict", "", "Whether it is spam, with score and threshold.", "是否垃圾邮件，以及得分和阈值。"),
    ("x-spamd-result", "", "", "A symbol that matched, with what it adds to the score.", "命中的符号及其得分。"),
    ("x-spam-status", "verdict", "", "Whether it counts as spam.", "是否视为垃圾邮件。"),
    ("x-spam-flag", "", "YES", "Counts as spam.", "视为垃圾邮件。"),
    ("x-spam-flag", "", "NO", "Does not count as spam.", "不视为垃圾邮件。"),
    ("x-spam-score", "", "", "Score of the mail; the more, the more like spam.", "邮件得分，越高越像垃圾邮件。"),
    ("x-spam-level", "", "", "Score as stars.", "以星号表示的得分。"),
    ("x-spam-bar", "", "", "Score as signs.", "以符号表示的得分。"),
    ("x-spamd-bar", "", "", "Score as signs.", "以符号表示的得分。"),
    ("x-spam", "", "", "Marked as spam.", "标记为垃圾邮件。"),
    ("x-rspamd-action", "", "", "What the filter advised.", "过滤器建议的操作。"),
    ("x-customspam", "", "", "An option of the advanced spam filter that matched.", "命中的高级垃圾邮件过滤选项。"),
    ("x-ms-exchange-organization-scl", "", "-1", "Spam confidence level: the filter was passed by.", "垃圾邮件可信度：跳过了过滤。"),
    ("x-ms-exchange-organization-scl", "", "", "Spam confidence level, -1 to 9.", "垃圾邮件可信度，-1 到 9。"),
    ("x-ms-exchange-organization-network-message-id", "", "", "Identifier that trace and submissions use.", "邮件跟踪和提交所用的编号。"),
    ("x-ms-exchange-organization-authas", "", "", "As whom the sender was known: Anonymous is from outside.", "发件人的身份：Anonymous 表示来自外部。"),
    ("x-ms-office365-filtering-correlation-id", "", "", "Identifier of the filtering.", "过滤过程的编号。"),
    ("x-virus-scanned", "", "", "Looked at by a virus scanner.", "经过病毒扫描。"),
    ("x-virus-status", "", "", "What the virus scanner said.", "病毒扫描的结果。"),
    ("x-pmg-spam-level", "", "", "Score as stars.", "以星号表示的得分。"),
    ("x-mimecast-spam-score", "", "", "Score of the mail; the more, the more like spam.", "邮件得分，越高越像垃圾邮件。"),
    ("x-barracuda-spam-score", "", "", "Score of the mail; the more, the more like spam.", "邮件得分，越高越像垃圾邮件。"),
];

/// Fields of filters in a header, in its order.
pub fn filtered<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>, lang: Lang) -> Vec<Filtered> {
    let read = |(name, value): (&[u8], &[u8])| {
        let name = String::from_utf8_lossy(name).trim().to_string();
        let lower = name.to_ascii_lowercase();
        let (_, shape, by) = FIELDS.iter().find(|(field, ..)| *field == lower)?;
        let text = String::from_utf8_lossy(value).chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let pairs = pairs(*shape, &text).into_iter().take(KEYS_MAX);
        let keys =
            pairs.map(|(key, value)| Explained { meaning: meaning(&lower, &key, &value, lang), key: short(&key), value: short(&value) });
        Some(Filtered { name, by, keys: keys.collect() })
    };
    fields.filter_map(read).take(FIELDS_MAX).collect()
}

fn short(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}

/// Key and value of each part; a part without a key keeps ''.
fn pairs(shape: Shape, text: &str) -> Vec<(String, String)> {
    let pair = |part: &str, by: char| match part.split_once(by) {
        Some((key, value)) => (key.trim().to_string(), value.trim().to_string()),
        None => (String::new(), part.trim().to_string()),
    };
    match shape {
        Shape::Plain => vec![(String::new(), text.to_string())],
        Shape::Colons => parts(text, ';').into_iter().map(|part| pair(part, ':')).collect(),
        Shape::Equals => parts(text, ';').into_iter().map(|part| pair(part, '=')).collect(),
        Shape::Symbols => parts(text, ';')
            .into_iter()
            .enumerate()
            .map(|(at, part)| match (at, part.split_once('(')) {
                (0, _) => ("verdict".into(), part.to_string()),
                (_, Some((symbol, rest))) => (symbol.trim().to_string(), format!("({rest}")),
                (_, None) => (String::new(), part.to_string()),
            })
            .collect(),
        Shape::Status => status(text),
    }
}

/// Parts between separators outside of brackets.
fn parts(text: &str, by: char) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0_i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = (depth - 1).max(0),
            c if c == by && depth == 0 => {
                found.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    found.push(&text[from..]);
    found.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// A verdict, then `key=value` in a row; a value goes on to the next key.
fn status(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_key = |key: &str| !key.is_empty() && key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
        match word.split_once('=').filter(|(key, _)| is_key(key)) {
            Some((key, value)) => found.push((key.to_string(), value.trim_end_matches(',').to_string())),
            None => match found.last_mut() {
                Some((key, value)) if !key.is_empty() && key != "verdict" => value.push_str(&format!(" {word}")),
                Some((_, value)) => value.push_str(&format!(" {word}")),
                None => found.push(("verdict".into(), word.trim_end_matches(',').to_string())),
            },
        }
    }
    found
}

fn meaning(field: &str, key: &str, value: &str, lang: Lang) -> String {
    let key = key.to_ascii_lowercase();
    let fits = |(of, wanted, exactly, ..): &&Meaning| {
        let is_key = *wanted == key || wanted.is_empty() && *of == field && (key.is_empty() || field == "x-spamd-result");
        (of.is_empty() && !wanted.is_empty() || *of == field) && is_key && (exactly.is_empty() || exactly.eq_ignore_ascii_case(value))
    };
    let found = MEANINGS.iter().find(fits);
    found.map_or(String::new(), |(_, _, _, english, chinese)| (if lang == Lang::Chinese { *chinese } else { *english }).to_string())
}

/// One method of an authentication field, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    pub name: String,
    pub result: String,
    pub detail: String,
    /// Colour and shape of the result.
    pub tone: &'static str,
}

/// The methods of `Authentication-Results` and its kin (RFC 8601 §2.2), and of `Received-SPF` (RFC 7208 §9.1); none for other fields.
pub fn methods(field: &str, value: &str) -> Vec<Method> {
    const METHODS_MAX: usize = 30;
    let method = |name: &str, rest: &str| {
        let (result, detail) = rest.trim().split_once([' ', '(']).unwrap_or((rest.trim(), ""));
        let tone = match result.to_ascii_lowercase().as_str() {
            "pass" => "good",
            "fail" | "permerror" | "hardfail" => "bad",
            "softfail" | "temperror" | "policy" => "warn",
            _ => "plain",
        };
        let rest = rest.trim();
        let detail = if detail.is_empty() { "" } else { rest[result.len()..].trim() };
        Method { name: name.trim().to_ascii_lowercase(), result: short(result), detail: short(detail), tone }
    };
    match field.to_ascii_lowercase().as_str() {
        "received-spf" => vec![method("spf", value)],
        "authentication-results" | "arc-authentication-results" => parts(value, ';')
            .into_iter()
            .filter_map(|part| part.split_once('='))
            .filter(|(name, _)| !name.trim().contains(' ') && !matches!(name.trim(), "i"))
            .map(|(name, rest)| method(name, rest))
            .take(METHODS_MAX)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Vec<(String, String, bool)> {
        let found = filtered([(name.as_bytes(), value.as_bytes())].into_iter(), Lang::English);
        let keys = found.into_iter().flat_map(|field| field.keys);
        keys.map(|one| (one.key, one.value, !one.meaning.is_empty())).collect()
    }

    #[test]
    fn fields_of_filters_are_read_key_by_key_and_unknown_ones_are_kept() {
        let own = |list: &[(&str, &str, bool)]| list.iter().map(|(a, b, c)| (a.to_string(), b.to_string(), *c)).collect::<Vec<_>>();
        for (name, value, want) in [
            (
                "X-Forefront-Antispam-Report",
                "CIP:192.0.2.1;SCL:5;SFV:SPM;\r\n\tCAT:SPM;XYZ:1;",
                vec![("CIP", "192.0.2.1", true), ("SCL", "5", true), ("SFV", "SPM", true), ("CAT", "SPM", true), ("XYZ", "1", false)],
            ),
            (
                "x-gatepost-report",
                "id=m1; verdict=spam; scl=5; new=2",
                vec![("id", "m1", true), ("verdict", "spam", true), ("scl", "5", true), ("new", "2", false)],
            ),
            (
                "X-Spam-Status",
                "Yes, score=7.1 required=5.0 tests=A,\r\n B autolearn=no version=4.0",
                vec![
                    ("verdict", "Yes", true),
                    ("score", "7.1", true),
                    ("required", "5.0", true),
                    ("tests", "A B", true),
                    ("autolearn", "no", true),
                    ("version", "4.0", true),
                ],
            ),
            (
                "X-Spamd-Result",
                "default: False [4.10 / 15.00]; R_SPF_ALLOW(-0.20)[+ip4:192.0.2.0/24;x]; NEW",
                vec![
                    ("verdict", "default: False [4.10 / 15.00]", true),
                    ("R_SPF_ALLOW", "(-0.20)[+ip4:192.0.2.0/24;x]", true),
                    ("", "NEW", true),
                ],
            ),
            ("X-Spam-Flag", "YES", vec![("", "YES", true)]),
            ("X-Microsoft-Antispam", "BCL:0;ARA:13", vec![("BCL", "0", true), ("ARA", "13", false)]),
            ("Subject", "SCL:9", vec![]),
        ] {
            assert_eq!(read(name, value), own(&want), "{name}");
        }
    }

    #[test]
    fn authentication_is_told_method_by_method() {
        let value = "mx.a.example; spf=pass (sender is ok; really) smtp.mailfrom=x.example; dkim=fail reason=\"bad\" header.d=x.example; dmarc=none";
        let found = methods("Authentication-Results", value);
        let short: Vec<(&str, &str, &str)> = found.iter().map(|one| (one.name.as_str(), one.result.as_str(), one.tone)).collect();
        assert_eq!(short, [("spf", "pass", "good"), ("dkim", "fail", "bad"), ("dmarc", "none", "plain")]);
        assert_eq!(found[0].detail, "(sender is ok; really) smtp.mailfrom=x.example");
        assert_eq!(methods("Received-SPF", "softfail (x: y) client-ip=192.0.2.1")[0].tone, "warn");
        assert!(methods("DKIM-Signature", "v=1; a=rsa-sha256").is_empty());
    }
}
