//! Pictures as grey pixels, for what is drawn in them to be read.
//!
//! In: octets of a PNG, JPEG or GIF. Out: a [`Grey`], or `None` when it is too large, broken or of another kind.
//! Invariant: the size is read and paid for before anything is decoded, so a small file cannot unfold into a large picture.

use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Longest side of a picture that is decoded.
pub(super) const SIDE_PIXELS_MAX: usize = 4_000;
/// Passes over a progressive JPEG; honest ones have about ten.
const JPEG_SCANS_MAX: usize = 24;

/// Eight bits a pixel, 0 is black; row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

impl Grey {
    pub(super) fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Grey> {
        (width > 0 && height > 0 && pixels.len() == width.checked_mul(height)?).then_some(Grey { width, height, pixels })
    }

    /// Half as wide and high; each pixel is the mean of four.
    pub(super) fn halved(&self) -> Grey {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let upper = &self.pixels[2 * y * self.width..][..self.width];
            let lower = &self.pixels[(2 * y + 1) * self.width..][..self.width];
            pixels.extend(upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0).map(|(upper, lower)| {
                let sum: u32 = upper.iter().chain(lower).map(|pixel| u32::from(*pixel)).sum();
                (sum / 4) as u8 // a mean of octets is one
            }));
        }
        Grey { width, height, pixels }
    }

    /// Each pixel as a square of `times` by `times`.
    pub(super) fn enlarged(&self, times: usize) -> Grey {
        let mut pixels = Vec::with_capacity(self.pixels.len() * times * times);
        for row in self.pixels.chunks_exact(self.width) {
            let wide: Vec<u8> = row.iter().flat_map(|pixel| std::iter::repeat_n(*pixel, times)).collect();
            (0..times).for_each(|_| pixels.extend_from_slice(&wide));
        }
        Grey { width: self.width * times, height: self.height * times, pixels }
    }
}

/// Decodes a picture whose decoded size in octets is within `pay`'s purse: it is asked once, before decoding.
pub(super) fn decode(octets: &[u8], pay: &mut dyn FnMut(usize) -> bool) -> Option<Grey> {
    if octets.starts_with(b"\x89PNG") {
        png(octets, pay)
    } else if octets.starts_with(&[0xff, 0xd8, 0xff]) {
        jpeg(octets, pay)
    } else if octets.starts_with(b"GIF8") {
        gif(octets, pay)
    } else {
        None
    }
}

fn fits(width: usize, height: usize) -> bool {
    (1..=SIDE_PIXELS_MAX).contains(&width) && (1..=SIDE_PIXELS_MAX).contains(&height)
}

fn png(octets: &[u8], pay: &mut dyn FnMut(usize) -> bool) -> Option<Grey> {
    let limits = png::Limits { bytes: 4 * SIDE_PIXELS_MAX * SIDE_PIXELS_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(octets), limits);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let size = reader.output_buffer_size()?;
    if !fits(width, height) || !pay(size) {
        return None;
    }
    let mut raw = vec![0; size];
    let frame = reader.next_frame(&mut raw).ok()?;
    raw.truncate(frame.buffer_size());
    let pixels = match frame.color_type {
        png::ColorType::Grayscale => raw,
        png::ColorType::GrayscaleAlpha => raw.chunks_exact(2).map(|pixel| on_white(pixel[0], pixel[1])).collect(),
        png::ColorType::Rgb => raw.chunks_exact(3).map(|pixel| grey(pixel[0], pixel[1], pixel[2])).collect(),
        png::ColorType::Rgba => raw.chunks_exact(4).map(|pixel| on_white(grey(pixel[0], pixel[1], pixel[2]), pixel[3])).collect(),
        png::ColorType::Indexed => return None, // EXPAND leaves none
    };
    Grey::new(width, height, pixels)
}

pub(super) fn jpeg(octets: &[u8], pay: &mut dyn FnMut(usize) -> bool) -> Option<Grey> {
    let options = DecoderOptions::default()
        .set_max_width(SIDE_PIXELS_MAX)
        .set_max_height(SIDE_PIXELS_MAX)
        .jpeg_set_max_scans(JPEG_SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(octets), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    // A JPEG costs about three times the work of a flat picture of its size.
    if !fits(width, height) || !pay(width * height * 3) {
        return None;
    }
    Grey::new(width, height, decoder.decode().ok()?)
}

/// The first picture of a GIF.
fn gif(octets: &[u8], pay: &mut dyn FnMut(usize) -> bool) -> Option<Grey> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(Cursor::new(octets)).ok()?;
    let frame = decoder.next_frame_info().ok()??;
    let (width, height, clear) = (usize::from(frame.width), usize::from(frame.height), frame.transparent);
    if !fits(width, height) || !pay(width * height) {
        return None;
    }
    let mut raw = vec![0; decoder.buffer_size()];
    let palette: Vec<u8> = decoder.palette().ok()?.chunks_exact(3).map(|colour| grey(colour[0], colour[1], colour[2])).collect();
    decoder.read_into_buffer(&mut raw).ok()?;
    let shade = |index: &u8| if Some(*index) == clear { 255 } else { palette.get(usize::from(*index)).copied().unwrap_or(255) };
    Grey::new(width, height, raw.iter().map(shade).collect())
}

/// ITU-R BT.601 luma in whole numbers.
pub(super) fn grey(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8 // weights add up to 256
}

/// What shows of a partly clear pixel on a white page.
fn on_white(grey: u8, alpha: u8) -> u8 {
    let (grey, alpha) = (u32::from(grey), u32::from(alpha));
    ((grey * alpha + 255 * (255 - alpha)) / 255) as u8 // between the two
}
