//! Charts as PNG: a square with a frame, a grid, and one line of points. Pure; axes are described where the chart is shown.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// Pixels to a side of the plot, and of the empty border around it.
const SIDE: usize = 400;
const BORDER: usize = 20;
const WHOLE: usize = SIDE + 2 * BORDER;
/// Grid lines divide each axis in so many.
const GRID: usize = 10;

const PAPER: u8 = 255;
const LIGHT: u8 = 225;
const MIDDLE: u8 = 170;
const INK: u8 = 0;

/// A chart of points in the unit square, joined in their order; `diagonal` adds the line where both axes agree.
pub struct Chart<'a> {
    pub points: &'a [(f64, f64)],
    pub diagonal: bool,
    /// A dot on every point.
    pub dots: bool,
}

impl Chart<'_> {
    /// The chart as a PNG file, grey, 440 pixels square.
    pub fn png(&self) -> Vec<u8> {
        let mut canvas = Canvas { grey: vec![PAPER; WHOLE * WHOLE] };
        for at in 0..=GRID {
            let share = at as f64 / GRID as f64;
            let shade = if at == 0 || at == GRID { INK } else { LIGHT };
            canvas.line((share, 0.0), (share, 1.0), shade);
            canvas.line((0.0, share), (1.0, share), shade);
        }
        if self.diagonal {
            canvas.line((0.0, 0.0), (1.0, 1.0), MIDDLE);
        }
        for pair in self.points.windows(2) {
            canvas.line(pair[0], pair[1], INK);
        }
        if self.dots {
            self.points.iter().for_each(|point| canvas.dot(*point));
        }
        png(&canvas.grey)
    }
}

struct Canvas {
    grey: Vec<u8>,
}

impl Canvas {
    fn line(&mut self, from: (f64, f64), to: (f64, f64), shade: u8) {
        let (from, to) = (pixel(from), pixel(to));
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).max(1);
        for step in 0..=steps {
            self.set(from.0 + (to.0 - from.0) * step / steps, from.1 + (to.1 - from.1) * step / steps, shade);
        }
    }

    fn dot(&mut self, at: (f64, f64)) {
        let (x, y) = pixel(at);
        for dx in -2..=2 {
            for dy in -2..=2 {
                self.set(x + dx, y + dy, INK);
            }
        }
    }

    fn set(&mut self, x: i64, y: i64, shade: u8) {
        let inside = |at: i64| usize::try_from(at).ok().filter(|at| *at < WHOLE);
        if let (Some(x), Some(y)) = (inside(x), inside(y)) {
            self.grey[y * WHOLE + x] = shade;
        }
    }
}

/// Where a point of the unit square lies; what is outside, or no number, goes to the edge.
fn pixel((x, y): (f64, f64)) -> (i64, i64) {
    let at = |share: f64| if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) * (SIDE - 1) as f64 };
    (BORDER as i64 + at(x) as i64, (BORDER + SIDE - 1) as i64 - at(y) as i64)
}

/// A grey picture of `WHOLE` by `WHOLE` as PNG (ISO/IEC 15948): signature, header, data, end.
fn png(grey: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::from((WHOLE as u32).to_be_bytes());
    header.extend((WHOLE as u32).to_be_bytes());
    header.extend([8, 0, 0, 0, 0]); // depth, grey, deflate, filters, not interlaced
    chunk(&mut file, b"IHDR", &header);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in grey.chunks(WHOLE) {
        let written = zlib.write_all(&[0]).and_then(|()| zlib.write_all(row));
        debug_assert!(written.is_ok(), "memory takes every octet");
    }
    chunk(&mut file, b"IDAT", &zlib.finish().unwrap_or_default());
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    file.extend((content.len() as u32).to_be_bytes());
    let mut crc = flate2::Crc::new();
    for part in [kind.as_slice(), content] {
        crc.update(part);
        file.extend(part);
    }
    file.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_a_png_and_takes_any_point() {
        let points = [(0.0, 0.0), (0.5, f64::NAN), (f64::INFINITY, -3.0), (1.0, 1.0)];
        let file = Chart { points: &points, diagonal: true, dots: true }.png();
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\xb8\0\0\x01\xb8\x08\0"));
        assert!(file.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"), "the checksum of an empty end is well known");
        assert!(file != Chart { points: &[], diagonal: false, dots: false }.png());
    }
}
