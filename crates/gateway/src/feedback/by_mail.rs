//! Reports that come as mail: to the report addresses of every domain that is served here.
//!
//! In: a recipient, then a judged mail. Out: what it reports, or why it may not. Who may report: people of the organisation, proved by
//! login, by one of its own servers, or by authentication of their From. A stranger's report teaches nothing: it would be the way
//! to teach us that his mail is good.

use crate::directory::Directory;
use detect::classify::Label;
use mail::auth::{AuthResults, CompositeResult};
use mail::report::feedback::{FeedbackType, Reported, read};
use mail::smtp::Reply;
use mail::{Address, Mail, OrgId};
use serde::{Deserialize, Serialize};

/// `[feedback]`: where people send what was judged wrongly, as attachments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackSettings {
    /// Local part, at every domain served here, of the address for junk that came through; empty: none. Default "report-junk".
    pub junk: String,
    /// The same for good mail that was called junk. Default "report-good".
    pub good: String,
    /// The same for phish. Default "report-phish".
    pub phish: String,
}

impl Default for FeedbackSettings {
    fn default() -> FeedbackSettings {
        FeedbackSettings { junk: "report-junk".into(), good: "report-good".into(), phish: "report-phish".into() }
    }
}

impl FeedbackSettings {
    /// What mail to this local part says; `None` if it is no report address.
    pub fn label(&self, local: &str) -> Option<Label> {
        let names = [(&self.junk, Label::Spam), (&self.good, Label::Ham), (&self.phish, Label::Phish)];
        names.into_iter().find(|(name, _)| !name.is_empty() && name.eq_ignore_ascii_case(local)).map(|(_, label)| label)
    }
}

/// A mail to a report address, as a report.
#[derive(Debug, Clone)]
pub struct ByMail {
    pub reporter: String,
    pub label: Label,
    pub reported: Reported,
}

/// Reads a mail to a report address, or says why it is none.
/// # Errors
/// The reply for the peer.
pub fn accept(directory: &Directory, org: OrgId, (mail, auth): (Mail<'_>, &AuthResults), label: Label) -> Result<ByMail, Reply> {
    let Some(reporter) = reporter(directory, org, mail, auth) else {
        return Err(Reply::new(
            550,
            (5, 7, 1),
            "Only people of this organisation may report mail here, and this mail does not prove to be theirs",
        ));
    };
    let reported = read(mail.message);
    if reported.messages.is_empty() {
        return Err(Reply::new(554, (5, 6, 0), "Nothing is attached: forward the mail you report as an attachment"));
    }
    let label = match reported.kind {
        Some(FeedbackType::NotSpam) => Label::Ham,
        Some(FeedbackType::Fraud | FeedbackType::Virus) => Label::Phish,
        Some(FeedbackType::Abuse) => Label::Spam,
        Some(FeedbackType::Other) | None => label,
    };
    Ok(ByMail { reporter, label, reported })
}

/// The person who reports, if it is proved.
fn reporter(directory: &Directory, org: OrgId, mail: Mail<'_>, auth: &AuthResults) -> Option<String> {
    let author = mail.message.from.address()?;
    let is_ours = |address: &Address| directory.domain_of(address).is_some_and(|domain| domain.org == org);
    let by_server = directory.relays_for(mail.peer.ip, mail.peer.authenticated.as_deref()).is_some_and(|found| found.id == org);
    let is_proved = by_server || auth.composite.result == CompositeResult::Pass;
    (is_ours(author) && is_proved).then(|| author.key())
}
