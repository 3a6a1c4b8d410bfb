//! Numbers of mails as GUIDs, for programs that want such.

use mail::MailId;

/// "gatepo" in ASCII, before our number.
const GUID_BEGIN: &str = "67617465706f8";
/// Bits of the number behind the variant of the GUID.
const GUID_LOW_BITS: u32 = 51;

/// Our number as a GUID (RFC 9562 §5.8), for programs that want one.
pub(super) fn guid(mail: MailId) -> String {
    let number = mail.0 as u64;
    let (high, low) = (number >> GUID_LOW_BITS, (number & ((1 << GUID_LOW_BITS) - 1)) | 1 << 63);
    let hex = format!("{GUID_BEGIN}{high:03x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

pub(super) fn mail_of(text: &str) -> Option<MailId> {
    if let Ok(mail) = text.parse() {
        return Some(mail);
    }
    let hex: String = text.trim_matches(['{', '}']).chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    let number = hex.strip_prefix(GUID_BEGIN).filter(|rest| rest.len() == 19 && rest.is_ascii())?;
    let (high, low) = (u64::from_str_radix(&number[..3], 16).ok()?, u64::from_str_radix(&number[3..], 16).ok()?);
    let mail = MailId(i64::try_from((high << GUID_LOW_BITS) | (low & ((1 << GUID_LOW_BITS) - 1))).ok()?);
    (guid(mail).replace('-', "") == hex).then_some(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_guids_and_back() {
        for number in [0, 1, 1_795_521_600_000 << 21, i64::MAX] {
            let text = guid(MailId(number));
            assert_eq!(text.len(), 36, "{text}");
            assert_eq!((text.as_bytes()[14], matches!(text.as_bytes()[19], b'8'..=b'b')), (b'8', true), "version and variant: {text}");
            assert_eq!(mail_of(&text), Some(MailId(number)), "{text}");
            assert_eq!(mail_of(&format!("{{{}}}", text.to_uppercase())), Some(MailId(number)));
        }
        for text in ["", "m1", "ae5c1219-4c90-41bf-fef5-08d837917e7c", "67617465-706f-8000-c000-000000000000"] {
            assert_eq!(mail_of(text), None, "{text}");
        }
    }
}
