//! A report as it arrives: as a mail or as a file, in whatever it was packed.
//!
//! In: a message that was read within its budget, or the octets of a file. Out: each report in it, or one clear reason why there is none.
//! Invariant: never more than [`REPORTS_MAX`] are read, and what is unpacked is bounded by the budget of the message. Not here: whose reports
//! these are, and whether they were there before (`gateway::mail_reports`).

use super::aggregate::Aggregate;
use super::arf::Feedback;
use super::tls::TlsReport;
use super::{aggregate, arf, tls};
use crate::Message;
use crate::message::{Attachment, Budget, DefectKind};
use bytes::Bytes;

/// Reports of one mail or file.
pub const REPORTS_MAX: usize = 50;
/// Octets of an uploaded file.
pub const FILE_OCTETS_MAX: usize = 16 << 20;
/// Octets in which it shows what a file is.
const SNIFFED_OCTETS: usize = 16 << 10;

/// What is unpacked of an uploaded file.
const FILE_BUDGET: Budget = Budget {
    expanded_octets_max: 64 << 20,
    parts_max: 200,
    depth_max: 8,
    archive_depth_max: 3,
    archive_files_max: 200,
    archive_ratio_max: 250,
    header_fields_max: 1_000,
    header_octets_max: 256 << 10,
    header_line_octets_max: 64 << 10,
    addresses_max: 100,
    links_max: 10,
    text_octets_max: 4 << 20,
};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    Aggregate(Aggregate),
    Tls(TlsReport),
    /// A complaint, or failed authentication.
    Feedback(Feedback),
}

/// Why something is no report that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("there is nothing in it")]
    Empty,
    #[error("there is no report in it")]
    NotReport,
    #[error("the archive needs a password")]
    Encrypted,
    #[error("the archive cannot be unpacked")]
    BrokenArchive,
    #[error("it is larger than reports may be, packed or unpacked")]
    TooLarge,
    #[error("it has more entries than reports may have")]
    TooMany,
    #[error("its elements are nested deeper than in any report")]
    TooDeep,
    #[error("it declares entities, which reports do not need")]
    Entities,
    #[error("it ends in the middle")]
    Truncated,
    #[error("the XML cannot be read")]
    BrokenXml,
    #[error("the JSON cannot be read")]
    BrokenJson,
    #[error("{0} is missing or cannot be read")]
    Missing(&'static str),
}

impl ReportError {
    /// Stable name, for rows and words.
    pub fn name(self) -> &'static str {
        match self {
            ReportError::Empty => "empty",
            ReportError::NotReport => "not-report",
            ReportError::Encrypted => "encrypted",
            ReportError::BrokenArchive => "broken-archive",
            ReportError::TooLarge => "too-large",
            ReportError::TooMany => "too-many",
            ReportError::TooDeep => "too-deep",
            ReportError::Entities => "entities",
            ReportError::Truncated => "truncated",
            ReportError::BrokenXml => "broken-xml",
            ReportError::BrokenJson => "broken-json",
            ReportError::Missing(_) => "missing",
        }
    }

    /// What is missing; "" for all others.
    pub fn what(self) -> &'static str {
        match self {
            ReportError::Missing(what) => what,
            _ => "",
        }
    }
}

/// Each report of a mail; at least one entry, which says why there is none.
pub fn read(message: &Message) -> Vec<Result<Report, ReportError>> {
    if let Some(feedback) = arf::read(message) {
        return vec![Ok(Report::Feedback(feedback))];
    }
    let files = message.attachments.iter().filter_map(|file| Some((kind_of(file)?, &file.content[..])));
    let texts = message.texts.iter().filter(|text| !text.is_html).map(|text| text.visible.as_bytes());
    let texts = texts.filter_map(|text| Some((sniffed(text)?, text)));
    let mut found: Vec<Result<Report, ReportError>> =
        files.chain(texts).take(REPORTS_MAX + 1).map(|(kind, octets)| kind.read(octets)).collect();
    if found.len() > REPORTS_MAX {
        found[REPORTS_MAX] = Err(ReportError::TooMany);
    }
    // A page beside the report is no second, broken report.
    if found.iter().any(Result::is_ok) {
        found.retain(|one| *one != Err(ReportError::NotReport));
    }
    if found.is_empty() { vec![Err(why_nothing(message))] } else { found }
}

