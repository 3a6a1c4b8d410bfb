//! The library, made when somebody first looks into it.

use super::library::{Library, SettingTable};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Holds no article before one is wanted: making them takes a fifth of a second and 14 MiB with the words of both languages, and a server
/// that nobody asks needs none.
pub struct Shelf {
    /// Settings are documented where they are defined, which is above us.
    settings: fn() -> Vec<SettingTable>,
    library: OnceCell<Library>,
}

impl Shelf {
    pub fn new(settings: fn() -> Vec<SettingTable>) -> Arc<Shelf> {
        Arc::new(Shelf { settings, library: OnceCell::new() })
    }

    /// Waits, without holding up others, until it is made. However many wait, one thread makes it. Wants a runtime.
    pub async fn library(&self) -> &Library {
        let settings = self.settings;
        let make = move || Library::new(&settings());
        // Where the thread fails, it is made here.
        self.library.get_or_init(|| async move { tokio::task::spawn_blocking(make).await.unwrap_or_else(|_| make()) }).await
    }

    /// Begins to make it for somebody who may soon look. Wants a runtime.
    pub fn warm(self: &Arc<Shelf>) {
        if !self.library.initialized() {
            let shelf = self.clone();
            tokio::spawn(async move {
                shelf.library().await;
            });
        }
    }
}
