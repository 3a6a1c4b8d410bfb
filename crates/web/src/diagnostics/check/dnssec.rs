//! **Do others get an answer at all?** With DNSSEC (RFC 4033) a zone is signed, and resolvers that check signatures answer nothing when they
//! are wrong or have run out: the domain then vanishes for half of the world and works for the other half. The sign is a domain whose own
//! servers answer while a checking resolver does not.

use super::{Checked, Target};
use crate::diagnostics::outside::View;
use crate::page::Say;
use mail::dns::{Dns, DnsError, RecordType};

/// Questions that tell: what senders ask for.
const ASKED: [RecordType; 3] = [RecordType::Mx, RecordType::Txt, RecordType::Ns];

/// `resolver` is ours and checks signatures where it can; `view` asks the domain's own servers.
pub async fn dnssec(target: &Target, resolver: &dyn Dns, view: &View) -> Checked {
    let mut checked = Checked::new("domain.dnssec");
    let domain = target.domain.as_str();
    let (mut answered, mut silent, mut only_own) = (0_usize, None, None);
    for kind in ASKED {
        match resolver.lookup(domain, kind).await {
            Err(DnsError::Temporary { why, .. }) => match view.outside(domain, kind).await {
                Some(Ok(_)) => only_own = Some(why),
                _ => silent = Some(why),
            },
            _ => answered += 1,
        }
    }
    match (only_own, silent) {
        (Some(why), _) => {
            checked.problem(Say::new("check-dnssec-broken").with("what", domain).with("why", why));
            checked.fix(Say::new("check-dnssec-fix"));
        }
        (None, Some(why)) => checked.unknown(why),
        (None, None) => checked.ok(Say::new("check-dnssec-answers").with("count", answered)),
    }
    checked
}
