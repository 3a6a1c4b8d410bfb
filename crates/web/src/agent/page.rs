//! The agent's page: a log of what was said, and a form. The conversation travels with the form; nothing of it is kept here.

use super::reply::{Knowledge, Offer, Reply, Says, Source, Turn, lang_of, reply};
use super::state::{self, Now};
use super::{TEXT_CHARS_MAX, TURNS_MAX, take};
use crate::App;
use crate::community;
use crate::help;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Page, View, show_with};
use crate::people::session::Peer;
use crate::phone::book::{Choice, Entry};
use crate::phone::hours::State as Answered;
use crate::phone::{self, country};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;

/// Characters of the conversation that a link to the form of a request carries.
const HANDED_CHARS_MAX: usize = 2_000;
/// Solved questions of the community that are shown where the agent knows no answer.
const QUESTIONS_MAX: usize = 3;

/// As the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// What is said now.
    q: String,
    /// What was said before: a line each, its moment in milliseconds before it.
    before: String,
    /// "1": a person is wanted.
    person: String,
}

#[derive(Template)]
#[template(path = "agent/templates/agent.html")]
struct AgentPage<'a> {
    view: &'a View,
    talk: Vec<Said<'a>>,
    /// The conversation for the next turn.
    before: String,
    wrong: Vec<Wrong>,
    typed: String,
    is_full: bool,
    now: Option<Now>,
    countries: Vec<(&'static str, &'static str)>,
    examples: [&'static str; 4],
    /// Solved questions of the community, where no source of ours answers; they are linked, not quoted.
    questions: Vec<community::model::Line>,
    community: String,
}

/// One turn with its reply.
struct Said<'a> {
    turn: Turn,
    reply: Reply<'a>,
}

/// `GET /help/agent`; `q` asks at once, so that other pages of the help can lead here.
pub async fn form(State(app): State<App>, view: View, peer: Peer, Query(asked): Query<Asked>) -> Page {
    answered(&app, &view, &peer, asked).await
}

/// `POST /help/agent`.
pub async fn ask(State(app): State<App>, view: View, peer: Peer, Form(asked): Form<Asked>) -> Page {
    answered(&app, &view, &peer, asked).await
}

async fn answered(app: &App, view: &View, peer: &Peer, asked: Asked) -> Page {
    take(app, peer)?;
    let mut turns = turns(&asked.before, app.now_ms());
    let mut wrong = Vec::new();
    let text = if asked.person == "1" { view.t("agent-person-wish") } else { asked.q.trim().replace(['\r', '\n'], " ") };
    if text.chars().count() > TEXT_CHARS_MAX {
        wrong.push(Wrong::new("q", "agent-too-long"));
    } else if !text.is_empty() && turns.len() < TURNS_MAX {
        turns.push(Turn { text: text.clone(), at_ms: app.now_ms() });
    }
    match turns.is_empty() {
        true => help::warm(),
        false => help::learned().await,
    }
    let entries = entries(app).await;
    let knowledge = Knowledge { library: app.help.library().await, entries: &entries, lang: view.lang };
    let talk: Vec<Said<'_>> =
        (1..=turns.len()).map(|upto| Said { turn: turns[upto - 1].clone(), reply: reply(knowledge, &turns[..upto]) }).collect();
    let wants_state = talk.last().is_some_and(|said| said.reply.offers.contains(&Offer::State));
    let is_unknown = talk.last().is_some_and(|said| matches!(said.reply.says, Says::Unknown { .. }));
    let questions = if is_unknown && wrong.is_empty() { solved(app, view, &text).await } else { Vec::new() };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AgentPage {
        view,
        before: written(&turns),
        questions,
        community: format!("/community?{}", crate::page::guard::form_pair("q", &text)),
        typed: if wrong.is_empty() { String::new() } else { text },
        wrong,
        is_full: turns.len() >= TURNS_MAX,
        now: if wants_state { state::now(app, view.lang).await } else { None },
        talk,
        countries: country::list(view.lang),
        examples: ["agent-example-held", "agent-example-call", "agent-example-code", "agent-example-state"],
    };
    show_with(status, &page)
}

