//! Mail that leaves: what would hurt others is held or refused, everything else goes as it is.

use super::settings::OUTBOUND as NAME;
use super::{Decision, PolicyAction, PolicySettings, Question};
use std::sync::{Arc, LazyLock};

static OUTBOUND: LazyLock<Arc<PolicySettings>> = LazyLock::new(|| {
    Arc::new(PolicySettings {
        name: NAME.into(),
        spam: PolicyAction::None,
        high_spam: PolicyAction::Quarantine,
        phish: PolicyAction::Quarantine,
        bulk: PolicyAction::None,
        spoof: PolicyAction::None,
        impersonation: PolicyAction::None,
        honor_dmarc: false,
        ..PolicySettings::default()
    })
});

/// Decides for one recipient of mail that an organisation sends out.
pub fn decide_outbound(question: Question<'_>) -> Decision {
    let policy = OUTBOUND.clone();
    let class = question.verdict.class;
    Decision { action: policy.action(class), policy, class, scl: question.verdict.scl, considered: Vec::new() }
}
