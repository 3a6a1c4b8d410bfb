//! One request: what was said, who acts next, files, what support may see; and what can be done about it.

use super::change::{self, At, Word};
use super::consent::{self, Given as GivenConsent};
use super::file::Owner;
use super::model::{By, Consent, Event, File, Request, See, Severity, Side, State, Via, What};
use super::page::{Read, read_form, uploaded};
use super::proposal::{self, NewProposal};
use super::sql_consent::{Proposal, Reading};
use super::{Reader, form, silence, sql, sql_consent, sql_file, sql_more, sql_search};
use crate::App;
use crate::health::issue::{Issue, IssueId, Post};
use crate::health::sql::{self as issue_sql, Wanted};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, confirm, done, show_with};
use crate::people::{May, Person, sql as people_sql};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Request as HttpRequest, State as Given};
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use mail::Address;
use mail::id::{ConsentId, FileId, ProposalId, RequestId};
use serde::Deserialize;
use store::Error;

/// Everything that is shown of one request.
pub struct Whole {
    pub request: Request,
    pub events: Vec<Event>,
    pub files: Vec<File>,
    pub loose: Vec<File>,
    pub copies: Vec<String>,
    pub consents: Vec<Consent>,
    pub reads: Vec<Reading>,
    pub proposals: Vec<Proposal>,
    pub published: Option<sql_search::Solution>,
    pub side: Side,
    pub clocks: Option<crate::support_desk::Known>,
    /// The service issue that explains it, with the last that was said; the whole of which it is a part, if somebody merged it.
    pub known: Option<(Issue, Vec<Post>)>,
    /// Open issues that its organisation may see.
    pub issues: Vec<Issue>,
    pub rating: Option<sql_more::Rating>,
}

/// Issues to choose from.
const ISSUES_MAX: usize = 100;
/// Posts of the issue that explains a request.
const NEWS_MAX: usize = 3;

/// The issue that explains a request, as its organisation may see it.
async fn explanation(tx: &mut store::Tx, request: &Request) -> Result<Option<(Issue, Vec<Post>)>, Error> {
    let scope = OrgScope::One(request.org);
    let Ok(id) = request.issue.parse() else { return Ok(None) };
    let Some(found) = issue_sql::find(tx, scope, id).await? else { return Ok(None) };
    let whole = match found.merged_into {
        0 => None,
        into => issue_sql::find(tx, scope, IssueId(into)).await?,
    };
    let issue = whole.unwrap_or(found);
    let mut posts = issue_sql::posts(tx, issue.id).await?;
    posts.truncate(NEWS_MAX);
    Ok(Some((issue, posts)))
}

/// Reads a request of the person's.
pub async fn whole(app: &App, person: &Person, id: &str) -> Result<Whole, Fault> {
    let (reader, id): (_, RequestId) = (Reader::of(person)?, id.parse().map_err(|_| Fault::NotFound)?);
    let (person, now_ms) = (person.clone(), app.now_ms());
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let scope = reader.scope;
                let request = change::found(tx, scope, id).await?;
                let side = reader.side(&person, &request);
                let is_support = side == Side::Support;
                Ok(Whole {
                    events: sql::events(tx, scope, id, is_support).await?,
                    files: sql_file::of_request(tx, scope, id, is_support).await?,
                    loose: sql_file::loose(tx, scope, person.id, Some(id)).await?,
                    copies: sql::copies(tx, scope, id).await?,
                    consents: sql_consent::of_request(tx, scope, id).await?,
                    reads: sql_consent::reads(tx, scope, id).await?,
                    proposals: sql_consent::proposals(tx, scope, id).await?,
                    published: sql_search::solution_of(tx, id).await?,
                    clocks: crate::support_desk::keep::clocks_of(tx, &request, now_ms).await?,
                    known: explanation(tx, &request).await?,
                    issues: issue_sql::issues(tx, OrgScope::One(request.org), open_issues()).await?,
                    rating: sql_more::rating_of(tx, scope, id).await?,
                    side,
                    request,
                })
            })
        })
        .await
}

