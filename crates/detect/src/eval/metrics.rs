//! Figures over judged messages. Pure.
//!
//! The measures are those of the TREC spam track: area above the ROC curve in percent, and spam caught at a given share of
//! ham lost. "Positive" is spam or phish.

use crate::classify::Label;

/// One message, its true label and what was thought of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    pub label: Label,
    /// Higher is more junk; any monotone scale.
    pub score: f32,
    /// It would have been kept from the inbox at the thresholds in force.
    pub is_junk: bool,
}

/// What `gatepost eval --json` prints. Shares are in percent; `None` where there is no ham or no junk to measure on.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EvalReport {
    pub messages: u64,
    pub ham: u64,
    pub spam: u64,
    pub phish: u64,
    /// 100 × (1 − area under the ROC curve).
    pub one_minus_auc_pct: Option<f64>,
    /// Junk above a threshold that loses no ham.
    pub caught_fp0: Option<f64>,
    /// The same when 0.1 % of ham may be lost, and 1 %.
    pub caught_fp01: Option<f64>,
    pub caught_fp1: Option<f64>,
    /// Junk at or over the thresholds in force.
    pub caught: Option<f64>,
    /// Ham at or over the thresholds in force.
    pub lost: Option<f64>,
}

impl EvalReport {
    pub fn of(judged: &[Judged]) -> EvalReport {
        let count = |label| judged.iter().filter(|one| one.label == label).count() as u64;
        let ranked = Ranked::of(judged);
        let flagged = |junk: bool| {
            let (flagged, all) = judged
                .iter()
                .filter(|one| one.label.is_junk() == junk)
                .fold((0u64, 0u64), |(flagged, all), one| (flagged + u64::from(one.is_junk), all + 1));
            (all > 0).then(|| 100.0 * flagged as f64 / all as f64)
        };
        EvalReport {
            messages: judged.len() as u64,
            ham: count(Label::Ham) + count(Label::Bulk),
            spam: count(Label::Spam),
            phish: count(Label::Phish),
            one_minus_auc_pct: ranked.one_minus_auc_pct(),
            caught_fp0: ranked.caught_pct(0.0),
            caught_fp01: ranked.caught_pct(0.001),
            caught_fp1: ranked.caught_pct(0.01),
            caught: flagged(true),
            lost: flagged(false),
        }
    }

    /// Area under the ROC curve, 0 to 1.
    pub fn roc_area(&self) -> Option<f64> {
        self.one_minus_auc_pct.map(|pct| 1.0 - pct / 100.0)
    }
}

/// Corners of the ROC curve: share of ham lost, share of junk caught; none without both classes.
pub fn roc(judged: &[Judged]) -> Vec<(f64, f64)> {
    let ranked = Ranked::of(judged);
    let Some((ham, junk)) = ranked.totals() else { return Vec::new() };
    let (mut lost, mut caught) = (0.0, 0.0);
    let corners = ranked.groups.iter().map(|group| {
        (lost, caught) = (lost + group.0, caught + group.1);
        (lost / ham, caught / junk)
    });
    std::iter::once((0.0, 0.0)).chain(corners).collect()
}

/// Messages whose probability lies in one tenth of the scale.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    pub messages: usize,
    /// What was said of them, on average.
    pub said: f64,
    /// Share of them that is junk.
    pub was: f64,
}

/// What was said against what was, in ten bins; empty ones are left out. Scores are taken as log-odds.
pub fn calibration(judged: &[Judged]) -> Vec<Bin> {
    const BINS: usize = 10;
    let mut bins = [Bin::default(); BINS];
    for one in judged.iter().filter(|one| !one.score.is_nan()) {
        let said = f64::from(crate::classify::probability(one.score));
        let bin = &mut bins[((said * BINS as f64) as usize).min(BINS - 1)];
        bin.messages += 1;
        bin.said += said;
        bin.was += f64::from(u8::from(one.label.is_junk()));
    }
    let filled = bins.into_iter().filter(|bin| bin.messages > 0);
    filled.map(|bin| Bin { said: bin.said / bin.messages as f64, was: bin.was / bin.messages as f64, ..bin }).collect()
}

/// Messages in groups of equal score, highest first: weight of ham and of junk in each.
struct Ranked {
    groups: Vec<(f64, f64)>,
}

impl Ranked {
    fn of(judged: &[Judged]) -> Ranked {
        Ranked::weighted(&ordered(judged), |_| 1.0)
    }

    fn weighted(ordered: &[(usize, Judged)], weight: impl Fn(usize) -> f64) -> Ranked {
        let groups = ordered.chunk_by(|(_, a), (_, b)| a.score == b.score).map(|group| {
            group.iter().fold(
                (0.0, 0.0),
                |(ham, junk), (at, one)| {
                    if one.label.is_junk() { (ham, junk + weight(*at)) } else { (ham + weight(*at), junk) }
                },
            )
        });
        Ranked { groups: groups.collect() }
    }

    fn totals(&self) -> Option<(f64, f64)> {
        let (ham, junk) = self.groups.iter().fold((0.0, 0.0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
        (ham > 0.0 && junk > 0.0).then_some((ham, junk))
    }

    /// Share of pairs (ham, junk) in the wrong order; a tie counts half.
    fn one_minus_auc_pct(&self) -> Option<f64> {
        let (ham, junk) = self.totals()?;
        let (mut above, mut wrong) = (0.0, 0.0);
        for group in &self.groups {
            wrong += group.1 * (above + group.0 / 2.0);
            above += group.0;
        }
        Some(100.0 * wrong / (ham * junk))
    }

    /// Junk that scores higher than all ham but the share that may be lost.
    fn caught_pct(&self, lost_share_max: f64) -> Option<f64> {
        let (ham, junk) = self.totals()?;
        let lost_max = (lost_share_max * ham).floor();
        let (mut lost, mut caught) = (0.0, 0.0);
        for group in &self.groups {
            lost += group.0;
            if lost > lost_max {
                break;
            }
            caught += group.1;
        }
        Some(100.0 * caught / junk)
    }
}

/// Highest score first; a score that is not a number is the lowest there is.
fn ordered(judged: &[Judged]) -> Vec<(usize, Judged)> {
    let mut ordered: Vec<(usize, Judged)> = judged.iter().copied().enumerate().collect();
    for (_, one) in &mut ordered {
        if one.score.is_nan() {
            one.score = f32::NEG_INFINITY;
        }
    }
    ordered.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
    ordered
}

/// 95 % intervals by the bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    pub one_minus_auc_pct: (f64, f64),
    pub caught_fp01: (f64, f64),
}

/// Draws `draws` samples with replacement (1,000 is usual) and takes the middle 95 %. `None` without both classes.
pub fn interval(judged: &[Judged], draws: usize, seed: u64) -> Option<Interval> {
    let ordered = ordered(judged);
    Ranked::of(judged).totals()?;
    let (mut areas, mut caught, mut state) = (Vec::new(), Vec::new(), seed);
    for _ in 0..draws {
        let mut weights = vec![0u16; judged.len()];
        for _ in 0..judged.len() {
            let drawn = (splitmix(&mut state) % judged.len() as u64) as usize;
            weights[drawn] = weights[drawn].saturating_add(1);
        }
        let ranked = Ranked::weighted(&ordered, |at| f64::from(weights[at]));
        areas.extend(ranked.one_minus_auc_pct());
        caught.extend(ranked.caught_pct(0.001));
    }
    Some(Interval { one_minus_auc_pct: middle(areas)?, caught_fp01: middle(caught)? })
}

fn middle(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    Some((at(0.025), at(0.975)))
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
