//! The `gatepost` command: settings, wiring, and one sub-command per task.

mod commands;
mod demo;
mod open;
mod output;
mod serve;
mod settings;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = match commands::Command::try_parse() {
        Ok(command) => command,
        Err(why) => {
            let _ = why.print();
            // --help and --version are no mistakes.
            return if why.use_stderr() { output::Exit::WrongUse.into() } else { ExitCode::SUCCESS };
        }
    };
    match commands::run(command) {
        Ok(exit) => exit.into(),
        Err(why) => output::failed(&why),
    }
}
