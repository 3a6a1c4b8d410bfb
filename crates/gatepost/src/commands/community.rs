//! `gatepost community`: questions of the community, and taking out what should not be there.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::scope::OrgScope;
use mail::id::PostId;
use store::Error;
use web::community::api::{CommunityPost, QuestionLine};
use web::community::change::At;
use web::community::model::Spaces;
use web::community::moderate::{PostDecision, decide_in};
use web::community::sql::{self, Wanted, Which};
use web::page::words::Lang;
use web::page::{Fault, View};
use web::people::Person;

#[derive(Debug, Args)]
pub struct Community {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Questions, newest first.
    List {
        /// Name of a space; all without it.
        #[arg(long, default_value = "")]
        space: String,
        #[arg(long, default_value = "")]
        tag: String,
        /// Only those that nobody answered.
        #[arg(long)]
        unanswered: bool,
        #[arg(long)]
        json: bool,
    },
    /// A question with everything under it, also what is not shown.
    Show {
        question: PostId,
        #[arg(long)]
        json: bool,
    },
    /// Take out a question, an answer or a comment; whoever wrote it is told why.
    Hide {
        post: PostId,
        #[arg(long)]
        reason: String,
    },
}

pub fn run(place: &Place, community: Community) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        match community.verb {
            Verb::List { space, tag, unanswered, json } => list(&store, space, (tag, unanswered), json).await,
            Verb::Show { question, json } => show(&store, question, json).await,
            Verb::Hide { post, reason } => hide(&store, post, reason).await,
        }
    })
}

async fn list(store: &Store, space: String, (tag, unanswered): (String, bool), json: bool) -> anyhow::Result<Exit> {
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let all = Spaces::all(sql::spaces(tx, OrgScope::All).await?);
            let spaces = if space.is_empty() { Some(all) } else { all.named(&space).map(|one| all.only(one.id)) };
            let Some(spaces) = spaces else { return Ok::<_, Error>(None) };
            let which = if unanswered { Which::Unanswered } else { Which::All };
            let (lines, _) = sql::list(tx, &spaces, &Wanted { which, tag, before: None }).await?;
            Ok(Some((spaces, lines)))
        })
    });
    let (spaces, lines) = read.await?.ok_or_else(|| WrongUse("there is no such space".into()))?;
    let name = |id: i64| spaces.of(id).map(|space| space.name.clone()).unwrap_or_default();
    let rows: Vec<QuestionLine> = lines.iter().map(|line| QuestionLine::of(line, &name(line.question.space))).collect();
    if json {
        rows.iter().try_for_each(output::json)?;
    } else {
        let cells = |one: &QuestionLine| {
            let state = if one.solved { "solved" } else { "open" };
            let texts = [one.id.as_str(), &one.space, state, &one.answers.to_string(), &one.who, &one.title].map(str::to_string);
            std::iter::once(output::time(one.at_ms)).chain(texts).collect()
        };
        let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
        output::table(&["TIME", "ID", "SPACE", "STATE", "ANSWERS", "BY", "QUESTION"], &cells)?;
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

async fn show(store: &Store, id: PostId, json: bool) -> anyhow::Result<Exit> {
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let all = Spaces::all(sql::spaces(tx, OrgScope::All).await?);
            let Some(question) = sql::one_question(tx, &all, id).await? else { return Ok::<_, Error>(None) };
            Ok(Some((sql::posts(tx, &all, id).await?, question)))
        })
    });
    let (posts, question) = read.await?.ok_or_else(|| WrongUse(format!("there is no question {id}")))?;
    let view = View::plain(Lang::English, 0);
    let bodies: Vec<CommunityPost> = posts.iter().map(|post| CommunityPost::of(&view, post, &question)).collect();
    if json {
        bodies.iter().try_for_each(output::json)?;
        return Ok(Exit::Done);
    }
    output::line(&output::printable_line(&format!("{} ({})", question.title, question.tags.join(" "))))?;
    for post in &bodies {
        let mark = if post.accepted { ", accepted" } else { "" };
        let head = format!("{} {} by {}, {}{mark}, {}", output::time(post.at_ms), post.kind, post.who, post.state, post.id);
        output::line(&format!("\n{}", output::printable_line(&head)))?;
        // Line by line: what people wrote steers no terminal.
        post.body.lines().try_for_each(|line| output::line(&output::printable_line(line)))?;
    }
    Ok(Exit::Done)
}

async fn hide(store: &Store, id: PostId, reason: String) -> anyhow::Result<Exit> {
    let person = Person::at_the_machine(&std::env::var("USER").unwrap_or_else(|_| "somebody".into()));
    let at = At { app: None, ids: store.ids.clone(), person, now_ms: output::now_ms() };
    let decision = PostDecision { verb: "remove".into(), reason };
    match store.db.tx(move |tx| Box::pin(async move { decide_in(tx, &at, id, &decision).await })).await {
        Ok(question) => output::line(&format!("{id} of {question} is taken out"))?,
        Err(Fault::NotFound) => return Err(WrongUse(format!("there is no post {id}")).into()),
        Err(Fault::Invalid(_)) => return Err(WrongUse("say why with --reason".into()).into()),
        Err(other) => return Err(other).context("taking out a post"),
    }
    Ok(Exit::Done)
}