fn open_issues() -> Wanted {
    Wanted { open: Some(true), rows_max: ISSUES_MAX, ..Wanted::default() }
}

/// One line of the conversation.
struct Line<'a> {
    event: &'a Event,
    /// What happened, in words; '' for what somebody wrote.
    said: String,
    files: Vec<&'a File>,
}

#[derive(Template)]
#[template(path = "service_request/templates/request.html")]
struct RequestPage<'a> {
    view: &'a View,
    whole: &'a Whole,
    request: &'a Request,
    form: &'a Shown,
    lines: Vec<Line<'a>>,
    clocks: String,
    /// What is known of the issue that explains it; "" is none.
    known: String,
    /// Number and title of issues that may.
    issues: Vec<(String, String)>,
    closes: Option<i64>,
    standing: bool,
    is_support: bool,
}

impl RequestPage<'_> {
    fn sees(&self) -> Vec<&'static str> {
        See::ALL.iter().map(|one| one.name()).collect()
    }

    fn severities(&self) -> Vec<&'static str> {
        Severity::ALL.iter().map(|one| one.name()).collect()
    }

    fn is_severity(&self, name: &str) -> bool {
        self.request.severity.name() == name
    }

    fn stands(&self, consent: &Consent) -> bool {
        consent.stands(self.view.now_ms)
    }

    /// Stars that were given, if any were.
    fn stars(&self) -> Option<i64> {
        self.whole.rating.as_ref().and_then(|rating| rating.stars)
    }

    fn seen(&self, consent: &Consent) -> String {
        consent
            .what
            .iter()
            .map(|see| self.view.of_kind("request-see", see.name()))
            .collect::<Vec<_>>()
            .join(self.view.t("request-comma").as_str())
    }

    /// Name of the diagnosis that an event tells of.
    fn diagnosis(&self, event: &Event) -> String {
        event.detail["diagnosis"].as_str().unwrap_or_default().to_string()
    }

    fn proposed(&self, proposal: &Proposal) -> String {
        let Some(entry) = proposal::entry_of(proposal) else { return proposal.what.clone() };
        let effect = self.view.of_kind("entry-effect", entry.effect.name());
        let whom = if entry.scope.is_empty() { String::new() } else { format!(" → {}", entry.scope) };
        format!("{effect}: {}{whom}", entry.value)
    }
}

/// What an event says beside its body.
fn said(view: &View, event: &Event) -> String {
    let text = |name: &str| event.detail[name].as_str().unwrap_or_default().to_string();
    match event.what {
        What::State => view.w("request-said-state", view.of_kind("request-is", &text("to"))),
        What::Severity => view.w("request-said-severity", view.of_kind("request-severity-short", &text("to"))),
        What::Assign if text("name").is_empty() => view.t("request-said-unassigned"),
        What::Assign => view.w("request-said-assign", text("name")),
        What::Consent => view.of_kind("request-said-consent", &text("verb")),
        What::Proposal => view.of_kind("request-said-proposal", &text("verb")),
        What::Copy => {
            view.w(if event.detail["is_added"] == true { "request-said-copy-added" } else { "request-said-copy-gone" }, text("address"))
        }
        What::Reminder => view.t("request-said-reminder"),
        What::Note if event.is_automatic => view.w("request-said-automatic", text("automatic")),
        What::Rating => view.n("request-said-rating", event.detail["stars"].as_i64().unwrap_or_default()),
        What::Issue if text("issue").is_empty() => view.t("request-said-no-issue"),
        What::Snooze => view.t(if event.detail["until_ms"].is_null() { "request-said-woken" } else { "request-said-snoozed" }),
        What::Issue => view.w("request-said-issue", text("issue")),
        What::Merge => view.w("request-said-merge", format!("{}{}", text("into"), text("from"))),
        What::Opened
        | What::Word
        | What::Note
        | What::Call
        | What::File
        | What::Plan
        | What::Solution
        | What::Escalation
        | What::Diagnosis => String::new(),
    }
}

