//! What can be odd about a message. A defect is a fact for findings, never a reason to stop reading.

/// Longest detail kept, in characters.
const DETAIL_CHARS_MAX: usize = 200;

/// Something odd. `kind` is stable, `detail` is for people, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Defect {
    pub kind: DefectKind,
    pub detail: String,
}

impl Defect {
    /// Controls in `detail` become "?" and it is cut to its limit, since it quotes the sender.
    pub(super) fn new(kind: DefectKind, mut detail: String) -> Defect {
        if let Some((cut, _)) = detail.char_indices().nth(DETAIL_CHARS_MAX) {
            detail.truncate(cut);
        }
        if detail.chars().any(char::is_control) {
            detail = detail.replace(char::is_control, "?");
        }
        Defect { kind, detail }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefectKind {
    /// A header that may stand once stands twice (RFC 5322 §3.6); detail names it.
    DuplicateHeader,
    /// Text before the first header, a line without a colon, white space before the colon, an empty name.
    MalformedHeader,
    /// From, Date or another required header is not there.
    MissingHeader,
    /// NUL in the header or in a text part.
    Nul,
    /// Bytes over 127 in the header without SMTPUTF8.
    RawEightBit,
    /// A line over 998 octets.
    LongLine,
    /// More than one boundary could be meant, or one is not valid.
    BadBoundary,
    /// The closing or the opening delimiter is missing.
    MissingBoundary,
    /// Two Content-Type or Content-Transfer-Encoding that disagree, or parameters that do.
    ConflictingEncoding,
    /// A Content-Transfer-Encoding that does not exist, or one that may not stand on this type.
    UnknownEncoding,
    /// Base64 or quoted-printable with characters that do not belong.
    BrokenEncoding,
    /// A charset label we do not know, or octets it does not have.
    BadCharset,
    /// The file name has several readings, or controls, or ends in a dot or space.
    BadFileName,
    /// RFC 2046 §5.2.2 message/partial: refused, since no part can be judged alone.
    PartialMessage,
    /// RFC 2046 §5.2.3.
    ExternalBody,
    /// Non-white text before the first or after the last part.
    PreambleText,
    /// An archive that cannot be read to its end.
    BrokenArchive,
    /// An archive or document that needs a password.
    Encrypted,
    /// The budget ran out; detail names the limit.
    OverBudget,
}
