//! The story of a refusal that left no receipt: what was said to the peer, why, and what would have let it in.

use super::Language;
use crate::trace::api::EventBody;

/// Whose turn it is after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Whoever sends: their software, their address, their settings.
    Theirs,
    /// Whoever runs this service.
    Ours,
    /// Servers try again by themselves.
    Nobody,
}

/// What a reply of ours means: code as in the reply, whose turn it is, what to do. English and 简体中文.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    /// Enhanced status code (RFC 3463), such as "5.4.1".
    pub code: &'static str,
    pub turn: Turn,
    pub english: &'static str,
    pub chinese: &'static str,
}

const fn meaning(code: &'static str, turn: Turn, english: &'static str, chinese: &'static str) -> Meaning {
    Meaning { code, turn, english, chinese }
}

/// By enhanced status code; every code that replies of ours carry is here.
pub const MEANINGS: &[Meaning] = &[
    meaning(
        "5.4.1",
        Turn::Theirs,
        "The recipient does not exist here. It would have been accepted if the address were listed (gatepost recipient add) or known to the next hop.",
        "收件人在本组织不存在。如果该地址已登记（gatepost recipient add）或下一跳服务器认识它，邮件就会被接受。",
    ),
    meaning(
        "5.6.11",
        Turn::Theirs,
        "The message held a bare CR or LF, or a NUL: what SMTP smuggling is made of. It would have been accepted with CRLF line ends throughout. The sender's software must be mended.",
        "邮件内容含有单独的 CR、LF 或 NUL，这正是 SMTP 走私攻击的手法。如果全部使用 CRLF 换行，邮件就会被接受。应由发件方修复其软件。",
    ),
    meaning(
        "5.4.6",
        Turn::Theirs,
        "The mail went round in circles. Somebody forwards it back to us: look at the Received lines.",
        "邮件在服务器之间循环。有人把它转回了这里：请查看 Received 行。",
    ),
    meaning(
        "5.6.1",
        Turn::Theirs,
        "A piece of a message cannot be inspected alone. It would have been accepted in one piece.",
        "被拆分的邮件片段无法单独检查。完整发送即可。",
    ),
    meaning(
        "5.3.4",
        Turn::Theirs,
        "The message was larger than [limits] message_octets_max allows. A smaller one, or a link to the file, would have passed.",
        "邮件超过了 [limits] message_octets_max 允许的大小。缩小邮件或改发文件链接即可。",
    ),
    meaning(
        "4.5.3",
        Turn::Nobody,
        "Too much at once; the sender's server tries the rest again by itself.",
        "一次发送过多；发件方服务器会自动重试其余部分。",
    ),
    meaning(
        "4.7.0",
        Turn::Nobody,
        "The peer was asked to come back later: too many connections or too many mistakes. A well-behaved server tries again by itself.",
        "已请对方稍后再试：连接过多或错误过多。正常的服务器会自动重试。",
    ),
    meaning(
        "4.3.1",
        Turn::Ours,
        "We had no room. It is our turn: free disk space. The sender's server tries again by itself.",
        "本机空间不足，应由我们清理磁盘。发件方服务器会自动重试。",
    ),
    meaning(
        "4.3.0",
        Turn::Ours,
        "We failed. It is our turn: see the log. The sender's server tries again by itself.",
        "本机出错，应由我们查看日志处理。发件方服务器会自动重试。",
    ),
    meaning(
        "5.7.1",
        Turn::Theirs,
        "A rule of ours refused it; the reply says which. The sender can mend what it names, or the administrator can allow it (gatepost entry add allow …).",
        "被我们的规则拒绝，应答中已写明是哪一条。发件方可以修正，或由管理员放行（gatepost entry add allow …）。",
    ),
    meaning(
        "5.5.1",
        Turn::Theirs,
        "A command came where SMTP does not allow it, or one that is not offered here. The sender's software must be mended.",
        "命令出现在 SMTP 不允许的位置，或本服务不提供该命令。应由发件方修复其软件。",
    ),
    meaning(
        "5.5.2",
        Turn::Theirs,
        "A line or a value could not be read as SMTP. The sender's software must be mended.",
        "有一行内容或一个取值不符合 SMTP 语法，无法读取。应由发件方修复其软件。",
    ),
    meaning(
        "5.5.4",
        Turn::Theirs,
        "A parameter of a command is unknown or wrong. The sender's software must be mended.",
        "命令的参数未知或有误。应由发件方修复其软件。",
    ),
    meaning(
        "5.7.8",
        Turn::Theirs,
        "Login or password is wrong, or somebody tried to sign in for another. Check the login of the device or program that sends.",
        "用户名或密码错误，或试图以他人身份登录。请检查发信设备或程序的登录信息。",
    ),
    meaning(
        "5.7.11",
        Turn::Theirs,
        "Signing in is only possible over TLS. Switch on STARTTLS in the device or program that sends.",
        "只有加密连接才能登录。请在发信设备或程序中启用 STARTTLS。",
    ),
    meaning(
        "5.7.10",
        Turn::Theirs,
        "The sender asked that the mail travels under TLS only (REQUIRETLS), and the connection had none.",
        "发件人要求全程加密传输（REQUIRETLS），但当前连接没有加密。",
    ),
    meaning(
        "5.7.0",
        Turn::Theirs,
        "Sign in, or use TLS, before sending here; the reply says which.",
        "发信前需要先登录或启用 TLS，应答中已写明是哪一项。",
    ),
    meaning(
        "4.4.2",
        Turn::Nobody,
        "The connection was too slow or broke off. The sender's server tries again by itself.",
        "连接过慢或中断。发件方服务器会自动重试。",
    ),
    meaning(
        "4.3.2",
        Turn::Nobody,
        "This server was stopping. The sender's server tries again by itself.",
        "本服务器当时正在停止。发件方服务器会自动重试。",
    ),
    meaning(
        "4.7.1",
        Turn::Nobody,
        "Doubtful mail of a stranger was asked to come again (greylisting). A mail server tries again by itself, and then it passes.",
        "来自陌生发件方的可疑邮件被要求稍后重发（灰名单）。正常的邮件服务器会自动重试，届时即可通过。",
    ),
    meaning(
        "5.6.7",
        Turn::Theirs,
        "The address has characters outside ASCII, and one of the servers does not take them (SMTPUTF8). Use an address in ASCII.",
        "地址含有非 ASCII 字符，而其中一台服务器不支持（SMTPUTF8）。请改用 ASCII 地址。",
    ),
    meaning(
        "5.6.0",
        Turn::Theirs,
        "A report must have the reported mail attached. Forward it as an attachment.",
        "举报邮件必须附上被举报的邮件。请以附件方式转发。",
    ),
    meaning(
        "5.6.3",
        Turn::Theirs,
        "The next hop takes no 8-bit text, and this message has some. Its administrator can switch on 8BITMIME.",
        "下一跳服务器不接受 8 位文本，而这封邮件含有。其管理员可启用 8BITMIME。",
    ),
    meaning(
        "5.7.30",
        Turn::Theirs,
        "The sender asked for TLS on the whole way (REQUIRETLS), and the next hop does not promise it.",
        "发件人要求全程加密传输（REQUIRETLS），而下一跳服务器不能保证。",
    ),
    meaning(
        "4.4.1",
        Turn::Nobody,
        "The next hop cannot be reached. Delivery is tried again by itself; look at the connector if it stays so.",
        "无法连接下一跳服务器。系统会自动重试；若持续如此，请检查连接器。",
    ),
    meaning(
        "4.4.3",
        Turn::Nobody,
        "The mail servers of the recipient's domain cannot be looked up now. Delivery is tried again by itself.",
        "暂时查不到收件域的邮件服务器。系统会自动重试。",
    ),
    meaning(
        "4.4.4",
        Turn::Ours,
        "There is no next hop to ask. Look at the connector of the organisation.",
        "没有可用的下一跳服务器。请检查该组织的连接器。",
    ),
    meaning(
        "4.3.5",
        Turn::Ours,
        "A connector is missing or names no next hop. It is our turn: look at the connectors.",
        "连接器不存在，或没有填写下一跳。应由我们检查连接器。",
    ),
    meaning(
        "4.7.4",
        Turn::Nobody,
        "TLS is required towards the next hop, and it does not offer it. Delivery is tried again; its administrator can switch TLS on.",
        "到下一跳必须使用 TLS，而对方未提供。系统会重试；对方管理员可启用 TLS。",
    ),
    meaning(
        "4.7.5",
        Turn::Nobody,
        "TLS with the next hop failed: its certificate or the policy of the domain does not fit. Delivery is tried again by itself.",
        "与下一跳的 TLS 握手失败：证书与域名策略不符。系统会自动重试。",
    ),
    meaning(
        "5.1.1",
        Turn::Theirs,
        "The recipient's server does not know this address. Check how it is written.",
        "收件方服务器不认识这个地址。请检查拼写。",
    ),
    meaning("5.1.2", Turn::Theirs, "The recipient's domain does not exist. Check how it is written.", "收件域不存在。请检查拼写。"),
    meaning(
        "5.1.3",
        Turn::Theirs,
        "This is not an address that mail can be sent to. Check how it is written.",
        "这不是可以投递的地址。请检查拼写。",
    ),
    meaning(
        "5.1.10",
        Turn::Theirs,
        "The recipient's domain says that it takes no mail at all (null MX).",
        "收件域声明不接收任何邮件（空 MX）。",
    ),
    meaning(
        "5.4.4",
        Turn::Theirs,
        "The recipient's domain has no mail server that can be reached from the Internet.",
        "收件域没有可从互联网访问的邮件服务器。",
    ),
    meaning(
        "5.7.7",
        Turn::Theirs,
        "The bounce is of a mail that was never sent from here: all mail of the recipient leaves with a signed sender (BATV), and this one is not signed, or its signature has ended. Somebody else used the address. It would have been accepted with the signature of a mail sent in the last ten days.",
        "这封退信对应的邮件并非从本服务发出：该收件人的所有邮件都带有签名的发件地址（BATV），而此地址没有签名或签名已过期，说明有人冒用了该地址。若带有最近十天内所发邮件的签名，就会被接受。",
    ),
    meaning(
        "5.1.8",
        Turn::Ours,
        "The sender is restricted: it wrote to more recipients than allowed, or what it sent was held as junk. It can send again once an administrator releases it (Restricted senders), or when the restriction ends. Find out first whether the account was taken over.",
        "该发件人已被限制：发送的收件人数超过上限，或所发邮件被判为垃圾邮件。管理员在“受限发件人”中解除限制，或限制到期后即可继续发送。请先查明账户是否被盗用。",
    ),
    meaning(
        "5.7.520",
        Turn::Ours,
        "The organisation does not let mail be forwarded to the outside by itself. It would have been sent if [outbound] auto_forward allowed it.",
        "本组织不允许自动将邮件转发到外部。若 [outbound] auto_forward 允许，邮件就会发出。",
    ),
    meaning(
        "5.4.7",
        Turn::Theirs,
        "Delivery was tried until its time was over. The sender got the mail back with the last answer of the next hop.",
        "在期限内多次投递均未成功。邮件已退回发件人，并附上下一跳最后的应答。",
    ),
];

