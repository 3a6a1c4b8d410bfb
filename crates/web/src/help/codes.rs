//! What enhanced status codes mean (RFC 3463, the IANA registry "SMTP Enhanced Status Codes" by RFC 5248, and those that Exchange Online
//! uses besides), one article a code, with what each side does about it.
//!
//! An article is named by its code with class 5; the same code with class 4 says the same for now, and leads to the same article. Some
//! codes are a range of one meaning. Not here: codes of replies of our own, which say more (`gateway::receipt::refusal`).

use super::library::{Article, Kind, Text};
use crate::page::table::escaped;
use crate::page::words::{self, Lang};

/// A code or a range: subject, detail, last detail, reason (`mail::report::bounce`), title and text in English and Chinese.
type Known = (u16, u16, u16, &'static str, [&'static str; 2], [&'static str; 2]);

#[rustfmt::skip] // a code a line, as the registry has them
const KNOWN: &[Known] = &[
    (0, 0, 0, "unknown", ["No reason given", "未说明原因"], ["The server gave no more exact code. Read the words of its reply.", "服务器没有给出更确切的代码，请看其回复的文字。"]),
    (0, 350, 350, "unknown", ["Refused by a server behind Exchange Online", "被 Exchange Online 之后的服务器拒绝"], ["Exchange Online passes on the refusal of another server whose code it does not know. The words behind it are that server's.", "Exchange Online 转述了另一台服务器的拒绝，但不认识其代码；后面的文字才是那台服务器说的。"]),
    (1, 0, 0, "no-such-user", ["Something is wrong with an address", "地址有问题"], ["The server did not say whether the sender's or the recipient's address is meant. At Exchange Online: mostly a recipient that is no longer there, answered from an old entry of the address book.", "服务器没有说明是发件人还是收件人的地址。在 Exchange Online 上多半是收件人已不存在，却用通讯簿里的旧条目回复。"]),
    (1, 1, 1, "no-such-user", ["Nobody has this address", "没有此地址"], ["What stands before the @ is not known at the recipient's server.", "收件服务器不认识 @ 之前的部分。"]),
    (1, 2, 2, "no-such-host", ["The domain does not exist", "域名不存在"], ["What stands behind the @ is not in DNS, or no server takes mail for it.", "@ 之后的域名在 DNS 中不存在，或没有服务器为其收信。"]),
    (1, 3, 3, "bad-address", ["The address cannot be read", "地址写法有误"], ["The recipient's address breaks the rules for addresses.", "收件人地址不符合书写规则。"]),
    (1, 4, 4, "no-such-user", ["The address is ambiguous", "地址不唯一"], ["More than one mailbox fits the address.", "有多个邮箱与此地址相符。"]),
    (1, 5, 5, "on-hold", ["The address is right", "地址有效"], ["This is said in reports of success: the address exists.", "此代码见于成功报告：地址存在。"]),
    (1, 6, 6, "moved", ["The recipient has moved", "收件人已迁走"], ["The mailbox was there and has gone, and nothing is forwarded.", "邮箱曾经存在，现已迁走，且不再转寄。"]),
    (1, 7, 7, "sender-refused", ["The sender's address cannot be read", "发件人地址写法有误"], ["The address that the mail comes from breaks the rules for addresses.", "邮件的发件地址不符合书写规则。"]),
    (1, 8, 8, "sender-refused", ["The sender's domain is refused", "发件人域名被拒绝"], ["The domain of the sender does not resolve or takes no answers. At Exchange Online: the account sent too much spam and may send no more until an administrator lets it.", "发件人的域名无法解析或无法回信。在 Exchange Online 上：该账户发送过多垃圾邮件，在管理员解除之前不能再发。"]),
    (1, 9, 9, "on-hold", ["Passed on to a server that knows no such notices", "已转给不支持此类通知的服务器"], ["The mail went on; whether it arrived cannot be told from here.", "邮件已继续传递，但从这里无法得知是否送达。"]),
    (1, 10, 10, "no-mail-service", ["The domain takes no mail", "该域不收邮件"], ["The recipient's domain has a null MX (RFC 7505). Exchange Online uses the code for an address that is not found.", "收件人的域设置了空 MX（RFC 7505）。Exchange Online 用此代码表示找不到地址。"]),
    (1, 11, 20, "no-such-user", ["The address was not found", "找不到该地址"], ["Codes of Exchange for an address that is not in its directory, or is not as it should be.", "Exchange 用这些代码表示地址不在目录中，或写法不对。"]),
    (1, 90, 90, "too-fast", ["Too many recipients in a day", "一天内收件人过多"], ["The sending account reached its limit of recipients for a day.", "发件账户已达到一天的收件人上限。"]),
    (2, 0, 0, "filtered", ["The mailbox refused the mail", "邮箱拒收"], ["The mailbox exists, and something about it keeps the mail out.", "邮箱存在，但因其自身原因未接收邮件。"]),
    (2, 1, 1, "suspended", ["The mailbox is switched off", "邮箱已停用"], ["The mailbox exists and takes no mail. Some servers say so of addresses that nobody has.", "邮箱存在但不收邮件。有些服务器也用此代码表示地址不存在。"]),
    (2, 2, 2, "mailbox-full", ["The mailbox is full", "邮箱已满"], ["The person has to make room. Exchange Online uses the code also for a sender whose limit of messages is used up.", "需要收件人清理空间。Exchange Online 也用此代码表示发件人的发送额度已用完。"]),
    (2, 3, 3, "over-limit", ["Larger than this mailbox takes", "超过此邮箱的大小限制"], ["The server would take it, this mailbox does not.", "服务器可以接收，但该邮箱不接收这么大的邮件。"]),
    (2, 4, 4, "mailer-trouble", ["The mailing list could not be expanded", "无法展开邮件列表"], ["The members of a list could not be found out.", "无法得知列表的成员。"]),
    (2, 121, 122, "too-fast", ["The recipient gets too much mail", "收件人收到的邮件过多"], ["More mail came for this recipient in an hour than the service passes on.", "一小时内发给该收件人的邮件超过了服务的上限。"]),
    (3, 0, 0, "server-trouble", ["Something is wrong with the server", "服务器有问题"], ["The recipient's server exists and has a problem.", "收件服务器存在，但出现问题。"]),
    (3, 1, 1, "disk-full", ["The server is out of space", "服务器空间不足"], ["Not this mailbox, but the whole server has no room.", "不是该邮箱，而是整台服务器没有空间。"]),
    (3, 2, 2, "server-trouble", ["The server takes no mail now", "服务器暂不收信"], ["It is being looked after, shutting down, or protects itself.", "服务器正在维护、关闭，或在自我保护。"]),
    (3, 3, 3, "server-trouble", ["The server cannot do what the mail needs", "服务器不支持邮件所需的功能"], ["Such as a kind of encoding or of address.", "例如某种编码或地址形式。"]),
    (3, 4, 4, "too-big", ["Larger than the server takes", "超过服务器的大小限制"], ["Attachments grow by a third on their way.", "附件在传输中会增大约三分之一。"]),
    (3, 5, 5, "server-trouble", ["The server is set up wrongly", "服务器配置有误"], ["It sends mail to itself, or does not know where mail goes.", "它把邮件发给自己，或不知道邮件该发往哪里。"]),
    (3, 6, 6, "on-hold", ["The priority was changed", "优先级已更改"], ["The mail was taken with another priority than asked for.", "邮件已接收，但优先级与请求不同。"]),
    (3, 190, 190, "policy", ["Refused because of its attachment or content", "因附件或内容被拒绝"], ["Exchange Online did not take the message as it is.", "Exchange Online 未接收此邮件。"]),
    (4, 0, 0, "network", ["Something is wrong on the way", "传输路径有问题"], ["The server could not be reached, and nobody said why.", "无法连接服务器，且没有说明原因。"]),
    (4, 1, 1, "network", ["The server does not answer", "服务器没有应答"], ["Nobody answered at the recipient's server. Exchange Online says “Recipient address rejected: Access denied” with this code when the address does not exist.", "收件服务器没有应答。Exchange Online 也用此代码并注明 “Recipient address rejected: Access denied”，表示地址不存在。"]),
    (4, 2, 2, "network", ["The connection broke off", "连接中断"], ["The servers talked, and the connection was lost.", "服务器之间已建立连接，但中途断开。"]),
    (4, 3, 3, "server-trouble", ["A directory does not answer", "目录服务没有应答"], ["DNS or the directory of users could not be asked.", "无法查询 DNS 或用户目录。"]),
    (4, 4, 4, "network", ["There is no way to the server", "找不到投递路由"], ["No server could be found for the domain, or its MX records are wrong.", "找不到该域的服务器，或 MX 记录有误。"]),
    (4, 5, 5, "server-trouble", ["Too much mail on the way", "邮件拥塞"], ["The server has more to do than it can.", "服务器负载过高。"]),
    (4, 6, 6, "network", ["The mail goes round in circles", "邮件循环"], ["Two servers or two forwardings send it to each other. Zoho uses the code for unusual sending.", "两台服务器或两条转发规则互相投递。Zoho 用此代码表示发送异常。"]),
    (4, 7, 7, "expired", ["Nobody took the mail in time", "逾期未能投递"], ["It was tried until the time was up. The words mostly tell what happened last.", "一直尝试到期限为止。文字里通常写明最后一次发生了什么。"]),
    (4, 8, 20, "network", ["The mail goes round in circles", "邮件循环"], ["Codes of Exchange for mail that passed too many servers.", "Exchange 用这些代码表示邮件经过了过多的服务器。"]),
    (4, 300, 300, "expired", ["Nobody took the mail in time", "逾期未能投递"], ["Exchange Online tried for a day; what the other server said stands behind it.", "Exchange Online 尝试了一天；后面附有对方服务器的回复。"]),
    (4, 310, 310, "no-such-host", ["The domain does not exist", "域名不存在"], ["Exchange Online did not find the recipient's domain in DNS.", "Exchange Online 在 DNS 中找不到收件人的域名。"]),
    (4, 312, 312, "network", ["DNS does not answer", "DNS 没有应答"], ["Exchange Online got no answer about the recipient's domain.", "Exchange Online 查询收件人域名时没有得到应答。"]),
    (4, 316, 317, "expired", ["The server refuses connections", "服务器拒绝连接"], ["Exchange Online could not connect to the recipient's server, or lost the connection.", "Exchange Online 无法连接收件服务器，或连接中断。"]),
    (5, 0, 0, "unknown", ["The servers did not understand each other", "协议出错"], ["Many servers use this code for anything they have no code for; read the words.", "许多服务器在没有合适代码时使用它，请看文字。"]),
    (5, 1, 1, "server-trouble", ["A command was refused", "命令无效"], ["Sent at the wrong time, or not known.", "命令出现的时机不对，或服务器不认识。"]),
    (5, 2, 2, "bad-address", ["A command could not be read", "语法错误"], ["Often an address with signs that must not be there.", "常见于地址中含有不允许的字符。"]),
    (5, 3, 3, "too-fast", ["Too many recipients", "收件人过多"], ["More recipients in one mail than the server takes. Servers mostly send it in parts.", "一封邮件的收件人超过了服务器的上限。服务器通常会分批发送。"]),
    (5, 4, 4, "server-trouble", ["A command had wrong parts", "命令参数有误"], ["Such as an option that the server does not know.", "例如服务器不认识的选项。"]),
    (5, 5, 5, "server-trouble", ["The versions do not fit", "协议版本不符"], ["The servers speak versions of the protocol that do not fit.", "两端使用的协议版本不一致。"]),
    (5, 6, 6, "server-trouble", ["A line of signing in is too long", "登录数据行过长"], ["What was sent for signing in is longer than the server takes.", "登录时发送的数据超过了服务器的上限。"]),
    (6, 0, 0, "bad-content", ["Something is wrong with the content", "内容有问题"], ["The server cannot take what is in the message.", "服务器无法接收邮件内容。"]),
    (6, 1, 1, "bad-content", ["This kind of content is not taken", "不支持的内容类型"], ["The server does not take this kind of attachment or encoding.", "服务器不接收此类附件或编码。"]),
    (6, 2, 2, "bad-content", ["It may not be converted", "禁止转换"], ["The message would have to be changed on its way, and that is not allowed.", "邮件需要在途中转换，但不允许转换。"]),
    (6, 3, 3, "bad-content", ["It cannot be converted", "无法转换"], ["The message would have to be changed on its way, and nobody there can.", "邮件需要在途中转换，但对方不支持。"]),
    (6, 4, 4, "bad-content", ["Something was lost in converting", "转换时有损失"], ["The message arrived, and a part of it could not be kept.", "邮件已送达，但部分内容未能保留。"]),
    (6, 5, 5, "bad-content", ["Converting failed", "转换失败"], ["The server tried to change the message and could not.", "服务器尝试转换邮件但失败。"]),
    (6, 6, 6, "bad-content", ["The content is not there", "内容不可用"], ["What the message refers to could not be fetched.", "邮件引用的内容无法取得。"]),
    (6, 7, 7, "bad-content", ["Such addresses are not taken", "不支持非 ASCII 地址"], ["An address has letters beyond ASCII, and the recipient's server does not take them (SMTPUTF8).", "地址含有非 ASCII 字符，而收件服务器不支持（SMTPUTF8）。"]),
    (6, 8, 8, "bad-content", ["The answer would need other letters", "回复需要 UTF-8"], ["The server would have to answer in UTF-8, and may not.", "服务器需要用 UTF-8 回复，但不被允许。"]),
    (6, 9, 10, "bad-content", ["The header has letters that are not taken", "邮件头字符不被支持"], ["The header is in UTF-8, and the next server does not take it.", "邮件头使用 UTF-8，而下一台服务器不支持。"]),
    (6, 11, 11, "not-compliant", ["The message has bare line feeds", "邮件含有单独的换行符"], ["Lines end in a way that mail does not allow; the program that wrote it has to be mended.", "换行方式不符合邮件标准，需要修复生成邮件的程序。"]),
    (7, 0, 0, "policy", ["Refused for reasons of security", "因安全原因被拒绝"], ["The server gave no more exact reason.", "服务器没有给出更确切的原因。"]),
    (7, 1, 1, "policy", ["Not allowed", "未获授权"], ["The sender, the server that sends, or the content is not wanted. This is the code that is used for nearly everything; the words say which.", "发件人、发件服务器或内容不被接受。几乎什么情况都用这个代码，具体看文字。"]),
    (7, 2, 2, "not-permitted", ["This sender may not write to the list", "无权向列表发信"], ["Only some may write to this mailing list.", "只有部分人可以向此列表发信。"]),
    (7, 3, 3, "not-permitted", ["It cannot be converted securely", "无法安全转换"], ["The message would have to be decrypted or signed anew, and that is not possible.", "邮件需要重新解密或签名，但无法做到。"]),
    (7, 4, 4, "not-permitted", ["The server lacks what security asks for", "服务器不支持所需的安全功能"], ["Mostly encryption that one side asks for and the other does not offer.", "多为一端要求加密而另一端不提供。"]),
    (7, 5, 5, "not-permitted", ["Encryption failed", "加密失败"], ["A certificate or a key is not accepted.", "证书或密钥不被接受。"]),
    (7, 6, 6, "not-permitted", ["The kind of encryption is not known", "不支持的加密算法"], ["The two sides have no algorithm in common.", "双方没有共同支持的算法。"]),
    (7, 7, 7, "bad-content", ["The message was changed on its way", "邮件在途中被改动"], ["A check of its integrity failed.", "完整性校验失败。"]),
    (7, 8, 8, "not-permitted", ["The login is not accepted", "登录凭据无效"], ["User name or password is wrong.", "用户名或密码错误。"]),
    (7, 9, 9, "policy", ["The way of signing in is too weak", "登录方式过弱"], ["RFC 5248 has this meaning; Yahoo uses the code for mail that its rules refuse.", "RFC 5248 的含义如此；Yahoo 用此代码表示按策略拒收。"]),
    (7, 10, 10, "not-permitted", ["Encryption is needed", "需要加密"], ["The server takes mail or logins only over TLS.", "服务器只通过 TLS 接收邮件或登录。"]),
    (7, 11, 11, "not-permitted", ["Encryption is needed for signing in", "登录需要加密"], ["This way of signing in works over TLS only.", "此登录方式只能通过 TLS 使用。"]),
    (7, 12, 12, "not-permitted", ["The sender is not known to the organisation", "发件人未经组织验证"], ["In the registry: a new password has to be set. At Exchange: the recipient takes mail only from people of the organisation.", "注册表中的含义是需要更换密码。在 Exchange 上：收件人只接收组织内部的邮件。"]),
    (7, 13, 13, "suspended", ["The account is switched off", "账户已停用"], ["The account of the sender or the recipient is disabled. At Exchange: the group takes no mail from outside.", "发件人或收件人的账户已停用。在 Exchange 上：该群组不接收外部邮件。"]),
    (7, 14, 14, "not-permitted", ["The servers do not trust each other", "缺少信任关系"], ["The server takes such mail only from servers it was told of.", "服务器只接收其登记过的服务器的此类邮件。"]),
    (7, 15, 15, "on-hold", ["The priority is too low", "优先级过低"], ["The server takes only more urgent mail at the moment.", "服务器目前只接收更紧急的邮件。"]),
    (7, 16, 16, "too-big", ["Too large for its priority", "超过该优先级的大小限制"], ["Urgent mail may be smaller only.", "紧急邮件的大小限制更严。"]),
    (7, 17, 18, "no-such-user", ["The address has another owner now", "地址已换主人"], ["The mailbox or the domain was given to somebody else since you knew it (RRVS).", "邮箱或域名在您得知之后已转给他人（RRVS）。"]),
    (7, 19, 19, "on-hold", ["Whether the owner is the same cannot be told", "无法核实地址是否易主"], ["The server cannot find out since when the recipient has the address.", "服务器无法查明收件人从何时起拥有此地址。"]),
    (7, 20, 22, "not-authenticated", ["The signature (DKIM) does not hold", "DKIM 签名未通过"], ["No signature is there, none is accepted, or none is of the domain in From.", "没有签名、签名不被接受，或不是 From 域名的签名。"]),
    (7, 23, 24, "not-authenticated", ["The sending server is not in SPF", "SPF 未通过"], ["The SPF record of the domain does not name the server that sent, or cannot be read.", "域名的 SPF 记录未包含发件服务器，或无法读取。"]),
    (7, 25, 25, "no-reverse-name", ["The sending address has no name", "发件地址没有反向名称"], ["The address that connected has no PTR record, or its name does not lead back.", "连接的地址没有 PTR 记录，或其名称不能指回。"]),
    (7, 26, 26, "not-authenticated", ["The mail could not be authenticated", "邮件未通过身份验证"], ["Neither SPF nor DKIM passed, or DMARC asks for refusal.", "SPF 和 DKIM 都未通过，或 DMARC 要求拒收。"]),
    (7, 27, 27, "sender-refused", ["The sender's domain takes no answers", "发件人域名不收邮件"], ["The domain of the sender has a null MX: nobody could answer.", "发件人的域设置了空 MX：无法回信。"]),
    (7, 28, 28, "too-fast", ["Too much mail at once", "邮件过多"], ["More mail came from there than the server takes in this time.", "此来源的邮件超过了服务器在这段时间内的上限。"]),
    (7, 29, 29, "not-authenticated", ["The chain of forwarders (ARC) does not hold", "ARC 链未通过"], ["A server on the way changed what an earlier one had sealed. Gmail uses the code for mail that came without TLS.", "途中的服务器改动了先前封存的内容。Gmail 用此代码表示邮件未经 TLS 传输。"]),
    (7, 30, 30, "not-permitted", ["The next server does not promise encryption", "下一台服务器不保证加密"], ["The sender asked for encryption all the way (REQUIRETLS). Gmail uses the code for mail without a valid DKIM signature.", "发件人要求全程加密（REQUIRETLS）。Gmail 用此代码表示没有有效的 DKIM 签名。"]),
    (7, 57, 57, "not-permitted", ["Signing in is needed to send", "发信需要登录"], ["A device or program tried to send through the server without signing in.", "设备或程序未登录就想通过服务器发信。"]),
    (7, 60, 60, "sender-refused", ["May not send as this address", "无权以此地址发信"], ["The account that signed in is not allowed to use this sender.", "登录的账户无权使用此发件人。"]),
    (7, 64, 64, "no-relay", ["The connector does not fit", "连接器不匹配"], ["Exchange Online does not know the server that sends as one of its organisation's: certificate or address do not fit the connector.", "Exchange Online 不认识发件服务器属于哪个组织：证书或地址与连接器不符。"]),
    (7, 124, 124, "not-permitted", ["The sender is not on the list of allowed senders", "发件人不在允许名单"], ["The recipient group takes mail only from some.", "该群组只接收部分人的邮件。"]),
    (7, 133, 136, "not-permitted", ["The recipient takes no mail from outside", "收件人不接收外部邮件"], ["Only people of the organisation who signed in may write to this group or mailbox.", "只有登录的组织成员可以向此群组或邮箱发信。"]),
    (7, 193, 193, "policy", ["Refused by a rule for shared mail", "因共享规则被拒绝"], ["The organisation does not let this sender in.", "组织不允许此发件人。"]),
    (7, 321, 324, "not-permitted", ["Encryption to the server failed", "与服务器的加密连接失败"], ["Exchange Online asks for TLS by DANE or MTA-STS: the server does not offer it, its certificate has run out, or its records are wrong.", "Exchange Online 按 DANE 或 MTA-STS 要求 TLS：服务器不提供、证书过期，或记录有误。"]),
    (7, 501, 501, "spam", ["The sender was found sending spam", "发件人被认定发送垃圾邮件"], ["Exchange Online banned the sending account for spam.", "Exchange Online 因垃圾邮件封禁了发件账户。"]),
    (7, 502, 503, "sender-refused", ["The sender is banned", "发件人被封禁"], ["Exchange Online takes nothing from this sender at the moment.", "Exchange Online 目前不接收此发件人的任何邮件。"]),
    (7, 504, 505, "filtered", ["The recipient is refused", "收件人被拒绝"], ["The recipient's organisation takes no mail for this address.", "收件人的组织不接收发往此地址的邮件。"]),
    (7, 506, 506, "blocked", ["The server calls itself by another's name", "HELO 名称不当"], ["The sending server greets with the name of the one it connects to.", "发件服务器用对方的名称打招呼。"]),
    (7, 507, 507, "filtered", ["The recipient blocked the sender", "收件人屏蔽了发件人"], ["The address of the sending server is on the recipient's block list.", "发件服务器的地址在收件人的阻止名单中。"]),
    (7, 508, 508, "too-fast", ["Too much from one address", "同一地址发送过多"], ["The sending address sent more in an hour than a new one may.", "发件地址一小时内的发送量超过了新地址的上限。"]),
    (7, 509, 509, "not-authenticated", ["DMARC failed, and asks for refusal", "DMARC 未通过且要求拒收"], ["The domain in From asks receivers to refuse what does not pass.", "From 的域名要求收件方拒收未通过的邮件。"]),
    (7, 510, 510, "no-mail-service", ["No mail over IPv6", "不接收 IPv6 邮件"], ["The recipient's domain takes no mail over IPv6.", "收件人的域不接收来自 IPv6 的邮件。"]),
    (7, 511, 511, "sender-refused", ["The sending server is banned", "发件服务器被封禁"], ["Exchange Online asks to write to its delisting address with the whole bounce.", "Exchange Online 要求把完整退信寄到其解封地址。"]),
    (7, 512, 512, "not-compliant", ["The message breaks the standard", "邮件不符合标准"], ["From must be there, once, with one address (RFC 5322 §3.6.2).", "必须有且只有一个 From，且只含一个地址（RFC 5322 §3.6.2）。"]),
    (7, 513, 513, "filtered", ["Blocked by the recipient's list", "被收件人的名单阻止"], ["The recipient's administrators block the address of the sending server.", "收件人的管理员阻止了发件服务器的地址。"]),
    (7, 500, 699, "blocked", ["The sending address is blocked", "发件地址被封锁"], ["Exchange Online limits or blocks the address (4.7.500-699: for now, 5.7.606-649: until it is asked to take it off its list).", "Exchange Online 限制或封锁了该地址（4.7.500-699 为暂时，5.7.606-649 需申请移除）。"]),
    (7, 703, 703, "policy", ["The own organisation blocks this address", "本组织阻止了此地址"], ["The sender's organisation has the recipient on its list of blocked addresses and domains.", "发件人所在组织把收件人列入了阻止名单。"]),
    (7, 700, 749, "too-fast", ["The organisation sends too much", "组织发送过多"], ["Exchange Online has limited the organisation, mostly because an account was taken over or the domain is new.", "Exchange Online 限制了该组织，多因账户被盗用或域名较新。"]),
    (7, 750, 750, "not-permitted", ["The domain is not registered there", "域名未登记"], ["Mail is sent through Exchange Online with a domain that nobody added to it.", "通过 Exchange Online 发信的域名未添加到该组织。"]),
    (7, 850, 899, "bad-reputation", ["The sending address has a bad reputation", "发件地址信誉不佳"], ["Exchange Online puts off mail of this address for now.", "Exchange Online 暂缓接收此地址的邮件。"]),
];

/// Details up to this one are in the IANA registry or are codes of Exchange Online; no server has others with four digits.
const DETAIL_MAX: u16 = 999;

/// The article that explains a code such as "5.7.606"; `None` for one that nobody registered.
pub fn name_of(code: &str) -> Option<String> {
    known(code).map(name)
}

fn known(code: &str) -> Option<&'static Known> {
    let mut parts = code.split('.').map(str::parse::<u16>);
    let (class, subject, detail) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !matches!(class, 2 | 4 | 5) || parts.next().is_some() || detail > DETAIL_MAX {
        return None;
    }
    let fits = |one: &&Known| one.0 == subject && (one.1..=one.2).contains(&detail);
    // The narrowest range is the most exact.
    KNOWN.iter().filter(fits).min_by_key(|one| one.2 - one.1)
}

