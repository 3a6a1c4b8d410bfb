//! What the parts of health share within one process: the files of the status site, the last sample, and a ring at every change.

use super::bell::Counted;
use super::history::Kept;
use super::site::{Files, Signing};
use arc_swap::ArcSwap;
use gateway::health::HealthSettings;
use gateway::signal::Signals;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Cheap to clone; without a watcher (tests, commands) it is silent and empty.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    files: ArcSwap<Files>,
    changes: watch::Sender<u64>,
    signals: OnceLock<Arc<Signals>>,
    settings: OnceLock<HealthSettings>,
    signing: OnceLock<Arc<Signing>>,
    history: Kept,
    counted: Counted,
}

impl Default for Health {
    fn default() -> Health {
        Health(Arc::new(Inner {
            files: ArcSwap::default(),
            changes: watch::Sender::new(0),
            signals: OnceLock::new(),
            settings: OnceLock::new(),
            signing: OnceLock::new(),
            history: Kept::default(),
            counted: Counted::default(),
        }))
    }
}

impl Health {
    /// With the counters of this node.
    pub fn with(signals: Arc<Signals>, settings: HealthSettings) -> Health {
        let health = Health::default();
        let _ = health.0.signals.set(signals);
        let _ = health.0.settings.set(settings);
        health
    }

    pub fn signals(&self) -> Option<&Arc<Signals>> {
        self.0.signals.get()
    }

    pub fn settings(&self) -> HealthSettings {
        self.0.settings.get().cloned().unwrap_or_default()
    }

    /// The key that signs what this installation says; `None` without a data folder.
    pub fn signing(&self) -> Option<Arc<Signing>> {
        self.0.signing.get().cloned()
    }

    /// Only the first counts.
    pub fn sign_with(&self, signing: Arc<Signing>) {
        let _ = self.0.signing.set(signing);
    }

    /// Something changed that people may want to know.
    pub fn ring(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Days that are over, as they were added up.
    pub(super) fn history(&self) -> &Kept {
        &self.0.history
    }

    /// What bells were last counted to.
    pub fn counted(&self) -> &Counted {
        &self.0.counted
    }

    /// How often it rang.
    pub fn version(&self) -> u64 {
        *self.0.changes.borrow()
    }

    pub fn files(&self) -> Arc<Files> {
        self.0.files.load_full()
    }

    pub fn put_files(&self, files: Files) {
        self.0.files.store(Arc::new(files));
    }
}
