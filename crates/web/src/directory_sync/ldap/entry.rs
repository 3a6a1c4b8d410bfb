//! What entries mean: addresses, names, members. Pure.

use super::{Account, Entry, FoundGroup, Member};
use crate::directory_sync::settings::SourceSettings;
use mail::Address;

/// Addresses of one entry.
const ADDRESSES_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 200;

/// A name as it is compared: lower case, no blanks around commas, equals and plus signs (RFC 4514 §2; enough to find a member that
/// the same server names).
pub fn dn_key(dn: &str) -> String {
    let mut made = String::with_capacity(dn.len());
    let mut is_escaped = false;
    let mut is_blank_eaten = true;
    for c in dn.trim().chars() {
        if is_escaped {
            is_escaped = false;
            made.extend(c.to_lowercase());
            continue;
        }
        match c {
            '\\' => {
                is_escaped = true;
                is_blank_eaten = false;
                made.push(c);
            }
            ',' | ';' | '=' | '+' => {
                while made.ends_with(' ') && !made.ends_with("\\ ") {
                    made.pop();
                }
                made.push(if c == ';' { ',' } else { c });
                is_blank_eaten = true;
            }
            ' ' if is_blank_eaten => {}
            other => {
                is_blank_eaten = false;
                made.extend(other.to_lowercase());
            }
        }
    }
    made
}

/// The entry of a person, when it has an address; and how many values are none.
pub fn account(entry: &Entry, settings: &SourceSettings) -> (Option<Account>, usize) {
    let (addresses, unreadable) = addresses(entry, &settings.mail_attributes);
    if addresses.is_empty() {
        return (None, unreadable);
    }
    let account = Account {
        dn: dn_key(&entry.dn),
        uid: entry.text("uid").to_lowercase(),
        name: name(entry, &settings.name_attribute),
        addresses,
        primary_group: entry.text("primarygroupid").parse().ok(),
    };
    (Some(account), unreadable)
}

/// The entry of a group. Members that the server holds back for a further question are not in it yet ([`held_back`]).
pub fn group(entry: &Entry, settings: &SourceSettings) -> (FoundGroup, usize) {
    let (addresses, unreadable) = addresses(entry, &settings.mail_attributes);
    let mut name = entry.text("cn");
    if name.trim().is_empty() {
        name = super::entry::name(entry, &settings.name_attribute);
    }
    let members = settings.member_attributes.iter().flat_map(|attribute| members(entry, attribute)).collect();
    let group = FoundGroup {
        dn: dn_key(&entry.dn),
        name: cut(if name.trim().is_empty() { &entry.dn } else { &name }),
        addresses,
        members,
        rid: entry.attributes.get("objectsid").and_then(|values| values.first()).and_then(|sid| rid(sid)),
    };
    (group, unreadable)
}

fn name(entry: &Entry, attribute: &str) -> String {
    let wanted = entry.text(attribute);
    cut(&if wanted.trim().is_empty() { entry.text("cn") } else { wanted })
}

