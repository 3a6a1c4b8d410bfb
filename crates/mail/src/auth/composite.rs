//! Composite authentication: one answer for policies, with a three-digit reason that administrators know from such services.
//!
//! | reason | result | when |
//! |---|---|---|
//! | 000 | fail | DMARC fails, and the domain asks for quarantine or reject |
//! | 001 | fail | nothing speaks for From and the domain asks for nothing (no record, `p=none`), or From cannot be read in one way |
//! | 010 | fail | as 000, and the domain in From belongs to an organisation we protect |
//! | 100 | pass | DMARC passes by DKIM and by SPF |
//! | 101 | pass | DMARC passes by DKIM |
//! | 102 | pass | DMARC passes by SPF |
//! | 109 | pass | there is no DMARC record, and it would have passed one |
//! | 111 | pass | the DMARC record could not be fetched, and SPF or DKIM is aligned |
//! | 130 | pass | a sealer the service trusts vouches for it (ARC) |
//! | 202 | softpass | nothing else speaks for From, and the verified name of the host lies in its organisation |
//! | 300 | none | DNS did not answer, so it could not be checked |
//!
//! Reasons 002 (forbidden pair of host and domain), 7xx (seen to be honest before) and 4xx, 6xx, 9xx (not to be checked) need
//! what an organisation has set or seen; `gateway` gives them.

use super::domain::is_aligned;
use super::{Arc, AuthSettings, Composite, CompositeResult, Dkim, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use crate::envelope::Peer;

pub(super) struct Evidence<'a> {
    pub(super) spf: &'a Spf,
    pub(super) dkim: &'a [Dkim],
    pub(super) dmarc: &'a Dmarc,
    pub(super) arc: &'a Arc,
    pub(super) peer: &'a Peer,
}

pub(super) fn judge(seen: &Evidence<'_>, settings: &AuthSettings) -> Composite {
    let by_dkim = seen.dkim.iter().any(|signature| signature.aligned && signature.result == DkimResult::Pass);
    let by_spf = seen.spf.result == SpfResult::Pass && is_aligned(&seen.spf.domain, &seen.dmarc.domain, false);
    let (result, reason) = match seen.dmarc.result {
        DmarcResult::Pass if by_dkim && by_spf => (CompositeResult::Pass, 100),
        DmarcResult::Pass if by_dkim => (CompositeResult::Pass, 101),
        DmarcResult::Pass => (CompositeResult::Pass, 102),
        DmarcResult::BestGuessPass => (CompositeResult::Pass, 109),
        _ if seen.arc.trusted => (CompositeResult::Pass, 130),
        DmarcResult::TempError if by_dkim || by_spf => (CompositeResult::Pass, 111),
        DmarcResult::TempError => (CompositeResult::None, 300),
        DmarcResult::PermError => (CompositeResult::Fail, 1),
        DmarcResult::Fail if seen.dmarc.policy != DmarcPolicy::None || seen.dmarc.sampled_out => {
            let is_own = settings.own_domains.contains(&seen.dmarc.domain);
            (CompositeResult::Fail, if is_own { 10 } else { 0 })
        }
        DmarcResult::Fail | DmarcResult::None => match is_named_like_from(seen) {
            true => (CompositeResult::SoftPass, 202),
            false => (CompositeResult::Fail, 1),
        },
    };
    Composite { result, reason }
}

/// `ptr` resolves back to the host (RFC 8601 §3 "iprev"), so its owner vouches for the name.
fn is_named_like_from(seen: &Evidence<'_>) -> bool {
    let ptr = seen.peer.reverse.name().map(str::to_ascii_lowercase);
    ptr.is_some_and(|name| !seen.dmarc.domain.is_empty() && is_aligned(name.trim_end_matches('.'), &seen.dmarc.domain, false))
}
