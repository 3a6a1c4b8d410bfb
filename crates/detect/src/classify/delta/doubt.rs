//! Which reports the others contradict: among many, some are slips of the hand.
//!
//! In: all reports. Out: how much each counts. Reports are parted in two halves by their digests, and each half is asked about the
//! other: what is contradicted firmly by its like counts little. What nobody else spoke of is believed, so a single report
//! still moves its like at once. The parting follows from the digests, so the order of learning does not matter here either.

use super::{Digest, Report, fitted, moved};
use crate::classify::doubt::{CONTRADICTIONS_MAX, DOUBTED_IMPORTANCE, contradicts};
use std::collections::BTreeMap;

/// With fewer reports nobody is contradicted by many.
const REPORTS_MIN: usize = 20;
/// Rounds of the halves: enough to have an opinion, too few to know every report by heart.
const ROUNDS: usize = 2;

/// Every report with its importance, in their order.
pub(super) fn importance(reports: &BTreeMap<Digest, Report>) -> Vec<(&Report, f32)> {
    let all: Vec<(bool, &Report)> = reports.iter().map(|(message, report)| (is_odd(message), report)).collect();
    if all.len() < REPORTS_MIN {
        return all.into_iter().map(|(_, report)| (report, 1.0)).collect();
    }
    let half = |odd: bool| {
        let half: Vec<(&Report, f32)> = all.iter().filter(|(is_odd, _)| *is_odd == odd).map(|(_, report)| (*report, 1.0)).collect();
        fitted(&half, ROUNDS)
    };
    let (even, odd) = (half(false), half(true));
    let is_contradicted = |(is_odd, report): &(bool, &Report)| {
        let others = if *is_odd { &even } else { &odd };
        contradicts(moved(others, &report.sketch)[0], report.label)
    };
    let contradicted: Vec<bool> = all.iter().map(is_contradicted).collect();
    let share = contradicted.iter().filter(|is_contradicted| **is_contradicted).count() as f32 / all.len() as f32;
    let doubted = if share > CONTRADICTIONS_MAX { DOUBTED_IMPORTANCE } else { 1.0 };
    all.into_iter().zip(contradicted).map(|((_, report), is_contradicted)| (report, if is_contradicted { doubted } else { 1.0 })).collect()
}

/// Half of all digests.
fn is_odd(message: &Digest) -> bool {
    message.iter().fold(0, |sum, octet| sum ^ octet).count_ones() % 2 == 1
}
