//! Words by which servers say why, in the order they are asked: the more telling before the more general.
//!
//! Text is compared in lower case with single spaces. A `+` in a phrase joins parts that must all be there, in any order.

use super::Phase;
use super::reason::{Evidence, Reason};

/// Words that mean one reason.
pub(super) struct Words {
    pub reason: Reason,
    any: &'static [&'static str],
    /// Not when one of these is there as well.
    unless: &'static [&'static str],
    /// Only as an answer to this command.
    only: Option<Phase>,
}

impl Words {
    pub fn fits(&self, text: &str, seen: &Evidence<'_>) -> bool {
        let has = |phrase: &&str| phrase.split('+').all(|part| text.contains(part));
        (self.only.is_none() || self.only == seen.phase) && self.any.iter().any(has) && !self.unless.iter().any(has)
    }
}

pub(super) const fn words(reason: Reason, any: &'static [&'static str]) -> Words {
    Words { reason, any, unless: &[], only: None }
}

pub(super) const fn unless(reason: Reason, any: &'static [&'static str], unless: &'static [&'static str]) -> Words {
    Words { reason, any, unless, only: None }
}

pub(super) const fn at(phase: Phase, reason: Reason, any: &'static [&'static str]) -> Words {
    Words { reason, any, unless: &[], only: Some(phase) }
}

