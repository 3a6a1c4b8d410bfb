//! How Gatepost gets at the mailboxes behind a connector: as a form or a program sends it, saved with the connector, tried.

use crate::App;
use crate::audit::{self, Entry};
use crate::connector::draft::{is_host, number, read, word};
use crate::connector::sql::Named;
use crate::connector::{change, may_name_private};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::directory::ConnectorSettings;
use gateway::mailbox::{Access, MailboxError, MailboxProtocol, MailboxSettings, Security};
use gateway::settings::Span;
use serde::{Deserialize, Serialize};

const COPIES_MAX: usize = 10_000;
const PER_MINUTE_MAX: usize = 6_000;
const RECHECKS_MAX: usize = 10_000;
const FOLDER_CHARS_MAX: usize = 100;
/// Ports of IMAP, with the colon before them.
const IMAP_PORTS: [&str; 2] = [":143", ":993"];
/// The port of JMAP.
const HTTPS_PORT: u16 = 443;
/// The longest that delivered mail is watched.
const WITHIN_MAX: Span = Span::days(7);
/// How often mailboxes may be looked at for what people move.
const MOVES_MIN: Span = Span::minutes(1);
const MOVES_MAX: Span = Span::days(1);
/// How often one person may have us sign in somewhere, in five minutes.
const TRIES_MAX: u32 = 20;

/// Every field as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessDraft {
    /// "imap" or "jmap".
    pub protocol: String,
    /// IMAP server with the mailboxes, `host:port`; "": no access.
    pub imap: String,
    /// Address of the JMAP session, or of its server; "": no access.
    pub url: String,
    /// With JMAP: "basic" or "bearer" (the password is a token).
    pub sign_in: String,
    /// With IMAP: "tls", "starttls" or "off" (this machine only).
    pub security: String,
    /// Name in the certificate, where it is another than the host.
    pub tls_name: String,
    /// SHA-256 of the only certificate that is taken; "": not pinned.
    pub pin: String,
    /// User who may open every mailbox; with JMAP, `{mailbox}` in it stands for the mailbox.
    pub user: String,
    /// Only written, never told. "" keeps the one that is set, as long as server and user stay.
    #[serde(skip_serializing)]
    #[schema(write_only)]
    pub password: String,
    /// "address" or "local": what a mailbox is called.
    pub mailbox: String,
    /// What separates a detail from the name of a mailbox, such as "+".
    pub detail: String,
    /// Folder for junk.
    pub junk: String,
    /// Folder for what is dangerous; "": the one for junk.
    pub dangerous: String,
    /// "off", "ask" or "on".
    pub automatic: String,
    /// How long after delivery mail is watched, such as "2d".
    pub within: String,
    /// More copies at once wait for a person.
    pub at_once_max: String,
    /// So do more than this part of a day's mail, percent.
    pub at_once_percent: String,
    pub per_minute: String,
    /// Times after delivery at which mail is judged again, such as "1h 1d"; "": never.
    pub recheck_after: String,
    pub rechecks_per_hour: String,
    /// With JMAP: how often it is looked for mail that people moved into the folder for junk, or out of it, such as "10m"; "": never.
    pub moves_every: String,
}

impl AccessDraft {
    pub fn of(settings: &MailboxSettings) -> AccessDraft {
        let spans: Vec<String> = settings.recheck_after.iter().map(ToString::to_string).collect();
        AccessDraft {
            protocol: word(&settings.protocol),
            imap: settings.imap.clone(),
            url: settings.url.clone(),
            sign_in: word(&settings.sign_in),
            security: word(&settings.security),
            tls_name: settings.tls_name.clone(),
            pin: settings.pin.clone(),
            user: settings.user.clone(),
            password: String::new(),
            mailbox: word(&settings.mailbox),
            detail: settings.detail.clone(),
            junk: settings.junk.clone(),
            dangerous: settings.dangerous.clone(),
            automatic: word(&settings.automatic),
            within: settings.within.to_string(),
            at_once_max: settings.at_once_max.to_string(),
            at_once_percent: settings.at_once_percent.to_string(),
            per_minute: settings.per_minute.to_string(),
            recheck_after: spans.join(" "),
            rechecks_per_hour: settings.rechecks_per_hour.to_string(),
            moves_every: if settings.moves_every.is_zero() { String::new() } else { settings.moves_every.to_string() },
        }
    }

