//! The directory, as queue and delivery ask it.

use gateway::directory::{ConnectorSettings, Protocol, Watch};
use gateway::health::synthetic;
use gateway::queue::Routes;
use std::path::Path;
use std::sync::Arc;

/// Answers from the present snapshot.
pub struct ByDirectory {
    pub directory: Arc<Watch>,
    /// Where probes of health end: a folder of this machine.
    pub probe: Arc<ConnectorSettings>,
}

impl ByDirectory {
    pub fn new(directory: Arc<Watch>, data: &Path) -> ByDirectory {
        let folder = data.join(synthetic::FOLDER).display().to_string();
        let probe = ConnectorSettings { name: synthetic::ROUTE.into(), protocol: Protocol::Folder, folder, ..ConnectorSettings::default() };
        ByDirectory { directory, probe: Arc::new(probe) }
    }
}

impl Routes for ByDirectory {
    fn connector(&self, name: &str) -> Option<Arc<ConnectorSettings>> {
        match name {
            synthetic::ROUTE => Some(self.probe.clone()),
            _ => self.directory.snapshot().connectors.get(name).cloned(),
        }
    }

    fn route(&self, domain: &str) -> String {
        self.directory.snapshot().inbound_route(domain).to_string()
    }
}
