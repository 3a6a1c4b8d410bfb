//! What the classifier reads of a message: four byte strings, each with a limit.
//!
//! In: a [`Message`]. Out: [`Evidence`]. The header keeps fields that say something about the sender and leaves out what a
//! filter on the way wrote, since that is another filter's opinion (or names the collector of a corpus).

use mail::Message;

/// Octets kept of each namespace: most of what tells spam from ham stands early, and work per message stays bounded.
pub const HEADER_OCTETS_MAX: usize = 3_000;
/// Header and body together, as the first 3,000 octets did best in the published runs on TREC 2007.
pub const HEAD_OCTETS_MAX: usize = 3_000;
pub const SUBJECT_OCTETS_MAX: usize = 256;
pub const TEXT_OCTETS_MAX: usize = 8_000;

/// Which parts of the evidence count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespaces(u8);

impl Namespaces {
    pub const HEADER: Namespaces = Namespaces(1);
    pub const BODY: Namespaces = Namespaces(2);
    pub const SUBJECT: Namespaces = Namespaces(4);
    pub const TEXT: Namespaces = Namespaces(8);
    /// For a model that travels: nothing that depends on who received the mail or how it came.
    pub const CONTENT: Namespaces = Namespaces(4 | 8);
    /// For a model that learns where it works: the way a mail takes to us is evidence too.
    pub const ALL: Namespaces = Namespaces(1 | 2 | 4 | 8);

    pub fn from_bits(bits: u8) -> Option<Namespaces> {
        (bits != 0 && bits & !Namespaces::ALL.0 == 0).then_some(Namespaces(bits))
    }

    pub fn bits(self) -> u8 {
        self.0
    }

    pub fn has(self, other: Namespaces) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The part of a message the classifier looks at. Reusable: [`Evidence::read`] keeps the buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Kept header fields as received, a line each.
    pub header: Vec<u8>,
    /// The start of the body as received, encoded as it came.
    pub body: Vec<u8>,
    /// The decoded subject.
    pub subject: Vec<u8>,
    /// What a reader sees, over all text parts.
    pub text: Vec<u8>,
}

impl Evidence {
    pub fn of(message: &Message, namespaces: Namespaces) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.read(message, namespaces);
        evidence
    }

    /// Replaces the evidence by that of `message`, as far as `namespaces` asks for it.
    pub fn read(&mut self, message: &Message, namespaces: Namespaces) {
        self.clear();
        if namespaces.has(Namespaces::HEADER) || namespaces.has(Namespaces::BODY) {
            for (name, value) in message.fields() {
                self.add_field(name, value);
            }
            self.add_body(&message.body());
        }
        self.add_subject(&message.subject);
        for text in &message.texts {
            self.add_text(&text.visible);
        }
    }

    pub fn clear(&mut self) {
        for part in [&mut self.header, &mut self.body, &mut self.subject, &mut self.text] {
            part.clear();
        }
    }

    pub fn add_field(&mut self, name: &[u8], value: &[u8]) {
        if self.header.len() < HEADER_OCTETS_MAX && !is_left_out(name) {
            append(&mut self.header, name, HEADER_OCTETS_MAX);
            append(&mut self.header, b":", HEADER_OCTETS_MAX);
            append(&mut self.header, value, HEADER_OCTETS_MAX);
            append(&mut self.header, b"\n", HEADER_OCTETS_MAX);
        }
    }

    /// Call after the fields: a long header leaves less room for the body.
    pub fn add_body(&mut self, body: &[u8]) {
        append(&mut self.body, body, HEAD_OCTETS_MAX.saturating_sub(self.header.len()));
    }

    pub fn add_subject(&mut self, subject: &str) {
        append(&mut self.subject, subject.as_bytes(), SUBJECT_OCTETS_MAX);
    }

    pub fn add_text(&mut self, visible: &str) {
        append(&mut self.text, visible.as_bytes(), TEXT_OCTETS_MAX);
        append(&mut self.text, b"\n", TEXT_OCTETS_MAX);
    }
}

fn append(part: &mut Vec<u8>, octets: &[u8], octets_max: usize) {
    let room = octets_max.saturating_sub(part.len());
    part.extend_from_slice(&octets[..octets.len().min(room)]);
}

/// Fields written by filters, list servers and mailboxes between the sender and us. A name that ends in `-` is a prefix.
/// Received and To stay: to a model that learns where it works they are the strongest evidence there is.
const LEFT_OUT: &[&str] = &[
    "ARC-",
    "Authentication-Results",
    "Delivered-To",
    "DKIM-Signature", // random octets by nature; that it holds is judged by authentication
    "DomainKey-Signature",
    "Envelope-To",
    "List-",
    "Mailing-List",
    "Received-SPF",
    "Status",
    "Subject", // its own namespace, decoded
    "X-Amavis-",
    "X-BeenThere",
    "X-EOPAttributedMessage",
    "X-EOPTenantAttributedMessage",
    "X-Forefront-",
    "X-Gatepost-",
    "X-Google-DKIM-Signature",
    "X-IncomingHeaderCount",
    "X-IncomingTopHeaderMarker",
    "X-Keywords",
    "X-Mailing-List",
    "X-Mailman-",
    "X-Microsoft-",
    "X-Mozilla-",
    "X-MS-",
    "X-Original-To",
    "X-SID-",
    "X-Spam-",
    "X-Status",
    "X-UID",
    "X-Virus-",
];

fn is_left_out(name: &[u8]) -> bool {
    LEFT_OUT.iter().any(|left_out| match left_out.strip_suffix('-') {
        Some(prefix) => {
            name.len() > prefix.len() && name[prefix.len()] == b'-' && name[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
        }
        None => name.eq_ignore_ascii_case(left_out.as_bytes()),
    })
}