    /// The settings, or what is wrong field by field. `saved` is what stands now.
    fn settings(&self, app: &App, person: &Person, connector: &ConnectorSettings) -> Result<MailboxSettings, Fault> {
        let (mut wrong, saved) = (Vec::new(), &connector.mailbox);
        let (imap, url) = (self.imap.trim().to_string(), self.url.trim().to_string());
        if !imap.is_empty() && !is_host(&imap) {
            wrong.push(Wrong::new("imap", "removal-wrong-imap"));
        }
        let settings = MailboxSettings {
            protocol: read(&self.protocol).unwrap_or(saved.protocol),
            imap,
            url,
            sign_in: read(&self.sign_in).unwrap_or(saved.sign_in),
            security: read(&self.security).unwrap_or(saved.security),
            tls_name: self.tls_name.trim().to_string(),
            pin: self.read_pin(&mut wrong),
            user: self.user.trim().to_string(),
            password: String::new(),
            // A file of the server is named in the server's settings, not by whoever may change a connector.
            password_file: String::new(),
            mailbox: read(&self.mailbox).unwrap_or(saved.mailbox),
            detail: self.detail.trim().chars().take(5).collect(),
            junk: folder(&self.junk, "junk", false, &mut wrong),
            dangerous: folder(&self.dangerous, "dangerous", true, &mut wrong),
            automatic: read(&self.automatic).unwrap_or(saved.automatic),
            within: self.read_within(saved, &mut wrong),
            at_once_max: number(&self.at_once_max, (saved.at_once_max, COPIES_MAX), "at_once_max", &mut wrong),
            at_once_percent: number(&self.at_once_percent, (saved.at_once_percent, 100), "at_once_percent", &mut wrong),
            per_minute: number(&self.per_minute, (saved.per_minute, PER_MINUTE_MAX), "per_minute", &mut wrong),
            recheck_after: self.read_rechecks(&mut wrong),
            rechecks_per_hour: number(&self.rechecks_per_hour, (saved.rechecks_per_hour, RECHECKS_MAX), "rechecks_per_hour", &mut wrong),
            moves_every: self.read_moves(&mut wrong),
        };
        if settings.is_on() && settings.needs_user() && settings.user.is_empty() {
            wrong.push(Wrong::new("user", "removal-wrong-user"));
        }
        wrong.extend(wrong_place(&settings, saved, may_name_private(app, person)));
        self.with_password(app, &connector.name, (settings, saved), wrong)
    }

    /// A password that is set goes on with the same user to the same server only, or whoever may change a connector could have it sent to a
    /// host of their own.
    fn with_password(
        &self,
        app: &App,
        connector: &str,
        (mut settings, saved): (MailboxSettings, &MailboxSettings),
        mut wrong: Vec<Wrong>,
    ) -> Result<MailboxSettings, Fault> {
        let place = |one: &MailboxSettings| {
            let way = (one.protocol, one.server().to_string(), one.security, one.sign_in);
            (way, one.tls_name.clone(), one.pin.clone(), one.user.clone())
        };
        if !self.password.is_empty() {
            settings = settings.with_password(&app.seal, connector, &self.password)?;
        } else if place(&settings) == place(saved) {
            settings.password = saved.password.clone();
            settings.password_file = saved.password_file.clone();
        } else if settings.is_on() {
            wrong.push(Wrong::new("password", "removal-wrong-password"));
        }
        if wrong.is_empty() { Ok(settings) } else { Err(Fault::Invalid(wrong)) }
    }

    fn read_pin(&self, wrong: &mut Vec<Wrong>) -> String {
        let pin: String = self.pin.chars().filter(|c| !c.is_whitespace() && *c != ':').map(|c| c.to_ascii_lowercase()).collect();
        if !pin.is_empty() && (pin.len() != 64 || !pin.chars().all(|c| c.is_ascii_hexdigit())) {
            wrong.push(Wrong::new("pin", "connector-wrong-pin"));
        }
        pin
    }

    fn read_within(&self, saved: &MailboxSettings, wrong: &mut Vec<Wrong>) -> Span {
        if self.within.trim().is_empty() {
            return saved.within;
        }
        match self.within.trim().parse::<Span>() {
            Ok(within) if !within.is_zero() && within <= WITHIN_MAX => within,
            _ => {
                wrong.push(Wrong::new("within", "removal-wrong-within"));
                saved.within
            }
        }
    }

    fn read_moves(&self, wrong: &mut Vec<Wrong>) -> Span {
        match self.moves_every.trim() {
            "" => Span::ms(0),
            text => match text.parse::<Span>() {
                Ok(every) if every.is_zero() || (MOVES_MIN..=MOVES_MAX).contains(&every) => every,
                _ => {
                    wrong.push(Wrong::new("moves_every", "removal-wrong-moves"));
                    Span::ms(0)
                }
            },
        }
    }

