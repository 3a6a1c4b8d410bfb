//! Mailboxes over JMAP (RFC 8620, RFC 8621): one account of a server, and what is said to it, within limits.
//!
//! Whose account it is: either the user's name holds `{mailbox}`, and we are signed in as the mailbox; or the user sees the accounts of others,
//! and the one of the mailbox's name is taken. Invariants: the password goes to the place of the settings only, whatever the server names
//! later; clear text only to addresses inside. A connection serves one request: a mailbox needs three or four.

mod carry;
mod moves;
#[cfg(test)]
mod tests;
mod wire;

use super::settings::SignIn;
use super::trust::Trust;
use super::{Access, MailboxError, Wanted};
use crate::delivery::Hop;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::jmap::{self, Answer, Email, JmapError, Mailbox, Results, SetError, Url};
use serde_json::{Value, json};

/// Where a server's session is, when the settings name only the server (RFC 8620 §2.2).
const WELL_KNOWN: &str = "/.well-known/jmap";
/// What stands in a user's name for the mailbox.
const MAILBOX: &str = "{mailbox}";
/// Octets of a session, and of an answer of the API.
const SESSION_OCTETS_MAX: usize = 16 << 20;
const ANSWER_OCTETS_MAX: usize = 8 << 20;
/// Redirects on the way to the session.
const REDIRECTS_MAX: usize = 3;
/// Messages with the same Message-ID that are looked at.
const HITS_MAX: usize = 20;
/// Servers take their time from when they got a message; clocks differ.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One account of a server.
pub struct Session {
    trust: Trust,
    hops: Vec<Hop>,
    /// As people know the server.
    server: String,
    /// The value of the field; it is a secret.
    authorization: String,
    api: Url,
    /// A template.
    download: String,
    account: String,
    /// Folder for junk by the settings: a folder with that role is meant by it, too.
    junk: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session with {} for {}", self.server, self.account)
    }
}

impl Session {
    /// Signs in and finds the account of a mailbox.
    pub(super) async fn open(access: &Access<'_>, mailbox: &str, password: &str) -> Result<Session, MailboxError> {
        let settings = &access.connector.mailbox;
        let at = Url::parse(settings.url.trim())
            .ok_or_else(|| MailboxError::Settings(format!("“{}” is not the address of a JMAP server", settings.url)))?;
        let is_by_name = settings.sign_in == SignIn::Basic && settings.user.contains(MAILBOX);
        let mut session = Session {
            trust: Trust::of(access.courier, settings),
            hops: access.hops(&at.host_with_port()).await?,
            server: at.origin(),
            authorization: authorization(settings.sign_in, &settings.user.replace(MAILBOX, mailbox), password)?,
            api: at.clone(),
            download: String::new(),
            account: String::new(),
            junk: settings.junk.clone(),
        };
        let at = if at.path == "/" { Url { path: WELL_KNOWN.into(), ..at } } else { at };
        let found = session.session_at(at).await.map_err(|why| match why {
            // A server does not tell a mailbox that is not there from a wrong password: one must not hold up the others.
            MailboxError::SignIn { said, .. } if is_by_name => MailboxError::NoMailbox { mailbox: mailbox.into(), said },
            other => other,
        })?;
        let missing = |said: &str| MailboxError::NoMailbox { mailbox: mailbox.into(), said: said.into() };
        let account = if is_by_name { found.own() } else { found.account_of(mailbox) };
        let account = account.ok_or_else(|| missing("this user sees no account of that name"))?;
        if account.is_read_only {
            return Err(missing("this user may only read it"));
        }
        session.account = account.id.clone();
        session.api = session.near(&found.api_url)?;
        session.download = found.download_url;
        Ok(session)
    }