/// `GET /requests/{request}`.
pub async fn page(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let whole = whole(&app, &person, &id).await?;
    shown(&view, &whole, (StatusCode::OK, &Shown::default()))
}

pub fn shown(view: &View, whole: &Whole, (status, form): (StatusCode, &Shown)) -> Page {
    let line =
        |event| Line { event, said: said(view, event), files: whole.files.iter().filter(|file| file.event == Some(event.id)).collect() };
    let others = whole.issues.iter().filter(|issue| issue.id.to_string() != whole.request.issue);
    // What plans do stands with the clocks.
    let lines = whole.events.iter().filter(|event| event.what != What::Plan).map(line).collect();
    show_with(
        status,
        &RequestPage {
            view,
            whole,
            request: &whole.request,
            form,
            lines,
            clocks: crate::support_desk::panel(view, whole.clocks.as_ref())?,
            known: crate::health::explanation(view, whole.known.as_ref())?,
            issues: others.map(|issue| (issue.id.to_string(), issue.body.title.in_lang(view.lang))).collect(),
            closes: silence::closes_ms(&whole.request),
            standing: whole.consents.iter().any(|consent| consent.stands(view.now_ms)),
            is_support: whole.side == Side::Support,
        },
    )
}

/// Back to the page with what is wrong.
async fn again(app: &App, view: &View, person: &Person, id: &str, form: Shown) -> Page {
    let whole = whole(app, person, id).await?;
    shown(view, &whole, (StatusCode::UNPROCESSABLE_ENTITY, &form))
}

/// What is done with a request from its page and by programs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestAction {
    /// Of both sides: "reply", "link" and "unlink" (to the service issue that explains it). Of the organisation: "solved", "reopen", "close", "escalate" (to the account manager). Of support: "answer", "resolve", "note", "call", "take",
    /// "work" (it goes on working).
    pub verb: String,
    /// Words; needed for all but "solved", "close", "take", "work", "link" and "unlink".
    pub body: String,
    /// With "severity": "a", "b" or "c"; may stand beside any verb of support, or alone as verb "severity".
    pub severity: String,
    /// Files that were uploaded before and go with the words.
    pub files: Vec<String>,
    /// With "note" of a call: support only.
    pub is_internal: bool,
    /// With "link": number of the service issue, such as EX100001.
    pub issue: String,
}

