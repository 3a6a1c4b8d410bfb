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
/// Full pages of each size that a thread keeps looking at; with the allocator's own 2, a server at rest holds 3 MiB more.
const FULL_PAGES_KEPT: std::ffi::c_long = 0;
/// `mi_option_purge_delay` and `mi_option_page_full_retain` in mimalloc's `mimalloc.h` (version 3); the binding has no names for them.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
const PAGE_FULL_RETAIN: libmimalloc_sys::mi_option_t = 36;

fn main() -> ExitCode {
    // SAFETY: sets numbers inside the allocator, before any thread of ours runs; an option that it does not know is ignored.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_AFTER_MS);
        libmimalloc_sys::mi_option_set(PAGE_FULL_RETAIN, FULL_PAGES_KEPT);
    }
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