#[rustfmt::skip] // a phrase a line would be eight hundred lines
pub(super) const WORDS: &[Words] = &[
    words(Reason::Network, &["dns query failed"]),
    words(Reason::Expired, &["message expired", "queue.expired"]),
    words(Reason::OnHold, &[": on hold", "is on hold"]),
    words(Reason::NoSuchHost, &["account or domain may not exist"]),
    words(
        Reason::NotPermitted,
        &[
            "authentication required", "authrequired", "smtp authentication in your", "turn on smtp auth",
            "without authentication", "unauthenticated senders", "must be authenticated", "must authenticate", "5.7.57",
            "not authorized", "not authenticated to send anonymous", "authentication credentials", "sender not authenticated",
        ],
    ),
    words(
        Reason::NotAuthenticated,
        &[
            "dmarc", "spf record", "spf check", "spf fail", "spf validation", "fails spf", "failed spf", "spf hard fail",
            "spf softfail", "spf policy", "spf+not allowed to send", "spf: ", "is not allowed to send+spf",
            "not permitted by spf", "openspf.", "dkim+fail", "dkim+invalid", "dkim+required", "unauthenticated email",
            "unauthenticated mail", "unauthenticated message", "authentication information", "authentication checks failed",
            "fails to pass authentication", "email authentication", "sender id fail", "domainkeys+fail",
        ],
    ),
    at(Phase::Connect, Reason::Blocked, &["missing reverse dns"]),
    words(
        Reason::NoReverseName,
        &[
            "reverse dns", "reverse lookup", "reverse name", "reverse hostname", "reverse mapping", "ptr record", "no ptr",
            "without ptr", "missing ptr", "rdns", "ip name lookup failed", "unverifyable sending", "cannot find your hostname",
            "cannot find your reverse", "cannot resolve your address", "unresolvable ip", "does not have a valid hostname",
            "your ip address+no name", "forward-confirmed",
        ],
    ),
    words(Reason::Virus, &["virus detected", "contains a virus", "infected", "virus found", "malware", "virus "]),
    words(
        Reason::TooManyConnections,
        &[
            "frequency limited", "too many connections", "too many concurrent", "concurrent connection", "too many simultaneous",
            "max connections", "connection limit", "connections from your", "connection rate limit", "too many sessions",
        ],
    ),
    unless(
        Reason::BadReputation,
        &[
            "ip reputation", "reputation", "user complaints", "poor reputation", "senderscore", "sender score", "low score",
            "tss04", "tss09",
        ],
        &["blocked using", "dnsbl"],
    ),
    words(
        Reason::TooFast,
        &[
            "rate limit", "rate limited", "too many messages", "sending rate", "receiving mail too quickly",
            "receiving mail at a rate", "too many emails", "too much mail", "try again later+throttl", "throttled", "too fast",
            "exceeded the rate", "please slow down", "unusual rate of unsolicited",
        ],
    ),
    words(
        Reason::NotCompliant,
        &[
            "multiple addresses in from", "not rfc 5322", "rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "rfc 822 compliant",
            "not rfc compliant", "rfc-compliant", "duplicate header", "bare lf", "bare line feed", "missing message-id",
            "missing date header", "missing from header",
        ],
    ),
    words(
        Reason::SenderRefused,
        &[
            "sender address rejected", "sender rejected", "rejected sender", "sender address refused", "invalid sender",
            "sender verify fail", "sender verification fail", "unroutable sender", "domain of sender", "sender domain",
            "sender's domain", "from: domain is invalid", "sending to/from an address", "purported responsible address",
            "not a member of this mailing list", "not a member of this list", "only members", "groups.google.com/support",
            "envelope sender", "all recipient addresses rejected", "sender denied", "sender is not allowed",
            "from address+rejected", "your email address+blocked", "backscatter",
        ],
    ),
    unless(
        Reason::Suspended,
        &[
            "account is disabled", "account disabled", "account+disabled", "mailbox disabled", "mailbox is disabled",
            "user+disabled", "disabled recipient", "account is locked", "account locked", "mailbox is locked", "frozen",
            "suspend", "recipient account is blocked", "account has been blocked", "account is inactive", "inactive mailbox",
            "mailbox is inactive", "account inactive", "user is inactive", "inactive user", "temporarily disabled",
            "account expired", "deactivated", "discontinued", "compte+bloque", "停用",
        ],
        &["delivery temporarily suspended", "sending suspended"],
    ),
    words(
        Reason::Filtered,
        &[
            "message filtered", "rejected by user", "blocked by recipient", "recipient has blocked", "user has blocked",
            "refuses mail from", "user does not want", "due to user+filter", "because the user+whitelist",
        ],
    ),
    unless(
        Reason::Spam,
        &[
            "spam", " ube", "unsolicited", "bulk mail", "junk mail", "mail rejete. mail rejected", "message content rejected",
            "content rejected", "blacklisted url", "uribl", "surbl", "high probability of", "considered unsolicited",
            "looks like spam", "message+blocked+content filter", "cloudmark", "rejected due to content",
            "message rejected due to", "message contains+url",
        ],
        &[
            "5.6.", "client host", "source ip", "spamhaus", "spamcop", "ip address", "banned", "blocked using", "is listed",
            "listed at", "listed on", "spamming", "block list", "blocklist", "your ip", "server ip", "blocked for",
        ],
    ),
    words(
        Reason::Policy,
        &[
            "policy reasons", "policy violation detected", "content presents a potential", "security issue", "header error",
            "client host rejected: #", "local policy", "violates", "attachment+not allowed", "attachment type",
            "blocked attachment", "prohibited attachment", "administrative prohibition", "administratively prohibited",
            "policy restriction", "not accepted for policy", "for policy",
        ],
    ),
    words(
        Reason::NotPermitted,
        &[
            "policy violation", "delivery not authorized", "security violation", "certificate+required", "must issue a starttls",
            "encryption required",
        ],
    ),
    words(
        Reason::Blocked,
        &[
            "blocked using", "blocked by", "blocked for", "is blocked", "was blocked", "blacklist", "black list", "blocklist",
            "block list", "blocked ip", "banned", "dnsbl", " rbl", "spamhaus", "spamcop", "barracudacentral", "is listed",
            "are listed", "listed at", "listed on", "listed in dns", "for abuse", "weren't sent", "client host rejected",
            "host rejected", "connection rejected", "not accepting connections", "(bl)", "smtp server of your isp",
            "relay quota", "spamming issues", "incident de spam", "access denied, banned", "go away", "no thanks", "dynamic ip",
            "residential", "dynamic address", "bad helo", "helo command rejected", "invalid helo", "ip address+rejected",
            "denied by",
        ],
    ),
    at(
        Phase::Connect,
        Reason::Blocked,
        &["access denied", "rejected", "denied", "invalid domain name", "not accepted", "not welcome", "no smtp service here"],
    ),
    words(
        Reason::NoRelay,
        &[
            "relay access denied", "relaying denied", "no relaying", "relay not permitted", "relaying not", "relay denied",
            "unable to relay", "cannot relay", "not permitted to relay", "relay is not", "relaying is", "don't relay",
            "not allowed to relay", "relayaccess", "isn't in my list of allowed rcpthosts", "not in my list of allowed",
            "relaying to",
        ],
    ),
    words(
        Reason::DiskFull,
        &[
            "insufficient disk space", "insufficient system storage", "insufficient system resources", "no space left",
            "out of disk", "disk full", "insufficient storage on server",
        ],
    ),
    words(
        Reason::MailboxFull,
        &[
            "mailbox full", "mailbox is full", "mailbox+is full", "mailbox+full", "mail box full", "mailfolder is full",
            "inbox is full", "over quota", "overquota", "quota exceeded", "exceeded+quota", "quota violation", "disk quota",
            "out of storage", "exceeds allowed size", "exceeded storage", "exceeded the local limit", "storage limit",
            "storage quota", "mailbox size limit", "exceeded its disk", "not enough storage", "maildir over quota",
            "exceeds mailbox quota", "boite+pleine", "quota dépassé", "邮箱已满", "信箱已满", "容量",
        ],
    ),
    words(
        Reason::OverLimit,
        &["length exceeds administrative", "length exceeds limit set by", "size exceeds fixed maximum", "fixed maximum message size"],
    ),
    words(
        Reason::TooBig,
        &[
            "too large", "too big", "size limit", "size exceeds", "exceeds size", "exceeds maximum", "maximum message size",
            "message size", "line limit exceeded", "line length", "exceeds the maximum", "larger than", "recipsizelimit",
            "exceeded maximum",
        ],
    ),
    words(
        Reason::BadContent,
        &[
            "improper use of 8-bit", "headers too large", "media error", "message content rejected", "mime error",
            "malformed mime", "conversion", "header too", "5.6.",
        ],
    ),
    words(
        Reason::BadAddress,
        &[
            "malformed address", "incorrectly constructed", "syntax error in+address", "bad address syntax",
            "invalid address syntax", "unbalanced",
        ],
    ),
    words(
        Reason::Moved,
        &[
            "has moved", "no longer on server", "not our customer", "not our user", "user has moved", "has left the company",
            "no longer with", "no longer works", "no longer employed", "new address is", "forwarding address",
            "please use the new",
        ],
    ),
    words(
        Reason::Network,
        &[
            "host name lookup failure", "too many hops", "hop count", "mail loop", "loops back", "loop detected",
            "forwarding loop", "routing loop", "establish an smtp connection", "network is unreachable", "no route to host",
            "dns timeout", "temporary lookup failure", "malformed or unexpected name server",
        ],
    ),
    words(
        Reason::NoMailService,
        &[
            "no smtp service", "does not accept mail", "not accepting network messages", "couldn't find a mail exchanger",
            "no mail exchanger", "does not receive mail", "null mx", "nullmx", "domain accepts no mail", "not accept any mail",
            "name service error for name+type=mx",
        ],
    ),
    unless(
        Reason::NoSuchHost,
        &[
            "host unknown", "unknown host", "host not found", "host+not found", "host or domain name not found",
            "unrouteable address", "unrouteable mail domain", "unroutable address", "no such domain", "domain does not exist",
            "any host named", "domain not found", "dns lookup failure", "bad destination system", "bad destination host",
            "domain isn't in", "nxdomain", "non-existent domain", "domain may not exist", "account or domain may not",
            "invalid domain",
        ],
        &["aborted after"],
    ),
    at(Phase::Data, Reason::NoSuchHost, &[" does not exist"]),
    words(
        Reason::MailerTrouble,
        &[
            "x-unix", "mailer error", "unknown mailer error", "pipe to |", "command failed", "local delivery failed",
            "command died", "operating system error", "exit status", "child status", "unable to execute",
        ],
    ),
    words(
        Reason::ServerTrouble,
        &[
            "ldap server", "internal system error", "internal error", "internal server error", "does not support tls",
            "insufficient permission", "local configuration error", "config error", "configuration error", "system error", "system not configured",
            "queue file write error", "server error", "temporary local problem", "local error",
            "resources temporarily unavailable", "unable to lookup", "server busy", "too busy",
        ],
    ),
    words(
        Reason::NoSuchUser,
        &[
            "user unknown", "unknown user", "unknown recipient", "unknown address", "unknown local", "unknown account",
            "unknown mailbox", "user+not found", "no such user", "no such mailbox", "no such recipient", "no such address",
            "no such local user", "no such person", "no mailbox", "no user", "not listed in", "recipnotfound",
            "recipientnotfound", "recipient not found", "recipient unknown", "recipient does not exist",
            "recipient address rejected", "recipient rejected", "recipient not exist", "recipient no longer",
            "invalid recipient", "invalid mailbox", "invalid user", "invalid address", "invalid final delivery userid",
            "address rejected", "address unknown", "address does not exist", "address not found", "account does not exist",
            "account not found", "user does not exist", "user doesn't exist", "user not exist", "mailbox does not exist",
            "mailbox not found", "mailbox unavailable", "mailbox unknown", "does not exist", "doesn't exist", "doesn't have a",
            "not a valid mailbox", "not a valid recipient", "not a known user", "no longer valid", "no longer available",
            "inactive email address", "unknown or illegal", "bad destination mailbox", "undeliverable address",
            "not our recipient", "user account is unavailable", "account is unavailable", "destinataire invalide",
            "n'existe pas", "existiert nicht", "unbekannt", "no existe", "não existe", "non esiste", "ディレクトリのリストにありません",
            "アドレスが見つからない", "用户不存在", "收件人不存在", "找不到收件人", "不存在",
        ],
    ),
    words(Reason::Filtered, &["rejected by a remote mail server"]),
    words(
        Reason::Expired,
        &[
            "expired", "connection refused", "still undelivered after", "not been delivered+after", "could not be delivered for",
            "retry timeout exceeded", "retry time", "not responding", "delivery failed+attempts", "timed out", "time out",
            "timeout", "socket error", "host not reachable", "was aborted after", "has been delayed",
            "could not deliver for the last", "hosts have been failing", "did not accept our requests to connect",
            "in the queue too long", "not delivered within", "was not delivered within", "giving up", "unable to deliver+days",
        ],
    ),
    words(
        Reason::OnHold,
        &[
            "on hold", "temporary failure", "greylist", "graylist", "grey-list", "try again later", "please retry later",
            "temporarily deferred",
        ],
    ),
    at(Phase::Mail, Reason::SenderRefused, &["access denied", "denied", "refused", "does not exist", "rejected"]),
    words(Reason::NotPermitted, &["access denied", "permission denied", "not permitted", "not allowed"]),
];

