//! Evidence in Chinese: findings keep what was seen in English words of ours around what stands in the mail.
//!
//! In: the evidence of a finding. Out: the same with our words in Chinese and what is of the mail left as it is; evidence that is of
//! the mail alone comes back unchanged. The sentences stand in [`SENTENCES`], the more special first; a test reads the sources of the
//! inspections for sentences that are missing. Not here: reasons that come from elsewhere (`mail::auth`, a virus scanner); they stay
//! in English behind our words.

use std::borrow::Cow;

/// `{}` stands for what is of the mail, or for words of [`WORDS`]; the n-th `{}` on the left is `{n}` on the right.
const SENTENCES: &[(&str, &str)] = &[
    // attachment
    ("{} from {}, and hardly a word beside it", "{1} 发来 {0}，几乎没有正文"),
    ("{}: its content is {}", "{0}：内容实为 {1}"),
    ("{}: its name ends in .{}", "{0}：文件名以 .{1} 结尾"),
    ("{}, and the text speaks of a password", "{0}，正文提到密码"),
    ("{}: declared as {}, the content is {}", "{0}：声明为 {1}，内容实为 {2}"),
    ("{}, and {} more", "{0}，另有 {1} 个"),
    ("{}: the name says {}, the content is {}", "{0}：文件名称为 {1}，内容实为 {2}"),
    ("{}, which ends in .{}", "{0}，实际以 .{1} 结尾"),
    // authentication
    ("From: {}, a domain served here, but neither SPF nor DKIM confirms it", "发件人 {0} 使用本系统的域名，但 SPF 与 DKIM 均未证实"),
    ("composite authentication fails, reason {}", "综合认证失败，原因 {0}"),
    ("{} fails DMARC (p={}), but {} vouches for an earlier pass", "{0} 未通过 DMARC（p={1}），但 {2} 证明此前曾通过"),
    ("DMARC of {}: {}", "{0} 的 DMARC：{1}"),
    ("SPF of {}: {}", "{0} 的 SPF：{1}"),
    ("DKIM key of {}: {}", "{0} 的 DKIM 公钥：{1}"),
    ("{} (selector {}): {}", "{0}（选择器 {1}）：{2}"),
    // bulk
    (
        "level {} by its header, {} by its recipients: {} of {} mails were called junk, {} were wanted",
        "按邮件头为 {0} 级，按收件人反馈为 {1} 级：{3} 封中有 {2} 封被举报为垃圾邮件，{4} 封被认可",
    ),
    ("level {}: {}", "{0} 级：{1}"),
    // connection
    ("{} says that it is {}, which is served here", "{0} 自称是本系统的 {1}"),
    ("{} says that it is {}", "{0} 自称 {1}"),
    ("{} says {}, without brackets", "{0} 自报 {1}，未加方括号"),
    ("{} says {}, which is no full name", "{0} 自报 {1}，不是完整主机名"),
    ("{} has no name in DNS", "{0} 在 DNS 中没有名称"),
    ("the name of {} does not lead back to it", "{0} 的名称解析后不指向该地址"),
    ("{} is called {}", "{0} 的名称为 {1}"),
    ("{} is listed in {} ({})", "{0} 被列入 {1}（{2}）"),
    ("{} asked for {} recipients that do not exist within {} minutes", "{0} 在 {2} 分钟内请求了 {1} 个不存在的收件人"),
    ("{} sent {} mails within {} minutes and is new here", "{0} 首次出现，{2} 分钟内发来 {1} 封邮件"),
    ("{} gave no usable answer", "{0} 未给出可用的答复"),
    ("{} ({}): {} wanted, {} unwanted", "{0}（{1}）：正常 {2} 封，垃圾 {3} 封"),
    // content
    ("“{}” in the subject or name", "主题或名称中有“{0}”"),
    ("{} such letters in the text", "正文中有 {0} 个这样的字母"),
    ("{}: “{}”; leads to {}, the sender is {}", "{0}：“{1}”；链接指向 {2}，发件人为 {3}"),
    ("{}: “{}”, the sender is {}", "{0}：“{1}”，发件人为 {2}"),
    ("hidden text stands inside {} words", "有 {0} 个单词中夹有隐藏文字"),
    ("{} letters are hidden, {} are seen: {}", "隐藏 {0} 个字符，可见 {1} 个：{2}"),
    ("the text has the GTUBE test string", "正文含有 GTUBE 测试字符串"),
    ("there is no Message-ID", "缺少 Message-ID"),
    ("there is no From", "缺少 From"),
    ("there is no Date", "缺少 Date"),
    ("cannot be read: {}", "无法解读：{0}"),
    ("Date is {} hours ahead", "日期超前 {0} 小时"),
    ("Date is {} days ago", "日期为 {0} 天前"),
    ("{} words such as “{}”", "有 {0} 个“{1}”这样的词"),
    ("{} invisible characters inside Latin words", "拉丁字母单词中有 {0} 个不可见字符"),
    ("{}: “{}”; the thread is known here", "{0}：“{1}”；该会话为本系统所知"),
    ("{}: “{}”; the thread it answers is not known here", "{0}：“{1}”；所回复的会话不为本系统所知"),
    ("{}: “{}”, {}; the thread is known here", "{0}：“{1}”，{2}；该会话为本系统所知"),
    ("{}: “{}”, {}; the thread it answers is not known here", "{0}：“{1}”，{2}；所回复的会话不为本系统所知"),
    ("in an answer: “{}”, {}", "在回复中：“{0}”，{1}"),
    ("in an answer: “{}”", "在回复中：“{0}”"),
    ("in a mail of its own: “{}”, {}", "在单独的邮件中：“{0}”，{1}"),
    ("in a mail of its own: “{}”", "在单独的邮件中：“{0}”"),
    ("“{}”; call {}; {} links", "“{0}”；要求致电 {1}；{2} 个链接"),
    ("“{}”; the link leads to {}, the sender is {}", "“{0}”；链接指向 {1}，发件人为 {2}"),
    ("the text has a field for a password", "正文含有密码输入框"),
    ("the text has a form", "正文含有表单"),
    ("the text has a script", "正文含有脚本"),
    ("elements of the text run script when touched", "正文元素在触碰时运行脚本"),
    ("the text shows another page in a frame", "正文以框架显示其他网页"),
    ("the text embeds a program or film", "正文嵌入程序或影片"),
    ("the text wants to lead to another page by itself", "正文会自动跳转到其他网页"),
    ("there is no plain text beside the HTML", "只有 HTML，没有纯文本"),
    ("there is no text, image or attachment", "没有文字、图片或附件"),
    ("the text is an image that can be clicked, and leads to {}", "正文是一张可点击的图片，链接指向 {0}"),
    ("the text is an image that can be clicked", "正文是一张可点击的图片"),
    ("more than {} empty lines in a row", "连续空行超过 {0} 行"),
    ("a script builds a file: {}; the page carries {}", "脚本在本地生成文件：{0}；网页带有 {1}"),
    ("a script builds a file or page: {}", "脚本生成文件或网页：{0}"),
    ("In-Reply-To: {}", "In-Reply-To：{0}"),
    ("the reader sees “{}”", "读者看到“{0}”"),
    ("it greets “{}”", "称呼为“{0}”"),
    // impersonation
    ("{} says {} in hexadecimal", "{0} 以十六进制写有 {1}"),
    ("{} is signed by {} alone", "{0} 仅由 {1} 签名"),
    ("“{}” speaks as one of this house, the sender is {}; leads to {}", "“{0}”以本单位名义发信，发件人为 {1}；链接指向 {2}"),
    ("“{}” speaks as one of this house, the sender is {}", "“{0}”以本单位名义发信，发件人为 {1}"),
    ("“{}” writes from the free mailbox {}", "“{0}”使用免费邮箱 {1}"),
    ("passed on: “{}” wrote from {}; {} sends from {}", "转发的邮件：“{0}”由 {1} 发出；{2} 的域名为 {3}"),
    ("“{}” writes from {}; {} sends from {}", "“{0}”由 {1} 发出；{2} 的域名为 {3}"),
    ("“{}” writes from {}; {} has {}", "“{0}”由 {1} 发出；{2} 的地址是 {3}"),
    ("“{}” writes from {}", "“{0}”由 {1} 发出"),
    ("{} is shown as “{}”", "{0} 显示为“{1}”"),
    ("{} looks like {}, with whom this organisation writes", "{0} 酷似贵组织的往来单位 {1}"),
    ("From: {}, Reply-To: {}, which looks like {}", "发件人 {0}，回复地址 {1} 酷似 {2}"),
    ("From: {}, Reply-To: {}, and hardly a word", "发件人 {0}，回复地址 {1}，几乎没有正文"),
    ("From: {}, Reply-To: {}", "发件人 {0}，回复地址 {1}"),
    ("the {} {}, the sender is {}, and leads to {}", "{0} {1}，发件人为 {2}，链接指向 {3}"),
    ("the {} {}, the sender is {}", "{0} {1}，发件人为 {2}"),
    ("{} never wrote here before; {}", "{0} 首次来信；{1}"),
    ("{} has written {} times, and DMARC confirms the address", "{0} 曾来信 {1} 次，地址经 DMARC 证实"),
    ("{} writes from {}", "{0}：{1}"),
    ("{} looks like {}; {} sends from {}", "{0} 酷似 {1}；{2} 的域名为 {3}"),
    ("{} begins with the domain of {}; {} sends from {}", "{0} 以 {1} 的域名开头；{2} 的域名为 {3}"),
    ("{} has the name of {} in it; {} sends from {}", "{0} 含有 {1} 的名称；{2} 的域名为 {3}"),
    ("{} is {} under another ending; {} sends from {}", "{0} 是换了后缀的 {1}；{2} 的域名为 {3}"),
    ("{} is one letter away from {}; {} sends from {}", "{0} 与 {1} 只差一个字母；{2} 的域名为 {3}"),
    ("{} has {} in front of another’s domain; {} sends from {}", "{0} 在他人域名之前加上 {1}；{2} 的域名为 {3}"),
    // link
    ("{} looks like {}; its own is {}", "{0} 酷似 {1}；其域名为 {2}"),
    ("{} begins with the domain of {}; its own is {}", "{0} 以 {1} 的域名开头；其域名为 {2}"),
    ("{} has the name of {} in it; its own is {}", "{0} 含有 {1} 的名称；其域名为 {2}"),
    ("{} is {} under another ending; its own is {}", "{0} 是换了后缀的 {1}；其域名为 {2}"),
    ("{} is one letter away from {}; its own is {}", "{0} 与 {1} 只差一个字母；其域名为 {2}"),
    ("{} has {} in front of another’s domain; its own is {}", "{0} 在他人域名之前加上 {1}；其域名为 {2}"),
    ("{} looks like {}", "{0} 酷似 {1}"),
    ("links lead to {} different hosts", "链接指向 {0} 个不同主机"),
    ("{} leads on to {}", "{0} 会转到 {1}"),
    (
        "every link leads to {}, which counts clicks for whoever pays; the sender is {}",
        "所有链接都指向 {0}（按点击收费的计数站）；发件人为 {1}",
    ),
    ("every link leads to {}, {}; the sender is {}", "所有链接都指向 {0}（{1}）；发件人为 {2}"),
    ("every link leads to {}; the sender is {}", "所有链接都指向 {0}；发件人为 {1}"),
    ("a button writes to {}", "按钮会写信给 {0}"),
    ("the link to {} carries {}, {}", "指向 {0} 的链接带有 {1}（{2}）"),
    ("a QR code leads to {}", "二维码指向 {0}"),
    ("{}, {}; the sender is {}", "{0}（{1}）；发件人为 {2}"),
    ("“{}” leads to {}", "“{0}”指向 {1}"),
    ("“{}”, and no link", "“{0}”，没有链接"),
    // malware
    ("the digest {} stands in {}: {}", "摘要 {0} 列于 {1}：{2}"),
    ("rule {} in {}", "{1} 命中规则 {0}"),
    ("{}: the time for this mail is over", "{0}：本邮件的检查时间已用完"),
    ("{}: it is longer than the settings allow", "{0}：超出设置允许的长度"),
    ("{}: the documents of this mail hold too much", "{0}：本邮件的文档内容过多"),
    ("{}: the connection failed: {}", "{0}：连接失败：{1}"),
    ("{}: no answer within {}", "{0}：{1} 内未答复"),
    ("{}: it answered “{}”", "{0}：答复为“{1}”"),
    ("{}: the mail has {} octets, more than are sent to it", "{0}：邮件共 {1} 字节，超出送检上限"),
    ("the service refuses it without a name", "该服务拒收，未说明名称"),
    ("inspection stopped: {}", "检查中断：{0}"),
];

