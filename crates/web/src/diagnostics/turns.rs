//! How often one person may have something looked at that talks to the outside.

use crate::page::Fault;
use mail::PersonId;
use moka::sync::Cache;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Turns come back all at once after this time.
const WINDOW: Duration = Duration::from_secs(300);
/// People that are remembered.
const PEOPLE_MAX: u64 = 10_000;

static TAKEN: LazyLock<Cache<(i64, &'static str), Arc<AtomicU32>>> =
    LazyLock::new(|| Cache::builder().max_capacity(PEOPLE_MAX).time_to_live(WINDOW).build());

/// Takes one turn of `most`.
/// # Errors
/// [`Fault::TooMany`] when none is left.
pub fn take(person: PersonId, what: &'static str, most: u32) -> Result<(), Fault> {
    let taken = TAKEN.get_with((person.0, what), || Arc::new(AtomicU32::new(0)));
    if taken.fetch_add(1, Ordering::Relaxed) >= most {
        return Err(Fault::TooMany(u32::try_from(WINDOW.as_secs()).unwrap_or(u32::MAX)));
    }
    Ok(())
}
