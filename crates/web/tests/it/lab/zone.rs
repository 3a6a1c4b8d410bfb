//! Records of a scenario as a zone.

use super::scenario::World;
use mail::dns::{Record, RecordType, Zone};

pub fn zone(world: &World) -> Zone {
    let mut zone = Zone::new();
    let lines = world.dns.iter().chain(&world.dns_more).filter(|line| !is_left_out(world, line));
    for line in lines {
        add(&mut zone, line);
    }
    zone
}

/// `name TYPE` leaves out all records of that type, `name` all of the name.
pub fn is_left_out(world: &World, line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_more = world.dns_more.iter().any(|more| more == line);
    !is_more && world.dns_less.iter().any(|less| *less == name || *less == format!("{name} {kind}"))
}

fn add(zone: &mut Zone, line: &str) {
    let mut words = line.splitn(3, ' ');
    let (name, kind, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match kind {
        "A" => zone.add(name, Record::A(parsed(value, line))),
        "AAAA" => zone.add(name, Record::Aaaa(parsed(value, line))),
        "MX" => {
            let (preference, exchange) = value.split_once(' ').unwrap_or_else(|| panic!("this is no record: {line}"));
            zone.add(name, Record::Mx { preference: parsed(preference, line), exchange: exchange.trim_end_matches('.').into() })
        }
        "TXT" => zone.txt(name, value),
        "NS" => zone.add(name, Record::Ns(value.into())),
        "TLSA" => zone.add(name, tlsa(value, line)),
        "PTR" => zone.add(name, Record::Ptr(value.into())),
        "NAME" => zone.exists(name),
        "BOGUS" => zone.bogus(name),
        "FAIL" => {
            let kinds = match value {
                "A" => vec![RecordType::A, RecordType::Aaaa],
                "MX" => vec![RecordType::Mx],
                "TXT" => vec![RecordType::Txt],
                _ => vec![RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Txt, RecordType::Ns],
            };
            for kind in kinds {
                zone.fails(name, kind);
            }
            zone
        }
        _ => panic!("this is no record: {line}"),
    };
}

fn tlsa(value: &str, line: &str) -> Record {
    let words: Vec<&str> = value.split(' ').collect();
    let [usage, selector, matching, hex] = words[..] else { panic!("this is no record: {line}") };
    let octet = |at: usize| parsed_hex(&hex[at..at + 2], line);
    Record::Tlsa {
        usage: parsed(usage, line),
        selector: parsed(selector, line),
        matching: parsed(matching, line),
        octets: (0..hex.len()).step_by(2).map(octet).collect(),
    }
}

fn parsed_hex(text: &str, line: &str) -> u8 {
    u8::from_str_radix(text, 16).unwrap_or_else(|_| panic!("this is no record: {line}"))
}

fn parsed<T: std::str::FromStr>(text: &str, line: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("this is no record: {line}"))
}
