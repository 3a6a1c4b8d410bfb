//! What recipients said about mail of one sender, as a change of its bulk level.
//!
//! In: the level by header marks and a [`Volume`]. Out: the level after it. Shares are judged only over enough mails that
//! one person's opinion does not decide.

use crate::acquaintance::Volume;

/// Fewer mails than this say nothing.
const MAILS_MIN: u32 = 100;
/// Complaints per thousand mails: large providers ask senders to stay below 1 and cut them off at 3.
const FEW_PER_MILLE: f32 = 1.0;
const MANY_PER_MILLE: f32 = 3.0;
const MOST_PER_MILLE: f32 = 10.0;
/// A sender without any mark of bulk who is complained about by this many is one all the same.
const UNMARKED_LEVEL: u8 = 6;

pub fn adjusted(level: u8, volume: &Volume) -> u8 {
    let Some(mails) = volume.mails.filter(|mails| *mails >= MAILS_MIN) else { return level };
    let Some(complaints) = volume.complaints else { return level };
    let per_mille = complaints as f32 * 1000.0 / mails as f32;
    let is_wanted = volume.wanted.is_some_and(|wanted| wanted > complaints * 2);
    if level == 0 {
        return if per_mille >= MOST_PER_MILLE { UNMARKED_LEVEL } else { 0 };
    }
    match per_mille {
        share if share >= MOST_PER_MILLE => (level + 4).min(9),
        share if share >= MANY_PER_MILLE => (level + 2).min(9),
        share if share >= FEW_PER_MILLE => level,
        _ if is_wanted => level.saturating_sub(2).max(1),
        _ => level.saturating_sub(1).max(1),
    }
}

/// For people.
pub fn said(before: u8, after: u8, volume: &Volume) -> String {
    let count = |value: Option<u32>| value.unwrap_or(0);
    format!(
        "level {before} by its header, {after} by its recipients: {} of {} mails were called junk, {} were wanted",
        count(volume.complaints),
        count(volume.mails),
        count(volume.wanted)
    )
}
