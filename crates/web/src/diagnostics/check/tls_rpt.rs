//! **Who hears of failed encryption?** With TLS reporting (RFC 8460) other servers tell a domain each day how many connections to it were
//! encrypted and why some were not. It takes one record.

use super::{Checked, Target, tag, texts};
use crate::page::Say;
use mail::dns::Dns;

pub async fn tls_rpt(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.tls-rpt");
    let name = format!("_smtp._tls.{}", target.domain);
    let found = match texts(dns, &name).await {
        Ok(found) => found,
        Err(why) => {
            checked.unknown(why);
            return checked;
        }
    };
    let records: Vec<String> = found.iter().filter(|text| text.starts_with("v=TLSRPTv1")).cloned().collect();
    let goes_somewhere = |text: &str| {
        tag(text, "rua").is_some_and(|rua| rua.split(',').all(|uri| uri.trim().starts_with("mailto:") || uri.trim().starts_with("https:")))
    };
    let is_good = records.len() == 1 && goes_somewhere(&records[0]);
    checked.publish((&name, "TXT"), format!("v=TLSRPTv1; rua=mailto:tls-reports@{}", target.domain), is_good);
    match records.as_slice() {
        [] => {
            checked.advice(Say::new("check-tls-rpt-none"));
            checked.fix(Say::new("check-tls-rpt-fix"));
        }
        [_] if is_good => checked.ok(Say::new("check-tls-rpt-ok")),
        [_] => checked.problem(Say::new("check-tls-rpt-address")),
        several => checked.problem(Say::new("check-tls-rpt-several").with("count", several.len())),
    }
    checked.see(&name, "TXT", found);
    checked
}