/// Words of ours that stand in a sentence.
const WORDS: &[(&str, &str)] = &[
    ("a gateway to IPFS, where nobody can take a page down", "IPFS 网关，页面无法撤下"),
    ("a place for throw-away programs", "可放置临时程序的地方"),
    ("a bucket of a cloud", "云存储桶"),
    ("a place for free pages", "免费建站平台"),
    ("a maker of forms", "在线表单平台"),
    ("where anybody puts a page", "任何人都可放置网页"),
    ("which hides where it leads", "隐藏真正去向"),
    ("a computer without a name", "没有域名的计算机"),
    ("a name drawn by lot", "看似随机的域名"),
    ("a rented computer", "租用的计算机"),
    ("where anybody puts a picture", "公共图床"),
    ("a rented machine", "租用的主机"),
    ("a throw-away name", "用后即弃的域名"),
    ("a tenant that has no domain yet", "尚未绑定域名的租户"),
    ("a document", "一份文档"),
    ("an attachment without a name", "未命名附件"),
    ("(no name)", "（未命名）"),
    ("the text", "正文"),
    ("an archive", "压缩包"),
    ("a program", "程序"),
    ("a cabinet", "CAB 压缩包"),
    ("a shortcut", "快捷方式"),
    ("a sealer", "转发方"),
    ("nobody at its domain has", "该域名下也无人来信"),
    ("others at its domain have", "该域名下另有人来过信"),
    ("in an answer", "在回复中"),
    ("in a mail of its own", "在单独的邮件中"),
    ("subject names", "主题提及"),
    ("text and pictures name", "正文与图片提及"),
    ("text names", "正文提及"),
    ("parcel", "包裹"),
    ("mailbox", "邮箱"),
    ("storage", "存储空间"),
    ("plan", "订阅"),
    ("refund", "退款"),
    ("prize", "奖品"),
    ("wallet", "钱包"),
    ("document", "文件"),
    ("bank", "银行"),
    ("points", "积分"),
    ("signin", "登录"),
    ("address", "地址"),
    ("domain", "域名"),
    ("signer", "签名方"),
    ("author", "发件人"),
    ("it failed", "执行失败"),
    ("it took too long", "耗时过长"),
];