/// Does it.
/// # Errors
/// [`Fault::Invalid`] when words are missing, [`Fault::Denied`] when it is the other side's to do.
pub async fn done_with(app: &App, person: &Person, via: Via, (id, action): (RequestId, RequestAction)) -> Result<(), Fault> {
    let reader = Reader::of(person)?;
    let request = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    let side = reader.side(person, &request);
    let needed = if side == Side::Support { May::Support } else { May::Requests };
    let is_of = |verbs: &[&str]| verbs.contains(&action.verb.as_str());
    let (ours, theirs) = (is_of(&["answer", "resolve", "note", "call", "take", "work"]), is_of(&["solved", "reopen", "close", "escalate"]));
    let is_shared = is_of(&["reply", "severity", "link", "unlink"]);
    if !(is_shared || if side == Side::Support { ours } else { theirs }) {
        let is_known = ours || theirs;
        return Err(if is_known { Fault::Denied(needed) } else { Fault::Invalid(vec![Wrong::new("verb", "request-wrong-verb")]) });
    }
    let mut wrong = Vec::new();
    let needs_words = !is_of(&["solved", "close", "take", "work", "severity", "link", "unlink"]);
    let body = if needs_words {
        form::text(&mut wrong, ("body", "request-wrong-body"), &action.body, form::TEXT_CHARS_MAX)
    } else {
        action.body.trim().to_string()
    };
    let severity = Severity::parse(&action.severity);
    if action.verb == "severity" && severity.is_none() {
        wrong.push(Wrong::new("severity", "request-wrong-choice"));
    }
    let files: Vec<FileId> = action.files.iter().filter_map(|file| file.parse().ok()).collect();
    if files.len() != action.files.len() {
        wrong.push(Wrong::new("file", "request-file-gone"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let (at, name, me, verb) = (At::new(app, By::of(person, side, via)), person.shown().to_string(), person.id, action.verb);
    let (is_internal, issue, names) = (action.is_internal, action.issue.trim().to_uppercase(), body.contains('@'));
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let scope = reader.scope;
                let word = |then| Word { body: body.clone(), files: files.clone(), then, ..Word::default() };
                match verb.as_str() {
                    "note" => change::remark(tx, &at, scope, id, &body).await.map(drop),
                    "call" => change::call(tx, &at, scope, id, (&body, is_internal)).await.map(drop),
                    "take" => change::assign(tx, &at, scope, id, Some((me, &name))).await,
                    "work" => change::change_state(tx, &at, scope, id, State::Open).await,
                    "link" if issue.is_empty() => Err(Fault::Invalid(vec![Wrong::new("issue", "support-wrong-issue")])),
                    "link" => change::link(tx, &at, scope, id, &issue).await,
                    "unlink" => change::link(tx, &at, scope, id, "").await,
                    "solved" | "close" => close(tx, &at, scope, id, &body).await,
                    "severity" => match severity {
                        Some(severity) => change::change_severity(tx, &at, scope, id, (severity, &body)).await,
                        None => Ok(()),
                    },
                    "escalate" => change::escalate(tx, &at, scope, id, &body).await,
                    "resolve" => change::reply(tx, &at, scope, id, word(Some(State::Resolved))).await.map(drop),
                    _ => change::reply(tx, &at, scope, id, word(None)).await.map(drop),
                }
            })
        })
        .await?;
    if names {
        app.health.ring();
    }
    Ok(())
}

/// The requester says that it is over.
async fn close(tx: &mut store::Tx, at: &At, scope: OrgScope, id: RequestId, body: &str) -> Result<(), Fault> {
    if !body.is_empty() {
        change::reply(tx, at, scope, id, Word { body: body.into(), ..Word::default() }).await?;
    }
    change::change_state(tx, at, scope, id, State::Closed).await
}

fn known(id: &str) -> Result<RequestId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

fn action_of(read: &Read) -> RequestAction {
    RequestAction {
        verb: read.value("verb"),
        body: read.value("body"),
        severity: read.value("severity"),
        files: Vec::new(),
        is_internal: read.value("is_internal") == "on",
        issue: read.value("issue"),
    }
}

/// `POST /requests/{request}`: a word or a decision, with files.
pub async fn act(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, request: HttpRequest) -> Page {
    let request_id = known(&id)?;
    let reader = Reader::of(&person)?;
    // Nothing is read of a form about what is not there for this person.
    let found = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, request_id).await })).await?;
    let read = read_form(request).await?;
    let mut action = action_of(&read);
    if action.verb == "close" && read.value("sure").is_empty() {
        return ask_close(&view, &found);
    }
    let owner = Owner { org: found.org, person: person.id, request: Some(request_id) };
    let (_, wrong) = uploaded(
        &At::new(&app, By::of(&person, reader.side(&person, &found), Via::Web)),
        owner,
        read.files.clone(),
        read.value("show_secrets") != "on",
    )
    .await?;
    let typed = Shown::of(&serde_json::json!({ "body": action.body, "severity": action.severity, "issue": action.issue }));
    if !wrong.is_empty() {
        return again(&app, &view, &person, &id, typed.with_wrong(wrong)).await;
    }
    if matches!(action.verb.as_str(), "reply" | "answer" | "resolve" | "reopen") {
        let me = person.id;
        let loose = app.db.read(move |tx| Box::pin(async move { sql_file::loose(tx, reader.scope, me, Some(request_id)).await })).await;
        let loose: Vec<File> = loose.map_err(|why: Error| Fault::from(why))?;
        action.files = loose.iter().filter(|file| file.state == super::FileState::Clean).map(|file| file.id.to_string()).collect();
    }
    let verb = action.verb.clone();
    match done_with(&app, &person, Via::Web, (request_id, action)).await {
        Ok(()) => {
            let key = match verb.as_str() {
                "solved" | "close" => "request-done-closed",
                "resolve" => "request-done-resolved",
                "reply" | "answer" | "reopen" => "request-done-said",
                _ => "request-done",
            };
            done(&format!("/requests/{id}"), Say::new(key))
        }
        Err(Fault::Invalid(wrong)) => again(&app, &view, &person, &id, typed.with_wrong(wrong)).await,
        Err(other) => Err(other),
    }
}

