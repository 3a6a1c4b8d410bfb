//! What a refusal of ours means: the reply, the check that decided, the receipt when there is one.

use super::receipt as of_receipt;
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix::{self, Fix};
use crate::troubleshoot::gather::Refused;
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use gateway::directory::{Effect, Standing, Subject};
use gateway::trace;
use mail::Address;
use mail::id::EntryId;

/// Replies by their status and words; the first that fits counts. All words must be there.
const REPLIES: &[(&str, &str, Cause)] = &[
    ("5.4.1", "", Cause::RecipientUnknown),
    ("5.4.6", "", Cause::MailLoop),
    ("5.3.4", "", Cause::TooLargeHere),
    ("5.7.1", "is on the block list", Cause::BlockEntry),
    ("5.7.1", "is listed in", Cause::SenderListed),
    ("5.7.1", "We do not relay", Cause::RelayRefused),
    ("5.7.1", "registered servers", Cause::NotRegisteredServer),
    ("5.7.1", "DMARC failed", Cause::SenderNotAuthenticated),
    ("5.7.1", "attachment is of a type", Cause::BlockedAttachment),
    ("5.7.1", "From header must name", Cause::MessageMalformed),
    ("5.7.1", "may only send with a From", Cause::LoginRefused),
    ("5.1.8", "", Cause::SenderRestricted),
    ("5.7.520", "", Cause::ForwardingRefused),
    ("5.7.0", "STARTTLS", Cause::TlsRequiredHere),
    ("5.7.10", "", Cause::TlsRequiredHere),
    ("5.7.0", "", Cause::LoginRefused),
    ("5.7.8", "", Cause::LoginRefused),
    ("5.7.11", "", Cause::LoginRefused),
    ("5.6.", "", Cause::MessageMalformed),
    ("5.5.1", "You talk", Cause::SessionBroken),
    ("5.5.", "", Cause::MessageMalformed),
    ("4.7.1", "", Cause::Greylisted),
    ("4.3.1", "", Cause::StorageFull),
    ("4.3.2", "", Cause::TooManyConnectionsHere),
    ("4.7.0", "Too many errors", Cause::SessionBroken),
    ("4.7.0", "", Cause::TooManyConnectionsHere),
    ("4.5.3", "", Cause::TooManyConnectionsHere),
    ("4.3.", "", Cause::OurFault),
    ("4.4.3", "", Cause::RecipientCheckFailed),
    ("4.4.2", "", Cause::SessionBroken),
];

fn cause_of(reply: &str) -> Cause {
    let status = reply.split_whitespace().nth(1).unwrap_or_default();
    let fits = |code: &str| status == code || code.ends_with('.') && status.starts_with(code);
    REPLIES.iter().find(|(code, words, _)| fits(code) && reply.contains(words)).map_or(Cause::SessionBroken, |(.., cause)| *cause)
}

/// Causes behind one refusal, with how it was recorded.
pub fn suspects(ground: &Ground, question: &Question, refused: &Refused) -> Vec<Suspect> {
    let strength = if refused.fit >= 0.8 { Strength::Record } else { Strength::Shown };
    let told = evidence(refused, strength);
    let cause = cause_of(refused.reply());
    let decided = refused.receipt.as_ref().and_then(|receipt| Some((receipt, receipt.recipients.first()?)));
    let mut found = match (cause, decided) {
        // The content was judged: the receipt says more than the reply.
        (Cause::SenderNotAuthenticated | Cause::BlockedAttachment | Cause::SessionBroken, Some((receipt, decided))) => {
            let reply = Say::new("tell-refusal").with("what", refused.reply()).with("ip", refused.detail.ip.as_str());
            let found = of_receipt::suspects(receipt, decided).into_iter();
            // The sender can send it in another way.
            let is_theirs = |suspect: &Suspect| suspect.cause == Cause::BlockedAttachment;
            found.map(|one| if is_theirs(&one) { one.fix(fix::tell(reply.clone())) } else { one }).collect()
        }
        (Cause::RecipientUnknown, _) => vec![unknown(ground, question, refused)],
        (Cause::BlockEntry, _) => vec![blocked(ground, refused)],
        (Cause::SenderListed, _) => vec![listed(refused)],
        (Cause::RelayRefused, _) => vec![relay(ground, refused)],
        (Cause::RecipientCheckFailed, _) => vec![check_failed(ground, refused)],
        _ => Vec::new(),
    };
    if found.is_empty() {
        found.push(plain(cause, refused));
    }
    found.into_iter().map(|suspect| suspect.with(told.clone()).near(refused.fit)).collect()
}

