//! The letter that tells somebody what became of their request: who asked through a link in a digest has no other way to learn it.

use super::request::Answered;
use super::sql::Request;
use crate::App;
use crate::page::words::Lang;
use crate::page::{Say, View};
use gateway::queue::letter::Letter;
use mail::Address;
use store::Error;

/// What is said, and about which mail.
pub struct Told<'a> {
    pub request: &'a Request,
    /// "" when the mail is not held any more.
    pub subject: &'a str,
    pub step: Answered,
    /// In the words of who answered; may be "".
    pub words: &'a str,
}

/// The letter in the asker's language; `None` while it is not decided, or when letters cannot reach them.
pub async fn letter(app: &App, told: &Told<'_>) -> Result<Option<Letter>, Error> {
    let key = match told.step {
        Answered::Released => "answer-released",
        Answered::Denied => "answer-denied",
        Answered::First => return Ok(None),
    };
    let Ok(to) = Address::parse(&told.request.who) else { return Ok(None) };
    let (org, email) = (told.request.org, told.request.who.clone());
    let own = app.db.read(move |tx| Box::pin(async move { crate::people::sql::lang_of(tx, org, &email).await })).await?;
    let of_org = || app.directory.snapshot().organisation(org).and_then(|org| Lang::parse(&org.settings.language));
    let lang = own.or_else(of_org).unwrap_or_default();
    let view = View::plain(lang, app.now_ms());
    let subject = if told.subject.is_empty() { view.t("quarantine-no-subject") } else { told.subject.to_string() };
    let mut text = view.say(&Say { key: key.into(), args: Vec::new() }.with("what", plain(&subject)));
    text.push_str("\n\n");
    if !told.words.is_empty() {
        text.push_str(&format!("{}: {}\n\n", view.t("answer-words"), plain(told.words)));
    }
    text.push_str(&format!("{}: {}\n", view.t("answer-yours"), plain(&told.request.reason)));
    Ok(Some(Letter {
        org,
        to,
        from_name: view.t("digest-from"),
        subject: view.t("answer-subject"),
        text,
        html: String::new(),
        language: lang.tag().into(),
        kind: "answer",
        host: app.hostname.clone(),
    }))
}

/// One line, whoever wrote it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