/// Each report of a mail by its octets, within the budget of a file.
pub fn read_mail(raw: Bytes) -> Vec<Result<Report, ReportError>> {
    read(&Message::parse(raw, &FILE_BUDGET))
}

/// Each report of a file: XML, JSON, an archive of them, or a mail that somebody saved.
pub fn read_file(octets: Bytes) -> Vec<Result<Report, ReportError>> {
    if octets.trim_ascii().is_empty() {
        return vec![Err(ReportError::Empty)];
    }
    if octets.len() > FILE_OCTETS_MAX {
        return vec![Err(ReportError::TooLarge)];
    }
    if let Some(kind) = sniffed(&octets) {
        return vec![kind.read(&octets)];
    }
    let is_mail = looks_like_mail(&octets);
    let message = if is_mail { Message::parse(octets, &FILE_BUDGET) } else { Message::of_file(octets, &FILE_BUDGET) };
    read(&message)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Xml,
    Json,
}

impl Kind {
    fn read(self, octets: &[u8]) -> Result<Report, ReportError> {
        match self {
            Kind::Xml => aggregate::read(octets).map(Report::Aggregate),
            Kind::Json => tls::read(octets).map(Report::Tls),
        }
    }
}

/// What an attachment is, by what is in it; a name only where that says nothing.
fn kind_of(file: &Attachment) -> Option<Kind> {
    if file.content.is_empty() {
        return None;
    }
    let name = file.name.as_deref().unwrap_or_default().to_ascii_lowercase();
    let named = || match () {
        () if name.ends_with(".xml") || file.declared_type.ends_with("/xml") => Some(Kind::Xml),
        () if name.ends_with(".json") || file.declared_type == "application/tlsrpt+json" => Some(Kind::Json),
        () => None,
    };
    sniffed(&file.content).or_else(named)
}

fn sniffed(octets: &[u8]) -> Option<Kind> {
    let head = &octets[..octets.len().min(SNIFFED_OCTETS)];
    let begin = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    match begin.first() {
        Some(b'<') if has(b"feedback") || has(b"report_metadata") => Some(Kind::Xml),
        Some(b'{') if has(b"policies") || has(b"report-id") || has(b"date-range") => Some(Kind::Json),
        // UTF-16 with its mark; names are not seen in it, so the reader decides.
        Some(0xff | 0xfe) if head.starts_with(b"\xff\xfe<\0") || head.starts_with(b"\xfe\xff\0<") => Some(Kind::Xml),
        _ => None,
    }
}

/// A header field on the first line, or the mark of a mailbox.
fn looks_like_mail(octets: &[u8]) -> bool {
    let line = octets.trim_ascii_start().split(|octet| *octet == b'\n').next().unwrap_or_default();
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
    let is_field = name.len() < line.len() && !name.is_empty() && name.len() <= 60;
    line.starts_with(b"From ") || is_field && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
}

fn why_nothing(message: &Message) -> ReportError {
    let is_encrypted = message.attachments.iter().any(|file| file.encrypted) || message.has_defect(DefectKind::Encrypted);
    if is_encrypted {
        ReportError::Encrypted
    } else if message.has_defect(DefectKind::OverBudget) {
        ReportError::TooLarge
    } else if !message.attachments.is_empty() && message.attachments.iter().all(|file| file.octets == 0) {
        ReportError::Empty
    } else if message.has_defect(DefectKind::BrokenArchive) || message.attachments.iter().any(|file| file.unread) {
        ReportError::BrokenArchive
    } else {
        ReportError::NotReport
    }
}

#[cfg(test)]
mod tests;
