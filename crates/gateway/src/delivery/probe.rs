//! Asks a next hop whether it would take a recipient, without sending anything.

use super::Courier;
use super::hello::{ConnectError, Hello};
use super::security::Guard;
use crate::directory::{ConnectorSettings, Protocol};
use crate::queue::LaneKey;
use mail::smtp::Reply;
use mail::{Address, MailId};
use std::time::Duration;
use tokio::time::timeout;

/// What a next hop says about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    Accepted,
    Refused(Reply),
    /// No connection, or a temporary reply.
    NotNow(Reply),
}

/// A session waits for this while a peer waits for its answer to RCPT.
const PROBE_MAX: Duration = Duration::from_secs(20);

/// Connects as delivery would, says MAIL FROM:<> and RCPT, and resets.
pub async fn probe(courier: &Courier, connector: &ConnectorSettings, recipient: &Address) -> Probe {
    if connector.protocol == Protocol::Folder {
        return Probe::Accepted; // a folder takes whoever is sent to it
    }
    match timeout(PROBE_MAX, ask(courier, connector, recipient)).await {
        Ok(Ok(reply)) if reply.is_positive() => Probe::Accepted,
        Ok(Ok(reply)) if reply.code >= 500 => Probe::Refused(reply),
        Ok(Ok(reply) | Err(reply)) => Probe::NotNow(reply),
        Err(_) => Probe::NotNow(Reply::new(421, (4, 4, 2), "the next hop did not answer in time")),
    }
}

/// The reply to RCPT, or what stood in the way of asking.
async fn ask(courier: &Courier, connector: &ConnectorSettings, recipient: &Address) -> Result<Reply, Reply> {
    let router = courier.router(MailId(0));
    let hops = match connector.hosts.is_empty() {
        true => router.domain_hops(recipient.domain()).await,
        false => router.hops(&LaneKey::Connector(connector.name.as_str().into()), connector).await,
    };
    let mut last = Reply::new(451, (4, 4, 4), "there is no next hop");
    for hop in hops.map_err(|why| why.reply)? {
        let is_mx = connector.hosts.is_empty();
        let hello = Hello { courier, connector, hop: &hop, level: connector.tls, require_tls: false, guard: Guard::Open, is_mx };
        let mut client = match hello.open().await {
            Ok(client) => client,
            Err(why) => {
                last = why.reply;
                continue;
            }
        };
        let reply = client.would_take(recipient, &courier.timeouts).await;
        client.quit(&courier.timeouts).await;
        return reply;
    }
    Err(last)
}

/// Connects as delivery would, up to TLS and login, and says goodbye: whether mail could be sent on now.
/// # Errors
/// What the last hop said, or what stood in the way.
pub async fn greet(courier: &Courier, connector: &ConnectorSettings) -> Result<(), ConnectError> {
    let router = courier.router(MailId(0));
    let nobody = |reply| ConnectError { hop: connector.name.clone(), reply, is_loop: false, failure: None, policy: "" };
    let hops = router.hops(&LaneKey::Connector(connector.name.as_str().into()), connector).await.map_err(|why| nobody(why.reply))?;
    let mut last = nobody(Reply::new(451, (4, 4, 4), "there is no next hop"));
    for hop in hops {
        let hello = Hello { courier, connector, hop: &hop, level: connector.tls, require_tls: false, guard: Guard::Open, is_mx: false };
        match hello.open().await {
            Ok(client) => {
                client.quit(&courier.timeouts).await;
                return Ok(());
            }
            Err(why) => last = why,
        }
    }
    Err(last)
}
