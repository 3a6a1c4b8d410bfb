//! Webhooks and letters: programs and people are told outside the pages.
//!
//! In: a post about an issue. Out: letters in the same transaction, and rows that [`send_due`] works off: CloudEvents 1.0 in JSON,
//! signed as Standard Webhooks says, tried again with growing pauses. Invariant: an organisation's hook hears what concerns that
//! organisation; nothing is sent to addresses inside our own network unless the operator allows it.

mod client;
pub mod feed;
pub mod sql;
pub mod weekly;

pub use client::{Wrong, secret_parts, sign};

use super::Text;
use super::bell::Choice;
use super::issue::{Issue, IssueId, Post};
use crate::App;
use crate::page::time::rfc3339;
use crate::page::words::Lang;
use gateway::directory::Directory;
use gateway::queue::letter::{self, Letter};
use mail::id::IdMaker;
use mail::{Address, OrgId};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::{Error, Tx};

/// Letters about one post.
const LETTERS_MAX: usize = 500;
/// Pauses between tries; after the last nothing more is tried.
const PAUSES_MS: [i64; 8] = [5_000, 30_000, 120_000, 600_000, 3_600_000, 10_800_000, 36_000_000, 86_400_000];
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks from one clearing of the log to the next: about an hour.
const FORGET_EVERY: u64 = 1_800;
/// Hooks served in one look.
const DUE_MAX: usize = 50;
const TOKEN_OCTETS_MAX: usize = 200;

/// What telling needs of an installation: the server has it, and so has a command beside it.
#[derive(Clone)]
pub struct Ground {
    pub ids: Arc<IdMaker>,
    pub directory: Arc<Directory>,
    /// Address of the pages, for links; "" is none.
    pub url: String,
    pub hostname: String,
    /// Connector that letters about health take; "" is the usual way.
    pub letters_through: String,
}

impl Ground {
    pub fn of(app: &App) -> Ground {
        Ground {
            ids: app.ids.clone(),
            directory: app.directory.snapshot(),
            url: app.settings.url.clone(),
            hostname: app.hostname.clone(),
            letters_through: app.health.settings().letters_through,
        }
    }
}

/// Writes what a person says: the issue as it is now (with a number, if it had none), the post, and what tells of it; once, as the
/// transaction is. Servers notice by the time of the issue and ring.
pub async fn say(tx: &mut Tx, ground: &Ground, mut issue: Issue, post: Post) -> Result<IssueId, Error> {
    if issue.id.0 == 0 {
        issue.id = super::sql::next_number(tx).await?;
    }
    super::sql::put(tx, &issue).await?;
    super::sql::put_post(tx, &issue, &post).await?;
    tell(tx, ground, &issue, &post.text, post.at_ms).await?;
    Ok(issue.id)
}

/// Tells everybody who wants to know, in the transaction of the post itself.
pub async fn tell(tx: &mut Tx, ground: &Ground, issue: &Issue, text: &Text, now_ms: i64) -> Result<(), Error> {
    let event = event(issue, text, &format!("e{}", ground.ids.next(now_ms)), now_ms).to_string();
    for hook in sql::hooks_for(tx, issue.org).await? {
        sql::put_try(tx, ground.ids.next(now_ms), &hook, &event, now_ms).await?;
    }
    letters(tx, ground, issue, text, now_ms).await
}

async fn letters(tx: &mut Tx, ground: &Ground, issue: &Issue, text: &Text, now_ms: i64) -> Result<(), Error> {
    for reader in sql::readers(tx, issue.org, LETTERS_MAX).await? {
        let choice: Choice = serde_json::from_str(&reader.settings).unwrap_or_default();
        let (true, Ok(to)) = (choice.mail && choice.wants(issue), Address::parse(&reader.email)) else { continue };
        let lang = Lang::parse(&reader.language).unwrap_or_default();
        let link = if ground.url.is_empty() { String::new() } else { format!("\n\n{}/health/issues/{}", ground.url, issue.id) };
        let letter = Letter {
            org: OrgId(reader.org),
            to,
            from_name: "Gatepost".into(),
            subject: format!("{}: {}", issue.id, issue.body.title.in_lang(lang)),
            text: format!("{}\n\n{}{link}\n", issue.body.impact.in_lang(lang), text.in_lang(lang)),
            html: String::new(),
            language: lang.tag().into(),
            kind: "alert",
            host: ground.hostname.clone(),
        };
        post(tx, ground, &letter, now_ms).await?;
    }
    Ok(())
}

/// Writes a letter about health: through the connector that the operator named for them, so that it arrives when the usual way is what
/// is broken.
async fn post(tx: &mut Tx, ground: &Ground, letter: &Letter, now_ms: i64) -> Result<(), Error> {
    let (directory, through) = (&ground.directory, &ground.letters_through);
    let done = match directory.connectors.contains_key(through) {
        true => letter::post_by(tx, letter, through, &ground.ids, now_ms).await,
        false => letter::post(tx, letter, directory, &ground.ids, now_ms).await,
    };
    match done {
        // A host name that letters cannot come from: the page still tells.
        Err(Error::Shape(why)) => tracing::warn!(%why, "a letter about an issue was not written"),
        other => drop(other?),
    }
    Ok(())
}