/// Questions of the community that this reader may read and that an answer solved; none when the database does not answer.
async fn solved(app: &App, view: &View, text: &str) -> Vec<community::model::Line> {
    let found = community::found(app, view.person.as_ref(), text, QUESTIONS_MAX).await;
    let found = found.inspect_err(|why| tracing::debug!(%why, "the community cannot be read")).unwrap_or_default();
    found.into_iter().filter(|line| line.question.accepted.is_some()).collect()
}

/// The directory; the agent answers all else when the database does not.
pub async fn entries(app: &App) -> Vec<Entry> {
    phone::all(app).await.inspect_err(|why| tracing::debug!(%why, "the phone directory cannot be read")).unwrap_or_default()
}

/// What was said before, as the form carries it. Lines that cannot be read are left out.
fn turns(before: &str, now_ms: i64) -> Vec<Turn> {
    let turn = |line: &str| {
        let (at_ms, text) = line.split_once(' ')?;
        // Somebody may have written another moment into the form; one to come would be wrong.
        let at_ms = at_ms.parse::<i64>().ok()?.clamp(0, now_ms);
        Some(Turn { text: text.trim().chars().take(TEXT_CHARS_MAX).collect(), at_ms })
    };
    before.lines().filter_map(turn).filter(|turn| !turn.text.is_empty()).take(TURNS_MAX).collect()
}

fn written(turns: &[Turn]) -> String {
    turns.iter().map(|turn| format!("{} {}\n", turn.at_ms, turn.text)).collect()
}

/// `POST /help/agent/transcript`: the conversation as text, to keep or to pass on.
pub async fn transcript(State(app): State<App>, view: View, peer: Peer, Form(asked): Form<Asked>) -> Page {
    take(&app, &peer)?;
    let turns = turns(&asked.before, app.now_ms());
    if turns.is_empty() {
        return Err(Fault::NotFound);
    }
    let text = told(&app, &view, &turns).await;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"gatepost-agent.txt\"")];
    Ok((headers, text).into_response())
}

/// The conversation in words.
async fn told(app: &App, view: &View, turns: &[Turn]) -> String {
    help::learned().await;
    let entries = entries(app).await;
    let knowledge = Knowledge { library: app.help.library().await, entries: &entries, lang: view.lang };
    let mut text = String::new();
    for upto in 1..=turns.len() {
        let turn = &turns[upto - 1];
        let reply = reply(knowledge, &turns[..upto]);
        text.push_str(&format!("[{}] {}\n{}\n\n", view.moment(turn.at_ms), view.w("agent-you-said", &turn.text), plain(view, &reply)));
    }
    text
}

