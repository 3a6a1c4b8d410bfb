//! Things that take two requests: a password and then a code, a challenge and its answer, a way to a provider and back.
//!
//! Out: a token that the browser keeps in a cookie or a link; what was begun stays here. Invariant: each is finished once, in time, and
//! after few tries. Any server of the installation can finish what another began.

use super::session::{Token, digest};
use crate::App;
use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::CookieJar;
use mail::PersonId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Error, Row, Tx, args};

/// How long a person may take.
pub const SHORT_MS: i64 = 10 * 60 * 1000;
/// Tries at one code before the password is asked for again.
pub const TRIES_MAX: i64 = 5;

/// What is half done. The names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first factor was right; the second is asked for.
    SecondFactor,
    PasskeySignIn,
    PasskeyMade,
    Provider,
    /// The link that makes the first operator.
    FirstRun,
    /// A mailed link to an address whose person does not exist yet.
    FirstLink,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::SecondFactor => "second-factor",
            Kind::PasskeySignIn => "passkey-sign-in",
            Kind::PasskeyMade => "passkey-made",
            Kind::Provider => "provider",
            Kind::FirstRun => "first-run",
            Kind::FirstLink => "first-link",
        }
    }

    /// The cookie that carries it; each kind has its own, so that none is taken for another.
    fn cookie(self, app: &App) -> String {
        let prefix = if app.is_secure() { "__Host-" } else { "" };
        format!("{prefix}gatepost_{}", self.name().replace('-', "_"))
    }
}

/// What was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// 0: not known yet.
    pub person: PersonId,
    pub state: String,
    pub tries: i64,
}

impl Begun {
    /// The state as it was kept.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.state).ok()
    }
}

/// Begins; the token is for the browser alone.
pub async fn begin<T: Serialize>(app: &App, kind: Kind, person: PersonId, state: &T) -> Result<String, Error> {
    begin_for(app, kind, person, state, SHORT_MS).await
}

pub async fn begin_for<T: Serialize>(app: &App, kind: Kind, person: PersonId, state: &T, for_ms: i64) -> Result<String, Error> {
    let token = Token::fresh()?;
    let state = serde_json::to_string(state).map_err(|why| Error::Shape(why.to_string()))?;
    let (digest, now_ms) = (token.digest, app.now_ms());
    app.db.tx(move |tx| Box::pin(async move { insert(tx, (&digest, kind), person, &state, (now_ms, now_ms + for_ms)).await })).await?;
    Ok(token.plain)
}

/// Keeps one; what is over goes. `span` is the present and the end.
pub async fn insert(tx: &mut Tx, named: (&str, Kind), person: PersonId, state: &str, span: (i64, i64)) -> Result<(), Error> {
    tx.run("DELETE FROM ceremony WHERE until_ms <= $1", args![span.0]).await?;
    tx.run(
        "INSERT INTO ceremony (token, kind, person, state, tries, until_ms) VALUES ($1, $2, $3, $4, 0, $5)",
        args![named.0, named.1.name(), person.0, state, span.1],
    )
    .await
    .map(|_| ())
}

/// What was begun under this token, while it holds.
pub async fn look(tx: &mut Tx, token: &str, kind: Kind, now_ms: i64) -> Result<Option<Begun>, Error> {
    let statement = "SELECT person, state, tries FROM ceremony WHERE token = $1 AND kind = $2 AND until_ms > $3 AND tries < $4";
    let row = tx.row(statement, args![digest(token), kind.name(), now_ms, TRIES_MAX]).await?;
    let read = |row: Row| Ok(Begun { person: PersonId(row.int(0)?), state: row.text(1)?.to_string(), tries: row.int(2)? });
    row.map(read).transpose()
}

/// As [`look`], and it holds no longer: of two at once, one gets it.
pub async fn finish(tx: &mut Tx, token: &str, kind: Kind, now_ms: i64) -> Result<Option<Begun>, Error> {
    let found = look(tx, token, kind, now_ms).await?;
    let gone = tx.run("DELETE FROM ceremony WHERE token = $1 AND kind = $2", args![digest(token), kind.name()]).await?;
    Ok(found.filter(|_| gone == 1))
}

/// Counts a try that was wrong.
pub async fn tried(tx: &mut Tx, token: &str) -> Result<(), Error> {
    tx.run("UPDATE ceremony SET tries = tries + 1 WHERE token = $1", args![digest(token)]).await.map(|_| ())
}

/// Ends all of one kind, such as older first-run links.
pub async fn end_all(tx: &mut Tx, kind: Kind) -> Result<(), Error> {
    tx.run("DELETE FROM ceremony WHERE kind = $1", args![kind.name()]).await.map(|_| ())
}

/// The browser's token of this kind; "" when it has none.
pub fn held(app: &App, headers: &HeaderMap, kind: Kind) -> String {
    let jar = CookieJar::from_headers(headers);
    jar.get(&kind.cookie(app)).map(|cookie| cookie.value().to_string()).unwrap_or_default()
}

/// Gives the browser the token; an empty one takes it away.
pub fn cookie(app: &App, kind: Kind, token: &str) -> Option<HeaderValue> {
    let age_s = if token.is_empty() { 0 } else { SHORT_MS / 1000 };
    let secure = if app.is_secure() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}", kind.cookie(app))).ok()
}
