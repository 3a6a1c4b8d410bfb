//! Words and patterns as one regular expression a condition. Linear in time by construction (the `regex` crate has no backtracking),
//! bounded in memory by the limits here, so no pattern can run away.

use regex::{Regex, RegexBuilder};

/// Values of one condition.
pub const VALUES_MAX: usize = 500;
/// Characters of one value.
pub const VALUE_CHARS_MAX: usize = 500;
/// Patterns of one condition: each costs more than a word.
pub const PATTERNS_MAX: usize = 50;
/// Octets of one compiled condition.
const COMPILED_OCTETS_MAX: usize = 1 << 20;
/// Octets of its cache while it runs.
const CACHE_OCTETS_MAX: usize = 2 << 20;
/// Groups in groups.
const NEST_MAX: u32 = 40;

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is what the `regex` crate says, at most [`WHY_CHARS_MAX`] characters.
    #[error("“{pattern}”: {why}")]
    Syntax { pattern: String, why: String },
    /// Compiled it would need more memory than a rule may.
    #[error("“{0}” unfolds to more than a rule may use; use fewer or smaller repetitions")]
    TooLarge(String),
    /// It holds for the empty text, and so for every mail.
    #[error("“{0}” matches everything, even an empty text")]
    Everything(String),
}

const WHY_CHARS_MAX: usize = 200;

/// One expression for any of these patterns, in any case.
/// # Errors
/// The first pattern that cannot be used.
pub fn patterns(values: &[String]) -> Result<Regex, PatternError> {
    for value in values {
        let alone = compile(value).map_err(|why| explained(value, &why))?;
        if alone.is_match("") {
            return Err(PatternError::Everything(value.clone()));
        }
    }
    let joined: Vec<String> = values.iter().map(|value| format!("(?:{value})")).collect();
    compile(&joined.join("|")).map_err(|why| explained(&values.join(" | "), &why))
}

/// One expression for any of these words, as whole words where they are of letters that stand between spaces.
/// # Errors
/// Together they need more memory than a rule may use.
pub fn words(values: &[String]) -> Result<Regex, PatternError> {
    let joined: Vec<String> = values.iter().map(|value| word(value.trim())).collect();
    compile(&joined.join("|")).map_err(|why| explained(&values.join(", "), &why))
}

/// Chinese, Japanese and the like have no spaces between words: only a letter of ASCII at an end asks for an end of the word there.
fn word(text: &str) -> String {
    let is_bounded = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let start = if is_bounded(text.chars().next()) { r"(?-u:\b)" } else { "" };
    let end = if is_bounded(text.chars().last()) { r"(?-u:\b)" } else { "" };
    format!("{start}{}{end}", regex::escape(text))
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(true).size_limit(COMPILED_OCTETS_MAX).dfa_size_limit(CACHE_OCTETS_MAX).nest_limit(NEST_MAX).build()
}

fn explained(pattern: &str, why: &regex::Error) -> PatternError {
    let shown: String = pattern.chars().take(VALUE_CHARS_MAX).collect();
    match why {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge(shown),
        other => {
            // The last line of a syntax error says what it is; those before draw it.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            PatternError::Syntax { pattern: shown, why: last.chars().take(WHY_CHARS_MAX).collect() }
        }
    }
}
