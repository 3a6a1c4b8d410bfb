//! Which header fields are evidence, and for how long.

/// What a field is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Written on the way by a filter, a list server or a mailbox: never.
    Not,
    /// New in every mail, or the name of who received it: evidence here and now.
    Passing,
    /// What a sender's program writes the same way next year.
    Lasting,
}

pub(super) fn kept(name: &[u8]) -> Kept {
    if is_one_of(name, LEFT_OUT) {
        Kept::Not
    } else if is_one_of(name, PASSING) {
        Kept::Passing
    } else {
        Kept::Lasting
    }
}

/// A name that ends in `-` is a prefix. Received and To stay: to a model that learns where it works they are the strongest
/// evidence there is.
const LEFT_OUT: &[&str] = &[
    "ARC-",
    "Authentication-Results",
    "Delivered-To",
    "DKIM-Signature", // random octets by nature; that it holds is judged by authentication
    "DomainKey-Signature",
    "Envelope-To",
    "List-",
    "Mailing-List",
    "Received-SPF",
    "Status",
    "X-Amavis-",
    "X-BeenThere",
    "X-EOPAttributedMessage",
    "X-EOPTenantAttributedMessage",
    "X-Forefront-",
    "X-Gatepost-",
    "X-Google-DKIM-Signature",
    "X-IncomingHeaderCount",
    "X-IncomingTopHeaderMarker",
    "X-Keywords",
    "X-Mailing-List",
    "X-Mailman-",
    "X-Microsoft-",
    "X-Mozilla-",
    "X-MS-",
    "X-Original-To",
    "X-SID-",
    "X-Spam-",
    "X-Status",
    "X-UID",
    "X-Virus-",
];

const PASSING: &[&str] = &[
    "Cc",
    "Date",
    "Errors-To",
    "In-Reply-To",
    "Message-ID",
    "Precedence",
    "Received",
    "References",
    "Reply-To",
    "Resent-Date",
    "Return-Path",
    "Sender",
    "To",
    "X-Loop",
    "X-Original-Date",
    "X-UIDL",
];

fn is_one_of(name: &[u8], list: &[&str]) -> bool {
    list.iter().any(|listed| match listed.strip_suffix('-') {
        Some(prefix) => {
            name.len() > prefix.len() && name[prefix.len()] == b'-' && name[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
        }
        None => name.eq_ignore_ascii_case(listed.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_kept_for_as_long_as_they_tell_something() {
        for (name, want) in [
            ("X-Spam-Status", Kept::Not),
            ("x-ms-exchange-organization-scl", Kept::Not),
            ("AUTHENTICATION-RESULTS", Kept::Not),
            ("ARC-Seal", Kept::Not),
            ("X-Gatepost-Report", Kept::Not),
            ("Delivered-To", Kept::Not),
            ("List-Id", Kept::Not),
            ("Received", Kept::Passing),
            ("message-id", Kept::Passing),
            ("From", Kept::Lasting),
            ("X-Mailer", Kept::Lasting),
            ("Listen", Kept::Lasting),
            ("X-Spammer", Kept::Lasting),
        ] {
            assert_eq!(kept(name.as_bytes()), want, "{name}");
        }
    }
}
