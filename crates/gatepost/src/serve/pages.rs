//! What the pages need of the server.

use crate::open::Store;
use crate::output;
use crate::settings::Chosen;
use gateway::directory::Watch;
use gateway::feedback::Feedback;
use gateway::quarantine::Quarantine;
use mail::dns::Dns;
use std::sync::Arc;
use web::health::Health;

/// The state of the pages.
pub fn app(chosen: &Chosen, store: &Store, feedback: Feedback, running: (&Arc<Watch>, &Arc<dyn Dns>, &Health)) -> web::App {
    let (directory, dns, health) = running;
    let settings = &chosen.settings;
    let bodies = Arc::new(store.bodies.clone());
    web::App::new(web::Parts {
        settings: settings.web.clone(),
        db: store.db.clone(),
        quarantine: Quarantine::new(store.db.clone(), bodies.clone(), store.ids.clone()),
        feedback,
        bodies,
        ids: store.ids.clone(),
        directory: directory.clone(),
        thresholds: settings.detect.thresholds,
        dns: dns.clone(),
        hostname: gateway::connection::own_name(&settings.listen),
        health: health.clone(),
        trace_days: settings.store.trace_days,
        clock: output::now_ms,
    })
}
