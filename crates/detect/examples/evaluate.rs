//! Measures: `evaluate [--online] [--model FILE] INDEX`. Prints the report as JSON and the intervals.

use detect::classify::Model;
use detect::eval::{self, EvalReport, Options};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    let mut model = Model::built_in();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--online" => options.online = true,
            "--model" => model = Model::load(Path::new(&words.next().ok_or("--model needs a file")?))?.into(),
            index => {
                let judged = eval::judge(&eval::read_index(Path::new(index))?, &model, &options, &mut |_| {})?;
                println!("{}", serde_json::to_string(&EvalReport::of(&judged))?);
                println!("{}", serde_json::to_string(&eval::interval(&judged, 1_000, 1))?);
            }
        }
    }
    Ok(())
}
