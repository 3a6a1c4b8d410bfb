//! Says what is wrong with a settings file: file, line, key, and what was probably meant.

/// One or two sentences for the operator.
pub fn describe(shown: &str, text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let place = match error.span() {
        Some(span) => format!("{shown}:{}", line_of(text, span.start)),
        None => shown.to_string(),
    };
    match unknown_key(message) {
        Some((key, known)) => match nearest(key, &known) {
            Some(meant) => format!("{place}: unknown key “{key}”; did you mean “{meant}”?"),
            None => format!("{place}: unknown key “{key}”; known here: {}", known.join(", ")),
        },
        None => format!("{place}: {}", message.trim_end()),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// serde's message is "unknown field `a`, expected one of `b`, `c`" or "…, expected `b`" or "…, expected `b` or `c`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((key, known))
}

/// The known key with the fewest changes, if there are few enough to be a slip.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let changes_max = (key.chars().count() / 3).max(1) + 1;
    let best = known.iter().map(|candidate| (changes(key, candidate), *candidate)).min()?;
    (best.0 <= changes_max).then_some(best.1)
}

/// Damerau-Levenshtein distance (adjacent swaps count once); keys are short.
fn changes(one: &str, other: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}