fn evidence(refused: &Refused, strength: Strength) -> Evidence {
    let detail = &refused.detail;
    let say = Say::new("seen-refused")
        .with("what", detail.reply.as_str())
        .with("ip", detail.ip.as_str())
        .with("sender", detail.sender.as_str())
        .with("recipient", refused.event.recipient.as_str());
    Evidence::new(strength, say).at(refused.event.at_ms).of_mail(refused.event.mail)
}

fn plain(cause: Cause, refused: &Refused) -> Suspect {
    let what = match cause {
        Cause::NotRegisteredServer | Cause::TlsRequiredHere | Cause::MessageMalformed | Cause::SessionBroken => refused.detail.ip.clone(),
        _ => String::new(),
    };
    let suspect = Suspect::new(cause, what).detail(refused.reply());
    let reply = Say::new("tell-refusal").with("what", refused.reply()).with("ip", refused.detail.ip.as_str());
    match cause {
        Cause::NotRegisteredServer => suspect.fix(fix::open("/connectors", "fix-open-inbound")),
        Cause::MessageMalformed | Cause::TlsRequiredHere | Cause::TooLargeHere | Cause::BlockedAttachment | Cause::SessionBroken => {
            suspect.fix(fix::tell(reply))
        }
        Cause::SenderRestricted => {
            let suspect = Suspect { what: refused.detail.sender.clone(), ..suspect };
            suspect.fix(fix::open("/restricted", "fix-open-restricted"))
        }
        Cause::ForwardingRefused => suspect.fix(fix::open("/rules", "fix-open-rules")),
        _ => suspect,
    }
}

/// Nobody of this address here: written wrongly, not registered, or not known to the next hop.
fn unknown(ground: &Ground, question: &Question, refused: &Refused) -> Suspect {
    let address = refused.event.recipient.as_str();
    let asked = question.recipient.as_ref().and_then(End::address);
    let parsed = Address::parse(address).ok();
    if let Some(Standing::AskNextHop(domain, _)) = parsed.as_ref().map(|address| ground.directory.standing(address)) {
        let connector = ground.directory.inbound_route(domain);
        let say = Say::new("seen-call-out").with("what", address).with("detail", connector);
        return Suspect::new(Cause::MailboxUnknown, address).seen(Strength::Record, say).fix(fix::open("/domains", "fix-open-recipients"));
    }
    // The mail was for another address than the one that is asked about: it was written wrongly.
    let meant = asked.filter(|asked| !asked.eq_ignore_ascii_case(address)).map(str::to_string).or_else(|| nearest(ground, address));
    match meant {
        Some(meant) => {
            let say = Say::new("seen-near-address").with("what", address).with("detail", meant.as_str());
            let text = Say::new("tell-right-address").with("what", address).with("detail", meant.as_str());
            let mistyped = Suspect::new(Cause::RecipientMistyped, address).detail(meant).seen(Strength::Shown, say).fix(fix::tell(text));
            mistyped.fix(Fix::AddRecipient { address: address.into() })
        }
        None => {
            let say = Say::new("seen-unknown-address").with("what", address);
            Suspect::new(Cause::RecipientUnknown, address).seen(Strength::Shown, say).fix(Fix::AddRecipient { address: address.into() })
        }
    }
}

/// A known address of the same domain that differs by a letter or two.
pub fn nearest(ground: &Ground, address: &str) -> Option<String> {
    let address = address.to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let org = ground.org_of(domain)?;
    let known = ground.directory.recipients.iter().filter(|(_, one)| one.org == org).map(|(key, _)| key);
    let near = known.filter_map(|key| {
        let (other, of) = key.rsplit_once('@')?;
        let far = distance(local, other);
        // A short name has many neighbours.
        let most = if local.chars().count() <= 3 { 1 } else { 2 };
        (of == domain && far > 0 && far <= most).then_some((far, key))
    });
    near.min().map(|(_, key)| key.clone())
}

