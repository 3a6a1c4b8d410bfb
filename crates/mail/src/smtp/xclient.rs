//! XCLIENT: a trusted proxy names the client within SMTP (Postfix XCLIENT_README).

use super::decode_xtext;
use std::net::IpAddr;

/// More than there are names.
const ATTRIBUTES_MAX: usize = 16;
const VALUE_OCTETS_MAX: usize = 255;

/// What the attributes say. `None`: not given; `Some(None)`: given as unavailable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    pub name: Option<Option<String>>,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub helo: Option<Option<String>>,
    pub esmtp: Option<bool>,
    pub login: Option<Option<String>>,
    pub local_ip: Option<IpAddr>,
    pub local_port: Option<u16>,
}

impl Client {
    /// Gives meaning to what [`super::Command::Xclient`] holds; `None` (`501 5.5.4`) for unknown names and unreadable values.
    pub fn read(attributes: &[(String, String)]) -> Option<Client> {
        let mut client = Client::default();
        for (name, value) in attributes {
            let given = (!is_unavailable(value)).then(|| value.clone());
            match name.as_str() {
                "NAME" => client.name = Some(given),
                "HELO" => client.helo = Some(given),
                "LOGIN" => client.login = Some(given),
                "ADDR" => client.ip = address(given)?,
                "DESTADDR" => client.local_ip = address(given)?,
                "PORT" => client.port = port(given)?,
                "DESTPORT" => client.local_port = port(given)?,
                "PROTO" => client.esmtp = protocol(given)?,
                _ => return None,
            }
        }
        Some(client)
    }
}

/// `NAME=value …`, values in xtext.
pub(super) fn read_attributes(argument: &str) -> Option<Vec<(String, String)>> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for word in argument.split(' ').filter(|word| !word.is_empty()) {
        let (name, coded) = word.split_once('=')?;
        let value = decode_xtext(coded)?;
        let name = name.to_ascii_uppercase();
        let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_uppercase());
        if !is_name
            || value.len() > VALUE_OCTETS_MAX
            || attributes.len() == ATTRIBUTES_MAX
            || attributes.iter().any(|(earlier, _)| *earlier == name)
        {
            return None;
        }
        attributes.push((name, value));
    }
    (!attributes.is_empty()).then_some(attributes)
}

pub(super) fn is_unavailable(value: &str) -> bool {
    value.eq_ignore_ascii_case("[UNAVAILABLE]") || value.eq_ignore_ascii_case("[TEMPUNAVAIL]")
}

pub(super) fn address(given: Option<String>) -> Option<Option<IpAddr>> {
    let Some(text) = given else { return Some(None) };
    let text = text.get(..5).filter(|tag| tag.eq_ignore_ascii_case("ipv6:")).map_or(text.as_str(), |_| &text[5..]);
    text.parse().ok().map(Some)
}

pub(super) fn port(given: Option<String>) -> Option<Option<u16>> {
    given.map_or(Some(None), |text| text.parse().ok().map(Some))
}

pub(super) fn protocol(given: Option<String>) -> Option<Option<bool>> {
    given.map_or(Some(None), |text| match text.to_ascii_uppercase().as_str() {
        "SMTP" => Some(Some(false)),
        "ESMTP" => Some(Some(true)),
        _ => None,
    })
}
