//! Why mail did not arrive, from its enhanced status: what words tell about it and whose turn it is.

/// One kind of trouble with one piece of advice. The words are in [`super::words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    NoSuchRecipient,
    NoSuchDomain,
    MailboxOff,
    MailboxFull,
    TooBig,
    Unreachable,
    Loop,
    Expired,
    Refused,
    SenderNotProved,
    TlsMissing,
    NeedsUtf8,
    BadContent,
    ServerTrouble,
    Unknown,
}

impl Cause {
    pub const ALL: [Cause; 15] = [
        Cause::NoSuchRecipient,
        Cause::NoSuchDomain,
        Cause::MailboxOff,
        Cause::MailboxFull,
        Cause::TooBig,
        Cause::Unreachable,
        Cause::Loop,
        Cause::Expired,
        Cause::Refused,
        Cause::SenderNotProved,
        Cause::TlsMissing,
        Cause::NeedsUtf8,
        Cause::BadContent,
        Cause::ServerTrouble,
        Cause::Unknown,
    ];

    /// RFC 3463, and the IANA registry of enhanced status codes for the later ones.
    pub fn of(status: (u8, u16, u16)) -> Cause {
        match (status.1, status.2) {
            (1, 1 | 3 | 6 | 10) => Cause::NoSuchRecipient,
            // The whole domain has no such recipient at its edge (directory edge blocking).
            (4, 1) if status.0 == 5 => Cause::NoSuchRecipient,
            (1, 2) | (4, 4) => Cause::NoSuchDomain,
            (1, 7 | 8) | (7, 20..=29) => Cause::SenderNotProved,
            (2, 1) => Cause::MailboxOff,
            (2, 2) => Cause::MailboxFull,
            (2, 3) | (3, 4) => Cause::TooBig,
            (4, 6) => Cause::Loop,
            (4, 7) => Cause::Expired,
            (4, _) => Cause::Unreachable,
            (6, 7..=9) => Cause::NeedsUtf8,
            (6, _) => Cause::BadContent,
            (7, 10 | 11 | 30) => Cause::TlsMissing,
            (7, _) => Cause::Refused,
            (2 | 3 | 5, _) => Cause::ServerTrouble,
            _ => Cause::Unknown,
        }
    }
}
