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
pub mod graph;
pub mod hook;
pub mod issue;
pub mod ledger;
pub mod message;
pub mod metrics;
mod page;
pub mod site;
pub mod sql;
pub mod statement;
mod text;
pub mod watch;

pub use bus::Health;
pub use page::routes;
pub use text::Text;

use crate::page::words::Source;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 17, name: "issue", sql: include_str!("migrations/0017_issue.sql") },
    Migration { number: 18, name: "service_message", sql: include_str!("migrations/0018_service_message.sql") },
    Migration { number: 20, name: "hook_kind", sql: include_str!("migrations/0020_hook_kind.sql") },
    Migration { number: 21, name: "health_digest", sql: include_str!("migrations/0021_health_digest.sql") },
];
