//! What is known of an issue, for where it explains something else: what to do meanwhile, when it is expected to be over, the news.

use super::super::issue::{Issue, Post};
use super::issue::{Said, said};
use super::{IssueLine, line_of, text_html};
use crate::page::{Fault, View};
use askama::Template;

#[derive(Template)]
#[template(path = "health/templates/known.html")]
struct KnownPart<'a> {
    view: &'a View,
    issue: &'a Issue,
    line: IssueLine,
    impact: String,
    workaround: String,
    posts: Vec<Said>,
}

/// HTML without a heading; "" when nothing is known.
pub fn explanation(view: &View, known: Option<&(Issue, Vec<Post>)>) -> Result<String, Fault> {
    let Some((issue, posts)) = known else { return Ok(String::new()) };
    let part = KnownPart {
        view,
        issue,
        line: line_of(view, issue),
        impact: text_html(view, &issue.body.impact),
        workaround: text_html(view, &issue.body.workaround),
        posts: posts.iter().map(|post| said(view, post)).collect(),
    };
    part.render().map_err(|why| Fault::Ours(format!("an issue could not be written: {why}")))
}