/// `evidence` with our words in Chinese.
pub fn in_chinese(evidence: &str) -> Cow<'_, str> {
    let sentence = SENTENCES.iter().find_map(|(english, chinese)| Some(filled(chinese, &holes(english, evidence)?)));
    sentence.or_else(|| named(evidence)).map_or(evidence.into(), Cow::Owned)
}

/// What stands in the mail, and one of our words for it.
fn named(evidence: &str) -> Option<String> {
    let (what, word) = evidence.rsplit_once(": ")?;
    let (_, chinese) = WORDS.iter().find(|(english, _)| *english == word)?;
    Some(format!("{what}：{chinese}"))
}

/// What stands at each `{}` of `pattern` in `text`; `None` if it is another sentence.
fn holes<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let end = match (is_last, part.is_empty()) {
            (true, true) => rest.len(),
            (true, false) => {
                rest.len().checked_sub(part.len()).filter(|end| rest.is_char_boundary(*end) && rest.ends_with(part) && *end > 0)?
            }
            (false, _) => rest.find(part).filter(|end| *end > 0)?,
        };
        found.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(found)
}

fn filled(chinese: &str, holes: &[&str]) -> String {
    let mut out = String::with_capacity(chinese.len() + 64);
    let mut parts = chinese.split('{');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (number, after) = part.split_once('}').unwrap_or(("", part));
        let hole = number.parse().ok().and_then(|number: usize| holes.get(number)).copied().unwrap_or_default();
        out.push_str(&said(hole));
        out.push_str(after);
    }
    out
}

