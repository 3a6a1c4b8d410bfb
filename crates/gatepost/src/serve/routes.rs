//! The directory, as queue and delivery ask it.

use gateway::directory::{ConnectorSettings, Watch};
use gateway::queue::Routes;
use std::sync::Arc;

/// Answers from the present snapshot.
pub struct ByDirectory(pub Arc<Watch>);

impl Routes for ByDirectory {
    fn connector(&self, name: &str) -> Option<Arc<ConnectorSettings>> {
        self.0.snapshot().connectors.get(name).cloned()
    }

    fn route(&self, domain: &str) -> String {
        self.0.snapshot().inbound_route(domain).to_string()
    }
}
