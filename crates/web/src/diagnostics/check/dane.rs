//! **Do senders know our certificate from DNS?** With DANE (RFC 7672) a signed zone says which certificate a mail server has, and senders
//! who check it deliver to nobody else. The records are held against the certificate that we show. A record that does not fit keeps their mail away, so it changes before the certificate does. It
//! counts only where the zone of the server is signed (DNSSEC).

use super::{Checked, Target};
use crate::page::Say;
use gateway::delivery::security::dane::{Dane, Tlsa};
use mail::dns::{Dns, DnsError, Record, RecordType};

/// Records that are read.
const RECORDS_MAX: usize = 20;

pub async fn dane(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.dane");
    let name = format!("_25._tcp.{}", target.hostname);
    let records = match dns.lookup(&name, RecordType::Tlsa).await {
        Ok(records) => records,
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => [].into(),
        Err(why) => {
            checked.unknown(why.to_string());
            return checked;
        }
    };
    let records: Vec<&Record> = records.iter().filter(|record| matches!(record, Record::Tlsa { .. })).take(RECORDS_MAX).collect();
    checked.see(&name, "TLSA", records.iter().map(|record| shown(record)).collect());
    if records.is_empty() {
        checked.ok(Say::new("check-dane-none").with("what", name));
        return checked;
    }
    let usable = records.iter().filter(|record| judge(&mut checked, record)).count();
    match usable {
        0 => {
            // RFC 7672 §2.2: with records of which none can be used, the server counts as one that must be encrypted and is not checked.
            checked.problem(Say::new("check-dane-unusable"));
            checked.fix(Say::new("check-dane-fix"));
        }
        count if target.chain.is_empty() => checked.ok(Say::new("check-dane-ok").with("count", count)),
        count => compare(&mut checked, target, (&name, &records), count),
    }
    checked
}

/// Whether what we show is what the records say.
fn compare(checked: &mut Checked, target: &Target, (name, records): (&str, &[&Record]), count: usize) {
    let usable = records.iter().filter_map(|record| Tlsa::usable(record)).collect();
    let names = vec![target.hostname.clone(), target.domain.clone()];
    let dane = Dane { records: usable, base: target.hostname.clone(), names };
    match dane.judge(&target.chain, target.now_ms) {
        Ok(()) => checked.ok(Say::new("check-dane-fits").with("count", count)),
        Err(why) => {
            checked.problem(Say::new("check-dane-differs").with("why", why));
            checked.fix(Say::new("check-dane-fix"));
            if let Some(own) = target.chain.first().and_then(|own| Tlsa::of_key(own)) {
                checked.publish((name, "TLSA"), own.shown(), false);
            }
        }
    }
}

/// Whether senders can use it (RFC 7672 §3.1: usages 2 and 3 only; RFC 6698 §2.1 for the rest).
fn judge(checked: &mut Checked, record: &Record) -> bool {
    let Record::Tlsa { usage, selector, matching, octets } = record else { return false };
    let text = shown(record);
    let is_sized = match matching {
        0 => octets.len() > 64,
        1 => octets.len() == 32,
        2 => octets.len() == 64,
        _ => false,
    };
    if !matches!(usage, 2 | 3) {
        checked.advice(Say::new("check-dane-usage").with("what", text));
        false
    } else if !matches!(selector, 0 | 1) || !is_sized {
        checked.problem(Say::new("check-dane-shape").with("what", text));
        checked.fix(Say::new("check-dane-fix"));
        false
    } else {
        if *usage == 3 && *selector == 0 {
            checked.advice(Say::new("check-dane-selector").with("what", text));
        }
        true
    }
}

fn shown(record: &Record) -> String {
    /// Octets shown of the certificate's digest.
    const OCTETS_SHOWN: usize = 8;
    match record {
        Record::Tlsa { usage, selector, matching, octets } => {
            let hex: String = octets.iter().take(OCTETS_SHOWN).map(|octet| format!("{octet:02x}")).collect();
            format!("{usage} {selector} {matching} {hex}…")
        }
        _ => String::new(),
    }
}