    fn read_rechecks(&self, wrong: &mut Vec<Wrong>) -> Vec<Span> {
        let read: Vec<Option<Span>> =
            self.recheck_after.split_whitespace().map(|text| text.parse().ok().filter(|span| *span <= WITHIN_MAX)).collect();
        if read.len() > RECHECKS_A_MAIL_MAX || read.iter().any(Option::is_none) {
            wrong.push(Wrong::new("recheck_after", "removal-wrong-rechecks"));
        }
        read.into_iter().flatten().take(RECHECKS_A_MAIL_MAX).collect()
    }
}

/// What is wrong with where the server is. Whoever may change a connector must not look around at other ports, nor send a password in clear.
fn wrong_place(settings: &MailboxSettings, saved: &MailboxSettings, may_private: bool) -> Option<Wrong> {
    if !settings.is_on() || settings.server() == saved.server() && settings.protocol == saved.protocol {
        return None;
    }
    match settings.protocol {
        MailboxProtocol::Imap => {
            let is_usual = IMAP_PORTS.iter().any(|port| settings.host_with_port().ends_with(port));
            (!is_usual && !may_private).then(|| Wrong::new("imap", "removal-wrong-port"))
        }
        MailboxProtocol::Jmap => match mail::jmap::Url::parse(settings.server()) {
            None => Some(Wrong::new("url", "removal-wrong-url")),
            Some(url) => (!(may_private || url.is_tls && url.port == HTTPS_PORT)).then(|| Wrong::new("url", "removal-wrong-url-port")),
        },
    }
}

/// Times that one mail is judged again.
pub const RECHECKS_A_MAIL_MAX: usize = 4;

fn folder(name: &str, field: &'static str, may_be_empty: bool, wrong: &mut Vec<Wrong>) -> String {
    let name = name.trim();
    let is_good = !name.chars().any(char::is_control) && name.chars().count() <= FOLDER_CHARS_MAX && !name.eq_ignore_ascii_case("inbox");
    if !is_good || name.is_empty() && !may_be_empty {
        wrong.push(Wrong::new(field, "removal-wrong-folder"));
    }
    name.to_string()
}

/// Saves the access with its connector.
/// # Errors
/// [`Fault::Invalid`] names each field that is wrong; [`Fault::Conflict`] for a connector of the settings file.
pub async fn save(app: &App, person: &Person, named: Named, draft: &AccessDraft) -> Result<(), Fault> {
    person.require(May::Connectors)?;
    if named.is_fixed() {
        return Err(Fault::Conflict(Say::new("connector-is-fixed")));
    }
    let mailbox = draft.settings(app, person, &named.settings)?;
    let settings = ConnectorSettings { mailbox, ..named.settings.clone() };
    change(app, person, named, settings).await
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The mailbox opened; these are its folders.
    Opened { folders: Vec<String>, has_junk: bool },
    /// A name of [`MailboxError`], and its text.
    Failed { name: &'static str, said: String },
}

/// Opens the mailbox of an address, changes nothing in it, and says what was seen.
pub async fn try_access(app: &App, person: &Person, named: &Named, address: &str) -> Result<Tried, Fault> {
    person.require(May::Connectors)?;
    let address = mail::Address::parse(address.trim()).map_err(|_| Fault::Invalid(vec![Wrong::new("to", "removal-wrong-address")]))?;
    let directory = app.directory.snapshot();
    if directory.domain_of(&address).is_none_or(|domain| domain.org != named.org) {
        return Err(Fault::Invalid(vec![Wrong::new("to", "removal-wrong-address")]));
    }
    app.turns.take(person.id, "mailbox-try", TRIES_MAX)?;
    let access = Access { courier: &app.courier, seal: &app.seal, connector: &named.settings };
    let folders = async {
        let mut session = access.open(&address.to_string()).await?;
        let names = session.folder_names().await?;
        session.log_out().await;
        Ok::<_, MailboxError>(names)
    };
    let tried = match folders.await {
        Ok(folders) => Tried::Opened { has_junk: folders.contains(&named.settings.mailbox.junk), folders },
        Err(why) => Tried::Failed { name: why.name(), said: why.to_string() },
    };
    let (ids, now_ms, person, org) = (app.ids.clone(), app.now_ms(), person.clone(), named.org);
    let entry = Entry::new(Some(org), "removal.try", &named.settings.name).with(serde_json::json!({ "mailbox": address.to_string() }));
    app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await.map_err(Fault::from)?;
    Ok(tried)
}

/// Levels of security that a form offers this person.
pub fn securities(app: &App, person: &Person) -> Vec<&'static str> {
    let all = [(Security::Tls, "tls"), (Security::Starttls, "starttls"), (Security::Off, "off")];
    all.into_iter().filter(|(one, _)| *one != Security::Off || may_name_private(app, person)).map(|(_, name)| name).collect()
}