const UNKNOWN: Meaning = meaning(
    "",
    Turn::Theirs,
    "The session itself refused it: what the peer sent is not what SMTP allows at that point. The sender's software must be mended.",
    "会话本身拒绝了它：对方发送的内容在此处不符合 SMTP 的规定。应由发件方修复其软件。",
);

/// The meaning of one enhanced status code.
pub fn find(code: &str) -> Option<&'static Meaning> {
    MEANINGS.iter().find(|meaning| meaning.code == code)
}

/// The refusal, line by line.
pub fn explain_refusal(event: &EventBody, language: Language) -> Vec<String> {
    let told = |key: &str| event.detail.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let (ip, helo, sender, reply) = (told("ip"), told("helo"), told("sender"), told("reply"));
    let found = reply.split_whitespace().find_map(find).unwrap_or(&UNKNOWN);
    match language {
        Language::English => vec![
            format!("{}: refused ({})", event.event, event.kind),
            format!("Peer: {ip}, which called itself “{helo}”; sender <{sender}>, recipient <{}>", event.recipient),
            format!("It was told: {reply}"),
            format!("Why, and what would have changed it: {}", found.english),
        ],
        Language::Chinese => vec![
            format!("{}：已拒绝（{}）", event.event, event.kind),
            format!("对方：{ip}，自称“{helo}”；发件人 <{sender}>，收件人 <{}>", event.recipient),
            format!("给对方的应答：{reply}"),
            format!("原因，以及怎样会有不同的结果：{}", found.chinese),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use std::path::Path;

    /// Codes of replies as the sources write them: `(5, 7, 1)` behind `Reply::new` or on a line of its own.
    fn codes(text: &str) -> Vec<String> {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let groups = text.match_indices('(').map(|(at, _)| text[at + 1..].split(')').next().unwrap_or_default());
        let numbers = groups.filter_map(|group| {
            let parts: Vec<&str> = group.split(", ").collect();
            let is_code = parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok()) && matches!(parts[0], "4" | "5");
            is_code.then(|| parts.join("."))
        });
        numbers.collect()
    }

    #[test]
    fn every_code_we_send_is_explained() {
        let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let (mut seen, mut missing) = (0, Vec::new());
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("sources").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") && !path.components().any(|part| part.as_os_str() == "tests") {
                    for code in codes(&std::fs::read_to_string(&path).expect("UTF-8")) {
                        seen += 1;
                        // "Something failed" in a notice, when the next hop said nothing more.
                        if find(&code).is_none() && !code.ends_with(".0.0") && !path.ends_with("tests.rs") {
                            missing.push(format!("{code} in {}", path.display()));
                        }
                    }
                }
            }
        }
        assert!(seen > 40, "the sources are not read as they are written");
        assert!(missing.is_empty(), "explain these in MEANINGS: {missing:#?}");
    }
}
