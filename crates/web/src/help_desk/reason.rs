//! Why we refused, as an outsider may know it: from the reply that was said to them and nothing else of ours.

use gateway::trace::Refusal;

/// One kind of refusal. Each has words `desk-why-…` and `desk-do-…`, and says whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    UnknownRecipient,
    BlockedAddress,
    ListedAddress,
    Relay,
    RegisteredServers,
    NeedsTls,
    Dmarc,
    AttachmentType,
    Policy,
    Rule,
    LineEnds,
    TooLarge,
    Loop,
    Piece,
    Author,
    Login,
    SmtpUtf8,
    Protocol,
    /// Our fault, for now.
    Ours,
    Greylisted,
    /// For now, for the rest of reasons.
    Later,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Sender,
    Recipient,
    Us,
    Nobody,
}

impl Turn {
    /// In words `desk-turn-…` and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Sender => "sender",
            Turn::Recipient => "recipient",
            Turn::Us => "us",
            Turn::Nobody => "nobody",
        }
    }
}

impl Reason {
    pub const ALL: [Reason; 21] = [
        Reason::UnknownRecipient,
        Reason::BlockedAddress,
        Reason::ListedAddress,
        Reason::Relay,
        Reason::RegisteredServers,
        Reason::NeedsTls,
        Reason::Dmarc,
        Reason::AttachmentType,
        Reason::Policy,
        Reason::Rule,
        Reason::LineEnds,
        Reason::TooLarge,
        Reason::Loop,
        Reason::Piece,
        Reason::Author,
        Reason::Login,
        Reason::SmtpUtf8,
        Reason::Protocol,
        Reason::Ours,
        Reason::Greylisted,
        Reason::Later,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Reason::UnknownRecipient => "unknown-recipient",
            Reason::BlockedAddress => "blocked-address",
            Reason::ListedAddress => "listed-address",
            Reason::Relay => "relay",
            Reason::RegisteredServers => "registered-servers",
            Reason::NeedsTls => "needs-tls",
            Reason::Dmarc => "dmarc",
            Reason::AttachmentType => "attachment-type",
            Reason::Policy => "policy",
            Reason::Rule => "rule",
            Reason::LineEnds => "line-ends",
            Reason::TooLarge => "too-large",
            Reason::Loop => "loop",
            Reason::Piece => "piece",
            Reason::Author => "author",
            Reason::Login => "login",
            Reason::SmtpUtf8 => "smtputf8",
            Reason::Protocol => "protocol",
            Reason::Ours => "ours",
            Reason::Greylisted => "greylisted",
            Reason::Later => "later",
        }
    }

    pub fn turn(self) -> Turn {
        match self {
            Reason::BlockedAddress | Reason::Policy | Reason::Rule => Turn::Recipient,
            Reason::Ours => Turn::Us,
            Reason::Greylisted | Reason::Later => Turn::Nobody,
            _ => Turn::Sender,
        }
    }

    /// Whether the organisation can do something about it. What passes by itself, and what is wrong in the sender's software, it cannot.
    pub fn can_be_asked_about(self) -> bool {
        !matches!(
            self,
            Reason::Relay
                | Reason::LineEnds
                | Reason::Loop
                | Reason::Piece
                | Reason::Login
                | Reason::SmtpUtf8
                | Reason::Protocol
                | Reason::Ours
                | Reason::Greylisted
                | Reason::Later
        )
    }

    /// Whether an allow entry would change it. A block entry is stronger, and an allow entry makes no recipient, no TLS and no proof.
    pub fn is_allowable(self) -> bool {
        matches!(self, Reason::ListedAddress | Reason::Policy)
    }

    /// Where an administrator mends what an allow entry does not; '' where words are all there is.
    pub fn place(self) -> &'static str {
        match self {
            Reason::UnknownRecipient => "/domains",
            Reason::BlockedAddress => "/entries",
            Reason::RegisteredServers | Reason::NeedsTls => "/connectors",
            Reason::Dmarc | Reason::AttachmentType => "/policies",
            Reason::Rule => "/rules",
            _ => "",
        }
    }

    /// From the reply as it was said. `is_content`: the message had been sent.
    pub fn of(refusal: &Refusal, is_content: bool) -> Reason {
        let (reply, status) = (refusal.reply.as_str(), status(&refusal.reply));
        let says = |part: &str| reply.contains(part);
        match status.as_str() {
            "4.7.1" => Reason::Greylisted,
            "4.3.0" | "4.3.1" | "4.3.5" | "4.4.4" => Reason::Ours,
            later if later.starts_with('4') || reply.starts_with('4') => Reason::Later,
            "5.4.1" => Reason::UnknownRecipient,
            "5.6.11" => Reason::LineEnds,
            "5.3.4" => Reason::TooLarge,
            "5.4.6" => Reason::Loop,
            "5.6.1" => Reason::Piece,
            "5.6.7" => Reason::SmtpUtf8,
            "5.7.8" | "5.7.11" => Reason::Login,
            "5.7.0" | "5.7.10" => Reason::NeedsTls,
            "5.7.1" if says("We do not relay") || says("may only send with") => Reason::Relay,
            "5.7.1" if says("is on the block list") => Reason::BlockedAddress,
            "5.7.1" if says("is listed in") => Reason::ListedAddress,
            "5.7.1" if says("registered servers") => Reason::RegisteredServers,
            "5.7.1" if says("From header must name") => Reason::Author,
            "5.7.1" if says("DMARC failed") => Reason::Dmarc,
            "5.7.1" if says("An attachment is of a type") => Reason::AttachmentType,
            "5.7.1" if says("Refused by the policy") => Reason::Policy,
            _ if is_content && refusal.check.is_empty() && !status.starts_with("5.5") => Reason::Rule,
            _ if is_content && !status.starts_with("5.5") => Reason::Policy,
            "5.7.1" => Reason::Policy,
            _ => Reason::Protocol,
        }
    }
}

