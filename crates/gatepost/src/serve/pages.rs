//! What the pages need of the server.

use crate::open::Store;
use crate::output;
use crate::settings::Chosen;
use gateway::directory::Watch;
use gateway::quarantine::Quarantine;
use mail::dns::Dns;
use std::sync::Arc;

/// The state of the pages.
pub fn app(chosen: &Chosen, store: &Store, directory: &Arc<Watch>, dns: &Arc<dyn Dns>) -> web::App {
    let settings = &chosen.settings;
    let bodies = Arc::new(store.bodies.clone());
    web::App::new(web::Parts {
        settings: settings.web.clone(),
        db: store.db.clone(),
        quarantine: Quarantine::new(store.db.clone(), bodies.clone(), store.ids.clone()),
        bodies,
        ids: store.ids.clone(),
        directory: directory.clone(),
        thresholds: settings.detect.thresholds,
        dns: dns.clone(),
        trace_days: settings.store.trace_days,
        clock: output::now_ms,
    })
}
