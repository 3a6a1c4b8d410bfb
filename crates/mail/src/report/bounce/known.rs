//! Words and codes of well-known services, as they publish them: asked before the general words, because the same words mean
//! something else there.
//!
//! A code of a service (`[TSS04]`, `MI:SPF`, `AUP#In-1310`) stands for what its operator says about it. Nothing here looks at the name of
//! the server: only at what was said.

use super::pattern::{Words, unless, words};
use super::reason::Reason;

#[rustfmt::skip] // a phrase a line would be several hundred lines
pub(super) const KNOWN: &[Words] = &[
    // Put off, in words that otherwise mean that nobody is there or that an account is switched off.
    words(Reason::OnHold, &["rejected+greylist", "rejected+graylist", "greylisting in action", "greylisted", "graylisted", "please come back later"]),
    words(Reason::Network, &["host not found, try again", "cname_lookup_failed", "cname lookup failed", "temporary failure in name resolution"]),
    words(
        Reason::NoSuchHost,
        &[
            "recipient address rejected: domain not found", "nonexistentdomain", "nonexistent domain", "point to non-existent hosts",
            "no address associated with", "all host address lookups failed permanently", "couldn't find any host by that name",
            "no route found to domain", "no mx found for domain", "no mx found for destination", "illegal host/domain name found",
            "weren't able to find the recipient domain", "dns domain",
        ],
    ),
    // Google.
    words(Reason::Blocked, &["ip you're using to send mail is not authorized", "ip not in whitelist for rcpt domain"]),
    words(Reason::TooFast, &["daily user sending", "daily sending quota", "daily smtp relay", "sending limit exceeded", "sending quota", "email quota exceeded"]),
    words(Reason::NotPermitted, &["not sent over a tls connection", "tls required", "starttls is required", "requires tls"]),
    words(Reason::NotAuthenticated, &["because it is unauthenticated", "requires all senders to authenticate", "dkim+did not pass", "spf+did not pass", "dkim+not pass", "spf+suspicious entries"]),
    // Exchange and Exchange Online.
    words(Reason::SenderRefused, &["banned sender+5.7.5", "banned sender,", "bad outbound sender"]),
    words(Reason::Filtered, &["banned recipient", "blocked by recipient", "mail is rejected by recipient"]),
    words(Reason::NoMailService, &["not accept email over ipv6", "does not accept mail over ipv6", "destination seem to reject all mails"]),
    words(Reason::TooFast, &["tenant has exceeded threshold", "exceeded permitted limits", "submission quota exceeded", "exceeded the daily limit"]),
    words(Reason::Blocked, &["traffic not accepted from this ip", "banned sending ip"]),
    words(Reason::NotPermitted, &["unregistered domain", "restrictedtorecipients", "notauthorized", "resolver.grp.", "sender not in allowed-senders"]),
    words(Reason::MailboxFull, &["quotaexceeded", "allowed quota", "quota limit", "mailbox space not enough", "storage space", "insufficient mailbox space"]),
    words(Reason::TooBig, &["sendsizelimit", "recvsizelimit", "exceeded mailsize limit", "maximum email size exceeded", "message file too big", "illegal message size"]),
    words(Reason::NoSuchUser, &["resolver.fwd.notfound", "name is not recognized", "000c05a6", "e-mail account does not exist at the organization"]),
    words(Reason::Policy, &["rules.rejectmessage", "rejected by organization policy", "mailpolicy violation", "email policy violation", "local policy."]),
    words(Reason::ServerTrouble, &["noconnectorfor", "badprimary", "adr.ambiguous", "suspiciousremoteservererror"]),
    // Yahoo and AOL.
    words(Reason::Blocked, &["connections will not be accepted from", "(con:b", "(rly:", "(dyn:t"]),
    words(Reason::BadReputation, &["[ts01]", "[ts02]", "[ts03]", "all messages from+permanently deferred", "(rtr:bb)"]),
    words(Reason::NoReverseName, &["(dns:nr)", "(dns:b"]),
    words(Reason::Spam, &["(hvu:b", "(spf:b"]),
    // NetEase, Tencent, Aliyun.
    words(Reason::NotAuthenticated, &["mi:spf", "mi:dma", "未通过spf", "spf检查", "dmarc检查"]),
    words(Reason::TooManyConnections, &["hl:icc", "mi:stc", "mi:ccl", "mi:cel", "connection frequency"]),
    words(Reason::TooFast, &["hl:ifc", "hl:mep", "mi:dmc", "mi:sfq", "rp:rcl", "rp:trc", "rp:drc", "rp:qrc", "rp:ccl", "rp:cel", "exceed rcpt limit", "too much recipient", "too many recipients received", "频率", "发信数量超", "收件人数量超"]),
    words(Reason::Blocked, &["dt:rbl", "hl:ihu", "hl:ipb", "wm:bli", "wm:blu", "mi:spb", "suspected spam ip", "connection denied", "connectiondenied", "ip in blacklist", "ip is rejected, smtp auth error"]),
    words(Reason::BadReputation, &["hl:rep"]),
    words(Reason::Spam, &["dt:spm", "mail content denied", "reject by content spam", "reject by behaviour spam", "reject by behavior spam", "suspected spam", "垃圾邮件特征", "疑似垃圾"]),
    words(Reason::NotCompliant, &["mi:nhd", "smtp command pipelining", "cxsmtp", "sender format"]),
    words(Reason::SenderRefused, &["mi:imf", "dt:sum", "user in blacklist", "null sender is not allowed", "invalid dns mx or a", "unauthorized sender address", "domain name required", "sender verify", "verification failed for", "envelope blocked", "manually blocked senders", "cxsndr", "permissions to send as", "permission to send as", "not owned by"]),
    words(Reason::NoRelay, &["rp:frl", "local user only", "relaying disallowed", "relaying forbidden", "open relay not allowed"]),
    words(Reason::Policy, &["reject, id=+banned", "suspected bounce attack", "security policies", "content examination", "anti-spoofing policy", "illegal attachment", "不允许发送该类型"]),
    // Proofpoint, Mimecast, Cisco, Barracuda, and providers with lists of their own.
    unless(Reason::Blocked, &["your access to this mail system", "access to submit messages"], &["reputation"]),
    words(Reason::Blocked, &["blocked - see", "intrusion prevention active", "host network not allowed", "found on rbl", "cxbl", "cdrbl", "ipbl0", "ipbl1", "#bl0000", "spamhaus.org/query", "spamhaus.org/sbl", "mismatches client ip", "ask your postmaster for help or to contact tosa"]),
    words(Reason::NotAuthenticated, &["spf sender invalid", "dkim sender invalid", "dmarc sender invalid"]),
    words(Reason::TooManyConnections, &["aup#in-13", "outbound thread limit", "cxcnct", "cxmxrt"]),
    words(Reason::NoReverseName, &["aup#in-1010", "cxdns"]),
    words(Reason::TooFast, &["received this hour", "has sent to too many", "cxthrt", "unusual sending activity", "#rl0000", "mail flood detected"]),
    words(Reason::Spam, &["urlbl0"]),
    // Orange and La Poste: the number says it, the words are always the same.
    words(Reason::Blocked, &["ofr_999", "ofr004_104+service refuse"]),
    words(Reason::ServerTrouble, &["service refuse+_505"]),
    words(Reason::Unknown, &["service refused, please try later", "service refuse. veuillez"]),
    // What programs say.
    words(Reason::MailerTrouble, &["command time limit exceeded", "command output:", "procmail: ", "maildrop: ", "bin/procmail", "bin/maildrop"]),
    words(Reason::ServerTrouble, &["duplicated message-id", "lowest numbered mx record points to local host", "remote host address is the local host", "in my control/locals", "message has wrong owner", "unable to open mailbox file", "points back to", "can't create user output file", "recipient deferred because there is no mdb"]),
    words(Reason::Network, &["address family mismatch on destination", "all routes to destination blocked", "bad dns lookup error", "network error on destination", "could not retrieve source address", "could not resolve source address", "error in forwarding loop", "maximum forwarding loop", "message looping", "possible mail loop", "mail forwarding loop", "unable to resolve route"]),
    words(Reason::DiskFull, &["not enough disk space", "mail system full", "disk is full", "system storage", "file system is full"]),
    words(Reason::NoSuchUser, &["559 invalid rcptto", "invalid rcptto", "this address no longer accepts mail", "history of bouncing as an invalid address", "no se encuentra en", "non répertorié", "benutzer unbekannt", "utente sconosciuto", "usuario desconocido", "destinataire inconnu", "utilisateur inconnu", "宛先不明", "ユーザーが見つかりません", "ユーザが見つかりません", "邮箱不存在", "邮箱地址不存在", "用户不存", "无此用户", "没有该用户", "信箱不存在", "查無此人"]),
    words(Reason::MailboxFull, &["mailbox ist voll", "postfach ist voll", "postfach voll", "boîte aux lettres pleine", "boîte pleine", "buzón lleno", "buzón está lleno", "casella piena", "caixa postal cheia", "caixa de correio cheia", "メールボックスがいっぱい", "メールボックスの容量", "空间不足", "空间已满", "邮箱满", "邮箱已满"]),
    words(Reason::Suspended, &["email account+inactive", "account+inactive", "mailbox for this recipient is disabled", "recipient is disabled", "已禁用", "被禁用", "已停用", "冻结", "被锁定"]),
    words(Reason::NotPermitted, &["address is not verified", "requires authentication", "需要身份验证", "需要认证", "5.7.57"]),
    words(Reason::NoSuchHost, &["域名不存在", "找不到域名", "找不到收件人的域"]),
    words(Reason::Blocked, &["黑名单", "被屏蔽", "被封禁"]),
    words(Reason::TooBig, &["邮件过大", "附件过大", "超过大小", "超过了大小", "大小超"]),
    words(Reason::Virus, &["含有病毒", "包含病毒", "带有病毒"]),
    words(Reason::Spam, &["垃圾邮件", "垃圾信"]),
    words(Reason::Filtered, &["拒收", "拒绝接收"]),
    words(Reason::Expired, &["连接超时", "投递超时", "多次尝试"]),
    // Postfix names the last failure behind these words; the account is well.
    unless(Reason::Network, &["delivery temporarily suspended+lost connection"], &["timed out"]),
];
