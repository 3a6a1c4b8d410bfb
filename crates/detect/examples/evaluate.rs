//! Measures: `evaluate [--online] [--from-model] [--delay N] [--noise P] [--model FILE] INDEX`. Prints the report as JSON and the intervals.

use detect::classify::Model;
use detect::eval::{self, EvalReport, Online, Options};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut online: Option<Online> = None;
    let mut model = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--online" => drop(online.get_or_insert_default()),
            "--from-model" => online.get_or_insert_default().from_model = true,
            "--delay" => online.get_or_insert_default().delay = words.next().ok_or("--delay needs a number")?.parse()?,
            "--noise" => online.get_or_insert_default().noise = words.next().ok_or("--noise needs a share")?.parse()?,
            "--model" => model = Some(Model::load(Path::new(&words.next().ok_or("--model needs a file")?))?.into()),
            index => {
                let model = model.take().unwrap_or_else(Model::built_in);
                let options = Options { online, ..Options::default() };
                let judged = eval::judge(&eval::read_index(Path::new(index))?, &model, &options, &mut |_| {})?;
                println!("{}", serde_json::to_string(&EvalReport::of(&judged))?);
                println!("{}", serde_json::to_string(&eval::interval(&judged, 1_000, 1))?);
            }
        }
    }
    Ok(())
}
