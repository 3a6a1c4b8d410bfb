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
    keep_pages_small();
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

/// Huge pages hold memory that was needed once: with messages of 500 KB in fifty sessions 165 MiB instead of 111, for no gain in time.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    // SAFETY: sets a flag of this process and touches no memory. Where the kernel refuses, pages stay as they are.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

#[cfg(not(target_os = "linux"))]
fn keep_pages_small() {}