/// A reply as plain text with its sources.
pub fn plain(view: &View, reply: &Reply<'_>) -> String {
    let mut lines = vec![line(view, reply)];
    match &reply.says {
        Says::Sources(sources) => {
            for (place, source) in sources.iter().enumerate() {
                if place == 0 {
                    lines.push(source.words(reply.lang));
                }
                lines.push(format!("{} {}", view.w("agent-source", source.title(reply.lang)), source.path()));
            }
        }
        Says::Call { answer, .. } => {
            lines.extend(answer.best.iter().map(|best| format!("{}  {}", number(best), when(view, best))));
            lines.push(format!("{} /help/phone", view.w("agent-source", view.t("phone-title"))));
        }
        Says::Unknown { perhaps, .. } if !perhaps.is_empty() => {
            lines.push(view.t("agent-perhaps"));
            lines.extend(perhaps.iter().map(|source| format!("{} {}", source.title(reply.lang), source.path())));
        }
        _ => {}
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A reply in short: what was said by us, or which sources were shown.
fn sources_of(view: &View, reply: &Reply<'_>) -> String {
    match &reply.says {
        Says::Sources(sources) => {
            sources.iter().map(|source| view.w("agent-source", source.title(reply.lang))).collect::<Vec<_>>().join("\n")
        }
        _ => line(view, reply),
    }
}

/// What a reply says in one sentence of ours; "" where the source speaks.
pub fn line(view: &View, reply: &Reply<'_>) -> String {
    match &reply.says {
        Says::Greeting => view.t("agent-greeting"),
        Says::Thanks => view.t("agent-thanks"),
        Says::Person => view.t("agent-person"),
        Says::WhichCountry => view.t("agent-which-country"),
        Says::Call { answer, .. } => view.of_kind("phone-reason", answer.reason.name()),
        Says::Unknown { name: Some(name), .. } => view.w("agent-unknown-name", name),
        Says::Unknown { perhaps, .. } if !perhaps.is_empty() => view.t("agent-unsure"),
        Says::Unknown { times, .. } if *times > 1 => view.t("agent-unknown-again"),
        Says::Unknown { .. } => view.t("agent-unknown"),
        Says::Sources(_) => String::new(),
    }
}

/// A number as the caller dials it.
pub fn number(choice: &Choice) -> String {
    if choice.is_abroad { choice.number.international() } else { choice.number.national() }
}

fn when(view: &View, choice: &Choice) -> String {
    match choice.state {
        Answered::Open { until_ms: None } => view.t("phone-always"),
        Answered::Open { until_ms: Some(until) } => view.w("phone-open-until", view.moment(until)),
        Answered::Closed { next_ms: Some(next) } => view.w("phone-closed-until", view.moment(next)),
        Answered::Closed { next_ms: None } => view.t("phone-closed"),
    }
}

impl AgentPage<'_> {
    fn line(&self, reply: &Reply<'_>) -> String {
        line(self.view, reply)
    }

    fn number(&self, choice: &Choice) -> String {
        number(choice)
    }

    fn when(&self, choice: &Choice) -> String {
        when(self.view, choice)
    }

    fn language(&self, tag: &str) -> String {
        phone::language(tag)
    }

    fn title(&self, source: &Source<'_>, reply: &Reply<'_>) -> String {
        source.title(reply.lang)
    }

    fn quote<'s>(&self, source: &Source<'s>, reply: &Reply<'_>) -> Vec<&'s str> {
        source.quote(reply.lang)
    }

    fn country_name(&self, code: &str) -> String {
        country::name(code, self.view.lang).to_string()
    }

    fn lang_of(&self, turn: &Turn) -> Lang {
        lang_of(&turn.text, self.view.lang)
    }

    fn is_last(&self, at: &usize) -> bool {
        *at == self.talk.len()
    }

    /// The form of a service request with the conversation in it.
    fn hand_over(&self) -> String {
        let form_pair = crate::page::guard::form_pair;
        // The last turn is the wish for a person itself.
        let asked: Vec<&Said<'_>> = self.talk.iter().filter(|said| !matches!(said.reply.says, Says::Person)).collect();
        let title = asked.last().map(|said| said.turn.text.as_str()).unwrap_or_default();
        let line =
            |said: &&Said<'_>| format!("{}\n{}\n", self.view.w("agent-you-said", &said.turn.text), sources_of(self.view, &said.reply));
        let talk: String = asked.iter().map(line).collect::<String>().chars().take(HANDED_CHARS_MAX).collect();
        format!("/requests/new?{}&{}", form_pair("title", title), form_pair("description", &talk))
    }

    fn error(&self) -> String {
        self.wrong.iter().map(|wrong| self.view.say(&wrong.say)).collect::<Vec<_>>().join(" ")
    }

    fn refused(&self, turn: &Turn) -> String {
        format!("/refused?{}", crate::page::guard::form_pair("pasted", &turn.text))
    }
}
