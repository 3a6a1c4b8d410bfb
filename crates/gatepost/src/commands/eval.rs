//! `gatepost eval`: measures a model on labelled mail.

use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use detect::classify::Model;
use detect::eval::{self, EvalReport, Options};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Eval {
    /// Lines “ham|spam|phish<TAB>path”, in order.
    index: PathBuf,
    /// Model file; without it the one that ships.
    #[arg(long, value_name = "M")]
    model: Option<PathBuf>,
    /// Learn each message after judging it, from nothing.
    #[arg(long)]
    online: bool,
    /// Print one JSON line at the end.
    #[arg(long)]
    json: bool,
}

pub fn run(eval: Eval) -> anyhow::Result<Exit> {
    let index = eval::read_index(&eval.index).map_err(|why| WrongUse(causes(&why)))?;
    let model = match &eval.model {
        Some(path) => Arc::new(Model::load(path).with_context(|| format!("the model {}", path.display()))?),
        None => Model::built_in(),
    };
    let bar = output::progress(index.len() as u64, "judging");
    let options = Options { online: eval.online, ..Options::default() };
    let report = eval::run(&index, &model, &options, &mut |done| bar.set_position(done as u64)).map_err(|why| WrongUse(causes(&why)))?;
    bar.finish_and_clear();
    match eval.json {
        true => output::json(&report)?,
        false => print(&report)?,
    }
    Ok(Exit::Done)
}

fn causes(why: &dyn std::error::Error) -> String {
    let causes: Vec<String> = std::iter::successors(Some(why), |why| why.source()).map(ToString::to_string).collect();
    causes.join(": ")
}

fn print(report: &EvalReport) -> anyhow::Result<()> {
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
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_string(), value]).collect();
    output::table(&["FIGURE", "VALUE"], &rows)
}
