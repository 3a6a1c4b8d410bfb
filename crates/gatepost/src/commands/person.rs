//! `gatepost person`: people who sign in. Works beside a running server, and for the operator who is locked out.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use clap::{Args, Subcommand};
use gateway::directory::sql as directory_sql;
use gateway::scope::OrgScope;
use mail::{Address, OrgId, PersonId};
use store::Error;
use web::page::Fault;
use web::page::words::Lang;
use web::people::change::{self, Act, Chosen, Invitation};
use web::people::link::{LINK_MS, TERMINAL};
use web::people::session::Token;
use web::people::sql::{self, Filter, PersonRow};
use web::people::{Person, Role};

#[derive(Debug, Args)]
pub struct Persons {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// People by address.
    List {
        /// Part of address or name.
        #[arg(default_value = "")]
        find: String,
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Add somebody; prints the link with which they choose how they sign in.
    Invite {
        email: String,
        /// Such as administrator, help-desk, operator, or own.NUMBER.
        #[arg(long, default_value = "help-desk")]
        role: String,
        /// Name of the organisation; with one alone it need not be named. Operators belong to none.
        #[arg(long, default_value = "")]
        organisation: String,
        #[arg(long, default_value = "")]
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Give another role.
    Role { email: String, role: String },
    /// Let somebody in no more; their sessions and tokens end.
    Deactivate { email: String },
    /// Let somebody in again.
    Activate { email: String },
    /// Print a link that signs somebody in once, within a day, without password and second factor.
    Link {
        email: String,
        /// Take authenticator app, passkeys and recovery codes away as well: for somebody who lost them.
        #[arg(long)]
        reset: bool,
    },
}

pub fn run(place: &Place, persons: Persons) -> anyhow::Result<Exit> {
    wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let base = chosen.settings.web.url.trim_end_matches('/').to_string();
        match persons.verb {
            Verb::List { find, limit, json } => list(&store, find, limit, json).await,
            Verb::Invite { email, role, organisation, name, json } => {
                let path = invite(&store, (&email, &name), &role, &organisation).await;
                told(path, &base, json)
            }
            Verb::Role { email, role } => done(set_role(&store, &email, &role).await),
            Verb::Deactivate { email } => done(set_active(&store, &email, false).await),
            Verb::Activate { email } => done(set_active(&store, &email, true).await),
            Verb::Link { email, reset } => told(link(&store, &email, reset).await, &base, false),
        }
    })
}

/// Who works at the machine, with what a change needs.
fn act(store: &Store) -> Act {
    let who = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    Act { by: Person::at_the_machine(&who), ids: store.ids.clone(), now_ms: output::now_ms() }
}

fn key(email: &str) -> Result<String, Fault> {
    Address::parse(email).map(|address| address.key()).map_err(|_| Fault::Unreadable(format!("“{email}” is not an address")))
}

/// Somebody by address, active or not.
async fn named(store: &Store, email: &str) -> Result<PersonId, Fault> {
    let (key, now) = (key(email)?, email.to_string());
    let found = store.db.read(move |tx| Box::pin(async move { sql::id_of(tx, &key).await })).await?;
    found.ok_or_else(|| Fault::Unreadable(format!("there is nobody with the address {now}")))
}

