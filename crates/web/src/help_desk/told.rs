//! What an outsider is told of one refusal, and nothing more.
//!
//! Two levels: who has a code learns what the reply meant; who also knows the sender's domain or the connecting address learns what we
//! saw of them, and may have their side tested and ask. Never: subject, content, recipients, evidence of checks, settings.

use super::code;
use super::reason::{Reason, status};
use crate::App;
use crate::connectivity::sender::Sender;
use crate::page::Fault;
use gateway::receipt::{Receipt, refusal as meaning};
use gateway::scope::OrgScope;
use gateway::trace::{self, Event, EventKind, Refusal, RefusalCode};
use mail::Address;
use store::Error;

/// One refusal as an outsider may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub code: RefusalCode,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Name of the step, as in words `event-…`.
    pub step: &'static str,
    /// Such as "550 5.7.1".
    pub numbers: String,
    pub is_temporary: bool,
    pub reason: Reason,
    /// Article about the status; '' when there is none.
    pub article: String,
    /// What we saw of them; `None`: they have shown a code only.
    pub own: Option<Own>,
    /// The organisation can be asked.
    pub can_ask: bool,
}

/// What whoever knows the mail is told of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// What they showed: the domain or the address.
    pub known: String,
    pub ip: String,
    pub helo: String,
    /// '' for the null reverse-path.
    pub domain: String,
    /// As it was said to them.
    pub reply: String,
}

/// A refusal with what we keep of it; never shown whole.
#[derive(Debug, Clone)]
pub struct Found {
    pub code: RefusalCode,
    pub event: Event,
    pub refusal: Refusal,
}

/// The refusal of a code. The desk answers for the service, so it looks in all organisations; what it finds passes [`Found::told`].
pub async fn find(app: &App, code: RefusalCode) -> Result<Option<Found>, Fault> {
    let found = app.db.read(move |tx| Box::pin(async move { trace::refusal(tx, OrgScope::All, code).await })).await;
    let event: Option<Event> = found.map_err(|why: Error| Fault::from(why))?;
    Ok(event.and_then(|event| {
        let refusal = serde_json::from_str(&event.detail).ok()?;
        Some(Found { code, event, refusal })
    }))
}

impl Found {
    /// What may be told to somebody who shows `shown`.
    pub fn told(&self, app: &App, shown: &str) -> Told {
        let refusal = &self.refusal;
        let numbers: Vec<&str> = refusal.reply.split_whitespace().take(2).collect();
        let status = status(&refusal.reply);
        let own = code::known(refusal, shown).map(|known| Own {
            known,
            ip: refusal.ip.clone(),
            helo: refusal.helo.clone(),
            domain: code::sender_domain(refusal),
            reply: refusal.reply.clone(),
        });
        Told {
            code: self.code,
            at_ms: self.event.at_ms,
            step: self.event.kind.name(),
            numbers: if status.is_empty() { numbers.first().copied().unwrap_or_default().into() } else { numbers.join(" ") },
            is_temporary: refusal.reply.starts_with('4'),
            reason: self.reason(),
            article: meaning::find(&status).map(|found| format!("/help/refusal/{}", found.code)).unwrap_or_default(),
            own,
            can_ask: self.can_ask(app),
        }
    }

    pub fn reason(&self) -> Reason {
        Reason::of(&self.refusal, self.event.kind == EventKind::ContentRefused)
    }

    /// Whether there is an organisation that refused, and something it could do. Mail to strangers is nobody's to look at again.
    fn can_ask(&self, app: &App) -> bool {
        let directory = app.directory.snapshot();
        let recipient = Address::parse(&self.event.recipient).ok();
        let org = recipient.and_then(|recipient| directory.domain_of(&recipient).map(|domain| domain.org));
        self.event.org.0 != 0 && org == Some(self.event.org) && self.reason().can_be_asked_about() && self.refusal.reply.starts_with('5')
    }

    /// Who sent, for a look at their side.
    pub fn sender(&self) -> Option<Sender> {
        let ip = self.refusal.ip.parse().ok()?;
        Some(Sender { ip, helo: self.refusal.helo.clone(), domain: code::sender_domain(&self.refusal) })
    }

    /// The receipt, when the content was judged.
    pub async fn receipt(&self, app: &App) -> Result<Option<Receipt>, Fault> {
        let mail = self.event.mail;
        if mail.0 == 0 {
            return Ok(None);
        }
        let found = app.db.read(move |tx| Box::pin(async move { trace::receipt_of(tx, OrgScope::All, mail).await })).await;
        Ok(found.map_err(|why: Error| Fault::from(why))?.and_then(|json| serde_json::from_str(&json).ok()))
    }
}
