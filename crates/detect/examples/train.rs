//! Trains a model: `train OUT [--ham PATH | --spam PATH | --phish PATH | --bulk PATH | --made FILE]...`.
//!
//! `docs/model.md` has the command that made the shipped model.

use detect::classify::Label;
use detect::classify::train::{self, Plan, Source};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(out) = words.next() else {
        eprintln!("use: train OUT [--ham PATH | --spam PATH | --phish PATH | --bulk PATH | --made FILE]...");
        return ExitCode::from(2);
    };
    let mut sources = Vec::new();
    while let (Some(flag), Some(path)) = (words.next(), words.next()) {
        match flag.strip_prefix("--").and_then(Label::read) {
            Some(label) => sources.push(Source::Real { label, path: path.into() }),
            None if flag == "--made" => sources.push(Source::Made { path: path.into() }),
            None => {
                eprintln!("{flag}: expected --ham, --spam, --phish, --bulk or --made");
                return ExitCode::from(2);
            }
        }
    }
    let mut shown = "";
    let trained = train::run(&sources, &Plan::default(), &mut |progress| {
        if progress.step != shown {
            shown = progress.step;
            eprintln!("{shown}");
        }
    });
    match trained
        .map_err(|error| error.to_string())
        .and_then(|trained| std::fs::write(&out, &trained.model).map(|()| trained).map_err(|error| error.to_string()))
    {
        Ok(trained) => {
            println!("{}", trained.summary());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}
