//! Every cause a diagnosis can name, with whose turn it is. Words are under `cause-…`, and each is an article of the help.

use serde::{Deserialize, Serialize};

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Who looks after this organisation's mail.
    Administrator,
    /// Who runs this installation.
    Operator,
    /// Who wrote the mail.
    Sender,
    SenderAdministrator,
    /// Who has the mailbox.
    Recipient,
    RecipientAdministrator,
    /// It passes by itself, or nothing is wrong.
    Nobody,
}

impl Turn {
    pub const ALL: [Turn; 7] = [
        Turn::Administrator,
        Turn::Operator,
        Turn::Sender,
        Turn::SenderAdministrator,
        Turn::Recipient,
        Turn::RecipientAdministrator,
        Turn::Nobody,
    ];

    /// In JSON, and in words `turn-…`.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Administrator => "administrator",
            Turn::Operator => "operator",
            Turn::Sender => "sender",
            Turn::SenderAdministrator => "sender-administrator",
            Turn::Recipient => "recipient",
            Turn::RecipientAdministrator => "recipient-administrator",
            Turn::Nobody => "nobody",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $turn:ident;)*) => {
        /// Why mail did not do what somebody expected. The names are stable: stored, in JSON, in addresses of articles.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Cause { $($(#[$doc])* #[serde(rename = $name)] $variant),* }

        impl Cause {
            pub const ALL: &[Cause] = &[$(Cause::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Cause::$variant => $name),* }
            }

            pub fn named(name: &str) -> Option<Cause> {
                match name { $($name => Some(Cause::$variant),)* _ => None }
            }

            /// Whose turn it usually is.
            pub fn turn(self) -> Turn {
                match self { $(Cause::$variant => Turn::$turn),* }
            }
        }
    };
}

