//! Opens what commands and the server share: database, bodies, identifiers.

use crate::settings::Chosen;
use anyhow::Context;
use mail::id::IdMaker;
use std::sync::Arc;
use std::time::Duration;
use store::bodies::Bodies;
use store::{Db, DbSettings};

/// The store of one installation.
pub struct Store {
    pub db: Db,
    pub bodies: Bodies,
    pub ids: Arc<IdMaker>,
}

/// Node number of commands: they may make identifiers while the server does.
const COMMAND_NODE: u8 = 0;

/// Opens for the server: creates what is not there.
pub async fn for_server(chosen: &Chosen) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&chosen.data)
        .with_context(|| format!("the data folder {} cannot be made; name another with --data", chosen.data.display()))?;
    let store = open(chosen, chosen.settings.store.node).await?;
    claim(&store).await?;
    Ok(store)
}

/// How long a start waits for a bucket.
const CLAIM_WITHIN: Duration = Duration::from_secs(10);

/// Takes the bucket of large messages for this database. One that is away is taken by the first sweep.
async fn claim(store: &Store) -> anyhow::Result<()> {
    let owner = owner(&store.db).await.context("reading when the database was made")?;
    let why = match tokio::time::timeout(CLAIM_WITHIN, store.bodies.claim(&owner)).await {
        Ok(Ok(true)) => return Ok(()),
        Ok(Ok(false)) => anyhow::bail!(
            "{} belongs to another installation: name a folder of its own in [store] bodies. If that installation is gone, or its database was moved \
             here, remove the object gatepost-owner there",
            store.bodies.shown()
        ),
        Ok(Err(why)) => why.to_string(),
        Err(_) => format!("no answer in {CLAIM_WITHIN:?}"),
    };
    tracing::warn!(why, "the bucket of large messages cannot be used; larger mail is put off until it can");
    Ok(())
}

/// By what name a database owns a bucket.
pub async fn owner(db: &Db) -> Result<String, store::Error> {
    Ok(format!("database {}", db.born_ms().await?))
}

/// Opens for a command: what is not there is a mistake, not a new installation.
pub async fn for_command(chosen: &Chosen) -> anyhow::Result<Store> {
    let url = chosen.store_url();
    if let Some(file) = url.strip_prefix("sqlite:")
        && !std::path::Path::new(file).exists()
    {
        anyhow::bail!("there is no database at {file}: start the server first (gatepost serve), or name its data folder with --data");
    }
    open(chosen, COMMAND_NODE).await
}

async fn open(chosen: &Chosen, node: u8) -> anyhow::Result<Store> {
    let url = chosen.store_url();
    let settings = DbSettings { url: url.clone(), connections_max: chosen.settings.store.connections_max, ..DbSettings::default() };
    let db = Db::open(&settings, &web::migrations()).await.with_context(|| format!("opening the database {}", without_password(&url)))?;
    let bodies = bodies(chosen)?;
    Ok(Store { db, bodies, ids: Arc::new(IdMaker::new(node)) })
}

/// Where large messages lie.
pub fn bodies(chosen: &Chosen) -> anyhow::Result<Bodies> {
    let place = chosen.bodies();
    place.open().with_context(|| format!("opening {place}, where large messages lie"))
}

/// `postgres://user:secret@host/name` without the secret.
pub fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| rest.rsplit_once('@').map(|(who, host)| (scheme, who, host))) {
        Some((scheme, who, host)) => format!("{scheme}://{}@{host}", who.split(':').next().unwrap_or_default()),
        None => url.to_string(),
    }
}
