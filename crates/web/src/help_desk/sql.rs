//! Every statement on asks for another look.

use gateway::scope::OrgScope;
use gateway::trace::{Refusal, RefusalCode};
use mail::id::{DraftId, EventId, SecondLookId};
use mail::{MailId, OrgId};
use store::{Error, Row, Tx, args};

/// Asks of one page.
pub const LIST_MAX: usize = 50;
/// Rows forgotten in one transaction.
const FORGET_MAX: usize = 500;

/// Somebody outside asks an organisation to look again at what it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondLook {
    pub id: SecondLookId,
    pub org: OrgId,
    pub refusal: EventId,
    /// `None`: refused before there was a mail.
    pub mail: Option<MailId>,
    /// Name of the event's kind.
    pub kind: String,
    /// Of the sender; '' for the null reverse-path.
    pub domain: String,
    /// What we kept of the refusal.
    pub facts: Refusal,
    pub why: String,
    pub contact: String,
    pub lang: String,
    /// When the contact showed that it is theirs.
    pub proven_ms: Option<i64>,
    pub state: State,
    pub answer: String,
    pub answered_by: String,
    pub answered_ms: Option<i64>,
    /// End of the allow entry.
    pub until_ms: Option<i64>,
    /// Draft of an allow entry.
    pub draft: Option<DraftId>,
    /// What looking again came to, JSON; '' when nobody did.
    pub again: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    /// An allow entry was saved.
    Allowed,
    /// Something else was changed, so that it would pass.
    Mended,
    Declined,
    /// By whoever asked.
    Withdrawn,
}

impl State {
    pub const ALL: [State; 5] = [State::Open, State::Allowed, State::Mended, State::Declined, State::Withdrawn];

    /// As stored, in JSON and in words `desk-state-…`.
    pub fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Allowed => "allowed",
            State::Mended => "mended",
            State::Declined => "declined",
            State::Withdrawn => "withdrawn",
        }
    }

    pub fn tone(self) -> &'static str {
        match self {
            State::Open => "warn",
            State::Allowed | State::Mended => "good",
            State::Declined => "bad",
            State::Withdrawn => "plain",
        }
    }

    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl SecondLook {
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(MailId(self.id.0))
    }

    /// Why it was refused.
    pub fn reason(&self) -> super::reason::Reason {
        super::reason::Reason::of(&self.facts, self.mail.is_some())
    }

    /// What the reply named.
    pub fn code(&self) -> RefusalCode {
        self.mail.map_or(RefusalCode::Event(self.refusal), RefusalCode::Mail)
    }
}

/// What only the asker holds, as digests.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub token: String,
    pub proof: String,
}

const COLUMNS: &str = "id, org, refusal, mail, kind, domain, facts, why, contact, lang, proven_ms, state, answer, answered_by, \
                       answered_ms, until_ms, draft, again";

/// # Errors
/// [`Error::Exists`] when there is an open one about the same refusal.
pub async fn insert(tx: &mut Tx, look: &SecondLook, secrets: &Secrets) -> Result<(), Error> {
    let facts = serde_json::to_string(&look.facts).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run(
        "INSERT INTO second_look (id, org, refusal, mail, kind, domain, facts, why, contact, lang, token, proof, state, answer, \
         answered_by, draft, again) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', '', '', 0, '')",
        args![
            look.id.0,
            look.org.0,
            look.refusal.0,
            look.mail.map_or(0, |mail| mail.0),
            look.kind.as_str(),
            look.domain.as_str(),
            facts,
            look.why.as_str(),
            look.contact.as_str(),
            look.lang.as_str(),
            secrets.token.as_str(),
            secrets.proof.as_str()
        ],
    )
    .await
    .map(|_| ())
}

/// How many there are already, to be held against limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// About this refusal, and open ones of them.
    pub of_refusal: i64,
    pub open_of_refusal: i64,
    /// Of the organisation since the moment asked for, and of this domain among them.
    pub of_org: i64,
    pub of_domain: i64,
    /// That wait for the organisation.
    pub open: i64,
}

pub async fn counts(tx: &mut Tx, look: &SecondLook, since_ms: i64) -> Result<Counts, Error> {
    let since = gateway::trace::first_id_at(since_ms).0;
    let sql = "SELECT (SELECT COUNT(*) FROM second_look WHERE refusal = $1 AND org = $2), \
               (SELECT COUNT(*) FROM second_look WHERE refusal = $1 AND org = $2 AND state = 'open'), \
               (SELECT COUNT(*) FROM second_look WHERE org = $2 AND id >= $3), \
               (SELECT COUNT(*) FROM second_look WHERE org = $2 AND id >= $3 AND domain = $4), \
               (SELECT COUNT(*) FROM second_look WHERE org = $2 AND state = 'open')";
    let row = tx.row(sql, args![look.refusal.0, look.org.0, since, look.domain.as_str()]).await?;
    let Some(row) = row else { return Ok(Counts::default()) };
    Ok(Counts { of_refusal: row.int(0)?, open_of_refusal: row.int(1)?, of_org: row.int(2)?, of_domain: row.int(3)?, open: row.int(4)? })
}

/// The ask that whoever holds this link made. The link is what lets in, so there is no scope.
pub async fn by_token(tx: &mut Tx, digest: &str) -> Result<Option<SecondLook>, Error> {
    tx.row(&format!("SELECT {COLUMNS} FROM second_look WHERE token = $1"), args![digest]).await?.as_ref().map(look).transpose()
}