fn cut(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// Keys of addresses, the main one first: what Exchange writes as `SMTP:`, else the first of the first attribute that has one.
fn addresses(entry: &Entry, attributes: &[String]) -> (Vec<String>, usize) {
    let (mut found, mut unreadable): (Vec<String>, usize) = (Vec::new(), 0);
    let mut main = None;
    for value in attributes.iter().flat_map(|attribute| entry.texts(attribute)).take(ADDRESSES_MAX) {
        let Some((written, is_main)) = written(value.trim()) else { continue };
        match Address::parse(written) {
            Ok(address) => {
                let key = address.key();
                if is_main && main.is_none() {
                    main = Some(key.clone());
                }
                if !found.contains(&key) {
                    found.push(key);
                }
            }
            Err(_) => unreadable += 1,
        }
    }
    if let Some(main) = main {
        found.retain(|key| *key != main);
        found.insert(0, main);
    }
    (found, unreadable)
}

/// The address in a value, and whether it says that it is the main one. `None`: an address of another kind, such as `X500:` or `sip:`.
fn written(value: &str) -> Option<(&str, bool)> {
    match value.split_once(':') {
        Some(("SMTP", rest)) => Some((rest, true)),
        Some((kind, rest)) if kind.eq_ignore_ascii_case("smtp") => Some((rest, false)),
        Some((kind, _)) if !kind.is_empty() && kind.bytes().all(|octet| octet.is_ascii_alphanumeric()) => None,
        _ if value.is_empty() => None,
        _ => Some((value, false)),
    }
}

/// Members under one attribute, whole or the part of it that is there.
pub fn members(entry: &Entry, attribute: &str) -> Vec<Member> {
    let attribute = attribute.to_lowercase();
    let part = held_back(entry, &attribute).map(|(name, _)| name);
    let values = entry.texts(&attribute).into_iter().chain(part.into_iter().flat_map(|name| entry.texts(&name)));
    let is_uid = attribute == "memberuid";
    values.map(|value| if is_uid { Member::Uid(value.trim().to_lowercase()) } else { Member::Dn(dn_key(unique(&value))) }).collect()
}

/// `uniqueMember` may carry a bit string behind the name (RFC 4517 §3.3.21).
fn unique(value: &str) -> &str {
    match value.rsplit_once('#') {
        Some((dn, bits)) if bits.starts_with('\'') && bits.ends_with("'B") => dn,
        _ => value,
    }
}

/// Active Directory gives 1500 members at once, as `member;range=0-1499`: the name of that part, and where the next begins.
/// The last part ends in `*` and leads nowhere.
pub fn held_back(entry: &Entry, attribute: &str) -> Option<(String, Option<usize>)> {
    let begin = format!("{};range=", attribute.to_lowercase());
    let name = entry.attributes.keys().find(|name| name.starts_with(&begin))?;
    let end = name.rsplit_once('-')?.1;
    Some((name.clone(), end.parse::<usize>().ok().map(|end| end + 1)))
}

/// The last part of a security identifier, which names the account in its domain (MS-DTYP §2.4.2.2).
fn rid(sid: &[u8]) -> Option<u32> {
    let last: [u8; 4] = sid.len().checked_sub(4).and_then(|at| sid.get(at..))?.try_into().ok()?;
    (sid.len() >= 12 && sid[0] == 1).then(|| u32::from_le_bytes(last))
}

/// A search that a group holds instead of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub base: String,
    /// "base", "one" or "sub".
    pub scope: String,
    pub filter: String,
}

/// `ldap:///base??sub?(filter)` (RFC 4516); a host in it is passed over, as the search is asked of the same server.
pub fn url(text: &str) -> Option<Url> {
    let rest = text.trim().strip_prefix("ldap://").or_else(|| text.trim().strip_prefix("ldaps://"))?;
    let (_, rest) = rest.split_once('/')?;
    let mut parts = rest.split('?').map(decoded);
    let base = parts.next()??;
    let scope = parts.nth(1).flatten().unwrap_or_default();
    let filter = parts.next().flatten().unwrap_or_default();
    Some(Url {
        base,
        scope: if scope.is_empty() { "base".into() } else { scope.to_lowercase() },
        filter: if filter.is_empty() { "(objectClass=*)".into() } else { filter },
    })
}

