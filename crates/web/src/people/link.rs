//! Links that sign in once: from a terminal, from an invitation, by mail to people with a mailbox.
//!
//! Invariants: nothing acts on GET, as programs follow links in mail; whoever asks for a link by mail gets the same answer whether the
//! address is known; links in mail lead to the address in the settings, never to one that the asker's request names.

use super::ceremony::{self, Kind};
use super::session::{self, Peer, Token};
use super::sign_in::{self, Entering};
use super::sql::{self, NewPerson};
use super::{Role, factor, limit, password, provider};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::words::Lang;
use crate::page::{Fault, Page, Say, View, form::Form as Shown, show, show_with};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Form, Router};
use gateway::queue::letter::{self, Letter};
use mail::{Address, OrgId, PersonId};
use serde::{Deserialize, Serialize};
use store::Error;

/// How long a link on a terminal signs in, one in a mail, and an invitation.
pub const LINK_MS: i64 = 24 * 60 * 60 * 1000;
const MAIL_MS: i64 = 30 * 60 * 1000;
pub const INVITATION_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// What a link is for, as stored.
pub const TERMINAL: &str = "sign-in";
pub const MAIL: &str = "mail";
pub const INVITATION: &str = "invitation";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/link", get(ask).post(send))
        .route("/sign-in/{token}", get(look).post(follow))
        .route("/sign-in/sent", get(sent))
}

/// Where this installation is, as links say it: from the settings; without one as the browser asked, but only under a name that is ours,
/// as anybody can write anything into `Host`.
pub fn base(app: &App, headers: &HeaderMap) -> String {
    if !app.settings.url.is_empty() {
        return app.settings.url.trim_end_matches('/').to_string();
    }
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = asked.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit())).map_or(asked, |(name, _)| name);
    let is_ours = matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case(&app.hostname);
    format!("http://{}", if is_ours { asked } else { &app.hostname })
}

/// A path that signs this person in once, for a terminal; the person is made when there is none with the address.
pub async fn link_for(app: &App, person: &NewPerson) -> Result<String, Error> {
    let token = Token::fresh()?;
    let (person, digest, id, now_ms) = (person.clone(), token.digest.clone(), app.fresh_id(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let person = sql::add(tx, &person, id, now_ms).await?;
                sql::put_link(tx, person, &digest, TERMINAL, now_ms + LINK_MS).await
            })
        })
        .await?;
    Ok(format!("/sign-in/{}", token.plain))
}

#[derive(Template)]
#[template(path = "people/templates/ask_link.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
}

#[derive(Template)]
#[template(path = "people/templates/sent.html")]
struct SentPage<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "people/templates/link.html")]
struct LinkPage<'a> {
    view: &'a View,
    token: &'a str,
    next: &'a str,
}

#[derive(Template)]
#[template(path = "people/templates/accept.html")]
struct AcceptPage<'a> {
    view: &'a View,
    token: &'a str,
    email: &'a str,
    form: &'a Shown,
    chars_min: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    email: String,
    next: String,
}

/// `GET /sign-in/link`.
async fn ask(view: View, Query(asked): Query<Asked>) -> Page {
    show(&AskPage { view: &view, form: &Shown::of(&asked) })
}

/// `GET /sign-in/sent`.
async fn sent(view: View) -> Page {
    show(&SentPage { view: &view })
}

/// `POST /sign-in/link`: a letter, if the address may have one. The answer is given before anything is looked up.
async fn send(State(app): State<App>, view: View, peer: Peer, headers: HeaderMap, Form(asked): Form<Asked>) -> Page {
    let Ok(address) = Address::parse(asked.email.trim()) else {
        let form = Shown::of(&asked).with_wrong(vec![crate::page::fault::Wrong::new("email", "sign-in-wrong-address")]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &AskPage { view: &view, form: &form });
    };
    let now_ms = app.now_ms();
    app.limits().take(&format!("link-from {}", limit::source(&peer.ip)), limit::LINK_SOURCE, now_ms)?;
    app.limits().take(&format!("link-to {}", address.key()), limit::LINK, now_ms)?;
    let (base, lang) = (base(&app, &headers), view.lang);
    let work = async move {
        if let Err(why) = post_link(&app, &address, &base, lang, &asked.next).await {
            tracing::error!("a sign-in link could not be sent: {why}");
        }
    };
    tokio::spawn(work);
    Ok(axum::response::Redirect::to("/sign-in/sent").into_response())
}

