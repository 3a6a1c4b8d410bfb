//! The directory, as queue and delivery ask it.

use gateway::directory::{ConnectorSettings, Protocol, Watch};
use gateway::health::synthetic;
use gateway::queue::Routes;
use gateway::return_path::ReturnPaths;
use mail::OrgId;
use std::path::Path;
use std::sync::Arc;

/// Answers from the present snapshot.
pub struct ByDirectory {
    pub directory: Arc<Watch>,
    /// Where probes of health end: a folder of this machine.
    pub probe: Arc<ConnectorSettings>,
    pub return_paths: Arc<ReturnPaths>,
}

impl ByDirectory {
    pub fn new(directory: Arc<Watch>, data: &Path, return_paths: Arc<ReturnPaths>) -> ByDirectory {
        let folder = data.join(synthetic::FOLDER).display().to_string();
        let probe = ConnectorSettings { name: synthetic::ROUTE.into(), protocol: Protocol::Folder, folder, ..ConnectorSettings::default() };
        ByDirectory { directory, probe: Arc::new(probe), return_paths }
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

    fn sender(&self, org: OrgId, sender: &str, domain: &str, now_ms: i64) -> Option<String> {
        let directory = self.directory.snapshot();
        match directory.domain_named(domain) {
            Some(_) => None, // it stays with us
            None => self.return_paths.outgoing(&directory, org, sender, now_ms),
        }
    }
}
