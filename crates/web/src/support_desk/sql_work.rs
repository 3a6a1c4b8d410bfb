//! Every statement on queues, engineers, who looks at what, and saved replies.

use crate::page::words::Lang;
use crate::people::Role;
use crate::service_request::{Area, Request, Severity, State};
use gateway::scope::OrgScope;
use mail::id::{RequestId, SavedReplyId};
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};
use store::{Error, Row, Tx, Value, args};

/// Requests of one page of a queue.
pub const QUEUE_MAX: usize = 50;
/// Requests that are counted of one view.
pub const COUNT_MAX: i64 = 1_000;
pub const ENGINEERS_MAX: usize = 500;
pub const REPLIES_MAX: usize = 500;
/// Who looked longer ago does not look any more.
pub const LOOKS_FOR_MS: i64 = 2 * 60 * 1000;

/// Somebody of support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engineer {
    pub person: PersonId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub lang: Option<Lang>,
    /// BCP 47; empty: all.
    pub langs: Vec<String>,
    /// Empty: all.
    pub areas: Vec<Area>,
    /// Requests at a time.
    pub open_max: i64,
    pub takes_new: bool,
    pub is_away: bool,
    pub has_keys: bool,
    /// Requests that are theirs and not over.
    pub open: i64,
}

impl Engineer {
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// Requests at a time of somebody who said nothing.
pub const OPEN_DEFAULT: i64 = 20;

const ENGINEER: &str = "SELECT p.id, p.email, p.name, p.role, p.language, COALESCE(s.langs, ''), COALESCE(s.areas, ''), \
                        COALESCE(s.open_max, 20), COALESCE(s.takes_new, 0), COALESCE(s.is_away, 0), COALESCE(s.has_keys, 1), \
                        (SELECT COUNT(*) FROM service_request r WHERE r.assignee = p.id AND r.state NOT IN ('resolved', 'closed')) \
                        FROM person p LEFT JOIN support_skill s ON s.person = p.id \
                        WHERE p.org = 0 AND p.is_active = 1 AND p.role IN ('support-engineer', 'account-manager', 'operator')";

fn engineer(row: &Row) -> Result<Engineer, Error> {
    Ok(Engineer {
        person: PersonId(row.int(0)?),
        email: row.text(1)?.into(),
        name: row.text(2)?.into(),
        role: Role::parse(row.text(3)?).unwrap_or(Role::SupportEngineer),
        lang: Lang::parse(row.text(4)?),
        langs: row.text(5)?.split(' ').filter(|lang| !lang.is_empty()).map(str::to_string).collect(),
        areas: row.text(6)?.split(' ').filter_map(Area::parse).collect(),
        open_max: row.int(7)?,
        takes_new: row.int(8)? != 0,
        is_away: row.int(9)? != 0,
        has_keys: row.int(10)? != 0,
        open: row.int(11)?,
    })
}

/// Everybody of support, by name.
pub async fn engineers(tx: &mut Tx) -> Result<Vec<Engineer>, Error> {
    tx.rows(&format!("{ENGINEER} ORDER BY p.name, p.email LIMIT {ENGINEERS_MAX}"), args![]).await?.iter().map(engineer).collect()
}

pub async fn one_engineer(tx: &mut Tx, person: PersonId) -> Result<Option<Engineer>, Error> {
    tx.row(&format!("{ENGINEER} AND p.id = $1"), args![person.0]).await?.as_ref().map(engineer).transpose()
}

/// Keeps what an engineer says of themselves.
pub async fn put_skill(tx: &mut Tx, one: &Engineer) -> Result<(), Error> {
    let areas = one.areas.iter().map(|area| area.name()).collect::<Vec<_>>().join(" ");
    tx.run(
        "INSERT INTO support_skill (person, langs, areas, open_max, takes_new, is_away, has_keys) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (person) DO UPDATE SET langs = excluded.langs, areas = excluded.areas, open_max = excluded.open_max, \
         takes_new = excluded.takes_new, is_away = excluded.is_away, has_keys = excluded.has_keys",
        args![one.person.0, one.langs.join(" "), areas, one.open_max, one.takes_new, one.is_away, one.has_keys],
    )
    .await
    .map(|_| ())
}

/// A way to look at the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SupportView)]
pub enum Which {
    /// Everything for which support has to act.
    Ours,
    Mine,
    /// What fits the engineer's languages and areas and is nobody's.
    ForMe,
    Unassigned,
    /// Due within two hours.
    DueSoon,
    Breached,
    /// Put aside by an engineer.
    Snoozed,
    /// Waits for the requester.
    Theirs,
    /// Everything that is not closed.
    All,
}

impl Which {
    pub const ALL: [Which; 9] = [
        Which::Ours,
        Which::Mine,
        Which::ForMe,
        Which::Unassigned,
        Which::DueSoon,
        Which::Breached,
        Which::Snoozed,
        Which::Theirs,
        Which::All,
    ];

