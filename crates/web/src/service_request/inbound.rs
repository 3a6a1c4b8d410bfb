//! Answers by mail: what comes to the address of a request becomes a word of it.
//!
//! In: a judged mail to an address that we signed. Out: a word, or the reason why not, for the peer. Who may answer: whoever the letter went to
//! (the address names them, and their domain does not ask to disbelieve the mail), and people of the request whose mail is authenticated
//! or comes from their organisation's own server. What a
//! program sent by itself is no word: it is taken and noted for support, a few times an hour; so no circle comes about. The same mail is one
//! word, however often it is sent.

use super::change::{self, At, Told, Word};
use super::model::{By, Request, Side, Via, What};
use super::{address, file, quoted, sql};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person, sql as people_sql};
use futures_util::future::BoxFuture;
use gateway::intake::desk::{Answer, Desk};
use gateway::scope::OrgScope;
use mail::auth::{AuthResults, DmarcPolicy, DmarcResult};
use mail::id::FileId;
use mail::smtp::Reply;
use mail::{Address, Message, OrgId, PersonId};
use store::{Error, Tx};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Words of one request by mail in an hour; and notes of what programs sent.
const WORDS_MAX: i64 = 30;
const NOTES_MAX: i64 = 5;
/// Characters of one word.
const BODY_CHARS_MAX: usize = 50_000;
const MESSAGE_ID_CHARS_MAX: usize = 300;

/// The desk of the mail path.
pub struct Requests(pub App);

impl Desk for Requests {
    fn knows(&self, address: &Address) -> bool {
        address.domain().eq_ignore_ascii_case(&self.0.hostname) && address::read(&self.0.seal, address.local()).is_some()
    }

    fn take<'a>(&'a self, answer: Answer<'a>) -> BoxFuture<'a, Result<OrgId, Reply>> {
        Box::pin(taken(&self.0, answer))
    }
}

fn later(id: impl std::fmt::Display) -> Reply {
    Reply::new(451, (4, 3, 0), format!("The answer could not be kept; try again later ({id})"))
}

async fn taken(app: &App, answer: Answer<'_>) -> Result<OrgId, Reply> {
    let Some(read) = address::read(&app.seal, answer.to.local()) else {
        return Err(Reply::new(550, (5, 1, 1), "There is no such address here"));
    };
    let seen = looked_up(app, &read, answer).await.map_err(|why| {
        tracing::warn!(id = %answer.id, %why, "an answer to a service request could not be looked up; its sender keeps it");
        later(answer.id)
    })?;
    let Some(seen) = seen else { return Err(Reply::new(550, (5, 1, 1), "The service request is not there any more")) };
    let org = seen.request.org;
    if seen.is_known {
        return Ok(org);
    }
    let message = answer.mail.message;
    if let Some(mark) = automatic(message, answer.mail.envelope.sender.is_none()) {
        return noted(app, seen, mark).await.map(|()| org).map_err(|_| later(answer.id));
    }
    let Some(by) = seen.by.clone() else {
        return Err(Reply::new(
            550,
            (5, 7, 1),
            "Only the people of this service request may answer it, and this mail does not prove to be theirs; answer from the address \
             that was written to, or on the page that the letter names",
        ));
    };
    if seen.words_of_hour >= WORDS_MAX {
        return Err(Reply::new(451, (4, 7, 1), "Too many answers to this service request in an hour; try again later"));
    }
    kept(app, seen, by, message).await.map(|()| org).map_err(|fault| match fault {
        Fault::Invalid(wrong) => {
            let why: Vec<String> = wrong.iter().map(|wrong| wrong.say.in_lang(crate::page::words::Lang::English)).collect();
            Reply::new(554, (5, 6, 0), format!("{} ({})", why.join(" ").replace(|c: char| !c.is_ascii() || c.is_control(), "?"), answer.id))
        }
        other => {
            tracing::warn!(id = %answer.id, why = %other, "an answer to a service request could not be kept; its sender keeps it");
            later(answer.id)
        }
    })
}

