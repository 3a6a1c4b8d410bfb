//! Charts as SVG made here: no script, printable, with a sentence for those who do not see it. The table behind stands beside it.

use super::table::escaped;

/// One row of bars stacked on each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What stands below it.
    pub label: String,
    /// One value a series.
    pub values: Vec<i64>,
}

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Room for labels below and numbers at the left.
const BELOW: i64 = 22;
const LEFT: i64 = 46;
/// Bars of one chart.
pub const BARS_MAX: usize = 400;
/// Labels that fit below.
const LABELS_MAX: usize = 8;

/// Bars over time, one colour and pattern a series (classes `s0`…`s5` of the stylesheet). `says` is the chart in a sentence.
pub fn stacked(bars: &[Bar], series: &[String], says: &str) -> String {
    let bars = &bars[..bars.len().min(BARS_MAX)];
    let top = nice(bars.iter().map(|bar| bar.values.iter().sum()).max().unwrap_or(0));
    let step = (WIDTH - LEFT) as f64 / bars.len().max(1) as f64;
    let mut svg = format!("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {WIDTH} {}\" aria-label=\"{}\">", HEIGHT + BELOW, escaped(says));
    for part in 0..=2 {
        let (y, value) = (HEIGHT - HEIGHT * part / 2, top * part / 2);
        svg.push_str(&format!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>"));
        svg.push_str(&format!("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{value}</text>", LEFT - 6, (y + 4).max(10)));
    }
    let every = bars.len().div_ceil(LABELS_MAX).max(1);
    for (n, bar) in bars.iter().enumerate() {
        let x = LEFT as f64 + step * n as f64;
        let mut y = HEIGHT as f64;
        let spoken: Vec<String> = series.iter().zip(&bar.values).map(|(name, value)| format!("{name} {value}")).collect();
        svg.push_str(&format!("<g><title>{}: {}</title>", escaped(&bar.label), escaped(&spoken.join(", "))));
        for (at, value) in bar.values.iter().enumerate().filter(|(_, value)| **value > 0) {
            let height = *value as f64 * HEIGHT as f64 / top as f64;
            y -= height;
            let width = (step * 0.8).max(1.0);
            svg.push_str(&format!("<rect class=\"s{at}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"));
        }
        svg.push_str("</g>");
        if n % every == 0 {
            svg.push_str(&format!("<text x=\"{x:.1}\" y=\"{}\">{}</text>", HEIGHT + BELOW - 6, escaped(&bar.label)));
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The next 1, 2 or 5 times a power of ten.
fn nice(top: i64) -> i64 {
    let mut size = 1_i64;
    while size < i64::MAX / 10 {
        for step in [2, 4, 10] {
            if size * step >= top {
                return size * step;
            }
        }
        size *= 10;
    }
    top.max(2)
}