fn ask_close(view: &View, request: &Request) -> Page {
    confirm::page(
        view,
        &confirm::Confirm {
            title: Say::new("request-close"),
            text: Say::new("request-close-sure"),
            button: "request-close",
            action: format!("/requests/{}", request.id),
            fields: vec![("verb".into(), "close".into())],
            back: format!("/requests/{}", request.id),
        },
    )
}

/// `POST /requests/{request}/consent`: `see` any number of times, `days`.
pub async fn give_consent(
    Given(app): Given<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let read = Read { pairs, files: Vec::new() };
    let days = read.value("days").trim().parse().unwrap_or(if read.value("days").is_empty() { consent::DAYS_MAX } else { 0 });
    let given = GivenConsent { what: See::read(&read.value("see")), person: None, days };
    match consented(&app, &person, known(&id)?, given).await {
        Ok(_) => done(&format!("/requests/{id}#consent"), Say::new("request-consent-done")),
        Err(Fault::Invalid(wrong)) => again(&app, &view, &person, &id, Shown::default().with_wrong(wrong)).await,
        Err(other) => Err(other),
    }
}

/// Who of the organisation gives and ends consents: support does not consent to its own looking.
async fn of_organisation(app: &App, person: &Person, id: RequestId) -> Result<Reader, Fault> {
    let reader = Reader::of(person)?;
    let request = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    if reader.side(person, &request) == Side::Support {
        return Err(Fault::Denied(May::Requests));
    }
    Ok(reader)
}

/// Gives a consent as a person of the organisation.
pub async fn consented(app: &App, person: &Person, id: RequestId, given: GivenConsent) -> Result<ConsentId, Fault> {
    let reader = of_organisation(app, person, id).await?;
    // What is let be seen, its giver may see.
    for see in &given.what {
        person.require(see.may())?;
    }
    let at = At::new(app, By::of(person, Side::Requester, Via::Web));
    app.db.tx(move |tx| Box::pin(async move { consent::give(tx, &at, reader.scope, id, given).await })).await
}

/// `POST /requests/{request}/consent/{consent}`: ends it.
pub async fn end_consent(Given(app): Given<App>, person: Person, Path((id, consent)): Path<(String, String)>) -> Page {
    ended(&app, &person, (known(&id)?, consent.parse().map_err(|_| Fault::NotFound)?)).await?;
    done(&format!("/requests/{id}#consent"), Say::new("request-consent-ended"))
}

/// Ends a consent as a person of the organisation.
pub async fn ended(app: &App, person: &Person, one: (RequestId, ConsentId)) -> Result<(), Fault> {
    let reader = of_organisation(app, person, one.0).await?;
    let at = At::new(app, By::of(person, Side::Requester, Via::Web));
    app.db.tx(move |tx| Box::pin(async move { consent::revoke(tx, &at, reader.scope, one).await })).await
}

