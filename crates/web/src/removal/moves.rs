//! What people move into the folder for junk, or out of it, counts as their report, where the mailbox server speaks JMAP and the connector says so.
//!
//! In: mailboxes of the last days' recipients, looked at in turns. Out: reports, as if their owner had sent them (`gateway::feedback`). How far a
//! round has come stands in `removal_watch`; what was counted, as a keyword in the mailbox itself. Runs under the lease of `watch`.

use super::sql;
use crate::App;
use detect::classify::Label;
use gateway::directory::ConnectorSettings;
use gateway::feedback::Report;
use gateway::mailbox::{Access, MailboxError};
use gateway::trace::first_id_at;
use mail::OrgId;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;

/// Mailboxes behind one connector in one turn, and the time for them.
const MAILBOXES_MAX: usize = 200;
const TURN_MAX: Duration = Duration::from_secs(60);
/// All connectors in one turn.
const ALL_MAX: Duration = Duration::from_secs(240);

/// Connectors whose people are listened to, each with its organisation.
pub(super) fn listened(app: &App) -> Vec<(OrgId, Arc<ConnectorSettings>)> {
    let directory = app.directory.snapshot();
    let only = directory.organisations.values().next().filter(|_| directory.organisations.len() == 1);
    let of = |connector: &Arc<ConnectorSettings>| {
        let org = directory.organisation_named(&connector.organisation).or(only).map(|org| org.id)?;
        connector.mailbox.tells_moves().then(|| (org, connector.clone()))
    };
    directory.connectors.values().filter_map(of).collect()
}

/// Looks at mailboxes whose turn it is; how many reports were taken.
pub(super) async fn turn(app: &App, listened: &[(OrgId, Arc<ConnectorSettings>)]) -> Result<usize, Error> {
    let (started, mut taken) = (Instant::now(), 0);
    for (org, connector) in listened {
        // The lease is not for ever; those that are left come with the next turn, when the first ones rest.
        if started.elapsed() > ALL_MAX {
            break;
        }
        taken += behind(app, *org, connector).await?;
    }
    Ok(taken)
}

async fn upto(app: &App, org: OrgId, what: String) -> Result<Option<i64>, Error> {
    app.db.read(move |tx| Box::pin(async move { sql::upto(tx, org, &what).await })).await
}

async fn put_upto(app: &App, org: OrgId, what: String, upto: i64) -> Result<(), Error> {
    app.db.tx(move |tx| Box::pin(async move { sql::put_upto(tx, org, &what, upto).await })).await
}

/// Goes on with the round of one connector, or begins one when it is time.
async fn behind(app: &App, org: OrgId, connector: &ConnectorSettings) -> Result<usize, Error> {
    let (begun, at) = (format!("moves:{}", connector.name), format!("moves-at:{}", connector.name));
    let now_ms = app.now_ms();
    let skip = usize::try_from(upto(app, org, at.clone()).await?.unwrap_or(0)).unwrap_or(0);
    if skip == 0 {
        if now_ms - upto(app, org, begun.clone()).await?.unwrap_or(0) < connector.mailbox.moves_every.as_ms() {
            return Ok(0);
        }
        put_upto(app, org, begun.clone(), now_ms).await?;
    }
    let since_ms = now_ms - connector.mailbox.within.as_ms();
    let (name, since) = (connector.name.clone(), first_id_at(since_ms));
    let listed: Result<Vec<String>, Error> =
        app.db.read(move |tx| Box::pin(async move { sql::addresses(tx, org, &name, since, (skip, MAILBOXES_MAX)).await })).await;
    let addresses = listed?;
    let (started, mut taken, mut done, mut is_stopped) = (Instant::now(), 0, 0, false);
    for address in &addresses {
        match mailbox(app, org, connector, (address, since_ms)).await {
            Ok(count) => taken += count,
            Err(why) if why.is_of_server() => {
                tracing::warn!(%why, connector = connector.name, "it could not be seen what people moved; it is looked at again in a minute");
                is_stopped = true;
                break;
            }
            // This one mailbox; the next round tries it again.
            Err(why) => tracing::debug!(%why, "one mailbox could not be looked at"),
        }
        done += 1;
        if started.elapsed() > TURN_MAX {
            break;
        }
    }
    if is_stopped && skip + done == 0 {
        // Nothing of the round was seen: it begins anew instead of resting.
        put_upto(app, org, begun, 0).await?;
    }
    let is_over = done == addresses.len() && done < MAILBOXES_MAX;
    put_upto(app, org, at, if is_over { 0 } else { i64::try_from(skip + done).unwrap_or(0) }).await?;
    Ok(taken)
}

async fn mailbox(app: &App, org: OrgId, connector: &ConnectorSettings, (address, since_ms): (&str, i64)) -> Result<usize, MailboxError> {
    let access = Access { courier: &app.courier, seal: &app.seal, connector };
    let mut session = access.open(address).await?;
    let mut taken = 0;
    for moved in session.moves(since_ms).await? {
        if let Some(octets) = session.moved_octets(&moved).await? {
            let label = if moved.is_junk { Label::Spam } else { Label::Ham };
            let report = Report { org, reporter: address.to_string(), label, octets, now_ms: app.now_ms() };
            if let Err(why) = app.feedback.take_about(report, Some(moved.mail)).await {
                tracing::warn!(%why, mail = %moved.mail, "what somebody moved could not be learned; it is tried again");
                continue;
            }
            taken += 1;
        }
        session.counted(&moved).await?;
    }
    session.log_out().await;
    Ok(taken)
}