/// Letters to change, add, leave out or swap (Damerau-Levenshtein with adjacent swaps), up to 64 letters.
pub fn distance(a: &str, b: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(LETTERS_MAX).collect(), b.chars().take(LETTERS_MAX).collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// The block entry that turned the peer away, while it still stands.
fn blocked(ground: &Ground, refused: &Refused) -> Suspect {
    let ip = refused.detail.ip.as_str();
    let recipient = Address::parse(&refused.event.recipient).ok();
    let key = recipient.as_ref().map(Address::key).unwrap_or_default();
    let entries =
        recipient.as_ref().and_then(|to| ground.directory.domain_of(to)).and_then(|domain| ground.directory.entries.get(&domain.org));
    let matching = entries.zip(ip.parse().ok()).map(|(entries, ip)| entries.matching(&Subject::connection(ip), &key, ground.now_ms));
    let entry = matching.unwrap_or_default().into_iter().find(|(entry, _)| entry.effect == Effect::Block).map(|(entry, _)| entry.clone());
    let name = entry.as_ref().map_or_else(|| format!("block ip {ip}"), |entry| format!("block {} {}", entry.kind.name(), entry.value));
    let suspect = Suspect::new(Cause::BlockEntry, name.as_str()).seen(Strength::Fits, Say::new("seen-entry").with("what", name.as_str()));
    suspect.fixes(entry.map(|entry| Fix::EndEntry { entry: EntryId(entry.id).to_string(), name }))
}

fn listed(refused: &Refused) -> Suspect {
    let zone = refused.reply().split("is listed in ").nth(1).and_then(|rest| rest.split([':', ' ']).next()).unwrap_or_default();
    let ip = refused.detail.ip.as_str();
    let text = Say::new("tell-listed").with("what", ip).with("detail", zone);
    let suspect = Suspect::new(Cause::SenderListed, ip).detail(zone).fix(fix::tell(text));
    suspect.fix(Fix::Allow { value: ip.into(), scope: String::new(), days: 30 })
}

/// Neither our domain nor a peer that may send out.
fn relay(ground: &Ground, refused: &Refused) -> Suspect {
    let domain = refused.event.recipient.rsplit('@').next().unwrap_or_default();
    let sender = refused.detail.sender.rsplit('@').next().unwrap_or_default();
    let ip = refused.detail.ip.as_str();
    match ground.directory.domain_named(sender).is_some() {
        // One of our own senders, from an address that nobody registered.
        true => Suspect::new(Cause::RelayRefused, ip)
            .seen(Strength::Fits, Say::new("seen-not-registered").with("what", ip).with("detail", sender))
            .fix(fix::open("/inbound/new", "fix-open-inbound")),
        false => Suspect::new(Cause::DomainNotServed, domain)
            .seen(Strength::Fits, Say::new("seen-not-served").with("what", domain))
            .fix(fix::open("/domains", "fix-open-domains")),
    }
}

fn check_failed(ground: &Ground, refused: &Refused) -> Suspect {
    let domain = refused.event.recipient.rsplit('@').next().unwrap_or_default();
    let connector = ground.directory.inbound_route(domain);
    Suspect::new(Cause::RecipientCheckFailed, connector)
        .detail(domain)
        .fix(fix::open(format!("/connectors/{connector}"), "fix-open-connector"))
}

/// Whether the mail came in after a refusal.
pub fn is_over(refused: &Refused, others: &[trace::api::MailBody]) -> bool {
    let detail = &refused.detail;
    let is_same = |row: &trace::api::MailBody| {
        let same_id = !detail.message_id.is_empty() && row.message_id == detail.message_id;
        let same_ends = row.sender.eq_ignore_ascii_case(&detail.sender)
            && row.recipients.iter().any(|one| one.original.eq_ignore_ascii_case(&refused.event.recipient));
        row.at_ms >= refused.event.at_ms && (same_id || refused.is_temporary() && same_ends)
    };
    // A mail refused for its content has a row too: its own, owed to nobody.
    others.iter().filter(|row| Some(row.mail) != refused.event.mail && !row.recipients.is_empty()).any(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_of_ours_has_a_cause() {
        for (reply, want) in [
            ("550 5.4.1 Recipient address rejected: Access denied (e0)", Cause::RecipientUnknown),
            ("550 5.7.1 192.0.2.1 is on the block list of the recipient's organisation", Cause::BlockEntry),
            ("550 5.7.1 192.0.2.1 is listed in zen.example: ask its keepers to remove it", Cause::SenderListed),
            ("550 5.7.1 We do not relay mail for you to this domain", Cause::RelayRefused),
            ("550 5.7.1 Mail of this sender's domain is only taken from its registered servers", Cause::NotRegisteredServer),
            ("530 5.7.0 Say STARTTLS first: mail from you is only taken over TLS", Cause::TlsRequiredHere),
            ("550 5.6.11 Lines must end in CR LF; this message has a bare CR or LF", Cause::MessageMalformed),
            ("552 5.3.4 Messages may have 100 octets here", Cause::TooLargeHere),
            ("451 4.7.1 Please come again", Cause::Greylisted),
            ("452 4.3.1 Our disk is full", Cause::StorageFull),
            ("451 4.4.3 Whether this recipient exists cannot be found out now", Cause::RecipientCheckFailed),
            ("550 5.7.1 Refused by the policy of the recipient's organisation", Cause::SessionBroken),
        ] {
            assert_eq!(cause_of(reply), want, "{reply}");
        }
        for (a, b, want) in [("alice", "alcie", 1), ("alice", "alice", 0), ("bo", "bob", 1), ("sales", "salse", 1), ("", "ab", 2)] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
