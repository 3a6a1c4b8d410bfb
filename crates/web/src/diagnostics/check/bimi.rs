//! **Is a logo shown beside the domain's mail?** With BIMI (an Internet draft) a domain names a picture that mailbox providers show beside
//! mail that passes DMARC. It takes a record `default._bimi`, a picture in SVG Tiny PS over HTTPS, a DMARC policy that stops forged mail,
//! and at most providers a certificate for the mark. It is not needed.

use super::{Checked, Target, tag, texts};
use crate::page::Say;
use mail::dns::Dns;

pub async fn bimi(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.bimi");
    let name = format!("default._bimi.{}", target.domain);
    let found = match texts(dns, &name).await {
        Ok(found) => found,
        Err(why) => {
            checked.unknown(why);
            return checked;
        }
    };
    let records: Vec<String> =
        found.iter().filter(|text| tag(text, "v").is_some_and(|v| v.eq_ignore_ascii_case("BIMI1"))).cloned().collect();
    checked.see(&name, "TXT", found);
    match records.as_slice() {
        [] => checked.ok(Say::new("check-bimi-none")),
        [record] => judge(&mut checked, target, record, dns).await,
        several => checked.problem(Say::new("check-bimi-several").with("count", several.len())),
    }
    checked
}

async fn judge(checked: &mut Checked, target: &Target, record: &str, dns: &dyn Dns) {
    let (picture, evidence) = (tag(record, "l").unwrap_or_default(), tag(record, "a").unwrap_or_default());
    if picture.is_empty() && evidence.is_empty() {
        checked.ok(Say::new("check-bimi-declined"));
        return;
    }
    if !picture.to_ascii_lowercase().starts_with("https://") || !picture.to_ascii_lowercase().ends_with(".svg") {
        checked.problem(Say::new("check-bimi-picture").with("what", picture));
        checked.fix(Say::new("check-bimi-fix-picture"));
    }
    if evidence.is_empty() {
        checked.advice(Say::new("check-bimi-certificate"));
    } else if !evidence.to_ascii_lowercase().starts_with("https://") {
        checked.problem(Say::new("check-bimi-evidence").with("what", evidence));
        checked.fix(Say::new("check-bimi-fix-picture"));
    }
    // A logo is only shown where forged mail is stopped.
    let policy = super::dmarc(target, dns).await;
    let is_stopped = policy.lines.iter().any(|line| line.say.key == "check-dmarc-protects")
        && !policy.lines.iter().any(|line| line.say.key == "check-dmarc-percent");
    match is_stopped {
        true => checked.ok(Say::new("check-bimi-ok")),
        false => {
            checked.problem(Say::new("check-bimi-dmarc"));
            checked.fix(Say::new("check-bimi-fix-dmarc"));
        }
    }
}
