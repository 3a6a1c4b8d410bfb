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
    /// What the next window is expected to take, as the last one did.
    took: Duration,
    /// Rows of the next window.
    pub rows: usize,
}

impl Pace {
    pub fn new(within: Duration) -> Pace {
        Pace { started: Instant::now(), within, stepped: None, took: Duration::ZERO, rows: WINDOW_ROWS_FIRST }
    }

    /// Whether another window would end too late.
    pub fn is_over(&self) -> bool {
        self.stepped.is_some() && self.started.elapsed() + self.took >= self.within
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
        let rows = wanted.clamp(WINDOW_ROWS_FIRST, WINDOW_ROWS_MAX);
        let factor = rows as f64 / self.rows as f64;
        (self.rows, self.took) = (rows, took.mul_f64(factor));
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

    #[test]
    fn no_window_is_begun_that_would_end_too_late() {
        let mut pace = Pace::new(Duration::from_secs(60));
        pace.stepped = Instant::now().checked_sub(Duration::from_secs(40));
        pace.step();
        assert!(!pace.is_over(), "another one like it fits");
        pace.started = Instant::now().checked_sub(Duration::from_secs(21)).expect("up for a minute");
        assert!(pace.is_over(), "21 s and another 40 do not");
    }
}
