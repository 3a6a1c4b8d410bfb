//! Letters to the administrators of an organisation, each in their own language.

use super::sql::{Filter, list};
use crate::App;
use crate::page::View;
use crate::page::words::Lang;
use gateway::queue::letter::{Letter, post};
use gateway::scope::OrgScope;
use mail::{Address, OrgId};
use store::{Error, Tx};

/// Administrators that one letter goes to.
const TOLD_MAX: usize = 20;

/// Queues what `letter` writes for each administrator of `org`, in the caller's transaction; how many those were. A host name that letters
/// cannot come from keeps nobody from what is done here.
pub async fn administrators(
    tx: &mut Tx,
    app: &App,
    org: OrgId,
    letter: impl Fn(&View, Address) -> Letter + Send + Sync,
) -> Result<usize, Error> {
    let filter = Filter { role: "administrator".into(), limit: TOLD_MAX, ..Filter::default() };
    let people = list(tx, OrgScope::One(org), &filter).await?;
    let (directory, now_ms) = (app.directory.snapshot(), app.now_ms());
    let language = directory.organisation(org).map(|org| org.settings.language.clone()).unwrap_or_default();
    let mut letters = 0;
    for person in people.iter().filter(|person| person.is_active).take(TOLD_MAX) {
        let Ok(to) = Address::parse(&person.person.email) else { continue };
        let lang = person.person.lang.or(Lang::parse(&language)).unwrap_or_default();
        match post(tx, &letter(&View::plain(lang, now_ms), to), &directory, &app.ids, now_ms).await {
            Err(Error::Shape(why)) => tracing::warn!(why, "an administrator could not be written to"),
            done => {
                done?;
                letters += 1;
            }
        }
    }
    Ok(letters)
}