/// What is known of an answer before it is kept.
struct Looked {
    request: Request,
    /// `None`: not somebody who may answer.
    by: Option<By>,
    from: String,
    message_id: String,
    is_known: bool,
    words_of_hour: i64,
}

async fn looked_up(app: &App, read: &address::Read, answer: Answer<'_>) -> Result<Option<Looked>, Error> {
    let from = answer.mail.message.from.address().map(Address::key).unwrap_or_default();
    let message_id = message_id(answer.mail.message);
    let (read, now_ms, id) = (read.clone(), app.now_ms(), answer.id);
    let (is_proven, is_contradicted, handed_by) = (is_proven(answer.auth), is_contradicted(answer.auth), answer.handed_by);
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let Some(request) = sql::by_address(tx, read.request).await? else { return Ok(None) };
                let scope = OrgScope::One(request.org);
                let is_addressee = read.is_for(&request.secret, &from);
                let person = people_sql::by_email(tx, &from).await?;
                let may = (is_addressee && !is_contradicted) || is_proven || handed_by == Some(request.org);
                let by = if may { by(tx, scope, &request, (&from, person)).await? } else { None };
                let message_id = if message_id.is_empty() { format!("<{id}>") } else { message_id };
                Ok(Some(Looked {
                    is_known: sql::is_known(tx, scope, request.id, &message_id).await?,
                    words_of_hour: sql::mailed_since(tx, scope, request.id, now_ms - HOUR_MS).await?,
                    request,
                    by,
                    from,
                    message_id,
                }))
            })
        })
        .await
}

/// Who this is for the request: its requester, somebody in copy, a person of its organisation who may ask, or one of support.
async fn by(tx: &mut Tx, scope: OrgScope, request: &Request, (from, person): (&str, Option<Person>)) -> Result<Option<By>, Error> {
    if from.is_empty() {
        return Ok(None);
    }
    if let Some(person) = &person {
        let side = match person.home {
            None if person.may(May::Support) => Some(Side::Support),
            Some(org) if org == request.org && (person.may(May::Requests) || person.id == request.requester) => Some(Side::Requester),
            _ => None,
        };
        if let Some(side) = side {
            return Ok(Some(By::of(person, side, Via::Mail)));
        }
    }
    let copies = sql::copies(tx, scope, request.id).await?;
    let is_theirs = from.eq_ignore_ascii_case(&request.address) || copies.iter().any(|copy| copy.eq_ignore_ascii_case(from));
    let person = person.map_or(PersonId(0), |person| person.id);
    let by =
        By { side: Side::Requester, via: Via::Mail, person, address: from.into(), name: String::new(), ip: String::new(), token: None };
    Ok(is_theirs.then_some(by))
}

/// RFC 7489 §4.2: the domain of From stands behind this mail.
fn is_proven(auth: &AuthResults) -> bool {
    auth.dmarc.result == DmarcResult::Pass
}

/// The domain of From asks not to believe this mail; one that only watches (p=none) says nothing against it.
fn is_contradicted(auth: &AuthResults) -> bool {
    auth.dmarc.result == DmarcResult::Fail && auth.dmarc.policy != DmarcPolicy::None
}

fn message_id(message: &Message) -> String {
    message.message_id.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control()).take(MESSAGE_ID_CHARS_MAX).collect()
}

/// What says that a program sent it by itself (RFC 3834 §5, RFC 2919, and what programs did before those); `None`: a person did.
fn automatic(message: &Message, is_from_nobody: bool) -> Option<&'static str> {
    let value = |name: &str| message.first(name).map(|value| String::from_utf8_lossy(value).trim().to_ascii_lowercase());
    if is_from_nobody {
        return Some("null reverse-path");
    }
    if value("auto-submitted").is_some_and(|value| !value.starts_with("no")) {
        return Some("Auto-Submitted");
    }
    if value("precedence").is_some_and(|value| ["bulk", "junk", "list", "auto_reply"].iter().any(|word| value.starts_with(word))) {
        return Some("Precedence");
    }
    if value("content-type").is_some_and(|value| value.starts_with("multipart/report")) {
        return Some("multipart/report");
    }
    const MARKS: [&str; 8] = [
        "List-Id",
        "List-Unsubscribe",
        "X-Autoreply",
        "X-Autorespond",
        "X-Auto-Response-Suppress",
        "X-Auto-Reply",
        "X-Mailer-Daemon",
        "X-Loop",
    ];
    // Exchange puts this into what people write as well; only "All" and "AutoReply" of an automatic answer count.
    let is_meant = |mark: &&&str| match **mark {
        "X-Auto-Response-Suppress" => {
            value("x-auto-response-suppress").is_some_and(|value| value.contains("all"))
                && value("x-ms-exchange-generated-message-source").is_some()
        }
        mark => message.first(mark).is_some(),
    };
    MARKS.iter().find(is_meant).copied()
}

