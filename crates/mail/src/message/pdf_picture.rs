//! Pictures inside a PDF, found without reading its object tree.
//!
//! In: a PDF. Out: the places of its image streams, and their pixels. Streams cannot lie in compressed objects (ISO 32000
//! §7.5.7), so every picture stands in the file in the open. Not here: pictures drawn line by line.

use super::picture::{self, Grey, SIDE_PIXELS_MAX, grey};
use flate2::{Decompress, FlushDecompress};
use memchr::memmem;
use std::ops::Range;

/// Longest dictionary of a picture looked at, and how far before "/Image" it may begin.
const DICTIONARY_OCTETS_MAX: usize = 1_500;
/// Mentions of pictures looked at in one file.
const MENTIONS_MAX: usize = 64;

/// The dictionary of a picture and where its stream starts.
#[derive(Debug, Clone)]
pub(super) struct Place {
    dictionary: Range<usize>,
    stream: usize,
}

/// The image streams of `pdf`, in order.
pub(super) fn places(pdf: &[u8]) -> impl Iterator<Item = Place> + '_ {
    memmem::find_iter(pdf, b"/Image").take(MENTIONS_MAX).filter_map(move |at| {
        // "/ImageMask", "/ImageB" are other names.
        if pdf.get(at + 6).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let floor = at.saturating_sub(DICTIONARY_OCTETS_MAX);
        let start = floor + memmem::rfind(&pdf[floor..at], b" obj").or_else(|| memmem::rfind(&pdf[floor..at], b"\nobj"))?;
        let ceiling = (at + DICTIONARY_OCTETS_MAX).min(pdf.len());
        let end = at + memmem::find(&pdf[at..ceiling], b"stream")?;
        if memmem::find(&pdf[at..end], b"endobj").is_some() {
            return None;
        }
        // ISO 32000 §7.3.8.1: "stream" is followed by CRLF or LF.
        let mut stream = end + b"stream".len();
        stream += usize::from(pdf.get(stream) == Some(&b'\r'));
        stream += usize::from(pdf.get(stream) == Some(&b'\n'));
        Some(Place { dictionary: start..end, stream })
    })
}

/// The pixels of the picture at `place`.
pub(super) fn decode(pdf: &[u8], place: Place, pay: &mut dyn FnMut(usize) -> bool) -> Option<Grey> {
    let dictionary = &pdf[place.dictionary];
    let rest = pdf.get(place.stream..)?;
    let stream = &rest[..memmem::find(rest, b"endstream").unwrap_or(rest.len())];
    let has = |word: &[u8]| memmem::find(dictionary, word).is_some();
    if has(b"DCTDecode") && !has(b"FlateDecode") {
        return picture::jpeg(stream, pay);
    }
    let (width, height) = (number(dictionary, b"/Width")?, number(dictionary, b"/Height")?);
    if !(1..=SIDE_PIXELS_MAX).contains(&width) || !(1..=SIDE_PIXELS_MAX).contains(&height) || has(b"CCITTFax") || has(b"JBIG2") {
        return None;
    }
    // At most four components of eight bits and a filter octet a row.
    let size_max = (width * 4 + 1).checked_mul(height)?;
    if !has(b"FlateDecode") {
        return raw_to_grey(dictionary, width, height, stream);
    }
    if !pay(size_max.min(width * height * 3)) {
        return None;
    }
    let raw = inflated(stream, size_max);
    if has(b"DCTDecode") {
        return picture::jpeg(&raw, pay);
    }
    raw_to_grey(dictionary, width, height, &raw)
}

fn inflated(stream: &[u8], octets_max: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets_max);
    // What comes before an error is shown by readers too.
    let _ = Decompress::new(true).decompress_vec(stream, &mut out, FlushDecompress::Finish);
    out
}

fn raw_to_grey(dictionary: &[u8], width: usize, height: usize, raw: &[u8]) -> Option<Grey> {
    let bits = number(dictionary, b"/BitsPerComponent").unwrap_or(1);
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return None;
    }
    let is_predicted = number(dictionary, b"/Predictor").is_some_and(|predictor| predictor >= 10);
    let filter = usize::from(is_predicted);
    // The number of components follows from the length, whatever the colour space is called.
    let row_of = |components: usize| (width * components * bits).div_ceil(8) + filter;
    let components = [1usize, 3, 4].into_iter().rev().find(|components| raw.len() >= row_of(*components) * height)?;
    let row_octets = row_of(components);
    let mut pixels = Vec::with_capacity(width * height);
    let mut above = vec![0u8; row_octets - filter];
    for row in raw.chunks_exact(row_octets).take(height) {
        let mut line = row[filter..].to_vec();
        if is_predicted {
            unfilter(row[0], &mut line, &above, (components * bits).div_ceil(8));
        }
        push_row(&mut pixels, &line, width, (components, bits));
        above = line;
    }
    Grey::new(width, height, pixels)
}

fn push_row(pixels: &mut Vec<u8>, line: &[u8], width: usize, (components, bits): (usize, usize)) {
    match (components, bits) {
        (3, 8) => pixels.extend(line.chunks_exact(3).map(|pixel| grey(pixel[0], pixel[1], pixel[2]))),
        (4, 8) => pixels.extend(line.chunks_exact(4).map(|pixel| 255 - pixel[3].max(grey(pixel[0], pixel[1], pixel[2])))),
        _ => {
            let most = (1usize << bits) - 1;
            for x in 0..width {
                let bit = x * components * bits;
                let value = usize::from(line[bit / 8]) >> (8 - bits - bit % 8) & most;
                pixels.push((value * 255 / most) as u8); // value is at most `most`
            }
        }
    }
}

/// PNG filters (ISO/IEC 15948 §9), which PDF takes over with predictors from 10 on.
fn unfilter(kind: u8, line: &mut [u8], above: &[u8], step: usize) {
    for at in 0..line.len() {
        let left = if at >= step { line[at - step] } else { 0 };
        let up = above.get(at).copied().unwrap_or(0);
        let corner = if at >= step { above.get(at - step).copied().unwrap_or(0) } else { 0 };
        let predicted = match kind {
            1 => left,
            2 => up,
            3 => left.midpoint(up),
            4 => paeth(left, up, corner),
            _ => 0,
        };
        line[at] = line[at].wrapping_add(predicted);
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i32::from(left) + i32::from(up) - i32::from(corner);
    let distance = |of: u8| (guess - i32::from(of)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

/// The number after a name in a dictionary.
fn number(dictionary: &[u8], name: &[u8]) -> Option<usize> {
    let at = memmem::find(dictionary, name)? + name.len();
    let rest = dictionary.get(at..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits.min(9)]).ok()?.parse().ok()
}