/// One of our words, the number of an account, or what is of the mail.
fn said(hole: &str) -> Cow<'_, str> {
    match (WORDS.iter().find(|(english, _)| *english == hole), hole.strip_prefix("account ")) {
        (Some((_, chinese)), _) => (*chinese).into(),
        (None, Some(number)) if number.bytes().all(|octet| octet.is_ascii_digit()) => format!("账号 {number}").into(),
        _ => hole.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_are_said_in_chinese_and_the_mails_are_left() {
        for (evidence, want) in [
            ("there is no Message-ID", "缺少 Message-ID"),
            ("examp1e.com looks like example.com", "examp1e.com 酷似 example.com"),
            ("a QR code leads to https://a.example/", "二维码指向 https://a.example/"),
            (
                "every link leads to a.web.app, where anybody puts a page; the sender is b.example",
                "所有链接都指向 a.web.app（任何人都可放置网页）；发件人为 b.example",
            ),
            (
                "parcel: “Your parcel: on hold”; leads to a.example, the sender is b.example",
                "包裹：“Your parcel: on hold”；链接指向 a.example，发件人为 b.example",
            ),
            ("shop.web.app: a place for free pages", "shop.web.app：免费建站平台"),
            ("in an answer: “our new account”, account 0012345678", "在回复中：“our new account”，账号 0012345678"),
            ("rule eicar in the text", "正文 命中规则 eicar"),
            ("clamd: no answer within 5s", "clamd：5s 内未答复"),
            ("Your-File.pdf", "Your-File.pdf"),
            ("“a” … “b” … “c”", "“a” … “b” … “c”"),
            ("", ""),
        ] {
            assert_eq!(in_chinese(evidence), want, "{evidence}");
        }
    }

    /// What is built in the sources of inspections and is no evidence: lines of a log, settings, parts of other languages.
    const NOT_SAID: &[&str] = &[
        "account {}",                  // a hole: `said`
        "built-in rules and {} files", // the state of an engine
        "{} digests in {} files",      // the same
    ];

    /// Sentences that inspections build, holes empty.
    fn built_in(folder: &std::path::Path, built: &mut Vec<(String, String)>) {
        let template = regex::Regex::new(r#"(?s)(?:format!\(|#\[error\()\s*"((?:[^"\\]|\\.)*)""#).unwrap();
        let said = regex::Regex::new(r#"Finding::new\([^()"]*"[^"]*",[^()"]*"((?:[^"\\]|\\.)*)""#).unwrap();
        let (comment, hole) = (regex::Regex::new(r"(?m)^\s*//.*$").unwrap(), regex::Regex::new(r"\{[^{}]*\}").unwrap());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(".rs") || name == "tests.rs" {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = comment.replace_all(text.split("#[cfg(test)]").next().unwrap_or_default(), "");
            let found = template.captures_iter(&text).chain(said.captures_iter(&text));
            // Lines of a protocol end in CR LF.
            let found = found.filter(|found| !found[1].contains(r"\r\n"));
            built.extend(found.map(|found| (name.clone(), hole.replace_all(&found[1], "{}").into_owned())));
        }
    }

    /// The sentence, filled or with one of its holes left out, or a part of a longer one.
    fn is_known(sentence: &str) -> bool {
        let without = |at: usize| [&sentence[..at], &sentence[at + 2..]].concat();
        let mut shapes = sentence.match_indices("{}").map(|(at, _)| without(at)).chain([sentence.to_string()]);
        let is_part = shapes.any(|shape| SENTENCES.iter().any(|(english, _)| english.contains(&shape)));
        is_part || SENTENCES.iter().any(|(english, _)| holes(english, sentence).is_some())
    }

    #[test]
    fn every_sentence_of_the_sources_is_there() {
        let mut built = Vec::new();
        for folder in ["attachment", "authentication", "bulk", "connection", "content", "impersonation", "link", "malware"] {
            built_in(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut built);
        }
        assert!(built.len() > 80, "the scan finds what it looks for: {}", built.len());
        let ours = regex::Regex::new("[a-z]{2,} |[a-z]{2,}, | [a-z]{2,}").unwrap();
        let missing: Vec<_> = built
            .iter()
            .filter(|(_, sentence)| ours.is_match(sentence) && !NOT_SAID.contains(&sentence.as_str()) && !is_known(sentence))
            .collect();
        assert!(missing.is_empty(), "neither in SENTENCES nor in NOT_SAID: {missing:#?}");
        assert!(!is_known("{} is a sentence that nobody wrote"), "the scan can fail");
    }

    #[test]
    fn every_sentence_has_its_holes_in_both_languages() {
        for (english, chinese) in SENTENCES {
            let holes = english.matches("{}").count();
            assert_eq!(holes, chinese.matches('{').count(), "{english}");
            assert!((0..holes).all(|hole| chinese.contains(&format!("{{{hole}}}"))), "{english}");
        }
    }
}