causes! {
    // What we decided.
    JudgedMalware = "judged-malware", Sender;
    JudgedPhish = "judged-phish", Administrator;
    JudgedSpam = "judged-spam", Administrator;
    JudgedBulk = "judged-bulk", Administrator;
    JudgedSpoof = "judged-spoof", SenderAdministrator;
    JudgedImpersonation = "judged-impersonation", Administrator;
    NotInspected = "not-inspected", Administrator;
    BlockedAttachment = "blocked-attachment", Sender;
    /// DMARC failed, and what the owner of the domain asks for was done.
    SenderNotAuthenticated = "sender-not-authenticated", SenderAdministrator;
    AllowEntryLost = "allow-entry-lost", Administrator;
    BlockEntry = "block-entry", Administrator;
    MailFlowRule = "mail-flow-rule", Administrator;
    AwaitingApproval = "awaiting-approval", Administrator;
    Redirected = "redirected", Administrator;
    Greylisted = "greylisted", Nobody;
    ExpiredHeld = "expired-held", Administrator;
    DeletedByPerson = "deleted-by-person", Administrator;
    DeliveryCancelled = "delivery-cancelled", Administrator;
    RemovedAfterDelivery = "removed-after-delivery", Administrator;
    WaitedInQuarantine = "waited-in-quarantine", Administrator;
    // What was said at the door.
    RecipientUnknown = "recipient-unknown", Administrator;
    RecipientMistyped = "recipient-mistyped", Sender;
    DomainNotServed = "domain-not-served", Administrator;
    SenderListed = "sender-listed", SenderAdministrator;
    TooLargeHere = "too-large-here", Sender;
    TlsRequiredHere = "tls-required-here", SenderAdministrator;
    NotRegisteredServer = "not-registered-server", SenderAdministrator;
    MessageMalformed = "message-malformed", SenderAdministrator;
    MailLoop = "mail-loop", Administrator;
    RelayRefused = "relay-refused", Administrator;
    LoginRefused = "login-refused", Sender;
    /// Too much mail, or junk, went out under its name.
    SenderRestricted = "sender-restricted", Administrator;
    ForwardingRefused = "forwarding-refused", Administrator;
    TooManyConnectionsHere = "too-many-connections-here", SenderAdministrator;
    RecipientCheckFailed = "recipient-check-failed", Administrator;
    StorageFull = "storage-full", Operator;
    OurFault = "our-fault", Operator;
    SessionBroken = "session-broken", SenderAdministrator;
    // What the next hop did.
    NextHopUnreachable = "next-hop-unreachable", Administrator;
    NextHopNoAddress = "next-hop-no-address", Administrator;
    ConnectorMissing = "connector-missing", Administrator;
    ConnectorPrivateAddress = "connector-private-address", Administrator;
    NextHopNoTls = "next-hop-no-tls", Administrator;
    NextHopTlsBroken = "next-hop-tls-broken", Administrator;
    NextHopCertificate = "next-hop-certificate", Administrator;
    NextHopLogin = "next-hop-login", Administrator;
    NextHopBusy = "next-hop-busy", Administrator;
    NextHopGreylists = "next-hop-greylists", Nobody;
    MailboxUnknown = "mailbox-unknown", Administrator;
    MailboxFull = "mailbox-full", Recipient;
    MailboxDisabled = "mailbox-disabled", Administrator;
    NextHopTooLarge = "next-hop-too-large", Sender;
    NextHopNoRelay = "next-hop-no-relay", Administrator;
    NextHopRefusesSender = "next-hop-refuses-sender", Administrator;
    NextHopRefusesContent = "next-hop-refuses-content", Administrator;
    NextHopBlocksUs = "next-hop-blocks-us", Administrator;
    NextHopWantsAuthentication = "next-hop-wants-authentication", Administrator;
    NextHopWantsName = "next-hop-wants-name", Operator;
    NextHopDrops = "next-hop-drops", Administrator;
    NextHopTrouble = "next-hop-trouble", Administrator;
    NextHopNotSmtp = "next-hop-not-smtp", Administrator;
    NextHopLacksFeature = "next-hop-lacks-feature", Administrator;
    LoopsToUs = "loops-to-us", Administrator;
    NextHopRateLimit = "next-hop-rate-limit", Nobody;
    /// The domain's MTA-STS policy or signed zone forbids its own server.
    NextHopPolicy = "next-hop-policy", RecipientAdministrator;
    NextHopSaysNo = "next-hop-says-no", Administrator;
    // The domain we send to.
    DomainUnknown = "domain-unknown", Sender;
    DomainTakesNoMail = "domain-takes-no-mail", Sender;
    DomainNoServer = "domain-no-server", RecipientAdministrator;
    DomainDnsFailing = "domain-dns-failing", RecipientAdministrator;
    /// Its zone is there, and its signatures are wrong.
    DnssecBroken = "dnssec-broken", RecipientAdministrator;
    // The domain that is ours.
    DomainGone = "domain-gone", Administrator;
    /// The registration ended, or the domain was never put to use.
    DomainParked = "domain-parked", Administrator;
    MxMissing = "mx-missing", Administrator;
    MxElsewhere = "mx-elsewhere", Administrator;
    MxBeside = "mx-beside", Administrator;
    MxDangling = "mx-dangling", Administrator;
    MxIpv6Only = "mx-ipv6-only", Operator;
    MxDnsFailing = "mx-dns-failing", Administrator;
    MtaStsMismatch = "mta-sts-mismatch", Administrator;
    SpfMissing = "spf-missing", Administrator;
    SpfBroken = "spf-broken", Administrator;
    SpfWithoutUs = "spf-without-us", Administrator;
    SpfOpen = "spf-open", Administrator;
    DkimMissing = "dkim-missing", Administrator;
    DkimDiffers = "dkim-differs", Administrator;
    DmarcMissing = "dmarc-missing", Administrator;
    DmarcWatches = "dmarc-watches", Administrator;
    DmarcBroken = "dmarc-broken", Administrator;
    PtrMissing = "ptr-missing", Operator;
    /// A block list that many ask names an address of ours.
    OwnListed = "own-listed", Operator;
    // Nothing is wrong here, or nothing is here.
    Delivered = "delivered", Recipient;
    JunkedAtMailbox = "junked-at-mailbox", Recipient;
    NeverArrived = "never-arrived", SenderAdministrator;
    NotHandedToUs = "not-handed-to-us", Administrator;
    NothingWrong = "nothing-wrong", Nobody;
    TooOld = "too-old", Nobody;
    ServiceIssue = "service-issue", Operator;
    DelayedBeforeUs = "delayed-before-us", SenderAdministrator;
    ClockWrong = "clock-wrong", SenderAdministrator;
    SentTwice = "sent-twice", Sender;
    DeliveredTwice = "delivered-twice", Administrator;
    // Bad mail that came through.
    AllowedByEntry = "allowed-by-entry", Administrator;
    AllowedByRule = "allowed-by-rule", Administrator;
    LenientPolicy = "lenient-policy", Administrator;
    MissedByFilter = "missed-by-filter", Administrator;
    ReleasedByPerson = "released-by-person", Administrator;
    BypassedUs = "bypassed-us", Administrator;
    // Our own side.
    DatabaseSlow = "database-slow", Operator;
    /// Bucket or folder of large messages.
    BodiesAway = "bodies-away", Operator;
    ResolverFailing = "resolver-failing", Operator;
    OwnCertificate = "own-certificate", Operator;
    EngineMissing = "engine-missing", Operator;
    SignaturesOld = "signatures-old", Operator;
    ListMute = "list-mute", Operator;
    /// It answers that it does not serve us (127.255.255.x).
    ListRefusesUs = "list-refuses-us", Operator;
    ModelOld = "model-old", Operator;
    LearnedUnreadable = "learned-unreadable", Operator;
    /// Another server of this installation runs a newer version.
    VersionMixed = "version-mixed", Operator;
    OwnClock = "own-clock", Operator;
    // Bounces of mail that is not ours.
    Backscatter = "backscatter", Nobody;
    RefusedElsewhere = "refused-elsewhere", SenderAdministrator;
    /// The sender was not told, because our notice did not arrive.
    BounceLost = "bounce-lost", SenderAdministrator;
    // Getting in, and being told.
    PersonUnknown = "person-unknown", Administrator;
    PersonInactive = "person-inactive", Administrator;
    PasswordRefused = "password-refused", Recipient;
    LinkUndelivered = "link-undelivered", Administrator;
    DigestOff = "digest-off", Administrator;
    DigestOffByPerson = "digest-off-by-person", Recipient;
    DigestNothingHeld = "digest-nothing-held", Nobody;
    DigestNotDue = "digest-not-due", Nobody;
    DigestSilent = "digest-silent", Administrator;
}

