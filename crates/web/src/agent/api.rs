//! `POST /api/v1/agent`: a question and a reply, for everybody.

use super::page::{entries, line, plain};
use super::reply::{Knowledge, Offer, Reply, Says, Turn, reply};
use super::state::{self, Now};
use super::{TEXT_CHARS_MAX, TURNS_MAX, take};
use crate::App;
use crate::api::problem::Problem;
use crate::help::{self, Kind};
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, View};
use crate::people::session::Peer;
use crate::phone::api::{CallBody, moment};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask))
}

/// A question.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct AgentAsked {
    /// In English or Chinese.
    #[schema(example = "Why was my mail held?")]
    text: String,
    /// What was asked before in this conversation, oldest first.
    before: Vec<String>,
    /// "en" or "zh-CN"; else as Accept-Language says.
    lang: String,
    /// A moment instead of now, RFC 3339: for numbers to call.
    at: String,
}

/// Where an answer stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceBody {
    pub kind: Kind,
    pub name: String,
    pub title: String,
    /// Its page, at the paragraph.
    pub path: String,
    /// Its words, without marks.
    pub text: String,
}

/// An open issue that concerns everybody.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateIssueBody {
    pub issue: String,
    pub title: String,
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateBody {
    pub text: String,
    pub is_well: bool,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub issues: Vec<StateIssueBody>,
}

/// A reply.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplyBody {
    /// greeting, thanks, person, call, which-country, sources or unknown.
    pub kind: &'static str,
    /// "en" or "zh-CN": of what is quoted.
    pub lang: String,
    /// The whole reply as text.
    pub text: String,
    /// Best first; the first is what the answer quotes. With "unknown", those that may speak of it.
    pub sources: Vec<SourceBody>,
    /// The number to call.
    pub call: Option<CallBody>,
    /// How the service is, where that was asked.
    pub state: Option<StateBody>,
    /// What can be done next: diagnose, bounce, refused, state, person.
    pub offers: Vec<&'static str>,
}

impl ReplyBody {
    pub fn of(view: &View, reply: &Reply<'_>, now: Option<&Now>) -> ReplyBody {
        let (mut sources, mut call) = (Vec::new(), None);
        match &reply.says {
            Says::Sources(found) | Says::Unknown { perhaps: found, .. } => {
                sources.extend(found.iter().map(|source| SourceBody {
                    kind: source.article.kind,
                    name: source.article.name.clone(),
                    title: source.title(reply.lang),
                    path: source.path(),
                    text: source.words(reply.lang),
                }));
            }
            Says::Call { answer, .. } => call = Some(CallBody::of(answer)),
            _ => {}
        }
        let state = now.map(|now| StateBody {
            text: view.t(now.key),
            is_well: now.is_well,
            at_ms: now.at_ms,
            issues: now.issues.iter().map(|(issue, title, _)| StateIssueBody { issue: issue.clone(), title: title.clone() }).collect(),
        });
        let text = if sources.is_empty() && call.is_none() { line(view, reply) } else { plain(view, reply) };
        let offers = reply.offers.iter().map(|offer| name_of(*offer)).collect();
        ReplyBody { kind: reply.says.name(), lang: reply.lang.tag().into(), text, sources, call, state, offers }
    }
}

fn name_of(offer: Offer) -> &'static str {
    match offer {
        Offer::Diagnose(_) => "diagnose",
        Offer::Bounce => "bounce",
        Offer::Refused => "refused",
        Offer::State => "state",
        Offer::Person => "person",
    }
}

/// Asks the virtual agent. It quotes sources and names them; what it does not know it says so.
#[utoipa::path(post, path = "/agent", tag = "help", operation_id = "ask_agent", request_body = AgentAsked, security(()), responses(
    (status = 200, description = "The reply", body = ReplyBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many questions"),
))]
async fn ask(State(app): State<App>, view: View, peer: Peer, Json(asked): Json<AgentAsked>) -> Result<Json<ReplyBody>, Fault> {
    take(&app, &peer)?;
    let now_ms = match asked.at.trim() {
        "" => app.now_ms(),
        at => moment(at).ok_or_else(|| Fault::Invalid(vec![Wrong::new("at", "phone-wrong-at")]))?,
    };
    let is_long = |text: &str| text.chars().count() > TEXT_CHARS_MAX;
    if asked.text.trim().is_empty() || is_long(&asked.text) {
        let key = if is_long(&asked.text) { "agent-too-long" } else { "agent-empty" };
        return Err(Fault::Invalid(vec![Wrong::new("text", key)]));
    }
    if asked.before.len() >= TURNS_MAX || asked.before.iter().any(|text| is_long(text)) {
        return Err(Fault::Invalid(vec![Wrong::new("before", "agent-full")]));
    }
    let lang = Lang::parse(&asked.lang).unwrap_or(view.lang);
    let view = View { lang, ..view };
    let turns: Vec<Turn> = asked.before.into_iter().chain([asked.text]).map(|text| Turn { text, at_ms: now_ms }).collect();
    let entries = entries(&app).await;
    help::learned().await;
    let reply = reply(Knowledge { library: app.help.library().await, entries: &entries, lang }, &turns);
    let now = if reply.offers.contains(&Offer::State) { state::now(&app, lang).await } else { None };
    Ok(Json(ReplyBody::of(&view, &reply, now.as_ref())))
}