    /// In queries and in words `support-view-…`.
    pub fn name(self) -> &'static str {
        match self {
            Which::Ours => "ours",
            Which::Mine => "mine",
            Which::ForMe => "for-me",
            Which::Unassigned => "unassigned",
            Which::DueSoon => "due-soon",
            Which::Breached => "breached",
            Which::Snoozed => "snoozed",
            Which::Theirs => "theirs",
            Which::All => "all",
        }
    }

    pub fn parse(name: &str) -> Option<Which> {
        Which::ALL.into_iter().find(|which| which.name() == name)
    }
}

/// What "soon" is.
pub const SOON_MS: i64 = 2 * 60 * 60 * 1000;

/// What a queue shows. '' and `None` do not matter.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub which: Which,
    pub me: &'a Engineer,
    pub now_ms: i64,
    pub org: Option<OrgId>,
    pub lang: String,
    pub area: Option<Area>,
    pub severity: Option<Severity>,
    /// Goes on after this due moment and request.
    pub after: Option<(i64, RequestId)>,
}

/// A request as a queue shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    pub id: RequestId,
    pub org: OrgId,
    pub title: String,
    pub severity: Severity,
    pub state: State,
    pub area: String,
    pub lang: String,
    pub assignee: Option<PersonId>,
    /// Name of the assignee; ''.
    pub assigned: String,
    pub shown: String,
    /// `None`: nothing runs.
    pub due_ms: Option<i64>,
    pub due_kind: String,
    pub is_breached: bool,
    pub last_ms: i64,
    pub issue: String,
}

fn put(args: &mut Vec<Value>, value: impl Into<Value>) -> String {
    args.push(value.into());
    format!("${}", args.len())
}

fn condition(wanted: &Wanted<'_>, args: &mut Vec<Value>) -> String {
    let mut all = vec!["r.merged_into = 0".to_string()];
    const OURS: &str = "r.state IN ('new', 'open', 'waiting-us')";
    match wanted.which {
        Which::Ours => all.push(OURS.into()),
        Which::Mine => {
            all.push("r.state <> 'closed'".into());
            all.push(format!("r.assignee = {}", put(args, wanted.me.person.0)));
        }
        Which::Unassigned | Which::ForMe => {
            all.push(OURS.into());
            all.push("r.assignee = 0".into());
        }
        Which::DueSoon => all.push(format!("c.is_breached = 0 AND c.due_ms <= {}", put(args, wanted.now_ms + SOON_MS))),
        Which::Breached => all.push("c.is_breached = 1".into()),
        Which::Snoozed => all.push("r.state <> 'closed'".into()),
        Which::Theirs => all.push("r.state IN ('waiting-customer', 'resolved')".into()),
        Which::All => all.push("r.state <> 'closed'".into()),
    }
    // What is late, or waits for somebody else, is shown there whether it was put aside or not.
    let aside = match wanted.which {
        Which::Ours | Which::Mine | Which::ForMe | Which::Unassigned | Which::DueSoon => "NOT EXISTS",
        Which::Snoozed => "EXISTS",
        Which::Breached | Which::Theirs | Which::All => "",
    };
    if !aside.is_empty() {
        let now = put(args, wanted.now_ms);
        all.push(format!("{aside} (SELECT 1 FROM request_snooze s WHERE s.request = r.id AND s.until_ms > {now})"));
    }
    if wanted.which == Which::ForMe {
        if !wanted.me.langs.is_empty() {
            let langs: Vec<String> = wanted.me.langs.iter().map(|lang| format!("r.lang LIKE {}", put(args, format!("{lang}%")))).collect();
            all.push(format!("({})", langs.join(" OR ")));
        }
        if !wanted.me.areas.is_empty() {
            let areas: Vec<String> = wanted.me.areas.iter().map(|area| put(args, area.name())).collect();
            all.push(format!("r.area IN ({})", areas.join(", ")));
        }
    }
    if let Some(org) = wanted.org {
        all.push(format!("r.org = {}", put(args, org.0)));
    }
    if !wanted.lang.is_empty() {
        let plain: String = wanted.lang.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        all.push(format!("r.lang LIKE {}", put(args, format!("{plain}%"))));
    }
    if let Some(area) = wanted.area {
        all.push(format!("r.area = {}", put(args, area.name())));
    }
    if let Some(severity) = wanted.severity {
        all.push(format!("r.severity = {}", put(args, severity.name())));
    }
    all.join(" AND ")
}