fn decoded(text: &str) -> Option<String> {
    let octets = text.as_bytes();
    let (mut made, mut at) = (Vec::with_capacity(octets.len()), 0);
    while let Some(octet) = octets.get(at) {
        if *octet == b'%' {
            made.push(u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()?);
            at += 3;
        } else {
            made.push(*octet);
            at += 1;
        }
    }
    String::from_utf8(made).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory_sync::settings::Preset;

    fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        Entry { dn: dn.into(), attributes: attributes.iter().map(|(name, all)| (name.to_lowercase(), values(all))).collect() }
    }

    #[test]
    fn names_are_compared_as_directories_do() {
        for (dn, want) in [
            ("CN=Bo Lind, OU=People,DC=a", "cn=bo lind,ou=people,dc=a"),
            ("cn = Bo Lind ;dc= a", "cn=bo lind,dc=a"),
            ("CN=Lind\\, Bo,DC=a", "cn=lind\\, bo,dc=a"),
            ("cn=李伟,dc=a", "cn=李伟,dc=a"),
        ] {
            assert_eq!(dn_key(dn), want);
        }
    }

    #[test]
    fn addresses_as_exchange_and_others_write_them() {
        let settings = Preset::ActiveDirectory.settings();
        let of = |attributes: &[(&str, &[&str])]| {
            let (account, unreadable) = account(&entry("cn=x", attributes), &settings);
            (account.map(|account| account.addresses.join(" ")).unwrap_or_default(), unreadable)
        };
        for (attributes, want, why) in [
            (&[("mail", &["Bo@A.example"][..])][..], ("bo@a.example", 0), "one address"),
            (
                &[
                    ("mail", &["old@a.example"][..]),
                    ("proxyAddresses", &["smtp:alias@a.example", "SMTP:new@a.example", "X500:/o=x", "sip:bo@a.example"]),
                ],
                ("new@a.example old@a.example alias@a.example", 0),
                "the capital letters say which is the main one; other kinds are no mail",
            ),
            (&[("mail", &["bo@a.example", "bo@a.example"])], ("bo@a.example", 0), "once"),
            (&[("mail", &["bo at a.example", ""])], ("", 1), "no address at all"),
            (&[("displayName", &["Bo"])], ("", 0), "nothing"),
        ] {
            assert_eq!(of(attributes), (want.0.to_string(), want.1), "{why}");
        }
    }

    #[test]
    fn members_whole_in_parts_and_by_uid() {
        let dn = |dn: &str| Member::Dn(dn.into());
        let whole = entry("cn=g", &[("member", &["CN=a, DC=x", "cn=b,dc=x"])]);
        assert_eq!(members(&whole, "member"), [dn("cn=a,dc=x"), dn("cn=b,dc=x")]);
        assert_eq!(held_back(&whole, "member"), None);
        let part = entry("cn=g", &[("member", &[]), ("member;range=0-1499", &["cn=a,dc=x"])]);
        assert_eq!(members(&part, "member"), [dn("cn=a,dc=x")]);
        assert_eq!(held_back(&part, "member"), Some(("member;range=0-1499".into(), Some(1500))));
        let last = entry("cn=g", &[("member;range=1500-*", &["cn=b,dc=x"])]);
        assert_eq!(held_back(&last, "member").map(|(_, next)| next), Some(None));
        assert_eq!(members(&entry("cn=g", &[("memberUid", &["Bo"])]), "memberUid"), [Member::Uid("bo".into())]);
        assert_eq!(members(&entry("cn=g", &[("uniqueMember", &["cn=a#'0101'B"])]), "uniqueMember"), [dn("cn=a")]);
    }

    #[test]
    fn the_end_of_a_security_identifier() {
        let sid = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0];
        assert_eq!(rid(&sid), Some(513));
        assert_eq!(rid(&sid[..3]), None);
    }

    #[test]
    fn a_search_in_a_group() {
        let read = url("ldap:///ou=People,dc=a?uid?sub?(&(l=K%C3%B6ln)(mail=*))").expect("a search");
        assert_eq!((read.base.as_str(), read.scope.as_str(), read.filter.as_str()), ("ou=People,dc=a", "sub", "(&(l=Köln)(mail=*))"));
        assert_eq!(url("ldap:///dc=a").map(|url| (url.scope, url.filter)), Some(("base".into(), "(objectClass=*)".into())));
        for text in ["", "http://a/b", "ldap://host", "ldap:///dc=%zz"] {
            assert_eq!(url(text), None, "{text}");
        }
    }
}