impl Cause {
    /// A next hop of outgoing mail is somebody else's server.
    pub fn is_of_next_hop(self) -> bool {
        self >= Cause::NextHopUnreachable && self <= Cause::NextHopSaysNo
    }

    /// It is about this installation, whose operator alone sees the figures.
    pub fn is_of_installation(self) -> bool {
        use Cause::*;
        matches!(
            self,
            StorageFull
                | DatabaseSlow
                | BodiesAway
                | ResolverFailing
                | EngineMissing
                | SignaturesOld
                | ListMute
                | ListRefusesUs
                | ModelOld
                | LearnedUnreadable
                | VersionMixed
                | OwnClock
        )
    }

    /// It says that we did our part.
    pub fn is_innocent(self) -> bool {
        use Cause::*;
        matches!(self, Delivered | JunkedAtMailbox | NothingWrong | NeverArrived | DigestNothingHeld | DigestNotDue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::{Lang, has};

    #[test]
    fn every_cause_and_turn_has_words() {
        for lang in Lang::ALL {
            for cause in Cause::ALL {
                assert_eq!(Cause::named(cause.name()), Some(*cause));
                for part in ["", "-say", "-do"] {
                    let key = format!("cause-{}{part}", cause.name());
                    assert!(has(lang, &key), "{key} in {}", lang.tag());
                }
            }
            for turn in Turn::ALL {
                assert!(has(lang, &format!("turn-{}", turn.name())), "{}", turn.name());
            }
        }
    }
}
