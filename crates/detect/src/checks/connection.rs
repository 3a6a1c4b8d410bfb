//! Articles of `connection.*`.

use super::{CheckDoc, doc};

pub(crate) const CHECKS: &[CheckDoc] = &[
    doc(
        "connection.helo.ours",
        ["A stranger calls itself by our name", "外部主机自称是本方域名"],
        "The server that handed the mail over introduced itself with a domain that is served here, without signing in. Servers of the organisation belong on a connector or the list of relays; anybody else has no reason to use the name.",
        "送来邮件的服务器未登录，却以本方的域名自称。本组织自己的服务器应登记在连接器或中继名单中，其他人没有理由使用这个名称。",
    ),
    doc(
        "connection.helo.wrong-address",
        ["The server names another address as its own", "服务器自称的地址与实际不符"],
        "In its greeting the server gave an address in brackets that is not the one it connected from (RFC 5321 §4.1.3). A server behind address translation can be set to give its public name.",
        "服务器在问候时给出的方括号地址并不是它实际连接的地址（RFC 5321 §4.1.3）。位于地址转换之后的服务器可以设置为使用其公网名称。",
    ),
    doc(
        "connection.helo.bare-address",
        ["The server greets with a bare address", "服务器以裸地址问候"],
        "The server introduced itself with an address without brackets. Standards ask for a host name, or an address in brackets (RFC 5321 §4.1.3).",
        "服务器用不带方括号的地址自我介绍。标准要求使用主机名，或带方括号的地址（RFC 5321 §4.1.3）。",
    ),
    doc(
        "connection.helo.not-qualified",
        ["The server greets without a full name", "服务器问候时没有使用完整名称"],
        "The server introduced itself with a name without a dot, such as “localhost”. Mail servers use their full name (RFC 5321 §2.3.5); programs on infected machines and some printers do not.",
        "服务器用不含点的名称（例如“localhost”）自我介绍。邮件服务器会使用完整名称（RFC 5321 §2.3.5），而受感染机器上的程序和某些打印机则不会。",
    ),
    doc(
        "connection.reverse.missing",
        ["The sending address has no name", "发送地址没有反向名称"],
        "DNS has no name for the address that handed the mail over (no PTR record). Its owner, usually the provider, can set one; many receivers ask for it.",
        "DNS 中没有送信地址的名称（没有 PTR 记录）。该地址的所有者（通常是服务商）可以设置，许多接收方都要求有此记录。",
    ),
    doc(
        "connection.reverse.unconfirmed",
        ["The name of the sending address does not lead back", "发送地址的名称无法对应回该地址"],
        "The address has a name in DNS, but asking for that name does not give the address (RFC 8601 §3). The owner of the address should make both records agree.",
        "该地址在 DNS 中有名称，但查询该名称得不到这个地址（RFC 8601 §3）。地址所有者应使两条记录一致。",
    ),
    doc(
        "connection.reverse.generic",
        ["The sending address has a name made of its numbers", "发送地址使用由数字生成的名称"],
        "The name of the address spells its numbers, as providers name lines of customers. Mail servers have a name of their own; ask the provider for one.",
        "该地址的名称由其数字拼成，这是服务商给用户线路起名的方式。邮件服务器应有自己的名称，可向服务商申请。",
    ),
    doc(
        crate::connection::DNS_LIST,
        ["The sending address is on a list", "发送地址在名单中"],
        "A list in DNS that was chosen in the settings names the address. The evidence says which list and which code; its keepers say why and how to be removed.",
        "设置中选用的 DNS 名单列有该地址。证据说明是哪个名单以及返回码；名单维护者会说明原因和移除方法。",
    ),
    doc(
        crate::connection::DNS_LIST_UNAVAILABLE,
        ["A list gave no usable answer", "某个名单没有给出可用的答复"],
        "A list in DNS did not answer, or does not serve this resolver. The mail was judged without it. Check the resolver: lists refuse large public ones.",
        "某个 DNS 名单没有答复，或不为当前解析器服务。判定时未使用它。请检查解析器：名单通常拒绝大型公共解析器。",
    ),
    doc(
        crate::connection::REPUTATION_GOOD,
        ["The sender is known here for wanted mail", "该发件方在此有良好记录"],
        "Earlier mail of the same address, domain or signer to this organisation was wanted. The evidence gives the counts. It speaks for the mail a little, never against malware.",
        "同一地址、域名或签名者以前发给本组织的邮件是收件人想要的。证据给出数量。这对邮件略有利，但从不抵消恶意软件。",
    ),
    doc(
        crate::connection::REPUTATION_BAD,
        ["The sender is known here for unwanted mail", "该发件方在此有不良记录"],
        "Earlier mail of the same address, domain or signer to this organisation was spam, phish or worse. The evidence gives the counts; they fade with a half-life of thirty days.",
        "同一地址、域名或签名者以前发给本组织的邮件是垃圾邮件、网络钓鱼或更糟。证据给出数量，其影响每三十天减半。",
    ),
    doc(
        crate::connection::RATE_UNKNOWN_RECIPIENTS,
        ["The sending address tries recipients that do not exist", "发送地址在尝试不存在的收件人"],
        "Within the last minutes the address asked for many recipients that are not here, as those do who guess addresses.",
        "最近几分钟内，该地址请求了许多此处不存在的收件人，这正是猜测地址者的做法。",
    ),
    doc(
        crate::connection::RATE_BURST,
        ["Much mail at once from an address that is new here", "新地址突然大量发信"],
        "An address without a record here sent many mails within a few minutes. Newsletters of known senders do not count: their domain is known.",
        "在此没有记录的地址在几分钟内发送了许多邮件。已知发件方的简报不计入，因为其域名已有记录。",
    ),
];
