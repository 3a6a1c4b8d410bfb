//! Parameters of MAIL and RCPT: RFC 1870 SIZE, 6152 BODY, 6531 SMTPUTF8, 8689 REQUIRETLS, 3461 RET, ENVID, NOTIFY and ORCPT,
//! 4954 AUTH. A parameter we do not know is refused with 555 (RFC 5321 §4.1.1.11), one given twice with 501.

use super::command::{refuse, syntax};
use super::xtext::{decode_utf8_address, decode_xtext};
use super::{CommandError, MailFrom, RcptTo};
use crate::Address;
use crate::envelope::{BodyType, Notify, Ret};

/// RFC 3461 §4.4.
const ENVID_OCTETS_MAX: usize = 100;
/// RFC 3461 §4.2.
const ORCPT_OCTETS_MAX: usize = 500;
/// RFC 4954 §5 allows 500 more octets in the command for AUTH.
const AUTH_OCTETS_MAX: usize = 500;
/// More than there are names.
const PARAMETERS_MAX: usize = 16;

/// One `KEY` or `KEY=value`; the key in upper case.
pub(super) struct Given<'a> {
    key: String,
    value: Option<&'a str>,
}

/// Cuts what follows the path: each parameter after at least one space (RFC 5321 §4.1.2 esmtp-param).
pub(super) fn split(rest: &str) -> Result<Vec<Given<'_>>, CommandError> {
    if !rest.is_empty() && !rest.starts_with(' ') {
        return syntax("Text follows the address");
    }
    let mut given: Vec<Given<'_>> = Vec::new();
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (word, None),
        };
        let is_key = key.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') && !key.is_empty() && !key.starts_with('-');
        if !is_key || value == Some("") || given.len() == PARAMETERS_MAX {
            return syntax("Bad parameter");
        }
        let key = key.to_ascii_uppercase();
        if given.iter().any(|earlier| earlier.key == key) {
            return syntax("A parameter is given twice");
        }
        given.push(Given { key, value });
    }
    Ok(given)
}

pub(super) fn mail(sender: Option<Address>, given: &[Given<'_>]) -> Result<MailFrom, CommandError> {
    let mut mail =
        MailFrom { sender, size: None, body: BodyType::SevenBit, smtputf8: false, require_tls: false, ret: None, envid: None, auth: None };
    for Given { key, value } in given {
        match (key.as_str(), *value) {
            ("SIZE", Some(value)) => mail.size = Some(number(value).ok_or_else(|| bad("SIZE"))?),
            ("BODY", Some(value)) => mail.body = body(value)?,
            ("SMTPUTF8", None) => mail.smtputf8 = true,
            ("REQUIRETLS", None) => mail.require_tls = true,
            ("RET", Some(value)) => mail.ret = Some(ret(value)?),
            ("ENVID", Some(value)) => mail.envid = Some(xtext(value, ENVID_OCTETS_MAX).ok_or_else(|| bad("ENVID"))?),
            ("AUTH", Some("<>")) => mail.auth = Some("<>".to_string()),
            ("AUTH", Some(value)) => mail.auth = Some(xtext(value, AUTH_OCTETS_MAX).ok_or_else(|| bad("AUTH"))?),
            ("SIZE" | "BODY" | "SMTPUTF8" | "REQUIRETLS" | "RET" | "ENVID" | "AUTH", _) => return Err(bad(key)),
            _ => return unknown(),
        }
    }
    Ok(mail)
}

pub(super) fn rcpt(address: Address, given: &[Given<'_>]) -> Result<RcptTo, CommandError> {
    let mut rcpt = RcptTo { address, notify: Notify::default(), orcpt: None };
    for Given { key, value } in given {
        match (key.as_str(), *value) {
            ("NOTIFY", Some(value)) => rcpt.notify = notify(value).ok_or_else(|| bad("NOTIFY"))?,
            ("ORCPT", Some(value)) => rcpt.orcpt = Some(orcpt(value).ok_or_else(|| bad("ORCPT"))?),
            ("NOTIFY" | "ORCPT", None) => return Err(bad(key)),
            _ => return unknown(),
        }
    }
    Ok(rcpt)
}

/// RFC 1870 §3: at most 20 digits.
pub(super) fn number(digits: &str) -> Option<u64> {
    (digits.len() <= 20 && !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

fn bad(key: &str) -> CommandError {
    CommandError { reply: super::Reply::new(501, (5, 5, 4), format!("Bad value of {key}")) }
}

fn unknown<T>() -> Result<T, CommandError> {
    refuse(555, (5, 5, 4), "Parameter not recognised or not implemented")
}

fn body(value: &str) -> Result<BodyType, CommandError> {
    if value.eq_ignore_ascii_case("7BIT") {
        Ok(BodyType::SevenBit)
    } else if value.eq_ignore_ascii_case("8BITMIME") {
        Ok(BodyType::EightBit)
    } else {
        Err(bad("BODY")) // BINARYMIME is not offered
    }
}

fn ret(value: &str) -> Result<Ret, CommandError> {
    if value.eq_ignore_ascii_case("FULL") {
        Ok(Ret::Full)
    } else if value.eq_ignore_ascii_case("HDRS") {
        Ok(Ret::Headers)
    } else {
        Err(bad("RET"))
    }
}

fn xtext(value: &str, octets_max: usize) -> Option<String> {
    if value.len() > octets_max || !value.is_ascii() { None } else { decode_xtext(value) }
}

/// RFC 3461 §4.1: NEVER alone, or a list of the other three, each once.
fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::NEVER);
    }
    let mut notify = Notify::NEVER;
    for word in value.split(',') {
        let flag = if word.eq_ignore_ascii_case("SUCCESS") {
            &mut notify.success
        } else if word.eq_ignore_ascii_case("FAILURE") {
            &mut notify.failure
        } else if word.eq_ignore_ascii_case("DELAY") {
            &mut notify.delay
        } else {
            return None;
        };
        if std::mem::replace(flag, true) {
            return None;
        }
    }
    Some(notify)
}

/// RFC 3461 §4.2, RFC 6533 §3 for `utf-8`: `addr-type;` in lower case, then the address decoded.
fn orcpt(value: &str) -> Option<String> {
    if value.len() > ORCPT_OCTETS_MAX {
        return None;
    }
    let (kind, coded) = value.split_once(';')?;
    let is_atom = !kind.is_empty() && kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if !is_atom || coded.is_empty() {
        return None;
    }
    let kind = kind.to_ascii_lowercase();
    let address = match kind.as_str() {
        "utf-8" => decode_xtext(coded).and_then(|text| decode_utf8_address(&text)),
        _ if coded.is_ascii() => decode_xtext(coded),
        _ => None,
    }?;
    Some(format!("{kind};{address}"))
}
