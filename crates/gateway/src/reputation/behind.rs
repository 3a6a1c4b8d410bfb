//! Who stands behind a mail, as far as it is proved.

use detect::connection::is_stranger;
use mail::Mail;
use mail::auth::{AuthResults, CompositeResult, DkimResult, SpfResult};
use std::net::IpAddr;

/// Signers looked at in one mail.
const SIGNERS_MAX: usize = 3;
/// Octets of a name that is kept; longer ones are no names.
const NAME_OCTETS_MAX: usize = 254;

/// What a name is a name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The address that connected; for IPv6 its first 64 bits.
    Address,
    /// The domain of From, proved by authentication.
    Domain,
    /// `d=` of a signature that passed.
    Signer,
    /// The address in From, of a proved domain.
    Author,
    /// The domain of From, proved, by the word of people alone: what they called wanted, and junk.
    Word,
    /// The domain of somebody the organisation writes to.
    Correspondent,
}

const KINDS: [Kind; 6] = [Kind::Address, Kind::Domain, Kind::Signer, Kind::Author, Kind::Word, Kind::Correspondent];

impl Kind {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Address => "address",
            Kind::Domain => "domain",
            Kind::Signer => "signer",
            Kind::Author => "author",
            Kind::Word => "word",
            Kind::Correspondent => "correspondent",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Kind> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }
}

/// Those behind one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Behind {
    pub address: Option<String>,
    pub domain: Option<String>,
    pub signers: Vec<String>,
    pub author: Option<String>,
}

impl Behind {
    pub fn new(mail: Mail<'_>, auth: &AuthResults) -> Behind {
        // A server of ours or a person who signed in hands over everybody's mail.
        let address = is_stranger(mail.peer).then(|| network(mail.peer.ip.to_canonical()));
        let author = mail.message.from.address().filter(|author| is_proved(auth, author.domain()));
        let mut signers: Vec<String> = Vec::new();
        for signature in auth.dkim.iter().filter(|signature| signature.result == DkimResult::Pass) {
            let is_new = !signers.contains(&signature.domain) && signature.domain.len() <= NAME_OCTETS_MAX;
            if is_new && signers.len() < SIGNERS_MAX {
                signers.push(signature.domain.clone());
            }
        }
        Behind {
            address,
            domain: author.map(|author| author.domain().to_ascii_lowercase()).filter(|name| name.len() <= NAME_OCTETS_MAX),
            signers,
            author: author.map(|author| author.key()).filter(|name| name.len() <= NAME_OCTETS_MAX),
        }
    }

    /// Those about whom people gave their word.
    pub(super) fn word(&self) -> Option<(Kind, &str)> {
        self.domain.as_deref().map(|domain| (Kind::Word, domain))
    }

    /// Those whose mail is judged.
    pub(super) fn names(&self) -> impl Iterator<Item = (Kind, &str)> {
        fn of(kind: Kind, name: &Option<String>) -> impl Iterator<Item = (Kind, &str)> {
            name.as_deref().map(|name| (kind, name)).into_iter()
        }
        // The domain's own signature would count the same mail twice.
        let signers = self.signers.iter().filter(|signer| self.domain.as_deref() != Some(signer.as_str()));
        of(Kind::Address, &self.address)
            .chain(of(Kind::Domain, &self.domain))
            .chain(signers.map(|signer| (Kind::Signer, signer.as_str())))
            .chain(of(Kind::Author, &self.author))
    }
}

/// The sender of From is who it says: by composite authentication, or SPF for the same domain where that says nothing.
fn is_proved(auth: &AuthResults, domain: &str) -> bool {
    auth.composite.result == CompositeResult::Pass
        || auth.spf.result == SpfResult::Pass && !auth.spf.by_helo && auth.spf.domain.eq_ignore_ascii_case(domain)
}

/// An IPv6 host changes its last 64 bits at will.
pub(super) fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