/// Queues the letter, when the address is an active person's of an organisation, or a mailbox of one that lets its mailboxes in.
async fn post_link(app: &App, address: &Address, base: &str, lang: Lang, next: &str) -> Result<(), Error> {
    let (key, token, now_ms, ids) = (address.key(), Token::fresh()?, app.now_ms(), app.ids.clone());
    let directory = app.directory.snapshot();
    let mailbox = directory.recipients.get(&key).map(|known| (known.org, known.name.clone()));
    let next = crate::page::view::own_path(next);
    let query = if next == "/" { String::new() } else { format!("?{}", crate::page::guard::form_pair("next", next)) };
    let url = format!("{base}/sign-in/{}{query}", token.plain);
    let (to, host, digest, seal) = (address.clone(), app.hostname.clone(), token.digest, app.seal.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let org = match sql::by_email(tx, &key).await? {
                    Some(person) => {
                        // Who looks after the service signs in by other ways than through it: `gatepost person link`.
                        let Some(org) = person.home.filter(|_| !person.role.is_of_service()) else { return Ok(()) };
                        sql::put_link(tx, person.id, &digest, MAIL, now_ms + MAIL_MS).await?;
                        org
                    }
                    None => {
                        let Some((org, name)) = mailbox else { return Ok(()) };
                        let is_known = sql::has_email(tx, &key).await?; // and not active: locked out on purpose
                        if is_known || !provider::sql::access(tx, &seal, org).await?.mailbox_links {
                            return Ok(());
                        }
                        let state = serde_json::to_string(&Mailbox { email: key, name, org: org.0 }).unwrap_or_default();
                        ceremony::insert(tx, (&digest, Kind::FirstLink), PersonId(0), &state, (now_ms, now_ms + MAIL_MS)).await?;
                        org
                    }
                };
                let letter = written(Written { org, to, host, lang, kind: "sign-in", who: "" }, &url);
                letter::post(tx, &letter, &directory, &ids, now_ms).await.map(|_| ())
            })
        })
        .await
}

/// A mailbox whose person does not exist yet.
#[derive(Debug, Serialize, Deserialize)]
struct Mailbox {
    email: String,
    name: String,
    org: i64,
}

/// What a letter with a link is about.
pub struct Written<'a> {
    pub org: OrgId,
    pub to: Address,
    pub host: String,
    pub lang: Lang,
    /// "sign-in" or "invitation": also the beginning of its words.
    pub kind: &'static str,
    /// Who invites.
    pub who: &'a str,
}

/// The letter that carries `url`.
pub fn written(what: Written<'_>, url: &str) -> Letter {
    let words = |part: &str| {
        let say = Say { key: format!("letter-{}-{part}", what.kind).into(), args: Vec::new() };
        say.with("who", what.who).in_lang(what.lang)
    };
    let escaped = crate::page::table::escaped;
    let text = format!("{}\r\n\r\n{url}\r\n\r\n{}\r\n", words("text"), words("end"));
    let html = format!(
        "<p>{}</p><p><a href=\"{}\">{}</a></p><p>{}</p>",
        escaped(&words("text")),
        escaped(url),
        escaped(&words("button")),
        escaped(&words("end"))
    );
    Letter {
        org: what.org,
        subject: words("subject"),
        text,
        html,
        to: what.to,
        from_name: "Gatepost".into(),
        language: what.lang.tag().into(),
        kind: what.kind,
        host: what.host,
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Accepted {
    next: String,
    name: String,
    #[serde(skip_serializing)]
    password: String,
    /// An invitation can be accepted without a password: then a passkey, the provider or mail is the way in.
    later: String,
}

fn over() -> Fault {
    Fault::Conflict(Say::new("sign-in-link-over"))
}

/// `GET /sign-in/{token}`: asks only.
async fn look(State(app): State<App>, view: View, Path(token): Path<String>, Query(asked): Query<Accepted>) -> Page {
    let (digest, now_ms, plain) = (session::digest(&token), app.now_ms(), token.clone());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                if let Some((id, purpose)) = sql::link(tx, &digest, now_ms).await? {
                    return Ok(Some((sql::active(tx, id).await?, purpose)));
                }
                let mailbox = ceremony::look(tx, &plain, Kind::FirstLink, now_ms).await?;
                Ok::<_, Error>(mailbox.map(|_| (None, MAIL.to_string())))
            })
        })
        .await?;
    let (person, purpose) = found.ok_or_else(over)?;
    match person.filter(|_| purpose == INVITATION) {
        Some(person) => {
            let form = Shown::of(&Accepted { name: person.name.clone(), ..asked });
            show(&AcceptPage { view: &view, token: &token, email: &person.email, form: &form, chars_min: password::CHARS_MIN })
        }
        None => show(&LinkPage { view: &view, token: &token, next: &asked.next }),
    }
}