/// Whether events can be sent there at all.
pub fn is_address(url: &str) -> bool {
    client::parts(url).is_ok()
}

/// The topic in the address of one, such as `https://ntfy.sh/mail`.
pub fn topic(url: &str) -> Option<&str> {
    let (_, _, _, path) = client::parts(url).ok()?;
    let topic = path.strip_prefix('/')?;
    (!topic.is_empty() && topic.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))).then_some(topic)
}

/// What can stand in a header line.
pub fn is_token(token: &str) -> bool {
    token.len() <= TOKEN_OCTETS_MAX && token.bytes().all(|octet| octet.is_ascii_graphic())
}

/// An event as a push message, in one language.
fn pushed(app: &App, due: &sql::Due) -> Value {
    let event: Value = serde_json::from_str(&due.event).unwrap_or_default();
    let data = &event["data"];
    let directory = app.directory.snapshot();
    let language = directory.organisation(OrgId(due.org)).map(|org| org.settings.language.clone()).unwrap_or_default();
    let is_chinese = Lang::parse(&language) == Some(Lang::Chinese);
    let text = |name: &str| data[if is_chinese { format!("{name}_zh") } else { name.to_string() }].as_str().unwrap_or_default().to_string();
    let (is_open, is_incident) = (data["is_open"] == true, data["classification"] == "incident");
    json!({
        "topic": topic(&due.url).unwrap_or_default(),
        "title": format!("{}: {}", data["id"].as_str().unwrap_or_default(), text("title")),
        "message": text("text"),
        "priority": match (is_open, is_incident) { (true, true) => 5, (true, false) => 4, _ => 3 },
        "tags": [if is_open { "warning" } else { "white_check_mark" }],
        "click": app.link(&format!("/health/issues/{}", data["id"].as_str().unwrap_or_default())),
    })
}

/// CloudEvents 1.0, structured mode.
fn event(issue: &Issue, text: &Text, id: &str, now_ms: i64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/health", "type": "org.gatepost.issue.updated.v1", "subject": issue.id.to_string(),
        "time": rfc3339(now_ms), "datacontenttype": "application/json",
        "data": {
            "id": issue.id.to_string(), "title": issue.body.title.in_lang(Lang::English), "title_zh": issue.body.title.in_lang(Lang::Chinese),
            "status": issue.status.name(), "classification": issue.classification(), "is_open": issue.is_open, "is_measured": issue.is_measured,
            "services": issue.body.services, "cause": issue.cause, "evidence": issue.body.evidence,
            "started_ms": issue.started_ms, "ended_ms": issue.ended_ms, "text": text.in_lang(Lang::English), "text_zh": text.in_lang(Lang::Chinese),
        }
    })
}

/// Works off what is due, as long as the process runs.
pub async fn send_due(app: App) {
    for look in 0_u64.. {
        tokio::time::sleep(LOOK_EVERY).await;
        if look % FORGET_EVERY == 0
            && let Err(why) = feed::forget(&app).await
        {
            tracing::debug!(%why, "the log of webhooks waits for the database");
        }
        if let Err(why) = feed::look(&app).await {
            tracing::debug!(%why, "what webhooks hear of waits for the database");
        }
        if let Err(why) = send_once(&app).await {
            tracing::debug!(%why, "webhooks wait for the database");
        }
    }
}

/// One look; how many were sent.
pub async fn send_once(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    // Taken by moving their time: two nodes do not send the same at once.
    let due = app.db.tx(move |tx| Box::pin(async move { sql::take_due(tx, now_ms, now_ms + PAUSES_MS[0] * 6, DUE_MAX).await })).await?;
    let count = due.len();
    let is_private_fine = app.health.settings().hooks_private;
    let sent = due.into_iter().map(|one| async move {
        let id = format!("msg_{}", one.id);
        let done = match (one.secret(&app.seal), one.kind.as_str()) {
            (Err(_), _) => Err(Wrong::Sealed),
            (Ok(token), "ntfy") => client::push(&one.url, &token, &pushed(app, &one).to_string(), is_private_fine).await,
            (Ok(secret), _) => client::post(&one.url, &secret, &id, &one.event, (now_ms / 1000, is_private_fine)).await,
        };
        (one, done)
    });
    for (one, done) in futures_util::future::join_all(sent).await {
        let next_ms = match &done {
            Ok(_) => 0,
            Err(_) => PAUSES_MS.get(usize::try_from(one.tries).unwrap_or(usize::MAX)).map_or(0, |pause| now_ms + pause),
        };
        let answer: String = match done {
            Ok(status) => status.to_string(),
            Err(why) => why.to_string().chars().take(200).collect(),
        };
        app.db.tx(move |tx| Box::pin(async move { sql::tried(tx, one.id, one.tries + 1, next_ms, &answer).await })).await?;
    }
    Ok(count)
}
