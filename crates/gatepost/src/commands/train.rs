//! `gatepost train`: makes a classifier model from labelled mail.

use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use detect::classify::Label;
use detect::classify::model::Counts;
use detect::classify::train::{self, Plan, Progress, Source, TrainError, Trained};
use detect::eval::curve::Curve;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Train {
    /// Where the model goes.
    #[arg(long, default_value = "gatepost.model", value_name = "OUT")]
    model: PathBuf,
    /// Wanted mail: a file, mbox or folder. May be given more than once; each is one source.
    #[arg(long, required = true, value_name = "PATH")]
    ham: Vec<PathBuf>,
    /// Spam.
    #[arg(long, value_name = "PATH")]
    spam: Vec<PathBuf>,
    /// Phishing.
    #[arg(long, value_name = "PATH")]
    phish: Vec<PathBuf>,
    /// Mail that went to many and is wanted: newsletters, offers one signed up for.
    #[arg(long, value_name = "PATH")]
    bulk: Vec<PathBuf>,
    /// A file of patterns to make mail from; see docs/model.md.
    #[arg(long, value_name = "FILE")]
    made: Vec<PathBuf>,
    /// Write what each threshold costs and brings, measured on mail held out, into this file.
    #[arg(long, value_name = "FILE")]
    curve: Option<PathBuf>,
    /// Same mail and same seed give the same octets.
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(train: Train) -> anyhow::Result<Exit> {
    if train.spam.is_empty() && train.phish.is_empty() {
        return Err(WrongUse("give --spam or --phish beside --ham: a model needs both sides".into()).into());
    }
    let labelled = [(Label::Ham, train.ham), (Label::Spam, train.spam), (Label::Phish, train.phish), (Label::Bulk, train.bulk)];
    let real = labelled.into_iter().flat_map(|(label, paths)| paths.into_iter().map(move |path| Source::Real { label, path }));
    let sources: Vec<Source> = real.chain(train.made.into_iter().map(|path| Source::Made { path })).collect();
    let plan = Plan { seed: train.seed.unwrap_or(Plan::default().seed), ..Plan::default() };
    let bar = output::progress(2, "training");
    let mut step = "";
    let mut show = |progress: Progress| {
        if progress.step != step {
            step = progress.step;
            bar.set_message(step);
        }
        bar.set_length(progress.of as u64);
        bar.set_position(progress.done as u64);
    };
    let trained = train::run(&sources, &plan, &mut show).map_err(wrong_use)?;
    bar.finish_and_clear();
    std::fs::write(&train.model, &trained.model).with_context(|| format!("writing {}", train.model.display()))?;
    output::line(&format!("{}: {}", train.model.display(), trained.summary()))?;
    if let Some(file) = &train.curve {
        write_curve(file, &trained)?;
    }
    Ok(Exit::Done)
}

/// The curve of this model, to be shipped beside it.
fn write_curve(file: &Path, trained: &Trained) -> anyhow::Result<()> {
    let model = gateway::intake::fingerprint(&trained.model);
    let date = jiff::Timestamp::from_millisecond(output::now_ms())?.strftime("%Y-%m-%d").to_string();
    let Counts { ham, spam, phish, bulk } = trained.trained_on;
    let source = format!(
        "{} real messages held out of training (whole set: {ham} ham, {bulk} bulk, {spam} spam, {phish} phish)",
        trained.held_out.len()
    );
    let curve = Curve::of(&trained.held_out, model, date, source);
    std::fs::write(file, serde_json::to_string_pretty(&curve)? + "\n").with_context(|| format!("writing {}", file.display()))
}

/// What training complains of is the mail it was given.
fn wrong_use(why: TrainError) -> anyhow::Error {
    let causes: Vec<String> =
        std::iter::successors(Some(&why as &dyn std::error::Error), |why| why.source()).map(ToString::to_string).collect();
    WrongUse(causes.join(": ")).into()
}
