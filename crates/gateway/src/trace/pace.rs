//! How far a search looks at a time, so that it keeps its time whatever it is asked for.

use std::time::{Duration, Instant};

/// Rows looked at in one window: the first, and the most. What is asked for most often stands among the newest.
const WINDOW_ROWS_FIRST: usize = 400;
const WINDOW_ROWS_MAX: usize = 10_000;
/// What one window should take at most, so that a search keeps its time closely.
const WINDOW_AIM: Duration = Duration::from_millis(6);
/// How far to look at a time: windows grow while they are quick and shrink when they are not. The first is always looked through.
pub struct Pace {
    started: Instant,
    within: Duration,
    stepped: Option<Instant>,
    /// Rows of the next window.
    pub rows: usize,
}

impl Pace {
    pub fn new(within: Duration) -> Pace {
        Pace { started: Instant::now(), within, stepped: None, rows: WINDOW_ROWS_FIRST }
    }

    pub fn is_over(&self) -> bool {
        self.stepped.is_some() && self.started.elapsed() >= self.within
    }

    /// A window was looked through.
    pub fn step(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.stepped.replace(now).unwrap_or(self.started));
        let wanted = match took {
            took if took > WINDOW_AIM => self.rows / 2,
            took if took * 4 > WINDOW_AIM => self.rows, // four times as many would take too long
            _ => self.rows * 4,
        };
        self.rows = wanted.clamp(WINDOW_ROWS_FIRST, WINDOW_ROWS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_while_they_are_quick_and_the_first_is_always_looked_through() {
        let mut pace = Pace::new(Duration::ZERO);
        assert!(!pace.is_over());
        pace.step();
        assert!(pace.is_over(), "no time was given");
        assert_eq!(pace.rows, WINDOW_ROWS_FIRST * 4, "it was quick");
        pace.stepped = Instant::now().checked_sub(WINDOW_AIM / 2);
        pace.step();
        assert_eq!(pace.rows, WINDOW_ROWS_FIRST * 4, "quick enough");
        pace.stepped = Instant::now().checked_sub(Duration::from_secs(1));
        pace.step();
        assert_eq!(pace.rows, WINDOW_ROWS_FIRST * 2, "it was slow");
        (0..9).for_each(|_| pace.step());
        assert_eq!(pace.rows, WINDOW_ROWS_MAX);
    }
}
