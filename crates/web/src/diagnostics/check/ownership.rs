//! **Is the domain yours?** Only whoever keeps a domain's zone can put a record into it. So that nobody adds a domain that is not theirs,
//! its mail is taken once a TXT record with a word made for this organisation was seen. The record may go again afterwards.

use super::{Checked, Target, texts};
use crate::page::Say;
use mail::dns::Dns;

/// The record stands below the domain, so that it is in nobody's way.
pub const OWNERSHIP_LABEL: &str = "_gatepost";

/// Text of the record.
pub fn ownership_value(token: &str) -> String {
    format!("gatepost-domain={token}")
}

pub async fn ownership(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.ownership");
    if target.token.is_empty() {
        checked.ok(Say::new("check-ownership-not-needed"));
        return checked;
    }
    let (name, wanted) = (format!("{OWNERSHIP_LABEL}.{}", target.domain), ownership_value(&target.token));
    let found = texts(dns, &name).await;
    let is_there = found.as_ref().is_ok_and(|texts| texts.iter().any(|text| text.trim() == wanted));
    checked.publish((&name, "TXT"), wanted, is_there);
    match found {
        Err(why) => checked.unknown(why),
        Ok(texts) => {
            match (is_there, texts.is_empty()) {
                (true, _) => checked.ok(Say::new("check-ownership-ok")),
                (false, true) => checked.problem(Say::new("check-ownership-missing").with("what", name.as_str())),
                (false, false) => checked.problem(Say::new("check-ownership-other").with("what", name.as_str())),
            }
            if !is_there {
                checked.fix(Say::new("check-ownership-fix"));
            }
            checked.see(&name, "TXT", texts);
        }
    }
    checked
}