fn name(known: &Known) -> String {
    format!("5.{}.{}", known.0, known.1)
}

/// One article a code or range.
pub fn articles() -> impl Iterator<Item = Article> {
    KNOWN.iter().map(|known| Article {
        kind: Kind::Code,
        name: name(known),
        english: text(known, Lang::English),
        chinese: text(known, Lang::Chinese),
    })
}

/// Why, what the sender does, what the recipient's administrator does, and where to go on.
fn text(known: &Known, lang: Lang) -> Text {
    let (subject, first, last, reason, titles, texts) = known;
    let own = usize::from(lang == Lang::Chinese);
    let said = |key: &str| words::text(lang, key, &[]);
    let range = if first == last { format!("5.{subject}.{first}") } else { format!("5.{subject}.{first} – 5.{subject}.{last}") };
    let title = words::text(lang, "help-code-title", &[("what", range.as_str().into()), ("detail", titles[own].into())]);
    let both = words::text(lang, "help-code-classes", &[("what", format!("4.{subject}.{first}").into())]);
    let parts = [
        (String::new(), texts[own].to_string()),
        (String::new(), both),
        (said("bounce-for-sender"), said(&format!("bounce-{reason}-sender"))),
        (said("bounce-for-administrator"), said(&format!("bounce-{reason}-administrator"))),
    ];
    let mut blocks = Vec::new();
    for (heading, line) in &parts {
        if !heading.is_empty() {
            blocks.push(format!("<h2>{}</h2>", escaped(heading)));
        }
        blocks.push(format!("<p>{}</p>", escaped(line)));
    }
    blocks.push(format!("<p><a href=\"/help/bounce\">{}</a></p>", escaped(&said("help-code-more"))));
    let plain = parts.iter().map(|(heading, line)| format!("{heading} {line}")).collect::<Vec<_>>().join(" ");
    Text::whole(title, blocks, plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::report::bounce::Reason;

    /// The registry "SMTP Enhanced Status Codes", subject and last detail.
    const REGISTERED: [(u16, u16); 8] = [(0, 0), (1, 10), (2, 4), (3, 6), (4, 7), (5, 6), (6, 10), (7, 30)];

    #[test]
    fn every_registered_code_and_those_of_exchange_online_have_an_article() {
        for (subject, last) in REGISTERED {
            for detail in 0..=last {
                assert!(name_of(&format!("5.{subject}.{detail}")).is_some(), "5.{subject}.{detail}");
            }
        }
        for code in [
            "4.7.500", "4.7.699", "5.0.350", "5.1.0", "5.1.8", "5.1.20", "4.4.7", "5.4.20", "5.6.11", "5.7.12", "5.7.135", "5.7.23",
            "5.7.57", "5.7.64", "5.7.124", "5.7.133", "5.7.134", "5.7.136", "5.7.700", "5.7.750", "4.3.2", "4.4.316", "4.5.3", "4.7.26",
            "4.7.850", "5.2.121", "5.2.122", "5.3.190", "5.4.300", "5.7.25", "5.7.501", "5.7.503", "5.7.504", "5.7.505", "5.7.506",
            "5.7.507", "5.7.508", "5.7.509", "5.7.510", "5.7.511", "5.7.512", "5.7.513", "5.7.606", "5.7.649", "5.7.705", "5.7.708",
            "5.7.703",
        ] {
            assert!(name_of(code).is_some(), "{code}");
        }
        for (code, want) in [
            ("4.7.1", Some("5.7.1")),
            ("5.7.610", Some("5.7.500")),
            ("5.7.509", Some("5.7.509")),
            ("5.9.9", None),
            ("5.7", None),
            ("x", None),
        ] {
            assert_eq!(name_of(code).as_deref(), want, "{code}");
        }
    }

    #[test]
    fn reasons_are_known_and_names_are_told_once() {
        let mut names = std::collections::BTreeSet::new();
        for one in KNOWN {
            assert!(Reason::ALL.iter().any(|reason| reason.name() == one.3), "{}", one.3);
            assert!(one.1 <= one.2 && names.insert(name(one)), "{}", name(one));
        }
    }
}