async fn list(store: &Store, find: String, limit: usize, json: bool) -> anyhow::Result<Exit> {
    let filter = Filter { q: find, limit, ..Filter::default() };
    let mut rows = store.db.read(move |tx| Box::pin(async move { sql::list(tx, OrgScope::All, &filter).await })).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    if json {
        rows.iter().try_for_each(|row| output::json(&web::people::api::PersonBody::of(row)))?;
    } else {
        let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
        output::table(&["ADDRESS", "NAME", "ROLE", "ORGANISATION", "STATE", "SECOND FACTOR", "LAST SIGN-IN"], &cells)?;
    }
    if has_more {
        eprintln!("Not complete: raise --limit or narrow the search.");
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

fn cells(row: &PersonRow) -> Vec<String> {
    let person = &row.person;
    let second = match (row.has_totp, row.passkeys) {
        (true, 0) => "app".into(),
        (true, keys) => format!("app, {keys} passkeys"),
        (false, 0) => "none".into(),
        (false, keys) => format!("{keys} passkeys"),
    };
    vec![
        person.email.clone(),
        person.name.clone(),
        if person.own_role_name.is_empty() { person.role_key() } else { format!("{} ({})", person.own_role_name, person.role_key()) },
        person.home.map_or_else(|| "service".into(), |org| org.to_string()),
        if row.is_active { "active" } else { "deactivated" }.into(),
        second,
        row.seen_ms.map_or_else(|| "never".into(), output::time),
    ]
}

async fn invite(store: &Store, who: (&str, &str), role: &str, organisation: &str) -> Result<String, Fault> {
    let email = key(who.0)?;
    let role = Chosen::parse(role).ok_or_else(|| unknown_role(role))?;
    let is_of_service = matches!(role, Chosen::BuiltIn(role) if role.is_of_service());
    let (act, name, organisation) = (act(store), who.1.to_string(), organisation.to_string());
    store
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let org = match is_of_service && organisation.is_empty() {
                    true => None,
                    false => Some(org(directory_sql::organisation_id(tx, &organisation).await)?),
                };
                change::invite(tx, &act, &Invitation { email, name, role, org }).await.map(|(_, path)| path)
            })
        })
        .await
}

fn org(found: Result<OrgId, Error>) -> Result<OrgId, Fault> {
    found.map_err(|why| match why {
        Error::Statement(why) => Fault::Unreadable(why),
        other => other.into(),
    })
}

fn unknown_role(role: &str) -> Fault {
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    Fault::Unreadable(format!("there is no role “{role}”; take one of {}, or own.NUMBER", names.join(", ")))
}

async fn set_role(store: &Store, email: &str, role: &str) -> Result<(), Fault> {
    let role = Chosen::parse(role).ok_or_else(|| unknown_role(role))?;
    let (id, act) = (named(store, email).await?, act(store));
    store.db.tx(move |tx| Box::pin(async move { change::set_role(tx, &act, id, role).await })).await
}

async fn set_active(store: &Store, email: &str, is_active: bool) -> Result<(), Fault> {
    let (id, act) = (named(store, email).await?, act(store));
    store.db.tx(move |tx| Box::pin(async move { change::set_active(tx, &act, id, is_active).await })).await
}

async fn link(store: &Store, email: &str, reset: bool) -> Result<String, Fault> {
    let (id, act, token) = (named(store, email).await?, act(store), Token::fresh()?);
    let path = format!("/sign-in/{}", token.plain);
    store
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if reset {
                    change::reset_factors(tx, &act, id).await?;
                }
                change::terminal_link(tx, &act, id, &token.digest, (TERMINAL, LINK_MS)).await
            })
        })
        .await?;
    Ok(path)
}

/// A link on the terminal: whole when the settings say where the pages are, else its path.
fn told(path: Result<String, Fault>, base: &str, json: bool) -> anyhow::Result<Exit> {
    let path = match path {
        Ok(path) => path,
        Err(fault) => return done(Err(fault)),
    };
    let link = format!("{base}{path}");
    match json {
        true => output::json(&serde_json::json!({ "link": link }))?,
        false => output::line(&link)?,
    }
    if base.is_empty() {
        eprintln!("Put the address of the pages before it, such as http://127.0.0.1:8025 ([web] url in the settings does that).");
    }
    Ok(Exit::Done)
}

fn done(result: Result<(), Fault>) -> anyhow::Result<Exit> {
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(Fault::Ours(why)) => anyhow::bail!(why),
        Err(Fault::Unreadable(why)) => Err(WrongUse(why).into()),
        Err(Fault::Conflict(say)) => {
            eprintln!("gatepost: {}", say.in_lang(Lang::English));
            Ok(Exit::No)
        }
        Err(Fault::Invalid(wrong)) => {
            let all: Vec<String> = wrong.iter().map(|wrong| wrong.say.in_lang(Lang::English)).collect();
            Err(WrongUse(all.join(" ")).into())
        }
        Err(other) => Err(WrongUse(other.to_string()).into()),
    }
}
