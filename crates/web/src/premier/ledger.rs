//! Hours of advice: what was bought and agreed, what was used with whom for what, what is left, and until when. Pure.
//!
//! In: minutes a month, blocks that were bought, uses. Out: [`Ledger`]. A use takes from its month's minutes first, which do not carry over,
//! then from the blocks that hold on its day, those that end first first; what is left over after that is owed. So the same rows always come to
//! the same balance, in whatever order they were written.

use super::sql::{Block, Use};
use crate::support_desk::Month;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A block with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlockBody {
    pub id: String,
    pub minutes: i64,
    pub used_minutes: i64,
    /// Nothing once it is over.
    pub left_minutes: i64,
    pub from_ms: i64,
    pub until_ms: i64,
    pub is_over: bool,
    pub what: String,
}

/// A use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UseBody {
    pub id: String,
    pub day_ms: i64,
    pub minutes: i64,
    pub what: String,
    /// Whom of the organisation it was with.
    pub whom: String,
    pub by: String,
}

/// Everything about an organisation's hours of advice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ledger {
    /// Agreed for every month.
    pub monthly_minutes: i64,
    /// Of this month's, left.
    pub monthly_left_minutes: i64,
    /// Left in all: this month's, and of blocks that hold now.
    pub left_minutes: i64,
    /// Used beyond what was agreed and bought.
    pub owed_minutes: i64,
    /// Of blocks that are over, never used.
    pub lapsed_minutes: i64,
    /// Those that end first come first.
    pub blocks: Vec<BlockBody>,
    /// The latest first.
    pub uses: Vec<UseBody>,
}

pub fn read(monthly_minutes: i64, blocks: &[Block], uses: &[Use], now_ms: i64) -> Ledger {
    let mut bodies: Vec<BlockBody> = blocks.iter().map(|block| body(block, now_ms)).collect();
    bodies.sort_by(|a, b| (a.until_ms, &a.id).cmp(&(b.until_ms, &b.id)));
    let mut in_order: Vec<&Use> = uses.iter().collect();
    in_order.sort_by_key(|one| (one.day_ms, one.id));
    let (mut of_months, mut owed_minutes) = (BTreeMap::<String, i64>::new(), 0);
    for one in &in_order {
        let left = of_months.entry(Month::of(one.day_ms).name()).or_insert(monthly_minutes);
        let mut wanted = one.minutes;
        let mut take = |left: &mut i64| {
            let taken = wanted.min(*left);
            *left -= taken;
            wanted -= taken;
            taken
        };
        take(left);
        for block in bodies.iter_mut().filter(|block| (block.from_ms..block.until_ms).contains(&one.day_ms)) {
            block.used_minutes += take(&mut block.left_minutes);
        }
        owed_minutes += wanted;
    }
    let lapsed_minutes = bodies.iter().filter(|block| block.is_over).map(|block| block.left_minutes).sum();
    bodies.iter_mut().filter(|block| block.is_over).for_each(|block| block.left_minutes = 0);
    let monthly_left_minutes = of_months.get(&Month::of(now_ms).name()).copied().unwrap_or(monthly_minutes);
    let holds = |block: &&BlockBody| block.from_ms <= now_ms;
    Ledger {
        monthly_minutes,
        monthly_left_minutes,
        left_minutes: monthly_left_minutes + bodies.iter().filter(holds).map(|block| block.left_minutes).sum::<i64>(),
        owed_minutes,
        lapsed_minutes,
        blocks: bodies,
        uses: in_order.into_iter().rev().map(used).collect(),
    }
}

fn body(block: &Block, now_ms: i64) -> BlockBody {
    BlockBody {
        id: block.id.to_string(),
        minutes: block.minutes,
        used_minutes: 0,
        left_minutes: block.minutes,
        from_ms: block.from_ms,
        until_ms: block.until_ms,
        is_over: block.until_ms <= now_ms,
        what: block.what.clone(),
    }
}

fn used(one: &Use) -> UseBody {
    UseBody {
        id: one.id.to_string(),
        day_ms: one.day_ms,
        minutes: one.minutes,
        what: one.what.clone(),
        whom: one.whom.clone(),
        by: one.by_whom.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::id::AdvisoryId;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    /// 1 November 2026, and a moment on the 24th.
    const NOVEMBER_MS: i64 = 1_793_491_200_000;
    const NOW_MS: i64 = 1_795_521_600_000;

    fn block(id: i64, minutes: i64, (from, until): (i64, i64)) -> Block {
        let (from_ms, until_ms) = (NOVEMBER_MS + from * DAY_MS, NOVEMBER_MS + until * DAY_MS);
        Block { id: AdvisoryId(id), minutes, from_ms, until_ms, what: String::new(), by_whom: String::new() }
    }

    fn used(id: i64, day: i64, minutes: i64) -> Use {
        let day_ms = NOVEMBER_MS + day * DAY_MS;
        Use { id: AdvisoryId(id), day_ms, minutes, what: String::new(), whom: String::new(), by_whom: String::new() }
    }

    #[test]
    fn a_use_takes_what_ends_first() {
        for (monthly, blocks, uses, want, why) in [
            (0, vec![], vec![], (0, 0, 0), "nothing agreed, nothing owed"),
            (60, vec![], vec![used(1, 3, 45)], (15, 0, 0), "of this month's"),
            (60, vec![], vec![used(1, -3, 45)], (60, 0, 0), "last month's do not count"),
            (60, vec![], vec![used(1, -3, 90)], (60, 30, 0), "more than a month has is owed"),
            (60, vec![block(1, 120, (0, 100))], vec![used(1, 3, 90)], (90, 0, 0), "the month's first, then a block"),
            (0, vec![block(1, 100, (0, 100)), block(2, 100, (0, 50))], vec![used(1, 3, 120)], (80, 0, 0), "what ends first is used first"),
            (0, vec![block(1, 100, (0, 10))], vec![used(1, 3, 30)], (0, 0, 70), "what is left at the end is gone"),
            (0, vec![block(1, 100, (0, 10))], vec![used(1, 12, 30)], (0, 30, 100), "a block that is over pays nothing"),
            (0, vec![block(1, 100, (40, 90))], vec![used(1, 3, 30)], (0, 30, 0), "nor does one that has not begun"),
            (0, vec![block(1, 100, (0, 90))], vec![used(2, 5, 80), used(1, 3, 40)], (0, 20, 0), "in the order of days"),
        ] {
            let found = read(monthly, &blocks, &uses, NOW_MS);
            assert_eq!((found.left_minutes, found.owed_minutes, found.lapsed_minutes), want, "{why}");
        }
        let found = read(0, &[block(1, 100, (0, 100)), block(2, 100, (0, 50))], &[used(1, 3, 120)], NOW_MS);
        let blocks: Vec<_> = found.blocks.iter().map(|block| (block.used_minutes, block.left_minutes)).collect();
        assert_eq!(blocks, [(100, 0), (20, 80)]);
    }
}