/// The contact is proven, once; false when this is not what was mailed.
pub async fn prove(tx: &mut Tx, id: SecondLookId, digest: &str, now_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE second_look SET proven_ms = $1 WHERE id = $2 AND proof = $3 AND proof <> '' AND proven_ms IS NULL";
    Ok(tx.run(sql, args![now_ms, id.0, digest]).await? == 1)
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: SecondLookId) -> Result<Option<SecondLook>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("SELECT {COLUMNS} FROM second_look WHERE id = $1 AND {whose}"), args).await?.as_ref().map(look).transpose()
}

/// Asks in a state, or all but those that wait; the latest first, and whether there are more.
pub async fn list(tx: &mut Tx, scope: OrgScope, is_open: bool, before: Option<SecondLookId>) -> Result<(Vec<SecondLook>, bool), Error> {
    let mut args = args![before.map_or(i64::MAX, |id| id.0)];
    let whose = scope.condition("org", &mut args);
    let state = if is_open { "state = 'open'" } else { "state <> 'open'" };
    let limit = LIST_MAX + 1;
    let sql = format!("SELECT {COLUMNS} FROM second_look WHERE id < $1 AND {state} AND {whose} ORDER BY id DESC LIMIT {limit}");
    let mut found: Vec<SecondLook> = tx.rows(&sql, args).await?.iter().map(look).collect::<Result<_, _>>()?;
    let is_more = found.len() > LIST_MAX;
    found.truncate(LIST_MAX);
    Ok((found, is_more))
}

/// How many wait, counted to a bound.
pub async fn waiting(tx: &mut Tx, scope: OrgScope) -> Result<i64, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT COUNT(*) FROM (SELECT id FROM second_look WHERE state = 'open' AND {whose} LIMIT 1000) AS waiting");
    tx.row(&sql, args).await?.map_or(Ok(0), |row| row.int(0))
}

/// How many wait, counted to a bound, and the newest; `None` when nobody does.
pub async fn rung(tx: &mut Tx, scope: OrgScope) -> Result<Option<(i64, SecondLookId)>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT COUNT(*), MAX(id) FROM (SELECT id FROM second_look WHERE state = 'open' AND {whose} ORDER BY id DESC LIMIT 1000) AS waiting"
    );
    let Some(row) = tx.row(&sql, args).await? else { return Ok(None) };
    let count = row.int(0)?;
    Ok(row.int_opt(1)?.map(|newest| (count, SecondLookId(newest))))
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Given {
    pub state: State,
    pub answer: String,
    pub by: String,
    pub until_ms: Option<i64>,
    pub now_ms: i64,
}

/// Ends an open ask; false when somebody else did.
pub async fn settle(tx: &mut Tx, org: OrgId, id: SecondLookId, given: &Given) -> Result<bool, Error> {
    let changed = tx
        .run(
            "UPDATE second_look SET state = $1, answer = $2, answered_by = $3, answered_ms = $4, until_ms = $5 \
             WHERE id = $6 AND org = $7 AND state = 'open'",
            args![given.state.name(), given.answer.as_str(), given.by.as_str(), given.now_ms, given.until_ms, id.0, org.0],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that an allow entry is being drafted for it; false when it is not open any more.
pub async fn drafted(tx: &mut Tx, org: OrgId, id: SecondLookId, draft: DraftId) -> Result<bool, Error> {
    let sql = "UPDATE second_look SET draft = $1 WHERE id = $2 AND org = $3 AND state = 'open'";
    Ok(tx.run(sql, args![draft.0, id.0, org.0]).await? == 1)
}

/// The open ask that a draft is for.
pub async fn of_draft(tx: &mut Tx, org: OrgId, draft: DraftId) -> Result<Option<SecondLook>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM second_look WHERE org = $1 AND draft = $2 AND state = 'open' ORDER BY id LIMIT 1");
    tx.row(&sql, args![org.0, draft.0]).await?.as_ref().map(look).transpose()
}

/// Keeps what looking again came to.
pub async fn looked(tx: &mut Tx, org: OrgId, id: SecondLookId, again: &str) -> Result<(), Error> {
    tx.run("UPDATE second_look SET again = $1 WHERE id = $2 AND org = $3", args![again, id.0, org.0]).await.map(|_| ())
}

/// Forgets asks from before; returns how many went.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    let before = gateway::trace::first_id_at(before_ms).0;
    let sql = "DELETE FROM second_look WHERE id IN (SELECT id FROM second_look WHERE id < $1 ORDER BY id LIMIT $2)";
    tx.run(sql, args![before, FORGET_MAX]).await
}

fn look(row: &Row) -> Result<SecondLook, Error> {
    Ok(SecondLook {
        id: SecondLookId(row.int(0)?),
        org: OrgId(row.int(1)?),
        refusal: EventId(row.int(2)?),
        mail: Some(MailId(row.int(3)?)).filter(|mail| mail.0 != 0),
        kind: row.text(4)?.into(),
        domain: row.text(5)?.into(),
        facts: serde_json::from_str(row.text(6)?).unwrap_or_default(),
        why: row.text(7)?.into(),
        contact: row.text(8)?.into(),
        lang: row.text(9)?.into(),
        proven_ms: row.int_opt(10)?,
        state: State::parse(row.text(11)?).unwrap_or(State::Withdrawn),
        answer: row.text(12)?.into(),
        answered_by: row.text(13)?.into(),
        answered_ms: row.int_opt(14)?,
        until_ms: row.int_opt(15)?,
        draft: Some(DraftId(row.int(16)?)).filter(|draft| draft.0 != 0),
        again: row.text(17)?.into(),
    })
}
