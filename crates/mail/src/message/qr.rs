//! QR codes in pictures: links that stand in no text.
//!
//! In: pictures of a message, also those in a PDF or in HTML itself. Out: what the codes say. Invariant: decoding is paid
//! from one purse per message; a picture without the corner marks of a code costs one pass over every second row.

use super::pdf_picture;
use super::picture::{self, Grey};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Octets of decoded pictures in one message. About one photo of a megapixel; what is larger is not looked into.
pub(super) const DECODED_OCTETS_MAX: usize = 4 << 20;
/// Largest file looked into.
const FILE_OCTETS_MAX: usize = 2 << 20;
/// Pictures looked into in one PDF.
const PDF_PICTURES_MAX: usize = 8;
/// Pictures are halved until they have no more pixels; a code of 40 modules fills ten of them each.
const PIXELS_MAX: usize = 700_000;
/// Smaller pictures are enlarged, since a module of one pixel is too small to be found.
const SMALL_PIXELS_MAX: usize = 160;
/// Rows with a corner mark that make a closer look worth its cost: two corners at the top, each seven modules high.
const MARKED_ROWS_MIN: usize = 3;
/// Codes read in one picture.
const CODES_MAX: usize = 4;
/// Longest text kept of one code: version 40 holds 2,953 octets.
const CODE_OCTETS_MAX: usize = 2_953;

/// What the codes in this picture file say. `purse` is what is left of [`DECODED_OCTETS_MAX`].
pub(super) fn in_file(octets: &[u8], purse: &mut usize) -> Vec<String> {
    if octets.len() > FILE_OCTETS_MAX || *purse == 0 {
        return Vec::new();
    }
    // Decoders of others: a panic on a hostile picture must not end the reading of the mail.
    let read = || picture::decode(octets, &mut pay_from(purse)).map(|picture| in_picture(&picture));
    catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or_default()
}

/// What the codes in the pictures of a PDF say.
pub(super) fn in_pdf(octets: &[u8], purse: &mut usize) -> Vec<String> {
    let mut found = Vec::new();
    for place in pdf_picture::places(octets).take(PDF_PICTURES_MAX) {
        if *purse == 0 {
            break;
        }
        let read = || pdf_picture::decode(octets, place, &mut pay_from(purse)).map(|picture| in_picture(&picture));
        found.extend(catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or_default());
    }
    found
}

fn pay_from(purse: &mut usize) -> impl FnMut(usize) -> bool {
    move |octets| {
        let covered = octets <= *purse;
        *purse -= if covered { octets } else { 0 };
        covered
    }
}

fn in_picture(picture: &Grey) -> Vec<String> {
    let mut picture = std::borrow::Cow::Borrowed(picture);
    while picture.pixels.len() > PIXELS_MAX {
        picture = std::borrow::Cow::Owned(picture.halved());
    }
    let side = picture.width.min(picture.height);
    if side < 21 {
        return Vec::new(); // ISO/IEC 18004 §7.1: the smallest code has 21 modules a side
    }
    if picture.width.max(picture.height) <= SMALL_PIXELS_MAX {
        picture = std::borrow::Cow::Owned(picture.enlarged(4));
    }
    let threshold = threshold(&picture);
    for is_inverted in [false, true] {
        if has_corner_marks(&picture, threshold, is_inverted) {
            let codes = read_codes(&picture, is_inverted);
            if !codes.is_empty() {
                return codes;
            }
        }
    }
    Vec::new()
}

fn read_codes(picture: &Grey, is_inverted: bool) -> Vec<String> {
    // A quiet zone may be missing: four modules of the background around the picture (ISO/IEC 18004 §9.1).
    const BORDER: usize = 16;
    let flip = if is_inverted { 255 } else { 0 };
    let shade = |x: usize, y: usize| {
        let (x, y) = (x.wrapping_sub(BORDER), y.wrapping_sub(BORDER));
        if x < picture.width && y < picture.height { picture.pixels[y * picture.width + x] ^ flip } else { 255 }
    };
    let (width, height) = (picture.width + 2 * BORDER, picture.height + 2 * BORDER);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let codes = image.detect_grids().into_iter().take(CODES_MAX).filter_map(|grid| grid.decode().ok());
    codes.map(|(_, text)| text).filter(|text| !text.is_empty() && text.len() <= CODE_OCTETS_MAX).collect()
}

/// Between the darkest and the lightest pixel.
fn threshold(picture: &Grey) -> u8 {
    let (dark, light) = picture.pixels.iter().step_by(7).fold((255u8, 0u8), |(dark, light), pixel| (dark.min(*pixel), light.max(*pixel)));
    dark.midpoint(light)
}

/// ISO/IEC 18004 §6.3.3: a line through a corner mark is dark, light, dark, light, dark in the ratio 1:1:3:1:1.
fn has_corner_marks(picture: &Grey, threshold: u8, is_inverted: bool) -> bool {
    let marked = picture.pixels.chunks_exact(picture.width).step_by(2).filter(|row| is_marked(row, threshold, is_inverted));
    marked.take(MARKED_ROWS_MIN).count() == MARKED_ROWS_MIN
}

fn is_marked(row: &[u8], threshold: u8, is_inverted: bool) -> bool {
    let mut runs = [0usize; 5];
    let mut rest = row;
    let mut is_dark = false;
    while let Some(first) = rest.first() {
        is_dark = (*first <= threshold) != is_inverted;
        let length = rest.iter().position(|pixel| ((*pixel <= threshold) != is_inverted) != is_dark).unwrap_or(rest.len());
        runs.rotate_left(1);
        runs[4] = length;
        if is_dark && is_corner(&runs) {
            return true;
        }
        rest = &rest[length..];
    }
    is_dark && is_corner(&runs)
}

fn is_corner(runs: &[usize; 5]) -> bool {
    let all: usize = runs.iter().sum();
    if runs[0] == 0 || all < 7 {
        return false;
    }
    // In sevenths of the whole, with half a module to spare.
    let near = |run: usize, modules: usize| (run * 14).abs_diff(modules * 2 * all) <= all + all / 2 * (modules / 3);
    near(runs[0], 1) && near(runs[1], 1) && near(runs[2], 3) && near(runs[3], 1) && near(runs[4], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corner_marks_are_told_from_stripes() {
        let row = |runs: &[usize]| -> Vec<u8> {
            runs.iter().enumerate().flat_map(|(at, run)| std::iter::repeat_n(if at % 2 == 0 { 255 } else { 0 }, *run)).collect()
        };
        for (runs, want) in [
            (&[8, 2, 2, 6, 2, 2, 9][..], true),
            (&[8, 3, 4, 10, 3, 4, 9], true),
            (&[8, 2, 2, 2, 2, 2, 9], false),
            (&[20], false),
            (&[8, 6, 2, 2, 2, 6, 9], false),
        ] {
            assert_eq!(is_marked(&row(runs), 127, false), want, "{runs:?}");
        }
    }

    #[test]
    fn a_picture_that_is_too_large_costs_nothing() {
        let mut purse = 10;
        let mut head = b"GIF89a".to_vec();
        head.extend([0xff, 0x0f, 0xff, 0x0f, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 0xff, 0x0f, 0xff, 0x0f, 0, 2]);
        assert_eq!(in_file(&head, &mut purse), Vec::<String>::new());
        assert_eq!(purse, 10);
        assert_eq!(in_file(b"\x89PNG\r\n\x1a\n broken", &mut purse), Vec::<String>::new());
    }
}
