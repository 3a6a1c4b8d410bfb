//! `gatepost eval`: measures a model, or the whole judgement, on labelled mail.

mod lines;
mod show;

use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use detect::classify::Model;
use detect::eval::chart::Chart;
use detect::eval::whole::Whole;
use detect::eval::{self, Entry, EvalReport, Judged, Online, Options};
use detect::{Detector, Thresholds};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Eval {
    /// Lines “ham|spam|phish|bulk<TAB>path”, in order.
    #[arg(required_unless_present = "lines")]
    index: Option<PathBuf>,
    /// Model file; without it the one that ships.
    #[arg(long, value_name = "M")]
    model: Option<PathBuf>,
    /// Learn each message after judging it: the model's opinion first, and what was learned here as far as it has proved right. An
    /// installation learns what people report instead (--reports).
    #[arg(long)]
    online: bool,
    /// With --online: begin with nothing instead of the model's opinion, as filters that ship without a model do.
    #[arg(long, conflicts_with = "from_model")]
    from_nothing: bool,
    /// With --lines: begin with the model's opinion instead of nothing. --online does so by itself.
    #[arg(long)]
    from_model: bool,
    /// With --online: learn as the service learns what people report, by a delta of one organisation, instead of every mail.
    #[arg(long, conflicts_with = "from_nothing")]
    reports: bool,
    /// With --online: only junk is ever labelled, as where people report what annoys them and nothing else.
    #[arg(long)]
    junk_only: bool,
    /// With --online: the label of a message is known only this many messages later.
    #[arg(long, default_value_t = 0, value_name = "N")]
    delay: usize,
    /// With --online: share of labels that are wrong, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    noise: f64,
    /// Seed for the wrong labels and the intervals.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Judge with every inspection, network off; shows what each is worth.
    #[arg(long, conflicts_with = "online")]
    whole: bool,
    /// Write roc.png and calibration.png into this folder.
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Show this many of the worst mistakes.
    #[arg(long, default_value_t = 0, value_name = "N")]
    worst: usize,
    /// Show 95 % intervals by the bootstrap.
    #[arg(long)]
    intervals: bool,
    /// Read lines “L 1 PATH” (learn spam), “L 0 PATH” (learn ham) and “S PATH” (answer a score) from standard input.
    #[arg(long)]
    lines: bool,
    /// Print one JSON line at the end.
    #[arg(long)]
    json: bool,
}

pub fn run(eval: Eval) -> anyhow::Result<Exit> {
    let model = match &eval.model {
        Some(path) => Arc::new(Model::load(path).with_context(|| format!("the model {}", path.display()))?),
        None => Model::built_in(),
    };
    // Driven by lines it stands beside filters that know nothing before they are taught.
    let from_nothing = eval.from_nothing || eval.lines && !eval.from_model;
    let (delay, noise, seed) = (eval.delay, eval.noise, eval.seed);
    let online = Online { delay, noise, seed, from_nothing, reports: eval.reports, junk_only: eval.junk_only };
    if !(0.0..=1.0).contains(&eval.noise) {
        return Err(WrongUse("--noise is a share, from 0 to 1".into()).into());
    }
    let Some(index) = eval.index.as_deref().filter(|_| !eval.lines) else {
        lines::run(online, &model)?;
        return Ok(Exit::Done);
    };
    let index = eval::read_index(index).map_err(|why| WrongUse(causes(&why)))?;
    let judged = match eval.whole {
        true => whole(&eval, &index, model)?,
        false => classifier(&eval, &index, &model, Options { online: eval.online.then_some(online), ..Options::default() })?,
    };
    if let Some(folder) = &eval.charts {
        write_charts(folder, &judged)?;
    }
    if eval.intervals {
        show::intervals(&judged, eval.seed)?;
    }
    let report = EvalReport::of(&judged);
    match eval.json {
        true => output::json(&report)?,
        false => show::report(&report)?,
    }
    Ok(Exit::Done)
}

fn classifier(eval: &Eval, index: &[Entry], model: &Model, options: Options) -> anyhow::Result<Vec<Judged>> {
    let bar = output::progress(index.len() as u64, "judging");
    let judged = eval::judge(index, model, &options, &mut |done| bar.set_position(done as u64)).map_err(|why| WrongUse(causes(&why)))?;
    bar.finish_and_clear();
    if eval.worst > 0 {
        show::mistakes(index, &judged, eval.worst)?;
    }
    Ok(judged)
}

fn whole(eval: &Eval, index: &[Entry], model: Arc<Model>) -> anyhow::Result<Vec<Judged>> {
    let bar = output::progress(index.len() as u64, "inspecting");
    let detector = Detector::built_in().with_model(model);
    let judging = async { Whole::of(index, &detector, Thresholds::default(), &mut |done| bar.set_position(done as u64)).await };
    let whole = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(judging);
    let whole = whole.map_err(|why| WrongUse(causes(&why)))?;
    bar.finish_and_clear();
    if !eval.json {
        show::confusion(&whole)?;
        show::checks(&whole)?;
    }
    if eval.worst > 0 {
        show::worst(&whole, eval.worst)?;
    }
    Ok(whole.judged())
}

fn write_charts(folder: &Path, judged: &[Judged]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // What matters happens in the first hundredth: the share of ham lost is drawn as its fourth root, 1 % at 0.32.
    let roc: Vec<(f64, f64)> = eval::roc(judged).into_iter().map(|(lost, caught)| (lost.powf(0.25), caught)).collect();
    let bins: Vec<(f64, f64)> = eval::calibration(judged).iter().map(|bin| (bin.said, bin.was)).collect();
    let roc = Chart { points: &roc, diagonal: false, dots: false };
    let calibration = Chart { points: &bins, diagonal: true, dots: true };
    for (name, chart) in [("roc.png", roc), ("calibration.png", calibration)] {
        let path = folder.join(name);
        std::fs::write(&path, chart.png()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn causes(why: &dyn std::error::Error) -> String {
    let causes: Vec<String> = std::iter::successors(Some(why), |why| why.source()).map(ToString::to_string).collect();
    causes.join(": ")
}
