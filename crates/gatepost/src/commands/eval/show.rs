//! Tables of an evaluation.

use crate::output;
use detect::classify::probability;
use detect::eval::whole::{Seen, Whole};
use detect::eval::{Entry, EvalReport, Judged, interval};

/// Samples of the bootstrap.
const DRAWS: usize = 1_000;
/// Reasons shown of a mistake.
const REASONS: usize = 3;

pub(super) fn report(report: &EvalReport) -> anyhow::Result<()> {
    let shown = |value: Option<f64>| value.map(|value| format!("{value:.3} %")).unwrap_or_else(|| "-".into());
    let area = report.one_minus_auc_pct.map(|rest| format!("{:.6}", 1.0 - rest / 100.0)).unwrap_or_else(|| "-".into());
    let rows = [
        ("messages", format!("{} ({} ham, {} spam, {} phish)", report.messages, report.ham, report.spam, report.phish)),
        ("ROC area", area),
        ("(1-ROCA)%", shown(report.one_minus_auc_pct)),
        ("caught, no ham lost", shown(report.caught_fp0)),
        ("caught, 0.1 % of ham lost", shown(report.caught_fp01)),
        ("caught, 1 % of ham lost", shown(report.caught_fp1)),
        ("caught at the default thresholds", shown(report.caught)),
        ("ham lost at the default thresholds", shown(report.lost)),
    ];
    table(&["FIGURE", "VALUE"], rows.into_iter().map(|(name, value)| vec![name.to_string(), value]).collect())
}

pub(super) fn intervals(judged: &[Judged], seed: u64) -> anyhow::Result<()> {
    let Some(found) = interval(judged, DRAWS, seed) else {
        return output::line("no intervals: there is only one side");
    };
    let row = |name: &str, (low, high): (f64, f64)| vec![name.to_string(), format!("{low:.4}"), format!("{high:.4}")];
    let rows = vec![row("(1-ROCA)%", found.one_minus_auc_pct), row("caught, 0.1 % of ham lost", found.caught_fp01)];
    table(&["95 % INTERVAL", "FROM", "TO"], rows)
}

pub(super) fn confusion(whole: &Whole) -> anyhow::Result<()> {
    let counts = whole.confusion();
    let rows =
        counts.iter().map(|((label, class), count)| vec![format!("{label:?}").to_lowercase(), class.name().into(), count.to_string()]);
    table(&["LABEL", "VERDICT", "MAILS"], rows.collect())
}

pub(super) fn checks(whole: &Whole) -> anyhow::Result<()> {
    let counts = whole.checks();
    let (ham, junk) = whole.seen.iter().fold((0usize, 0usize), |(ham, junk), seen| match seen.entry.label.is_junk() {
        true => (ham, junk + 1),
        false => (ham + 1, junk),
    });
    let share = |part: usize, of: usize| format!("{:.2} %", 100.0 * part as f64 / of.max(1) as f64);
    let rows = counts.iter().map(|(name, count)| {
        vec![
            name.clone(),
            share(count.junk, count.junk + count.ham),
            share(count.junk, junk),
            share(count.ham, ham),
            count.caught_more.to_string(),
            count.lost_more.to_string(),
        ]
    });
    table(&["CHECK", "PRECISION", "OF JUNK", "OF HAM", "JUNK CAUGHT ONLY WITH IT", "HAM LOST ONLY WITH IT"], rows.collect())
}

pub(super) fn worst(whole: &Whole, most: usize) -> anyhow::Result<()> {
    let (ham, junk) = whole.worst(most);
    for (title, seen) in [("Ham that would not arrive", ham), ("Junk that would arrive", junk)] {
        output::line(&format!("{title}: {}", seen.len()))?;
        seen.into_iter().try_for_each(mistake)?;
    }
    Ok(())
}

fn mistake(seen: &Seen) -> anyhow::Result<()> {
    let verdict = &seen.verdict;
    output::line(&format!(
        "  {}: {} (spam {:.3}, phish {:.3}; the classifier alone {:.3}, {:.3})",
        output::printable(&seen.entry.path.display().to_string()),
        verdict.class.name(),
        verdict.spam_probability,
        verdict.phish_probability,
        probability(seen.inspected.spam_log_odds),
        probability(seen.inspected.phish_log_odds),
    ))?;
    let mut reasons: Vec<_> = seen.inspected.findings.iter().filter(|finding| finding.weight != 0.0).collect();
    reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    for reason in reasons.into_iter().take(REASONS) {
        output::line(&format!("    {:+.1}  {}: {}", reason.weight, reason.check, reason.evidence))?;
    }
    Ok(())
}

/// The classifier's worst mistakes alone.
pub(super) fn mistakes(index: &[Entry], judged: &[Judged], most: usize) -> anyhow::Result<()> {
    for (title, is_junk) in [("Ham with the highest scores", false), ("Junk with the lowest scores", true)] {
        let mut wrong: Vec<(&Entry, &Judged)> = index.iter().zip(judged).filter(|(_, one)| one.label.is_junk() == is_junk).collect();
        wrong.sort_by(|a, b| if is_junk { a.1.score.total_cmp(&b.1.score) } else { b.1.score.total_cmp(&a.1.score) });
        output::line(title)?;
        for (entry, one) in wrong.into_iter().take(most) {
            output::line(&format!("  {:.4}  {}", probability(one.score), output::printable(&entry.path.display().to_string())))?;
        }
    }
    Ok(())
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
    output::table(head, &rows)
}
