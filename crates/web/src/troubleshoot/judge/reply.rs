//! What a reply means: of a next hop to us, or of ours about a next hop.
//!
//! Invariant: our own sentences are known by their status and their words (`gateway::delivery`); what another server said is read as any
//! bounce is (`mail::report::bounce`), never by which server it was.

use crate::troubleshoot::cause::Cause;
use mail::report::bounce::{self, Reason};

/// The cause behind a reply. `hop` is who said it; "" when nobody was reached.
pub fn cause(hop: &str, reply: &str) -> Cause {
    if let Some(cause) = ours(hop, reply) {
        return cause;
    }
    let failure = bounce::explain(reply);
    theirs(failure.reason, reply)
}

/// Sentences that delivery writes itself: `(status, words, cause)`; all words must be there.
const OURS: &[(&str, &str, Cause)] = &[
    ("4.3.5", "allow_private", Cause::ConnectorPrivateAddress),
    ("4.3.5", "connector", Cause::ConnectorMissing),
    ("4.4.1", "cannot connect", Cause::NextHopUnreachable),
    ("4.4.3", "next hops of connector", Cause::NextHopNoAddress),
    ("4.4.3", "cannot be looked up now", Cause::DomainDnsFailing),
    ("5.1.2", "does not exist", Cause::DomainUnknown),
    ("5.1.2", "is not a domain name", Cause::DomainUnknown),
    ("5.1.10", "accepts no mail", Cause::DomainTakesNoMail),
    ("5.4.4", "the mail servers of", Cause::DomainNoServer),
    ("5.4.4", "is not a public address", Cause::DomainNoServer),
    ("5.4.6", "would come back to us", Cause::LoopsToUs),
    ("4.7.4", "TLS is required here", Cause::NextHopNoTls),
    ("4.7.5", "by its MTA-STS policy", Cause::NextHopPolicy),
    ("4.7.5", "by its signed zone", Cause::NextHopPolicy),
    ("4.7.5", "the DNSSEC signatures of", Cause::DnssecBroken),
    ("4.7.5", "cannot be proven (DANE)", Cause::DomainDnsFailing),
    ("4.7.5", "certificate", Cause::NextHopCertificate),
    ("4.7.5", "TLS failed", Cause::NextHopTlsBroken),
    ("4.7.5", "STARTTLS was refused", Cause::NextHopTlsBroken),
    ("4.7.0", "the connector has a login", Cause::NextHopLogin),
    ("4.4.2", "does not keep to SMTP", Cause::NextHopNotSmtp),
    ("4.4.2", "between its reply to STARTTLS", Cause::NextHopTlsBroken),
    ("4.4.2", "the connection was lost", Cause::NextHopDrops),
    ("4.4.2", "closed the connection", Cause::NextHopDrops),
    ("4.4.2", "did not answer in time", Cause::NextHopDrops),
    ("4.4.2", "gave no answer for this recipient", Cause::NextHopDrops),
    ("5.3.4", "the next hop takes", Cause::NextHopTooLarge),
    ("5.6.7", "the next hop does not take", Cause::NextHopLacksFeature),
    ("5.6.3", "which the next hop does not take", Cause::NextHopLacksFeature),
    ("5.7.30", "the next hop does not promise", Cause::NextHopLacksFeature),
    ("5.1.3", "is not an address that can be sent", Cause::MessageMalformed),
    ("5.6.11", "", Cause::MessageMalformed),
];

fn ours(hop: &str, reply: &str) -> Option<Cause> {
    let status = reply.split_whitespace().nth(1).unwrap_or_default();
    let known = OURS.iter().find(|(code, words, _)| *code == status && reply.contains(words)).map(|(.., cause)| *cause);
    // Without a hop nobody but us can have said it.
    known.or_else(|| (hop.is_empty() && status == "4.3.0").then_some(Cause::OurFault))
}

fn theirs(reason: Reason, reply: &str) -> Cause {
    use Reason::*;
    let lower = reply.to_lowercase();
    let speaks_of = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match reason {
        NoSuchUser | Moved | BadAddress => Cause::MailboxUnknown,
        NoSuchHost => Cause::DomainUnknown,
        NoMailService => Cause::DomainTakesNoMail,
        MailboxFull => Cause::MailboxFull,
        Suspended => Cause::MailboxDisabled,
        SenderRefused => Cause::NextHopRefusesSender,
        // 5.7.12 and the groups of Exchange: only people inside may write to it. "Not authenticated" is said of who writes, not of us.
        NotPermitted if speaks_of(INSIDERS_ONLY) => Cause::NextHopRefusesSender,
        NotAuthenticated => Cause::NextHopWantsAuthentication,
        NoReverseName => Cause::NextHopWantsName,
        Blocked | BadReputation => Cause::NextHopBlocksUs,
        TooManyConnections | TooFast => Cause::NextHopRateLimit,
        Filtered | Spam | Virus | Policy | BadContent | NotCompliant => Cause::NextHopRefusesContent,
        NotPermitted if speaks_of(&["auth", "credential", "login", "sign in", "password"]) => Cause::NextHopLogin,
        NotPermitted if speaks_of(&["starttls"]) => Cause::NextHopNoTls,
        NotPermitted if ["530", "534", "535", "538"].iter().any(|code| lower.starts_with(code)) => Cause::NextHopLogin,
        NotPermitted if speaks_of(&["tls", "encrypt"]) => Cause::NextHopNoTls,
        NotPermitted => Cause::NextHopSaysNo,
        NoRelay => Cause::NextHopNoRelay,
        OverLimit if speaks_of(&["daily", "hour", "sending", "too many", "rate"]) => Cause::NextHopRateLimit,
        TooBig | OverLimit => Cause::NextHopTooLarge,
        DiskFull | ServerTrouble | MailerTrouble => Cause::NextHopTrouble,
        Network if speaks_of(&["loop", "hop count", "too many hops"]) => Cause::MailLoop,
        Network if speaks_of(&["sender address rejected", "domain of sender", "sender domain"]) => Cause::NextHopRefusesSender,
        Network => Cause::NextHopTrouble,
        OnHold if speaks_of(&["greylist", "graylist", "grey list", "gray list", "greylisting", "grey-list", "postgrey"]) => {
            Cause::NextHopGreylists
        }
        OnHold if lower.starts_with("421") => Cause::NextHopBusy,
        Expired => Cause::NextHopUnreachable,
        OnHold | AutomaticReply | Unknown => unread(&lower),
    }
}

