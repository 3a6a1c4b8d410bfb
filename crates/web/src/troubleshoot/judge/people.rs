//! Who cannot sign in, and whose digest does not come.

use crate::page::Say;
use crate::quarantine::digest::{self, Every};
use crate::quarantine::policy::{self, Power};
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix;
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::sql;
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use gateway::scope::OrgScope;
use gateway::trace::{self, Query};
use mail::{Address, OrgId};
use store::Error;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Letters looked at, and held mails.
const LETTERS_MAX: usize = 20;
const HELD_MAX: usize = 200;

/// Why somebody with this address does not get in.
pub async fn sign_in(ground: &Ground, address: &str) -> Result<Vec<Suspect>, Error> {
    let key = Address::parse(address).map(|address| address.key()).unwrap_or_else(|_| address.to_lowercase());
    let (scope, wanted, since_ms) = (ground.scope, key.clone(), ground.now_ms - DAY_MS);
    let found = ground.db.read(move |tx| Box::pin(async move { sql::account(tx, scope, &wanted, since_ms).await })).await?;
    let mut suspects = Vec::new();
    match found {
        None => {
            let say = Say::new("seen-no-account").with("what", key.as_str());
            suspects.push(
                Suspect::new(Cause::PersonUnknown, key.as_str())
                    .seen(Strength::Record, say)
                    .fix(fix::open("/people/new", "fix-open-people")),
            );
        }
        Some(account) if !account.is_active => {
            let say = Say::new("seen-inactive").with("what", key.as_str());
            suspects.push(
                Suspect::new(Cause::PersonInactive, key.as_str()).seen(Strength::Record, say).fix(fix::open("/people", "fix-open-people")),
            );
        }
        Some(account) => {
            suspects.extend(letters(ground, &key).await?);
            if account.refused > 0 {
                let say = Say::new("seen-password-refused").with("count", account.refused).with("what", key.as_str());
                let strength = if account.refused >= 2 { Strength::Record } else { Strength::Shown };
                let mut evidence = Evidence::new(strength, say);
                evidence.at_ms = account.refused_ms;
                suspects
                    .push(Suspect::new(Cause::PasswordRefused, key.as_str()).with(evidence).fix(fix::open("/people", "fix-open-people")));
            }
            if suspects.is_empty() {
                let say = Say::new("seen-account-well").with("what", key.as_str());
                let mut evidence = Evidence::new(Strength::Shown, say);
                evidence.at_ms = account.seen_ms;
                suspects.push(Suspect::new(Cause::NothingWrong, key.as_str()).with(evidence));
            }
        }
    }
    Ok(suspects)
}

/// Letters of ours to this address that did not arrive.
async fn letters(ground: &Ground, address: &str) -> Result<Vec<Suspect>, Error> {
    let scope = ground.scope;
    let query = Query { recipient: Some(address.into()), since_ms: Some(ground.now_ms - 3 * DAY_MS), limit: HELD_MAX, ..Query::default() };
    let found = ground.db.read(move |tx| Box::pin(async move { trace::search(tx, scope, &query).await })).await?;
    let letters = found.rows.into_iter().filter(|row| row.sender.is_empty() && row.peer_ip.is_empty()).take(LETTERS_MAX);
    let mut suspects = Vec::new();
    for row in letters {
        let Some(one) = row
            .recipients
            .iter()
            .find(|one| matches!(one.state.as_str(), "queued" | "bounced" | "held") && one.tries > 0 || one.state == "bounced")
        else {
            continue;
        };
        let say = Say::new("seen-letter").with("what", row.subject.as_str()).with("detail", one.last_reply.as_str());
        let evidence = Evidence::new(Strength::Record, say).at(row.at_ms).of_mail(Some(row.mail));
        let fix = fix::Fix::Retry { mail: row.mail };
        suspects.push(Suspect::new(Cause::LinkUndelivered, address).detail(one.last_reply.as_str()).with(evidence).fix(fix));
        break;
    }
    Ok(suspects)
}

/// What a digest depends on.
struct Digest {
    schedule: digest::Schedule,
    told: Option<digest::sql::Told>,
    rules: policy::Rules,
}

