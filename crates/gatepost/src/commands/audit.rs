//! `gatepost audit export`: the audit log as NDJSON, for whoever sits at the machine.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use clap::{Args, Subcommand};
use gateway::scope::OrgScope;
use mail::id::AuditId;
use std::io::Write;
use store::Error;
use web::audit::Query;
use web::audit::export::{Export, LINES_MAX};

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every line as JSON, one a line, oldest first. What was done in the last ten seconds comes with the next export.
    Export(Wanted),
}

#[derive(Debug, Args)]
struct Wanted {
    /// Go on after this line: the id of the last one you have, a….
    #[arg(long, value_name = "ID")]
    after: Option<AuditId>,
    /// At or after: 2026-11-23T14:05:00Z, or a day (UTC).
    #[arg(long)]
    since: Option<String>,
    /// Before.
    #[arg(long)]
    until: Option<String>,
    /// Part of the address of who did it.
    #[arg(long)]
    who: Option<String>,
    /// What was done, such as people.role; or a feature, such as people.
    #[arg(long)]
    action: Option<String>,
    /// Part of what it was done to.
    #[arg(long)]
    subject: Option<String>,
    /// Lines of this organisation only, by its name.
    #[arg(long)]
    organisation: Option<String>,
    /// Lines at most.
    #[arg(long, default_value_t = LINES_MAX)]
    limit: usize,
}

pub fn run(place: &Place, audit: Audit) -> anyhow::Result<Exit> {
    let Verb::Export(wanted) = audit.verb;
    let query = Query {
        who: wanted.who.clone(),
        action: wanted.action.clone(),
        subject: wanted.subject.clone(),
        since_ms: moment("--since", wanted.since.as_deref())?,
        until_ms: moment("--until", wanted.until.as_deref())?,
        ..Query::default()
    };
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let scope = match wanted.organisation {
            None => OrgScope::All,
            Some(name) => {
                let found = store.db.read(move |tx| Box::pin(async move { gateway::directory::sql::organisation_id(tx, &name).await }));
                OrgScope::One(found.await.map_err(|why: Error| WrongUse(why.to_string()))?)
            }
        };
        let export = Export { scope, query, after: wanted.after.unwrap_or(AuditId(0)), left: wanted.limit };
        let (mut export, mut out) = (export.settled(output::now_ms()), std::io::stdout().lock());
        while let Some(lines) = export.next(&store.db).await? {
            match out.write_all(&lines) {
                // Whoever read on has enough.
                Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => break,
                done => done?,
            }
        }
        // Nothing new is no failure: programs ask again and again.
        Ok(Exit::Done)
    })
}

/// Unix milliseconds of a moment, or of the beginning of a day of UTC.
fn moment(option: &str, text: Option<&str>) -> anyhow::Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let day = || Some(text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    let found = text.parse::<jiff::Timestamp>().ok().or_else(day);
    let found = found.ok_or_else(|| WrongUse(format!("{option} {text}: write 2026-11-23T14:05:00Z, or a day")))?;
    Ok(Some(found.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_and_days_are_read() {
        for (text, want) in [
            ("2026-11-24T12:00:00Z", Some(1_795_521_600_000)),
            ("2026-11-24", Some(1_795_478_400_000)),
            ("2026-11-24T13:00:00+01:00", Some(1_795_521_600_000)),
            ("yesterday", None),
        ] {
            assert_eq!(moment("--since", Some(text)).ok().flatten(), want, "{text}");
        }
        assert_eq!(moment("--since", None).ok().flatten(), None);
    }
}
