//! Service health for people and programs: how services are, issues, what is planned, who is told.
//!
//! In: what `gateway::health` measures. Out: issues that open and close by rule, pages, REST, Graph's service announcements, and the
//! status site, which stands when the rest does not. Invariant: what is shown of a service is measured; a person adds words and may
//! say that it is worse, never that it is better than measured ([`issue::Issue::may_become`]). One folder a part: the board that is
//! written as files (`board`, `site`), the bell (`bell`), messages and maintenance (`message`), Graph (`graph`).

pub mod api;
pub mod bell;
pub mod board;
pub mod bus;
pub mod cause;
pub mod file;
pub mod graph;
pub mod history;
pub mod hook;
pub mod issue;
pub mod ledger;
pub mod message;
pub mod metrics;
mod page;
mod planned;
pub mod site;
pub mod sql;
pub mod statement;
mod text;
pub mod watch;

pub use bus::Health;
pub use page::IssueLine;
pub use page::explanation;
pub use page::publish;
pub use page::routes;
pub use page::{Known, known_to, service_name, services_of};
pub use text::Text;

use crate::App;
use crate::help::Kind;
use crate::page::View;
use crate::page::words::Source;
use gateway::scope::OrgScope;
use mail::OrgId;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 17, name: "issue", sql: include_str!("migrations/0017_issue.sql") },
    Migration { number: 18, name: "service_message", sql: include_str!("migrations/0018_service_message.sql") },
    Migration { number: 20, name: "hook_kind", sql: include_str!("migrations/0020_hook_kind.sql") },
    Migration { number: 43, name: "hook_topic", sql: include_str!("migrations/0043_hook_topic.sql") },
    Migration { number: 21, name: "health_digest", sql: include_str!("migrations/0021_health_digest.sql") },
    Migration { number: 24, name: "issue_split", sql: include_str!("migrations/0024_issue_split.sql") },
];

/// Open issues looked through for an article.
const ABOUT_MAX: usize = 200;

/// Open issues of everybody that explain what an article is about. The help stands when the database does not: then none are known.
pub async fn known_about(app: &App, view: &View, kind: Kind, name: &str) -> Vec<IssueLine> {
    let wanted = sql::Wanted { open: Some(true), rows_max: ABOUT_MAX, ..sql::Wanted::default() };
    // Whoever asks may not be signed in: what belongs to an organisation (there is none with this number) is not read.
    let scope = OrgScope::One(OrgId(0));
    let found = app.db.read(move |tx| Box::pin(async move { sql::issues(tx, scope, wanted).await })).await;
    let article = format!("{}/{name}", kind.name());
    let issues = found.inspect_err(|why| tracing::debug!(%why, "known issues of an article are not known")).unwrap_or_default();
    issues.iter().filter(|issue| issue.body.explains.contains(&article)).map(|issue| page::line_of(view, issue)).collect()
}