/// `POST /requests/{request}/look`: an engineer looks into the organisation of a request from now on, as far as consents let.
pub async fn look(Given(app): Given<App>, person: Person, Path(id): Path<String>) -> Page {
    let (reader, id) = (Reader::of(&person)?, known(&id)?);
    let found = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    if !consent::binds(&person) {
        return Err(Fault::Denied(May::Support));
    }
    let (me, now_ms, session) = (person.id, app.now_ms(), person.session.clone());
    let org = found.org;
    let has_any: bool = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let standing = sql_consent::standing(tx, OrgScope::One(org), me, now_ms).await?;
                people_sql::act_in(tx, &session, (!standing.is_empty()).then_some(org)).await?;
                Ok::<_, Error>(!standing.is_empty())
            })
        })
        .await?;
    if !has_any {
        return Err(Fault::Conflict(Say::new("request-no-consent")));
    }
    done(&format!("/requests/{id}#consent"), Say::new("request-looking"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Copied {
    address: String,
    verb: String,
}

/// `POST /requests/{request}/copies`: adds somebody, or (`verb` "drop") takes them off.
pub async fn copies(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Form(copied): Form<Copied>) -> Page {
    let (reader, request) = (Reader::of(&person)?, known(&id)?);
    let Ok(address) = Address::parse(copied.address.trim()) else {
        let wrong = Wrong { field: "address", say: Say::new("request-wrong-copies").with("what", copied.address) };
        return again(&app, &view, &person, &id, Shown::default().with_wrong(vec![wrong])).await;
    };
    let is_added = copied.verb != "drop";
    let (app_, person_, key) = (app.clone(), person.clone(), address.key());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let found = change::found(tx, reader.scope, request).await?;
                let at = At::new(&app_, By::of(&person_, reader.side(&person_, &found), Via::Web));
                change::copy(tx, &at, reader.scope, request, (&key, is_added)).await
            })
        })
        .await?;
    done(&format!("/requests/{id}#people"), Say::new("request-done"))
}

/// `POST /requests/{request}/proposals`: support proposes an entry.
pub async fn propose(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Form(typed): Form<NewProposal>) -> Page {
    match proposed(&app, &person, known(&id)?, &typed).await {
        Ok(_) => done(&format!("/requests/{id}#proposals"), Say::new("request-done-proposed")),
        Err(Fault::Invalid(wrong)) => again(&app, &view, &person, &id, Shown::of(&typed).with_wrong(wrong)).await,
        Err(other) => Err(other),
    }
}

/// Proposes as somebody of support.
pub async fn proposed(app: &App, person: &Person, id: RequestId, typed: &NewProposal) -> Result<ProposalId, Fault> {
    let reader = Reader::of(person)?;
    // It is there for them at all.
    app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    person.require(May::Support)?;
    let at = At::new(app, By::of(person, Side::Support, Via::Web));
    proposal::make(app, &at, reader.scope, id, typed).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Decided {
    verb: String,
}

/// `POST /requests/{request}/proposals/{proposal}`: `verb` "approve" or "decline".
pub async fn decide(
    Given(app): Given<App>,
    person: Person,
    Path((id, proposal)): Path<(String, String)>,
    Form(decided): Form<Decided>,
) -> Page {
    let (request, proposal) = (known(&id)?, proposal.parse().map_err(|_| Fault::NotFound)?);
    decided_by(&app, &person, (request, proposal), &decided.verb).await?;
    done(&format!("/requests/{id}#proposals"), Say::new("request-done-decided"))
}

/// Decides about a proposal as a person of the organisation.
pub async fn decided_by(app: &App, person: &Person, one: (RequestId, ProposalId), verb: &str) -> Result<(), Fault> {
    let reader = Reader::of(person)?;
    let (id, verb) = (one.0, verb.to_string());
    let request = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    let is_approved = match verb.as_str() {
        "approve" => true,
        "decline" => false,
        _ => return Err(Fault::Invalid(vec![Wrong::new("verb", "request-wrong-verb")])),
    };
    let (at, person) = (At::new(app, By::of(person, reader.side(person, &request), Via::Web)), person.clone());
    app.db.tx(move |tx| Box::pin(async move { proposal::decide(tx, (&at, &person), one, is_approved).await })).await?;
    app.directory.reload().await?;
    Ok(())
}
