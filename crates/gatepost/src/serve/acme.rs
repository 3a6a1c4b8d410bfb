//! A certificate from an ACME server: which pair is used, who keeps it, where its authority is answered.

use crate::output;
use crate::settings::Chosen;
use gateway::connection::acme::Keeper;
use gateway::connection::own_name;
use gateway::connection::stop::Stop;
use gateway::connection::tls::{Keys, TlsError};
use gateway::signal::Signals;
use std::sync::Arc;

/// The pair of the settings, or the one that comes from the ACME server.
pub fn keys(chosen: &Chosen, name: &str) -> Result<Option<Arc<Keys>>, TlsError> {
    let tls = &chosen.settings.tls;
    if tls.acme.is_on() { Keys::awaited(tls, &chosen.acme_folder(), name) } else { Keys::from_settings(tls, name) }
}

/// Answers the authority and keeps the certificate; both end with the runtime.
pub fn start(chosen: &Chosen, (keys, signals): (&Option<Arc<Keys>>, &Arc<Signals>), stop: &Stop) -> anyhow::Result<()> {
    let settings = chosen.settings.tls.acme.clone();
    let Some(keys) = keys.clone().filter(|_| settings.is_on()) else { return Ok(()) };
    web::acme::serve(&settings.listen.0, &chosen.settings.web.url, stop)?;
    let keeper = Keeper {
        names: settings.names_or(&own_name(&chosen.settings.listen)),
        settings,
        folder: chosen.acme_folder(),
        keys,
        signals: signals.clone(),
        clock: output::now_ms,
    };
    tokio::spawn(keeper.run());
    Ok(())
}
