//! DNS of the demo: reserved names under .example answer from here, everything else from the real resolver.

use futures_util::future::BoxFuture;
use mail::dns::{Answer, Dns, Record, RecordType, Zone};
use std::sync::Arc;

/// A fixed zone in front of a resolver.
pub struct Overlay {
    zone: Zone,
    beyond: Arc<dyn Dns>,
}

impl Overlay {
    pub fn new(beyond: Arc<dyn Dns>) -> Overlay {
        Overlay { zone: zone(), beyond }
    }
}

impl Dns for Overlay {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        // RFC 2606 §2 reserves .example: no real name is hidden by this. Reverse names of loopback and documentation
        // networks have nothing to say either.
        let bare = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let ours = bare == "example" || bare.ends_with(".example") || bare.ends_with(".127.in-addr.arpa");
        match ours {
            true => self.zone.lookup(name, kind),
            false => self.beyond.lookup(name, kind),
        }
    }
}

/// Partners whose mail may come from this machine, and a bank that asks to refuse what it did not send.
fn zone() -> Zone {
    let mut zone = Zone::new();
    for domain in ["partner.example", "mx.partner.example", "lists.partner.example", "huoban.example", "shop.example", "build.example"] {
        zone.txt(domain, "v=spf1 ip4:127.0.0.0/8 ip6:::1 -all");
        zone.txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=quarantine");
        zone.add(domain, Record::Mx { preference: 10, exchange: format!("mx.{domain}") });
    }
    for domain in ["bank.example", "demo.example"] {
        zone.txt(domain, "v=spf1 ip4:192.0.2.25 -all");
        zone.txt(&format!("_dmarc.{domain}"), if domain == "bank.example" { "v=DMARC1; p=reject" } else { "v=DMARC1; p=none" });
        zone.add(domain, Record::Mx { preference: 10, exchange: format!("mx.{domain}") });
    }
    for domain in ["spammer.example", "laji.example", "freemail.example", "parcel-info.example", "mail-quota.example"] {
        zone.txt(domain, "v=spf1 ip4:127.0.0.0/8 ~all");
    }
    zone.add("1.0.0.127.in-addr.arpa", Record::Ptr("localhost".into()));
    zone
}
