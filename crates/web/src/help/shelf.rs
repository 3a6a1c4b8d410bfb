//! The library, made when somebody first looks into it.

use super::library::{Library, SettingTable};
use std::sync::{Arc, OnceLock};

/// Holds no article before one is wanted: making them takes a fifth of a second and 15 MiB with the words of both languages, and a server
/// that nobody asks needs none.
pub struct Shelf {
    /// Settings are documented where they are defined, which is above us.
    settings: fn() -> Vec<SettingTable>,
    library: OnceLock<Library>,
}

impl Shelf {
    pub fn new(settings: fn() -> Vec<SettingTable>) -> Arc<Shelf> {
        Arc::new(Shelf { settings, library: OnceLock::new() })
    }

    /// Waits, without holding up others, until it is made. Wants a runtime.
    pub async fn library(self: &Arc<Shelf>) -> &Library {
        if self.library.get().is_none() {
            let shelf = self.clone();
            // Nothing comes back; where it fails, it is made here.
            let _ = tokio::task::spawn_blocking(move || {
                shelf.made();
            })
            .await;
        }
        self.made()
    }

    fn made(&self) -> &Library {
        self.library.get_or_init(|| Library::new(&(self.settings)()))
    }
}
