//! The filter as a pipe, so that a benchmark drives it like any other: lines in, a number out for each “S”.

use crate::output::{self, WrongUse};
use detect::classify::{Label, Model, corpus};
use detect::eval::{Filter, Online};
use mail::Message;
use mail::message::Budget;
use std::io::{BufRead, Write};
use std::path::Path;

pub(super) fn run(online: Online, model: &Model) -> anyhow::Result<()> {
    let mut filter = Filter::new(online, Some(model));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let wrong = || WrongUse(format!("“{}”: expected “L 1 PATH”, “L 0 PATH” or “S PATH”", output::printable(&line)));
        match line.split_once(' ').ok_or_else(wrong)? {
            ("S", path) => {
                writeln!(out, "{}", filter.judge(&read(path)?).junk_log_odds())?;
                out.flush()?;
            }
            ("L", rest) => match rest.split_once(' ').ok_or_else(wrong)? {
                ("1", path) => filter.tell(&read(path)?, Label::Spam),
                ("0", path) => filter.tell(&read(path)?, Label::Ham),
                _ => return Err(wrong().into()),
            },
            _ => return Err(wrong().into()),
        }
    }
    Ok(())
}

fn read(path: &str) -> anyhow::Result<Message> {
    Ok(Message::parse(corpus::message(Path::new(path)).map_err(|why| WrongUse(super::causes(&why)))?, &Budget::default()))
}