    /// An address that the server names, at the place that the password is for.
    fn near(&self, reference: &str) -> Result<Url, MailboxError> {
        let url = self.api.joined(reference).ok_or_else(|| self.unusable(JmapError::Missing("apiUrl")))?;
        match url.is_same_place(&self.api) {
            true => Ok(url),
            false => Err(MailboxError::Settings(format!(
                "{} sends us on to {}; the password is only given to the server that is set, so set that one if it is meant",
                self.server,
                url.origin()
            ))),
        }
    }

    async fn session_at(&self, mut at: Url) -> Result<jmap::Session, MailboxError> {
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask("GET", &at, None, SESSION_OCTETS_MAX).await?;
            match answer.status {
                200 => return jmap::Session::read(&answer.body).map_err(|why| self.unusable(why)),
                301 | 302 | 303 | 307 | 308 => at = self.near(&answer.location)?,
                404 | 410 => {
                    return Err(MailboxError::Settings(format!(
                        "{} has nothing at {}; write the address of its JMAP session",
                        self.server, at.path
                    )));
                }
                _ => return Err(self.refused("session", &answer)),
            }
        }
        Err(MailboxError::Settings(format!("{} sends us on and on", self.server)))
    }

    fn unusable(&self, why: JmapError) -> MailboxError {
        MailboxError::Jmap { server: self.server.clone(), why }
    }

    /// An answer that is not good.
    fn refused(&self, command: &'static str, answer: &Answer) -> MailboxError {
        // RFC 8620 §3.6.1: problem details say more.
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = told.get("detail").or_else(|| told.get("title")).and_then(Value::as_str).unwrap_or_default();
        let detail: String = detail.chars().filter(|c| !c.is_control()).take(200).collect();
        let said = if detail.is_empty() { format!("HTTP {}", answer.status) } else { format!("HTTP {}: {detail}", answer.status) };
        match answer.status {
            401 | 403 => MailboxError::SignIn { server: self.server.clone(), said },
            408 | 429 | 500..=599 => MailboxError::Unreachable { server: self.server.clone(), why: said },
            _ => MailboxError::Refused { command, said },
        }
    }

    async fn call(&self, command: &'static str, calls: &[(&str, Value, &str)]) -> Result<Results, MailboxError> {
        let request = jmap::request(calls).to_string();
        let answer = self.ask("POST", &self.api, Some(&request), ANSWER_OCTETS_MAX).await?;
        match answer.status {
            200 => Results::read(&answer.body).map_err(|why| self.unusable(why)),
            _ => Err(self.refused(command, &answer)),
        }
    }

    /// The answer to one call, or what its failure means here.
    fn part<'r>(&self, results: &'r Results, command: &'static str) -> Result<&'r Value, MailboxError> {
        results.of(command).map_err(|why| match why {
            JmapError::Method { kind, said } => {
                let said = if said.is_empty() { kind.clone() } else { format!("{kind}: {said}") };
                match kind.as_str() {
                    "accountNotFound" | "accountNotSupportedByMethod" => MailboxError::NoMailbox { mailbox: self.account.clone(), said },
                    "serverUnavailable" | "serverFail" => MailboxError::Unreachable { server: self.server.clone(), why: said },
                    _ => MailboxError::Refused { command, said },
                }
            }
            other => self.unusable(other),
        })
    }

    async fn mailboxes(&self) -> Result<Vec<Mailbox>, MailboxError> {
        let wish = json!({ "accountId": self.account, "ids": null, "properties": ["id", "name", "parentId", "role"] });
        let results = self.call("Mailbox/get", &[("Mailbox/get", wish, "Mailbox/get")]).await?;
        jmap::mailboxes(self.part(&results, "Mailbox/get")?).map_err(|why| self.unusable(why))
    }

    /// The mail in this account, wherever it lies.
    async fn find(&self, wanted: Wanted<'_>) -> Result<Option<Email>, MailboxError> {
        let after_s = (wanted.received_ms - DAY_MS).div_euclid(1000);
        let after = jiff::Timestamp::from_second(after_s).unwrap_or_default().to_string();
        // Servers look for a text in the field (RFC 8621 §4.4.1); some keep identifiers without their brackets.
        let header = match wanted.message_id.trim_matches(['<', '>', ' ']) {
            "" => json!(["X-Gatepost-Report", format!("id={};", wanted.mail)]),
            id => json!(["Message-ID", id]),
        };
        let query = json!({
            "accountId": self.account,
            "filter": { "after": after, "header": header },
            "sort": [{ "property": "receivedAt", "isAscending": false }],
            "limit": HITS_MAX,
        });
        let get = json!({ "accountId": self.account, "#ids": jmap::ids_of("Email/query", "Email/query"), "properties": Email::PROPERTIES });
        let results = self.call("Email/query", &[("Email/query", query, "Email/query"), ("Email/get", get, "Email/get")]).await?;
        jmap::found(self.part(&results, "Email/query")?).map_err(|why| self.unusable(why))?;
        let emails = jmap::emails(self.part(&results, "Email/get")?).map_err(|why| self.unusable(why))?;
        Ok(emails.into_iter().find(|email| super::carry::carries(&email.header, wanted.mail)))
    }

    /// The message of this identifier, when it is the mail.
    async fn known(&self, wanted: Wanted<'_>, id: &str) -> Result<Option<Email>, MailboxError> {
        let get = json!({ "accountId": self.account, "ids": [id], "properties": Email::PROPERTIES });
        let results = self.call("Email/get", &[("Email/get", get, "Email/get")]).await?;
        let emails = jmap::emails(self.part(&results, "Email/get")?).map_err(|why| self.unusable(why))?;
        Ok(emails.into_iter().find(|email| email.id == id && super::carry::carries(&email.header, wanted.mail)))
    }

    /// Changes a message; `false`: it is not there any more.
    async fn change(&self, id: &str, patch: &Value) -> Result<bool, MailboxError> {
        let set = json!({ "accountId": self.account, "update": { id: patch } });
        let results = self.call("Email/set", &[("Email/set", set, "Email/set")]).await?;
        match jmap::updated(self.part(&results, "Email/set")?, "updated", id).map_err(|why| self.unusable(why))? {
            Ok(_) => Ok(true),
            Err(why) if why.kind == "notFound" => Ok(false),
            Err(why) => Err(not_done("Email/set", why)),
        }
    }

    /// Makes a folder at the top; its identifier.
    async fn make(&self, name: &str) -> Result<String, MailboxError> {
        let set = json!({ "accountId": self.account, "create": { "new": { "name": name, "parentId": null } } });
        let results = self.call("Mailbox/set", &[("Mailbox/set", set, "Mailbox/set")]).await?;
        let made = jmap::updated(self.part(&results, "Mailbox/set")?, "created", "new").map_err(|why| self.unusable(why))?;
        let made = made.map_err(|why| not_done("Mailbox/set", why))?;
        let id = made.get("id").and_then(Value::as_str).filter(|id| jmap::is_id(id));
        id.map(str::to_string).ok_or_else(|| self.unusable(JmapError::Missing("created")))
    }
}

fn not_done(command: &'static str, why: SetError) -> MailboxError {
    MailboxError::Refused { command, said: format!("{} {}", why.kind, why.said).trim_end().to_string() }
}

/// RFC 7617, RFC 6750.
fn authorization(sign_in: SignIn, user: &str, password: &str) -> Result<String, MailboxError> {
    let wrong = || MailboxError::Settings("the user has no name, or a name, password or token that cannot be sent".into());
    match sign_in {
        SignIn::Basic if user.is_empty() || user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) => {
            Err(wrong())
        }
        SignIn::Basic => Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
        SignIn::Bearer if password.is_empty() || !password.bytes().all(|octet| octet.is_ascii_graphic()) => Err(wrong()),
        SignIn::Bearer => Ok(format!("Bearer {password}")),
    }
}