/// What a program sent stands in a note for support, as long as there are few.
async fn noted(app: &App, seen: Looked, mark: &'static str) -> Result<(), Fault> {
    if seen.words_of_hour >= NOTES_MAX {
        return Ok(());
    }
    let by = By { side: Side::System, via: Via::Mail, address: seen.from.clone(), ..By::rule() };
    let at = At::new(app, by);
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let detail = serde_json::json!({ "automatic": mark });
                let told = Told { is_internal: true, is_automatic: true, detail, message_id: seen.message_id, ..Told::default() };
                change::event(tx, &at, &seen.request, What::Note, told).await.map(|_| ())
            })
        })
        .await
}

/// The word with its files.
async fn kept(app: &App, seen: Looked, by: By, message: &Message) -> Result<(), Fault> {
    let text = message.texts.iter().find(|text| !text.is_html).or_else(|| message.texts.first());
    let split = quoted::split(text.map(|text| text.visible.as_str()).unwrap_or_default());
    let body: String = split.own.chars().take(BODY_CHARS_MAX).collect();
    let quoted: String = split.quoted.chars().take(BODY_CHARS_MAX).collect();
    let files = files(app, &seen.request, &by, message).await?;
    let (at, id, scope) = (At::new(app, by), seen.request.id, OrgScope::One(seen.request.org));
    let word = Word { body, quoted, files, message_id: seen.message_id, then: None };
    app.db.tx(move |tx| Box::pin(async move { change::reply(tx, &at, scope, id, word).await.map(|_| ()) })).await
}

/// What is attached to the mail itself, not what lies in archives. What our engines refuse refuses the mail: its sender learns of it.
async fn files(app: &App, request: &Request, by: &By, message: &Message) -> Result<Vec<FileId>, Fault> {
    let own = message.attachments.iter().filter(|one| one.inside.is_empty() && !one.content.is_empty());
    let owner = file::Owner { org: request.org, person: by.person, request: Some(request.id) };
    let (mut found, at) = (Vec::new(), At::new(app, by.clone()));
    for one in own.take(file::OF_WORD_MAX) {
        let name = one.name.clone().unwrap_or_else(|| "file".into());
        let sent = file::Sent { name, media: one.declared_type.clone(), octets: one.content.clone() };
        found.push(file::take(&at, owner, sent, true).await?.id);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::message::Budget;

    #[test]
    fn what_programs_send_by_themselves_is_no_word() {
        for (header, is_from_nobody, is_automatic) in [
            ("Subject: Re: x", false, false),
            ("Auto-Submitted: no", false, false),
            ("Auto-Submitted: auto-replied", false, true),
            ("Auto-Submitted: auto-generated (rejected)", false, true),
            ("Precedence: bulk", false, true),
            ("Precedence: first-class", false, false),
            ("List-Id: <x.example>", false, true),
            ("X-Autoreply: yes", false, true),
            ("X-Auto-Response-Suppress: All", false, false),
            ("X-Auto-Response-Suppress: All\r\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", false, true),
            ("Content-Type: multipart/report; report-type=delivery-status", false, true),
            ("Subject: Re: x", true, true),
        ] {
            let message = Message::parse(format!("{header}\r\n\r\nbody\r\n").into(), &Budget::default());
            assert_eq!(automatic(&message, is_from_nobody).is_some(), is_automatic, "{header}");
        }
    }
}
