//! The story of a refusal that left no receipt: what was said to the peer, why, and what would have let it in.

use super::Language;
use crate::trace::api::EventBody;

/// What a reply of ours means: code as in the reply, whose turn it is, what to do. English and 简体中文.
struct Meaning {
    code: &'static str,
    english: &'static str,
    chinese: &'static str,
}

const fn meaning(code: &'static str, english: &'static str, chinese: &'static str) -> Meaning {
    Meaning { code, english, chinese }
}

/// By enhanced status code; the first that the reply carries.
const MEANINGS: &[Meaning] = &[
    meaning(
        "5.4.1",
        "The recipient does not exist here. It would have been accepted if the address were listed (gatepost recipient add) or known to the next hop.",
        "收件人在本组织不存在。如果该地址已登记（gatepost recipient add）或下一跳服务器认识它，邮件就会被接受。",
    ),
    meaning(
        "5.6.11",
        "The message held a bare CR or LF, or a NUL: what SMTP smuggling is made of. It would have been accepted with CRLF line ends throughout. The sender's software must be mended.",
        "邮件内容含有单独的 CR、LF 或 NUL，这正是 SMTP 走私攻击的手法。如果全部使用 CRLF 换行，邮件就会被接受。应由发件方修复其软件。",
    ),
    meaning(
        "5.4.6",
        "The mail went round in circles. Somebody forwards it back to us: look at the Received lines.",
        "邮件在服务器之间循环。有人把它转回了这里：请查看 Received 行。",
    ),
    meaning(
        "5.6.1",
        "A piece of a message cannot be inspected alone. It would have been accepted in one piece.",
        "被拆分的邮件片段无法单独检查。完整发送即可。",
    ),
    meaning(
        "5.3.4",
        "The message was larger than [limits] message_octets_max allows. A smaller one, or a link to the file, would have passed.",
        "邮件超过了 [limits] message_octets_max 允许的大小。缩小邮件或改发文件链接即可。",
    ),
    meaning(
        "4.5.3",
        "Too much at once; the sender's server tries the rest again by itself.",
        "一次发送过多；发件方服务器会自动重试其余部分。",
    ),
    meaning(
        "4.7.0",
        "The peer was asked to come back later: too many connections or too many mistakes. A well-behaved server tries again by itself.",
        "已请对方稍后再试：连接过多或错误过多。正常的服务器会自动重试。",
    ),
    meaning(
        "4.3.1",
        "We had no room. It is our turn: free disk space. The sender's server tries again by itself.",
        "本机空间不足，应由我们清理磁盘。发件方服务器会自动重试。",
    ),
    meaning(
        "4.3.0",
        "We failed. It is our turn: see the log. The sender's server tries again by itself.",
        "本机出错，应由我们查看日志处理。发件方服务器会自动重试。",
    ),
    meaning(
        "5.7.1",
        "A rule of ours refused it; the reply says which. The sender can mend what it names, or the administrator can allow it (gatepost entry add allow …).",
        "被我们的规则拒绝，应答中已写明是哪一条。发件方可以修正，或由管理员放行（gatepost entry add allow …）。",
    ),
];

const UNKNOWN: Meaning = meaning(
    "",
    "The session itself refused it: what the peer sent is not what SMTP allows at that point. The sender's software must be mended.",
    "会话本身拒绝了它：对方发送的内容在此处不符合 SMTP 的规定。应由发件方修复其软件。",
);

/// The refusal, line by line.
pub fn explain_refusal(event: &EventBody, language: Language) -> Vec<String> {
    let told = |key: &str| event.detail.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let (ip, helo, sender, reply) = (told("ip"), told("helo"), told("sender"), told("reply"));
    let found = MEANINGS.iter().find(|meaning| reply.contains(meaning.code)).unwrap_or(&UNKNOWN);
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
