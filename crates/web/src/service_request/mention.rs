//! Naming people in words of a request: `@li@acme.example`, or `@li` where that is one person.
//!
//! In: what was written, in the transaction that keeps it. Out: a row for each who is named, a letter to each who does not get the words
//! anyway; their bell rings. Invariants: only who may see the words is named, so a name tells nobody anything; who is meant by nothing is
//! left as it was written.

use super::change::At;
use super::model::{Request, Side};
use super::{letter, sql, sql_more};
use crate::health::bell::Alert;
use crate::page::{Fault, Say};
use crate::people::{May, Person, sql as people_sql};
use gateway::scope::OrgScope;
use mail::id::RequestEventId;
use mail::{OrgId, PersonId};
use store::{Error, Tx};

/// People named in one word.
const NAMED_MAX: usize = 10;
/// Characters of one name.
const NAME_CHARS_MAX: usize = 254;
/// Mentions and woken requests that the bell looks at.
const RUNG_MAX: usize = 50;

/// What stands behind each "@" of a text, in order and once, lower case.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    for part in text.split(|c: char| !is_inside(c)) {
        let Some(name) = part.strip_prefix('@') else { continue };
        let name = name.trim_end_matches(['.', '-', '_', '+', '@']).to_lowercase();
        if !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !found.contains(&name) {
            found.push(name);
        }
        if found.len() == NAMED_MAX {
            break;
        }
    }
    found
}

/// Notes and tells who is named in `body`.
pub(super) async fn tell(
    tx: &mut Tx,
    at: &At,
    request: &Request,
    (event, body, is_internal): (RequestEventId, &str, bool),
) -> Result<(), Fault> {
    for name in names(body) {
        let Some(person) = meant(tx, at.by.side, request, (name.as_str(), is_internal)).await? else { continue };
        if person.id == at.by.person {
            continue;
        }
        if sql_more::mention(tx, request, (event, person.id, at.by.shown()), at.now_ms).await?
            && (is_internal || !gets_it_anyway(tx, request, &person).await?)
        {
            letter::mentioned(tx, at, request, (person.email.as_str(), body)).await?;
        }
    }
    Ok(())
}

/// Who is meant: somebody who may read these words.
async fn meant(tx: &mut Tx, side: Side, request: &Request, (name, is_internal): (&str, bool)) -> Result<Option<Person>, Error> {
    let may_read = |person: &Person| match person.home {
        None => person.may(May::Support),
        Some(org) => !is_internal && org == request.org && (person.may(May::Requests) || person.id == request.requester),
    };
    if name.contains('@') {
        return Ok(people_sql::by_email(tx, name).await?.filter(may_read));
    }
    // One's own house first.
    let houses = if side == Side::Support { [OrgId(0), request.org] } else { [request.org, OrgId(0)] };
    for house in houses {
        if let [email] = sql_more::named(tx, house, name).await?.as_slice() {
            let found = people_sql::by_email(tx, email).await?.filter(may_read);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// Whether the words reach this person by the letter about them.
async fn gets_it_anyway(tx: &mut Tx, request: &Request, person: &Person) -> Result<bool, Error> {
    let copies = sql::copies(tx, OrgScope::One(request.org), request.id).await?;
    let is = |address: &String| address.eq_ignore_ascii_case(&person.email);
    Ok(is(&request.address) || copies.iter().any(is) || request.assignee == Some(person.id))
}

/// What the bell rings about: where this person was named, and what they wanted to look at again.
pub async fn alerts(tx: &mut Tx, person: PersonId, (since_ms, now_ms): (i64, i64)) -> Result<Vec<Alert>, Error> {
    let alert = |subject: String, href: String, title: Say, at_ms: i64| Alert {
        subject,
        href,
        title: title.into(),
        at_ms,
        is_urgent: false,
        is_read: false,
        status: "request-mention-status".into(),
        tone: "info",
    };
    let mut all: Vec<Alert> = Vec::new();
    for one in sql_more::mentions(tx, person, since_ms, RUNG_MAX).await? {
        let title = Say::new("request-mention-alert").with("who", one.who).with("title", one.title);
        let subject = format!("{} @", one.request);
        // The latest of each request.
        if all.iter().all(|other| other.subject != subject) {
            all.push(alert(subject, format!("/requests/{}", one.request), title, one.at_ms));
        }
    }
    for (request, title, until_ms) in sql_more::woken(tx, person, (since_ms, now_ms), RUNG_MAX).await? {
        let say = Say::new("request-woken-alert").with("title", title);
        all.push(alert(format!("{request} !"), format!("/support/{request}"), say, until_ms));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_behind_an_at_sign_of_their_own() {
        for (text, want) in [
            ("@li please look, @Bo@acme.example too.", vec!["li", "bo@acme.example"]),
            ("write to li@acme.example", vec![]),
            ("(@li) @li @LI", vec!["li"]),
            ("@", vec![]),
            ("@@li", vec!["@li"]),
            ("请@小李 看一下", vec![]),
            ("请 @小李 看一下", vec!["小李"]),
            ("@li.", vec!["li"]),
        ] {
            assert_eq!(names(text), want, "{text}");
        }
        assert_eq!(names(&(0..100).map(|n| format!("@n{n} ")).collect::<String>()).len(), NAMED_MAX);
    }
}
