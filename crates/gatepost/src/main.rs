//! The `gatepost` command: settings, wiring, and one sub-command per task.

mod backup;
mod commands;
mod demo;
mod doctor;
mod migrate;
mod open;
mod output;
mod serve;
mod settings;
mod traces;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Freed pages go back to the system after this many milliseconds. The allocator's own default keeps them for a second: with 200 sessions
/// that each send 500 KB the process then holds 242 MiB, with this value 168, for no measurable time.
const PURGE_AFTER_MS: std::ffi::c_long = 10;
/// `mi_option_purge_delay` in mimalloc's `mimalloc.h`; the binding has no name for it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // SAFETY: sets a number inside the allocator, before any thread of ours runs; an option that it does not know is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_AFTER_MS) };
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
