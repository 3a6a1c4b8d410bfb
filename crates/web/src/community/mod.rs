//! Community: people ask, answer each other, vote, and the good answer is found by the next who has the same question.
//!
//! In: questions, answers and comments in [`Space`]s, public or for those who sign in, of the installation or of one organisation. Out: pages,
//! REST, feeds, a source for the search and for what is offered to who opens a service request. Invariants: who may not read a space finds
//! nothing of it anywhere ([`Spaces`] stands in every function that reads posts); what the spam check holds or a moderator takes out is
//! seen by its writer and moderators alone; what people wrote stays, with every version of it. Not here: answers of support to one
//! organisation (`service_request`).

pub mod api;
pub mod change;
mod feed;
pub mod find;
pub mod model;
pub mod moderate;
pub mod notice;
mod page;
mod post_api;
mod question_page;
pub mod spam;
pub mod sql;
pub mod sql_people;
mod staff_page;
pub mod text;

pub use model::{Space, Spaces};

use crate::App;
use crate::page::Fault;
use crate::page::words::Source;
use crate::people::Person;
use axum::Router;
use axum::routing::{get, post};
use store::{Error, Migration};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 46, name: "community", sql: include_str!("migrations/0046_community.sql") }];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/community", get(page::list))
        .route("/community/feed.atom", get(feed::feed))
        .route("/community/ask", get(page::form).post(page::ask))
        .route("/community/similar", post(page::similar))
        .route("/community/questions/{post}", get(question_page::page).post(question_page::act))
        .route("/community/posts/{post}/edit", get(question_page::form).post(question_page::edit))
        .route("/community/posts/{post}/history", get(question_page::history))
        .route("/community/posts/{post}/report", get(question_page::report_form).post(question_page::report))
        .route("/community/article", get(staff_page::draft).post(staff_page::publish))
        .route("/community/moderation", get(staff_page::queue).post(staff_page::decide))
        .route("/community/spaces", get(staff_page::spaces).post(staff_page::put_space))
}

/// Questions that this person may read about `text`, best first: for the search, and for who asks support.
pub async fn found(app: &App, person: Option<&Person>, text: &str, most: usize) -> Result<Vec<model::Line>, Fault> {
    let (who, text) = (person.cloned(), text.to_string());
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let spaces = change::readable(tx, who.as_ref()).await?;
            if spaces.is_empty() { Ok(Vec::new()) } else { find::similar(tx, &spaces, &text, (None, most)).await }
        })
    });
    read.await.map_err(|why: Error| Fault::from(why))
}