/// How servers say that an address takes mail of their own people only.
const INSIDERS_ONLY: &[&str] = &[
    "5.7.12 ",
    "5.7.124",
    "5.7.133",
    "5.7.134",
    "5.7.136",
    "resolver.rst.",
    "restrictedtorecipients",
    "sender not in allowed-senders",
    "only accepts messages from people in its organization",
    "only accepts messages from people in their organization",
    "senders inside",
    "internal senders only",
    "仅接受内部",
    "只接受内部",
    "不接受外部",
];

/// A refusal whose words say nothing that is known.
fn unread(lower: &str) -> Cause {
    match () {
        () if ["greylist", "graylist"].iter().any(|word| lower.contains(word)) => Cause::NextHopGreylists,
        () if lower.starts_with("421") => Cause::NextHopBusy,
        () => Cause::NextHopSaysNo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_a_cause() {
        for (hop, reply, want) in [
            ("mx [192.0.2.1]:25", "421 4.4.1 cannot connect: Connection refused (os error 111)", Cause::NextHopUnreachable),
            ("", "451 4.3.5 there is no connector “x”", Cause::ConnectorMissing),
            (
                "",
                "451 4.3.5 10.0.0.1 has a private address, which connector “x” does not allow (allow_private)",
                Cause::ConnectorPrivateAddress,
            ),
            ("", "451 4.4.3 the next hops of connector “x” have no address", Cause::NextHopNoAddress),
            ("", "451 4.4.3 the mail servers of x.example cannot be looked up now", Cause::DomainDnsFailing),
            ("", "550 5.1.2 the domain x.example does not exist", Cause::DomainUnknown),
            ("", "556 5.1.10 the domain x.example accepts no mail", Cause::DomainTakesNoMail),
            ("", "550 5.4.4 the mail servers of x.example have no address", Cause::DomainNoServer),
            ("mx", "454 4.7.4 TLS is required here, and the next hop does not offer it", Cause::NextHopNoTls),
            ("mx", "454 4.7.5 TLS failed: invalid peer certificate: Expired", Cause::NextHopCertificate),
            ("mx", "454 4.7.5 TLS failed: unexpected end of file", Cause::NextHopTlsBroken),
            ("mx", "421 4.4.2 the next hop did not answer in time", Cause::NextHopDrops),
            ("mx", "550 5.1.1 no such user", Cause::MailboxUnknown),
            ("mx", "452 4.2.2 mailbox full", Cause::MailboxFull),
            ("mx", "450 4.2.0 greylisted", Cause::NextHopGreylists),
            ("mx", "554 5.7.1 Relay access denied", Cause::NextHopNoRelay),
            ("mx", "550 5.7.26 unauthenticated mail is not accepted: SPF and DKIM fail", Cause::NextHopWantsAuthentication),
            ("mx", "550 5.7.25 no PTR record", Cause::NextHopWantsName),
            ("mx", "554 5.7.1 192.0.2.1 blocked using zen.spamhaus.org", Cause::NextHopBlocksUs),
            ("mx", "421 4.3.2 Too many connections", Cause::NextHopRateLimit),
            ("mx", "552 5.3.4 message size exceeds fixed limit", Cause::NextHopTooLarge),
            ("mx", "550 5.7.1 message rejected as spam", Cause::NextHopRefusesContent),
            ("mx", "530 5.7.0 Authentication required", Cause::NextHopLogin),
            ("mx", "535 Error: wrong user or key", Cause::NextHopLogin),
            ("mx", "530 5.7.0 Must issue a STARTTLS command first", Cause::NextHopNoTls),
            ("mx", "452 4.3.1 insufficient system storage", Cause::NextHopTrouble),
            ("mx", "550 5.0.0 no", Cause::NextHopSaysNo),
            (
                "mx",
                "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed",
                Cause::NextHopRefusesSender,
            ),
            ("mx", "451 4.7.5 mx.x.example is no mail server of x.example by its MTA-STS policy", Cause::NextHopPolicy),
            (
                "mx",
                "451 4.7.5 whether mail to x.example must be encrypted cannot be proven (DANE): the DNSSEC signatures of x.example are wrong or have ended",
                Cause::DnssecBroken,
            ),
            ("mx", "550 5.4.5 Daily user sending limit exceeded", Cause::NextHopRateLimit),
        ] {
            assert_eq!(cause(hop, reply), want, "{reply}");
        }
    }
}
