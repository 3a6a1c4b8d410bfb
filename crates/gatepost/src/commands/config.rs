//! `gatepost config`: the settings reference, and whether a file is right.

use super::Place;
use crate::output::{self, Exit};
use crate::settings::reference;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print every setting with its default and meaning.
    Reference,
    /// Read the settings file and say whether it is right.
    Check,
}

pub fn run(place: &Place, config: Config) -> anyhow::Result<Exit> {
    match config.verb {
        Verb::Reference => output::line(reference::print().trim_end())?,
        Verb::Check => {
            place.chosen()?;
            output::line("The settings are right.")?;
        }
    }
    Ok(Exit::Done)
}
