//! The page of an engineer for one request: the conversation, and everything that is done with it.

use super::queue_page::{me, organisation};
use super::side_panel::{self, SidePanel};
use super::sql_work::{self as sql, Engineer, SavedReply};
use super::work::{self, WorkAction};
use super::{desk, diagnose, keep, panel};
use crate::App;
use crate::page::confirm::{self, Confirm};
use crate::page::form::Form as Shown;
use crate::page::time;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::Person;
use crate::service_request::{Consent, Event, Request, See, Severity, Side, State, Via, What, sql as request_sql, sql_consent, sql_more};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as Given};
use gateway::scope::OrgScope;
use mail::id::{RequestId, SavedReplyId};
use store::Error;

#[derive(Template)]
#[template(path = "support_desk/templates/work.html")]
struct WorkPage<'a> {
    view: &'a View,
    form: &'a Shown,
    request: &'a Request,
    organisation: String,
    events: Vec<Event>,
    clocks: String,
    engineers: Vec<(String, String)>,
    replies: Vec<SavedReply>,
    others: Vec<String>,
    consents: Vec<Consent>,
    linked: usize,
    /// `i64::MAX`: until the requester says something.
    aside_ms: Option<i64>,
    has_keys: bool,
    side: &'a SidePanel,
    can_diagnose: bool,
    /// Names of diagnoses that were made for the request, with when.
    diagnoses: Vec<(String, i64)>,
}

impl WorkPage<'_> {
    fn is_word(&self, event: &Event) -> bool {
        matches!(event.what, What::Word | What::Note | What::Call | What::Opened | What::Escalation | What::Rating)
    }

    fn tone(&self, event: &Event) -> &'static str {
        match (event.is_internal, event.side) {
            (true, _) => "warn",
            (false, Side::Support) => "info",
            (false, _) => "plain",
        }
    }

    /// Something that happened, in one line.
    fn happened(&self, event: &Event) -> String {
        let text = |name: &str| event.detail.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_string();
        let what = match event.what {
            What::State => self.view.of_kind("support-state", &text("to")),
            What::Severity => text("to").to_uppercase(),
            What::Assign if text("name").is_empty() => self.view.t("support-nobody"),
            What::Assign => text("name"),
            What::Merge => format!("{}{}", text("into"), text("from")),
            What::Issue => text("issue"),
            _ => String::new(),
        };
        let kind = self.view.of_kind("support-event", event.what.name());
        if what.is_empty() { kind } else { format!("{kind}: {what}") }
    }

    fn states(&self) -> [&'static str; 3] {
        [State::WaitingCustomer, State::Open, State::Resolved].map(State::name)
    }

    fn severities(&self) -> Vec<&'static str> {
        Severity::ALL.iter().map(|severity| severity.name()).collect()
    }

    /// Until when it is put aside, in words.
    fn aside(&self, until_ms: &i64) -> String {
        match *until_ms {
            i64::MAX => self.view.t("support-snoozed-reply"),
            until_ms => self.view.w("support-snoozed-until", self.view.moment(until_ms)),
        }
    }

    fn assignee(&self) -> String {
        self.request.assignee.map(|person| person.to_string()).unwrap_or_default()
    }

    /// Where a consent leads.
    fn places(&self, consent: &Consent) -> Vec<&'static str> {
        consent.what.iter().map(|see: &See| see.name()).collect()
    }
}

/// What the page reads in one go.
struct Read {
    request: Request,
    events: Vec<Event>,
    engineers: Vec<Engineer>,
    replies: Vec<SavedReply>,
    others: Vec<String>,
    consents: Vec<Consent>,
    linked: usize,
    aside_ms: Option<i64>,
}

async fn read(app: &App, person: &Person, id: RequestId) -> Result<Read, Fault> {
    let (scope, now_ms, person) = (desk(person)?, app.now_ms(), person.clone());
    let found: Result<Option<Read>, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let Some(request) = request_sql::one(tx, scope, id).await? else { return Ok(None) };
                let of = OrgScope::One(request.org);
                sql::look(tx, &request, (person.id, person.shown()), now_ms).await?;
                let consents = sql_consent::of_request(tx, of, id).await?;
                let linked = match request.issue.as_str() {
                    "" => 0,
                    issue => sql::of_issue(tx, scope, issue, work::AT_ONCE_MAX).await?.len(),
                };
                Ok(Some(Read {
                    events: request_sql::events(tx, of, id, true).await?,
                    engineers: sql::engineers(tx).await?,
                    replies: sql::replies(tx).await?,
                    others: sql::looking(tx, &request, person.id, now_ms).await?,
                    consents: consents.into_iter().filter(|consent| consent.stands(now_ms)).collect(),
                    aside_ms: sql_more::snoozed_until(tx, &request, now_ms).await?,
                    linked,
                    request,
                }))
            })
        })
        .await;
    found?.ok_or(Fault::NotFound)
}

async fn shown(app: &App, view: &View, person: &Person, (id, form, sees): (RequestId, &Shown, &[See])) -> Page {
    keep::catch_up(app).await?;
    let found = read(app, person, id).await?;
    let side = side_panel::read(app, view, person, (id, sees, &format!("/support/{id}"))).await?;
    let made = found.events.iter().filter(|event| event.what == What::Diagnosis);
    let diagnoses = made.filter_map(|event| Some((event.detail["diagnosis"].as_str()?.to_string(), event.at_ms))).collect();
    let (_, clocks) = keep::seen(app, OrgScope::One(found.request.org), id).await?;
    let page = WorkPage {
        view,
        form,
        organisation: organisation(app, found.request.org),
        events: found.events,
        clocks: panel(view, clocks.as_ref())?,
        engineers: found.engineers.iter().map(|one| (one.person.to_string(), one.shown().to_string())).collect(),
        replies: found.replies.into_iter().filter(|reply| fits(reply, &found.request.lang)).collect(),
        others: found.others,
        consents: found.consents,
        linked: found.linked,
        aside_ms: found.aside_ms,
        has_keys: me(app, person).await?.has_keys,
        side: &side,
        can_diagnose: diagnose::is_allowed(app, person, id).await?,
        diagnoses,
        request: &found.request,
    };
    show_with(form.status(), &page)
}