/// `5.7.1` of `550 5.7.1 text`; '' when there is none.
pub fn status(reply: &str) -> String {
    let word = reply.split_whitespace().nth(1).unwrap_or_default();
    let is_status =
        word.split('.').count() == 3 && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    if is_status { word.into() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::{Lang, has};

    #[test]
    fn replies_are_told_apart() {
        for (reply, is_content, want) in [
            ("550 5.4.1 Recipient address rejected: Access denied (e01)", false, Reason::UnknownRecipient),
            ("550 5.7.1 192.0.2.9 is on the block list of the recipient's organisation (e01)", false, Reason::BlockedAddress),
            ("550 5.7.1 192.0.2.9 is listed in zen.example: ask its keepers to remove it", false, Reason::ListedAddress),
            ("550 5.7.1 We do not relay mail for you to this domain", false, Reason::Relay),
            ("550 5.7.1 Mail of this sender's domain is only taken from its registered servers", false, Reason::RegisteredServers),
            ("530 5.7.0 Say STARTTLS first: mail from you is only taken over TLS", false, Reason::NeedsTls),
            ("550 5.7.1 DMARC failed: the From domain asks for reject, and neither SPF nor DKIM passed for it (m01)", true, Reason::Dmarc),
            ("550 5.7.1 An attachment is of a type that is not accepted here", true, Reason::AttachmentType),
            ("550 5.7.1 Refused by the policy of the recipient's organisation", true, Reason::Policy),
            ("550 5.7.1 We take no invoices by mail; use the portal", true, Reason::Rule),
            ("554 5.7.900 Ask us first", true, Reason::Rule),
            ("550 5.7.1 The From header must name exactly one sender: two", true, Reason::Author),
            ("550 5.6.11 The message holds a NUL octet, which mail must not", true, Reason::LineEnds),
            ("552 5.3.4 Messages may have 1000 octets here", true, Reason::TooLarge),
            ("554 5.4.6 This mail goes round in circles: it has passed 101 servers", true, Reason::Loop),
            ("451 4.7.1 Please come again", true, Reason::Greylisted),
            ("452 4.3.1 No room", true, Reason::Ours),
            ("421 4.7.0 Too many connections from your address", false, Reason::Later),
            ("503 5.5.1 Say MAIL first", false, Reason::Protocol),
            ("500 what", false, Reason::Protocol),
        ] {
            let refusal = Refusal { reply: reply.into(), ..Refusal::default() };
            assert_eq!(Reason::of(&refusal, is_content), want, "{reply}");
        }
    }

    #[test]
    fn every_reason_is_written() {
        for reason in Reason::ALL {
            for part in ["why", "do"] {
                let key = format!("desk-{part}-{}", reason.name());
                assert!(has(Lang::English, &key) && has(Lang::Chinese, &key), "{key}");
            }
        }
    }
}