/// Reasons that may be read from the words around an answer that itself tells nothing.
pub(super) fn tells(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Expired
            | Reason::Suspended
            | Reason::Spam
            | Reason::MailboxFull
            | Reason::NoSuchHost
            | Reason::MailerTrouble
            | Reason::Virus
    )
}

/// Words around an answer that say more than "user unknown" does.
pub(super) const SWITCHED_OFF: &[&str] =
    &["account is disabled", "account has been disabled", "mailbox is disabled", "account is suspended", "account has been suspended"];

/// Words that say that nobody is there, rather than that an address is wrong.
pub(super) const NOBODY: &[&str] = &["user unknown", "unknown user", "no such user"];

/// Marks above the mail that is returned.
pub(super) const RETURNED: &[&str] = &[
    "copy of the message",
    "copy of your message",
    "original message",
    "original mail",
    "message headers follow",
    "header of the original",
    "headers of the original",
    "returned message",
    "message header",
    "unsent message",
    "undelivered message",
    "message follows",
    "nicht zugestellt",
    "以下是原邮件",
    "原始邮件",
];

/// Words without which a text tells nothing about delivery.
pub(super) const DELIVERY: &[&str] = &[
    "deliver",
    "undeliver",
    "returned mail",
    "failure notice",
    "failure reasons",
    "could not be sent",
    "unknown user",
    "mailbox",
    "rejected",
    "returned to sender",
    "recipient",
    "addresses had",
    "groups.google.com/support",
    "not a member",
    "incorrectly constructed",
    "duplicated message-id",
    "zugestellt",
    "distribué",
    "送信できません",
    "退信",
    "投递失败",
    "无法投递",
];

/// Subjects of people who are away.
pub(super) const ABSENT: &[&str] = &[
    "out of office",
    "out of the office",
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "vacation",
    "on holiday",
    "abwesend",
    "abwesenheit",
    "automatische antwort",
    "absence du bureau",
    "réponse automatique",
    "respuesta automática",
    "resposta automática",
    "risposta automatica",
    "自动回复",
    "自動返信",
];