/// Whether a saved reply is written in the language of the request.
fn fits(reply: &SavedReply, lang: &str) -> bool {
    reply.lang.is_empty() || lang.is_empty() || reply.lang.split('-').next() == lang.split('-').next()
}

/// Which parts of the side panel are looked at.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Look {
    /// "trace", "health", "settings", several between spaces, or "all"; '' none, so that nothing is read and no line is left.
    see: String,
}

/// `GET /support/{request}`.
pub async fn page(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Query(look): Query<Look>) -> Page {
    desk(&person)?;
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    shown(&app, &view, &person, (id, &Shown::default(), &side_panel::parts(&look.see)?)).await
}

/// What was typed, with the saved reply that was chosen.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Typed {
    verb: String,
    body: String,
    person: String,
    severity: String,
    then: String,
    into: String,
    issue: String,
    saved: String,
    sure: String,
    until: String,
    /// A local moment, in place of `until`.
    at: String,
}

impl Typed {
    fn action(&self, view: &View) -> WorkAction {
        let Typed { verb, body, person, severity, then, into, issue, .. } = self;
        let [verb, body, person, severity, then, into, issue] = [verb, body, person, severity, then, into, issue].map(String::clone);
        let moment = time::parse_local(view, &self.at).and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
        let until = match moment {
            Some(at) => at.to_string(),
            None if !self.at.is_empty() => self.at.clone(),
            None => self.until.clone(),
        };
        WorkAction { verb, body, person, severity, then, into, issue, until }
    }
}

/// `POST /support/{request}`.
pub async fn act(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Form(typed): Form<Typed>) -> Page {
    desk(&person)?;
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    let here = format!("/support/{id}");
    if typed.verb == "use" {
        return with_saved(&app, &view, &person, (id, &typed)).await;
    }
    if typed.verb == "merge" && typed.sure.is_empty() {
        let ask = Confirm {
            title: Say::new("support-merge"),
            text: Say::new("support-merge-sure"),
            button: "support-merge",
            action: here.clone(),
            fields: vec![("verb".into(), "merge".into()), ("into".into(), typed.into.clone())],
            back: here,
        };
        return confirm::page(&view, &ask);
    }
    let done_so_far = match typed.verb.as_str() {
        "tell-all" => told_all(&app, &person, (id, &typed.body)).await,
        "macro" => run_macro(&app, &person, (id, &typed)).await,
        _ => work::act(&app, &person, Via::Web, (id, typed.action(&view))).await.map(|()| Say::new("support-done")),
    };
    match done_so_far {
        Ok(say) => done(&here, say),
        Err(Fault::Invalid(wrong)) => shown(&app, &view, &person, (id, &Shown::of(&typed).with_wrong(wrong), &[])).await,
        Err(fault) => Err(fault),
    }
}

async fn saved(app: &App, id: &str) -> Result<SavedReply, Fault> {
    let id: SavedReplyId = id.parse().map_err(|_| Fault::Conflict(Say::new("support-choose-reply")))?;
    let found: Result<Option<SavedReply>, Error> = app.db.read(move |tx| Box::pin(async move { sql::one_reply(tx, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

/// Puts the words of a saved reply into the form; nothing is sent yet.
async fn with_saved(app: &App, view: &View, person: &Person, (id, typed): (RequestId, &Typed)) -> Page {
    let reply = saved(app, &typed.saved).await?;
    let mut form = Shown::of(typed);
    form.values.insert("body".into(), reply.body);
    form.values.insert("then".into(), reply.steps.then);
    form.values.insert("saved".into(), typed.saved.clone());
    shown(app, view, person, (id, &form, &[])).await
}

/// Everything that a saved reply does, with its own words or those that were typed.
async fn run_macro(app: &App, person: &Person, (id, typed): (RequestId, &Typed)) -> Result<Say, Fault> {
    let reply = saved(app, &typed.saved).await?;
    let body = if typed.body.trim().is_empty() { reply.body.clone() } else { typed.body.clone() };
    for step in work::steps_of(&reply, &body) {
        work::act(app, person, Via::Web, (id, step)).await?;
    }
    Ok(Say::new("support-done"))
}

async fn told_all(app: &App, person: &Person, (id, body): (RequestId, &str)) -> Result<Say, Fault> {
    let (request, _) = keep::seen(app, desk(person)?, id).await?;
    if request.issue.is_empty() {
        return Err(Fault::Conflict(Say::new("support-no-issue")));
    }
    let count = work::tell_all(app, person, (request.issue, body.to_string())).await?;
    Ok(Say::new("support-told-all").with("count", count))
}

/// `POST /support`: something with each request that was ticked.
pub async fn bulk(Given(app): Given<App>, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    desk(&person)?;
    let value = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).unwrap_or_default();
    let ids: Vec<RequestId> = pairs.iter().filter(|(name, _)| name == "pick").filter_map(|(_, id)| id.parse().ok()).collect();
    if ids.is_empty() {
        return Err(Fault::Conflict(Say::new("support-tick-first")));
    }
    let action = WorkAction { verb: value("verb"), issue: value("issue"), ..WorkAction::default() };
    let (count, of) = work::with_all(&app, &person, (&ids, action)).await?;
    done("/support", Say::new("support-done-of").with("count", count).with("of", of))
}