/// `POST /sign-in/{token}`: once.
async fn follow(
    State(app): State<App>,
    view: View,
    peer: Peer,
    headers: HeaderMap,
    Path(token): Path<String>,
    Form(accepted): Form<Accepted>,
) -> Page {
    let (digest, now_ms) = (session::digest(&token), app.now_ms());
    let wanted = digest.clone();
    let found = app.db.read(move |tx| Box::pin(async move { sql::link(tx, &wanted, now_ms).await })).await?;
    if let Some((id, purpose)) = found
        && purpose == INVITATION
    {
        return accept(&app, &view, (&peer, &headers), (&token, id), accepted).await;
    }
    let (ids, ip, plain) = (app.ids.clone(), peer.ip.clone(), token);
    let used = app.db.tx(move |tx| {
        Box::pin(async move {
            if let Some(found) = sql::use_link(tx, &digest, now_ms).await? {
                return Ok(Some(found));
            }
            let Some(begun) = ceremony::finish(tx, &plain, Kind::FirstLink, now_ms).await? else { return Ok(None) };
            let Some(mailbox) = begun.read::<Mailbox>() else { return Ok(None) };
            let new = NewPerson { email: mailbox.email, name: mailbox.name, role: Role::Person, org: Some(OrgId(mailbox.org)) };
            let id = sql::add(tx, &new, ids.next(now_ms), now_ms).await?;
            let who = audit::sql::Who { person: id, address: &new.email, ip: &ip };
            audit::note_by(tx, who, &ids, now_ms, Entry::new(new.org, "people.mailbox-came", &new.email)).await?;
            Ok::<_, Error>(Some((id, MAIL.to_string())))
        })
    });
    let (id, purpose) = used.await?.ok_or_else(over)?;
    let entering = Entering { person: id, how: "link", next: accepted.next };
    // Somebody at the machine is believed; a mailbox is one factor.
    if purpose == MAIL {
        sign_in::first_proved(&app, &peer, &headers, entering).await
    } else {
        sign_in::entered(&app, &peer, &headers, entering).await
    }
}

/// An invitation: name and password, then in, and on to a second factor.
async fn accept(app: &App, view: &View, from: (&Peer, &HeaderMap), link: (&str, PersonId), accepted: Accepted) -> Page {
    let (token, id) = link;
    let person = app.db.read(move |tx| Box::pin(async move { sql::active(tx, id).await })).await?.ok_or_else(over)?;
    let name: String = accepted.name.trim().to_string();
    let mut wrong = super::account::wrong_name(&name).into_iter().collect::<Vec<_>>();
    let wants_password = accepted.later.is_empty();
    if wants_password {
        wrong.extend(password::wrong("password", &accepted.password, &[&person.email, &name]));
    }
    if !wrong.is_empty() {
        let form = Shown::of(&accepted).with_wrong(wrong);
        let page = AcceptPage { view, token, email: &person.email, form: &form, chars_min: password::CHARS_MIN };
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let hash = if wants_password { password::hash(&accepted.password).await? } else { String::new() };
    let (digest, now_ms, ids, ip) = (session::digest(token), app.now_ms(), app.ids.clone(), from.0.ip.clone());
    let used = app.db.tx(move |tx| {
        Box::pin(async move {
            let Some(_) = sql::use_link(tx, &digest, now_ms).await? else { return Ok(false) };
            sql::set_name(tx, id, &name).await?;
            if !hash.is_empty() {
                sql::set_password(tx, id, &hash).await?;
            }
            let who = audit::sql::Who { person: id, address: &person.email, ip: &ip };
            audit::note_by(tx, who, &ids, now_ms, Entry::new(person.home, "people.accepted", id)).await?;
            Ok::<_, Error>(true)
        })
    });
    if !used.await? {
        return Err(over());
    }
    let has_second = app.db.read(move |tx| Box::pin(async move { factor::sql::factors(tx, id).await })).await?.has_second();
    let next = if has_second { "/".into() } else { super::account::WELCOME.into() };
    sign_in::first_proved(app, from.0, from.1, Entering { person: id, how: "link", next }).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_of_letters_are_written() {
        for kind in ["sign-in", "invitation"] {
            for part in ["subject", "text", "button", "end"] {
                assert!(crate::page::words::has(crate::page::words::Lang::English, &format!("letter-{kind}-{part}")), "{kind} {part}");
            }
        }
    }
}
