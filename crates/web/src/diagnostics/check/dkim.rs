//! **Can receivers check our signatures?** A DKIM signature names a selector; the public key stands in DNS under it (RFC 6376 §3.6). A key
//! must be published before it signs, and stay until mail that it signed has been read. A record with `t=y` says "only testing": receivers
//! then treat a broken signature as none.

use super::{CheckResult, Checked, PublicKey, Target, tag, texts};
use crate::page::Say;
use gateway::dkim::publishes;
use mail::dns::Dns;

pub async fn dkim(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.dkim");
    if target.keys.is_empty() {
        checked.line(CheckResult::CannotTell, Say::new("check-dkim-no-key"));
        checked.fix(Say::new("check-dkim-fix-no-key"));
        return checked;
    }
    for key in &target.keys {
        one(&mut checked, target, key, dns).await;
    }
    if !target.keys.iter().any(|key| key.state == "active") {
        checked.advice(Say::new("check-dkim-none-active"));
    }
    checked
}

async fn one(checked: &mut Checked, target: &Target, key: &PublicKey, dns: &dyn Dns) {
    let name = format!("{}._domainkey.{}", key.selector, target.domain);
    let found = match texts(dns, &name).await {
        Ok(found) => found,
        Err(why) => {
            checked.publish((&name, "TXT"), key.record.as_str(), false);
            checked.unknown(why);
            return;
        }
    };
    let ours = found.iter().find(|text| publishes(text, &key.record));
    checked.publish((&name, "TXT"), key.record.as_str(), ours.is_some());
    let say = |word: &'static str| Say::new(word).with("what", key.selector.as_str());
    match (ours, found.is_empty(), key.state.as_str()) {
        (Some(text), ..) if tag(text, "t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y")) => {
            checked.advice(say("check-dkim-testing"));
        }
        (Some(_), ..) => checked.ok(say("check-dkim-ok")),
        (None, true, "made") => {
            checked.problem(say("check-dkim-unpublished"));
            checked.fix(Say::new("check-dkim-fix-publish"));
        }
        (None, true, "retiring") => {
            checked.problem(say("check-dkim-gone-early"));
            checked.fix(Say::new("check-dkim-fix-publish"));
        }
        (None, true, _) => {
            checked.problem(say("check-dkim-missing"));
            checked.fix(Say::new("check-dkim-fix-publish"));
        }
        (None, false, _) => {
            checked.problem(say("check-dkim-differs"));
            checked.fix(Say::new("check-dkim-fix-differs"));
        }
    }
    checked.see(&name, "TXT", found);
}
