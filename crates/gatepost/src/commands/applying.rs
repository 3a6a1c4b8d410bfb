//! `gatepost policy applying`: which policy applies to a recipient, and why those before it do not.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use clap::Args;
use gateway::directory::load;
use gateway::policy;
use mail::Address;

#[derive(Debug, Args)]
pub struct Applying {
    /// Address of the recipient.
    recipient: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(place: &Place, asked: Applying) -> anyhow::Result<Exit> {
    let recipient = Address::parse(&asked.recipient).map_err(|why| WrongUse(format!("“{}”: {why}", asked.recipient)))?;
    let directory = wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let loaded: Result<_, store::Error> =
            store.db.read(|tx| Box::pin(async move { load(tx, &Default::default(), &Default::default()).await })).await;
        Ok(loaded?)
    })?;
    let Some(domain) = directory.domain_of(&recipient) else {
        eprintln!("gatepost: {} is not a domain served here", recipient.domain());
        return Ok(Exit::No);
    };
    let (applies, passed) = policy::applying(&directory, domain.org, &recipient);
    if asked.json {
        output::json(&serde_json::json!({ "recipient": recipient.to_string(), "policy": *applies, "passed": passed }))?;
        return Ok(Exit::Done);
    }
    output::line(&format!("{recipient}: {}", applies.name))?;
    passed.iter().try_for_each(|one| output::line(&format!("  not {}: {}", one.name, one.why)))?;
    Ok(Exit::Done)
}