/// A page of a queue, by what is due first; and whether there is more. Only for whoever answers for all organisations.
pub async fn queue(tx: &mut Tx, scope: OrgScope, wanted: &Wanted<'_>) -> Result<(Vec<Queued>, bool), Error> {
    let mut args = args![];
    let (mut conditions, whose) = (condition(wanted, &mut args), scope.condition("r.org", &mut args));
    if let Some((due_ms, id)) = wanted.after {
        let (due, request) = (put(&mut args, due_ms), put(&mut args, id.0));
        conditions += &format!(" AND (c.due_ms > {due} OR (c.due_ms = {due} AND c.request > {request}))");
    }
    let sql = format!(
        "SELECT r.id, r.org, r.title, r.severity, r.state, r.area, r.lang, r.assignee, COALESCE(p.name, ''), COALESCE(p.email, ''), \
         r.name, r.address, c.due_ms, c.due_kind, c.is_breached, r.last_ms, r.issue FROM request_clock c \
         JOIN service_request r ON r.id = c.request LEFT JOIN person p ON p.id = r.assignee WHERE {conditions} AND {whose} \
         ORDER BY c.due_ms, c.request LIMIT {}",
        QUEUE_MAX + 1
    );
    let mut found: Vec<Queued> = tx.rows(&sql, args).await?.iter().map(queued).collect::<Result<_, _>>()?;
    let is_more = found.len() > QUEUE_MAX;
    found.truncate(QUEUE_MAX);
    Ok((found, is_more))
}

fn queued(row: &Row) -> Result<Queued, Error> {
    let first = |a: usize, b: usize| Ok::<_, Error>(if row.text(a)?.is_empty() { row.text(b)? } else { row.text(a)? }.to_string());
    Ok(Queued {
        id: RequestId(row.int(0)?),
        org: OrgId(row.int(1)?),
        title: row.text(2)?.into(),
        severity: Severity::parse(row.text(3)?).unwrap_or(Severity::C),
        state: State::parse(row.text(4)?).unwrap_or(State::Open),
        area: row.text(5)?.into(),
        lang: row.text(6)?.into(),
        assignee: Some(PersonId(row.int(7)?)).filter(|person| person.0 != 0),
        assigned: first(8, 9)?,
        shown: first(10, 11)?,
        due_ms: Some(row.int(12)?).filter(|due_ms| *due_ms != super::sql::NEVER_MS),
        due_kind: row.text(13)?.into(),
        is_breached: row.int(14)? != 0,
        last_ms: row.int(15)?,
        issue: row.text(16)?.into(),
    })
}

/// The last thing that happened to any request: another number says that something did.
pub async fn last_event(tx: &mut Tx) -> Result<i64, Error> {
    tx.row("SELECT COALESCE(MAX(id), 0) FROM request_event", args![]).await?.map_or(Ok(0), |row| row.int(0))
}

/// How many a view holds, up to [`COUNT_MAX`].
pub async fn count(tx: &mut Tx, scope: OrgScope, wanted: &Wanted<'_>) -> Result<i64, Error> {
    let mut args = args![];
    let (conditions, whose) = (condition(wanted, &mut args), scope.condition("r.org", &mut args));
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT r.id FROM request_clock c JOIN service_request r ON r.id = c.request WHERE {conditions} AND {whose} \
         LIMIT {COUNT_MAX}) AS counted"
    );
    tx.row(&sql, args).await?.map_or(Ok(0), |row| row.int(0))
}

/// A request as a review lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub id: RequestId,
    pub title: String,
    pub severity: Severity,
    pub state: State,
}

/// Requests of one review.
const OPENED_MAX: usize = 200;

