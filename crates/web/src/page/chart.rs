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

/// One point of a curve, in the unit square.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    pub at: (f64, f64),
    /// Shown when the pointer is over it.
    pub says: String,
    pub is_marked: bool,
}

/// What stands along the sides of a curve: places in the unit interval and their words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axes {
    pub across: Vec<(f64, String)>,
    pub up: Vec<(f64, String)>,
    pub across_title: String,
}

/// Points joined in their order. `says` is the chart in a sentence.
pub fn curve(dots: &[Dot], axes: &Axes, says: &str) -> String {
    const ABOVE: f64 = 10.0;
    let dots = &dots[..dots.len().min(BARS_MAX)];
    let (left, below) = (LEFT as f64 + 14.0, BELOW + 20);
    let x = |share: f64| left + share.clamp(0.0, 1.0) * (WIDTH as f64 - left - 24.0);
    let y = |share: f64| ABOVE + (1.0 - share.clamp(0.0, 1.0)) * (HEIGHT as f64 - ABOVE);
    let mut svg = format!("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {WIDTH} {}\" aria-label=\"{}\">", HEIGHT + below, escaped(says));
    for (share, words) in &axes.up {
        let y = y(*share);
        svg.push_str(&format!("<line class=\"grid\" x1=\"{left}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
        svg.push_str(&format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", left - 6.0, (y + 4.0).max(10.0), escaped(words)));
    }
    for (share, words) in &axes.across {
        let x = x(*share);
        svg.push_str(&format!("<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{ABOVE}\" y2=\"{HEIGHT}\"/>"));
        svg.push_str(&format!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", HEIGHT + 16, escaped(words)));
    }
    svg.push_str(&format!("<text x=\"{left}\" y=\"{}\">{}</text>", HEIGHT + below - 4, escaped(&axes.across_title)));
    let places: Vec<String> = dots.iter().map(|dot| format!("{:.1},{:.1}", x(dot.at.0), y(dot.at.1))).collect();
    svg.push_str(&format!("<polyline class=\"curve\" points=\"{}\"/>", places.join(" ")));
    for dot in dots {
        let (class, radius) = if dot.is_marked { ("s2", 7) } else { ("s0", 4) };
        let (cx, cy) = (x(dot.at.0), y(dot.at.1));
        svg.push_str(&format!(
            "<g><title>{}</title><circle class=\"{class}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"{radius}\"/></g>",
            escaped(&dot.says)
        ));
    }
    svg.push_str("</svg>");
    svg
}
