//! How the service is, as measured now: what a reply about the state of the service carries.

use crate::App;
use crate::health::board::{self, Board};
use crate::page::words::Lang;
use gateway::health::Level;

/// Issues that a reply names.
const ISSUES_MAX: usize = 5;

/// One line for everybody: the worst state, and the open issues that concern everybody.
pub struct Now {
    /// Words key of the sentence.
    pub key: &'static str,
    pub is_well: bool,
    /// Number, title and its language.
    pub issues: Vec<(String, String, Lang)>,
    pub at_ms: i64,
}

/// `None` when it cannot be told: the database does not answer.
pub async fn now(app: &App, lang: Lang) -> Option<Now> {
    let board = board::read(app).await.inspect_err(|why| tracing::debug!(%why, "how the service is cannot be read")).ok()?;
    Some(of(&board, lang))
}

fn of(board: &Board, lang: Lang) -> Now {
    let worst = board.worst();
    let open = board.issues.iter().map(|(issue, _)| issue).filter(|issue| issue.is_open).take(ISSUES_MAX);
    let issues = open.map(|issue| (issue.id.to_string(), issue.body.title.in_lang(lang), issue.body.title.lang(lang)));
    Now { key: key_of(worst), is_well: worst == Level::Fine, issues: issues.collect(), at_ms: board.at_ms }
}

fn key_of(level: Level) -> &'static str {
    match level {
        Level::Fine => "health-all-fine",
        Level::Advice => "health-all-advice",
        Level::Degraded => "health-all-degraded",
        Level::Interrupted => "health-all-interrupted",
    }
}