/// Why no digest came to this address.
pub async fn digests(ground: &Ground, org: OrgId, address: &str) -> Result<Vec<Suspect>, Error> {
    let key = Address::parse(address).map(|address| address.to_string()).unwrap_or_else(|_| address.to_string());
    let wanted = key.clone();
    let known = ground.db.read(move |tx| {
        Box::pin(async move {
            let (schedule, told) = (digest::sql::schedule(tx, org).await?, digest::sql::told(tx, org, &wanted).await?);
            Ok::<_, Error>(Digest { schedule, told, rules: policy::sql::rules(tx, org).await? })
        })
    });
    let known = known.await?;
    let own = known.told.and_then(|told| told.every);
    if own == Some(Every::Off) {
        let say = Say::new("seen-digest-own-off").with("what", key.as_str());
        return Ok(vec![
            Suspect::new(Cause::DigestOffByPerson, key)
                .seen(Strength::Record, say)
                .fix(fix::open("/quarantine/mine/digest", "fix-open-digest")),
        ]);
    }
    if own.unwrap_or(known.schedule.every) == Every::Off {
        return Ok(vec![off_for_all()]);
    }
    let undelivered = letters(ground, &key).await?;
    if !undelivered.is_empty() {
        return Ok(undelivered);
    }
    held(ground, (org, key), &known).await
}

/// Digests of an organisation where nobody said whose is missing.
pub async fn digests_of_all(ground: &Ground, org: OrgId) -> Result<Vec<Suspect>, Error> {
    let schedule = ground.db.read(move |tx| Box::pin(async move { digest::sql::schedule(tx, org).await })).await?;
    Ok((schedule.every == Every::Off).then(off_for_all).into_iter().collect())
}

fn off_for_all() -> Suspect {
    let suspect = Suspect::new(Cause::DigestOff, "").seen(Strength::Record, Say::new("seen-digest-off"));
    suspect.fix(fix::open("/quarantine/policies", "fix-open-digest"))
}

/// With digests on and none lost: what there would have been to tell.
async fn held(ground: &Ground, (org, key): (OrgId, String), known: &Digest) -> Result<Vec<Suspect>, Error> {
    let query = Query { recipient: Some(key.clone()), state: Some("held".into()), limit: HELD_MAX, ..Query::default() };
    let found = ground.db.read(move |tx| Box::pin(async move { trace::search(tx, OrgScope::One(org), &query).await })).await?;
    if found.rows.is_empty() {
        let say = Say::new("seen-digest-nothing").with("what", key.as_str());
        return Ok(vec![Suspect::new(Cause::DigestNothingHeld, key).seen(Strength::Record, say)]);
    }
    let told_of = |row: &&trace::api::MailBody| known.rules.powers(&row.verdict).has(Power::Notify);
    let count = found.rows.len();
    if !found.rows.iter().any(|row| told_of(&row)) {
        let say = Say::new("seen-digest-silent").with("count", count).with("what", key.as_str());
        return Ok(vec![
            Suspect::new(Cause::DigestSilent, key).seen(Strength::Record, say).fix(fix::open("/quarantine/policies", "fix-open-digest")),
        ]);
    }
    let every = known.told.and_then(|told| told.every).unwrap_or(known.schedule.every);
    let slot = known.schedule.last_slot_ms(every, ground.now_ms);
    let newest = found.rows.iter().filter(told_of).map(|row| row.at_ms).max().unwrap_or(0);
    let told_ms = known.told.map_or(0, |told| told.told_ms);
    let sent_ms = known.told.map_or(i64::MIN, |told| told.sent_ms);
    let is_due = slot.is_some_and(|slot| sent_ms < slot && newest < slot) && newest >= told_ms;
    let mut evidence = Evidence::new(Strength::Record, Say::new("seen-digest-not-due").with("what", every.name()).with("count", count));
    evidence.at_ms = Some(newest);
    Ok(match is_due {
        // Due and not sent: the job that sends is what is wrong.
        true => vec![Suspect::new(Cause::OurFault, "digest").seen(Strength::Shown, Say::new("seen-digest-due").with("what", key.as_str()))],
        false => vec![Suspect::new(Cause::DigestNotDue, key).with(evidence)],
    })
}