/// Requests that were opened within a span (Unix milliseconds), in order.
pub async fn opened(tx: &mut Tx, scope: OrgScope, (from_ms, until_ms): (i64, i64)) -> Result<Vec<Opened>, Error> {
    let (first, end) = (gateway::trace::first_id_at(from_ms).0, gateway::trace::first_id_at(until_ms).0);
    let mut args = args![first, end];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT id, title, severity, state FROM service_request WHERE id >= $1 AND id < $2 AND {whose} ORDER BY id LIMIT {OPENED_MAX}"
    );
    let read = |row: &Row| {
        Ok(Opened {
            id: RequestId(row.int(0)?),
            title: row.text(1)?.into(),
            severity: Severity::parse(row.text(2)?).unwrap_or(Severity::C),
            state: State::parse(row.text(3)?).unwrap_or(State::Open),
        })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// Requests of an issue that are not closed, for one word to all of them.
pub async fn of_issue(tx: &mut Tx, scope: OrgScope, issue: &str, most: usize) -> Result<Vec<RequestId>, Error> {
    let mut args = args![issue];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT id FROM service_request WHERE issue = $1 AND state <> 'closed' AND {whose} ORDER BY id LIMIT {most}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok(RequestId(row.int(0)?))).collect()
}

/// New requests that are nobody's, of all organisations, the oldest first: for sharing them out.
pub async fn unshared(tx: &mut Tx, most: usize) -> Result<Vec<Request>, Error> {
    let sql = format!("SELECT id FROM service_request WHERE state = 'new' AND assignee = 0 AND merged_into = 0 ORDER BY id LIMIT {most}");
    let mut all = Vec::new();
    for row in tx.rows(&sql, args![]).await? {
        all.extend(crate::service_request::sql::one(tx, OrgScope::All, RequestId(row.int(0)?)).await?);
    }
    Ok(all)
}

/// Notes that somebody of support looks at a request, and forgets those who do not any more.
pub async fn look(tx: &mut Tx, request: &Request, (person, name): (PersonId, &str), now_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM request_look WHERE at_ms < $1", args![now_ms - LOOKS_FOR_MS]).await?;
    tx.run(
        "INSERT INTO request_look (request, org, person, name, at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (request, person) DO UPDATE SET name = excluded.name, at_ms = excluded.at_ms",
        args![request.id.0, request.org.0, person.0, name, now_ms],
    )
    .await
    .map(|_| ())
}

/// Names of the others who look at it now.
pub async fn looking(tx: &mut Tx, request: &Request, but: PersonId, now_ms: i64) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM request_look WHERE request = $1 AND org = $2 AND person <> $3 AND at_ms >= $4 ORDER BY name LIMIT 20";
    let rows = tx.rows(sql, args![request.id.0, request.org.0, but.0, now_ms - LOOKS_FOR_MS]).await?;
    rows.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Words that are used again, and what else happens with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedReply {
    pub id: SavedReplyId,
    pub name: String,
    /// '' any.
    pub lang: String,
    pub body: String,
    pub steps: Steps,
}

/// What a macro does beside its words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Steps {
    /// The state afterwards: "waiting-customer", "open" or "resolved"; '' as usual.
    pub then: String,
    /// '' leaves it.
    pub severity: String,
    /// Takes it.
    pub is_taken: bool,
}

fn reply(row: &Row) -> Result<SavedReply, Error> {
    Ok(SavedReply {
        id: SavedReplyId(row.int(0)?),
        name: row.text(1)?.into(),
        lang: row.text(2)?.into(),
        body: row.text(3)?.into(),
        steps: serde_json::from_str(row.text(4)?).unwrap_or_default(),
    })
}

pub async fn replies(tx: &mut Tx) -> Result<Vec<SavedReply>, Error> {
    let sql = format!("SELECT id, name, lang, body, steps FROM saved_reply ORDER BY name, id LIMIT {REPLIES_MAX}");
    tx.rows(&sql, args![]).await?.iter().map(reply).collect()
}

pub async fn one_reply(tx: &mut Tx, id: SavedReplyId) -> Result<Option<SavedReply>, Error> {
    tx.row("SELECT id, name, lang, body, steps FROM saved_reply WHERE id = $1", args![id.0]).await?.as_ref().map(reply).transpose()
}

pub async fn put_reply(tx: &mut Tx, one: &SavedReply, (now_ms, who): (i64, &str)) -> Result<(), Error> {
    let steps = serde_json::to_string(&one.steps).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run(
        "INSERT INTO saved_reply (id, name, lang, body, steps, changed_by, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, lang = excluded.lang, body = excluded.body, steps = excluded.steps, \
         changed_by = excluded.changed_by, changed_ms = excluded.changed_ms",
        args![one.id.0, one.name.as_str(), one.lang.as_str(), one.body.as_str(), steps, who, now_ms],
    )
    .await
    .map(|_| ())
}

pub async fn remove_reply(tx: &mut Tx, id: SavedReplyId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM saved_reply WHERE id = $1", args![id.0]).await? == 1)
}
