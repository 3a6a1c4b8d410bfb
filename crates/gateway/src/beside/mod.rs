//! Beside an existing server: mail that stays with it, and that we are asked about.
//!
//! In: connections of neighbours that `[beside] from` names. Out: answers in the protocol each speaks; what is judged, written down and held
//! is `intake::beside`'s. Invariants: no wait, buffer or number of connections is without a limit; a session that panics takes nobody along.
//! Not here: the grammar of the protocols (`mail::beside`), HTTP itself (a library), and content filters, which speak SMTP (`session`).

mod listener;
mod milter;
mod rspamd;
mod score;
mod settings;
mod spamd;

#[cfg(test)]
mod tests;

use listener::Wire;
pub use listener::{Running, listen};
pub use settings::BesideSettings;

use crate::connection::limits::Memory;
use crate::connection::settings::LimitSettings;
use crate::directory::Directory;
use crate::feedback::Report;
use crate::intake::Gate;
use crate::intake::beside::Answered;
use bytes::Bytes;
use detect::classify::Label;
use mail::OrgId;
use std::net::IpAddr;
use std::sync::Arc;

/// What all sessions share.
pub(crate) struct Shared {
    pub gate: Arc<Gate>,
    pub settings: BesideSettings,
    pub limits: LimitSettings,
    /// What messages under way may hold.
    pub memory: Arc<Memory>,
}

impl Shared {
    pub fn may_connect(&self, ip: IpAddr) -> bool {
        self.settings.from.contains(ip)
    }

    /// The organisation that learns what is said without an address of anybody: the one in the settings, or the only one.
    pub fn organisation(&self, directory: &Directory) -> Option<OrgId> {
        match (self.settings.organisation.as_str(), directory.organisations.len()) {
            ("", 1) => directory.organisations.keys().next().copied(),
            ("", _) => None,
            (named, _) => directory.organisation_named(named).map(|found| found.id),
        }
    }

    /// Learns a message for the organisation of `whom`, an address or any name.
    pub async fn learn(&self, whom: &str, label: Label, octets: Bytes) -> Lesson {
        let directory = self.gate.directory.snapshot();
        let address = mail::Address::parse(whom).ok();
        let of_address = address.as_ref().and_then(|address| directory.domain_of(address)).map(|domain| domain.org);
        let Some(org) = of_address.or_else(|| self.organisation(&directory)) else { return Lesson::NoOrganisation };
        let reporter = address.map(|address| address.key()).unwrap_or_else(|| whom.to_string());
        let report = Report { org, reporter, label, octets, now_ms: self.gate.now_ms() };
        match self.gate.feedback.take(report).await {
            Ok(taken) if taken.id.is_some() => Lesson::Learned,
            Ok(_) => Lesson::Known,
            Err(why) => {
                tracing::warn!(%why, "what a neighbour said of a mail could not be learned");
                Lesson::NotNow
            }
        }
    }
}

/// What became of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lesson {
    Learned,
    /// The same was said of it before.
    Known,
    /// Nobody here could learn it.
    NoOrganisation,
    NotNow,
}

/// What we are called in the trace: protocol, and the server's word for itself and for the mail.
pub(crate) fn asker(protocol: &str, server: &str, queue_id: &str) -> Arc<str> {
    let clean = |text: &str| -> String { text.chars().filter(|c| c.is_ascii_graphic()).take(ASKER_CHARS_MAX).collect() };
    let (server, queue_id) = (clean(server), clean(queue_id));
    let id = if queue_id.is_empty() { String::new() } else { format!(", id {queue_id}") };
    let server = if server.is_empty() { "a server".to_string() } else { server };
    format!("{server} ({protocol}{id})").into()
}

const ASKER_CHARS_MAX: usize = 120;

/// The reply that refuses, where the ruling does.
pub(crate) fn refusal(answered: &Answered) -> Option<&mail::smtp::Reply> {
    match &answered.ruling {
        crate::intake::beside::Ruling::Refuse(reply) => Some(reply),
        _ => None,
    }
}
