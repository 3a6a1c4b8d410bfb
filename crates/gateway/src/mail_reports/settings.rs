//! Where reports of other servers come to, how long they are kept, and which reports are sent.

use serde::{Deserialize, Serialize};

/// `[reports]`: reports of other servers about mail in your domains' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailReportSettings {
    /// Local part, at every domain served here, of the address to name in DMARC records (rua, ruf); empty: none. Default "dmarc-reports".
    pub dmarc: String,
    /// The same for TLS-RPT records. Default "tls-reports".
    pub tls: String,
    /// The same for feedback loops of mailbox services. Default "complaints".
    pub complaints: String,
    /// Days that reports are kept, and what they add up to. Default 400.
    pub keep_days: u32,
    /// Send DMARC aggregate reports to domains that ask for them, about mail received here. Default false.
    pub send_dmarc: bool,
    /// Shape of these reports: "rfc9990", which is the standard, or "rfc7489", the one before it. Default "rfc9990".
    pub dmarc_shape: DmarcShape,
    /// Address that these reports are sent from, of a domain served here whose DKIM key signs them. Needed to send.
    pub send_from: String,
    /// Operators of domains that want to hear when people here report mail of theirs as junk.
    pub feedback_loop: Vec<FeedbackLoop>,
}

/// Which edition of DMARC a report is written by. Nobody says in DNS which one they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcShape {
    #[default]
    Rfc9990,
    Rfc7489,
}

/// `[[reports.feedback_loop]]`: an operator who takes complaints (RFC 5965) about mail of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackLoop {
    /// The domain that signed the mail, or its From domain where SPF or DKIM passed for it.
    pub domain: String,
    /// Where complaints go.
    pub address: String,
}

impl Default for MailReportSettings {
    fn default() -> MailReportSettings {
        MailReportSettings {
            dmarc: "dmarc-reports".into(),
            tls: "tls-reports".into(),
            complaints: "complaints".into(),
            keep_days: 400,
            send_dmarc: false,
            dmarc_shape: DmarcShape::Rfc9990,
            send_from: String::new(),
            feedback_loop: Vec::new(),
        }
    }
}

impl MailReportSettings {
    /// Whether mail to this local part of a domain of ours is a report.
    pub fn is_address(&self, local: &str) -> bool {
        let names = [&self.dmarc, &self.tls, &self.complaints];
        names.into_iter().any(|name| !name.is_empty() && name.eq_ignore_ascii_case(local))
    }
}
