//! QR codes as picture files.

use qrcodegen::{QrCode, QrCodeEcc};
use std::io::Write;

/// Modules of the quiet zone around a code (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;

/// Grey pixels, row by row.
pub struct Picture {
    pub side: usize,
    pub pixels: Vec<u8>,
}

/// A code for `text` with this many pixels a module.
pub fn code(text: &str, scale: usize, is_inverted: bool) -> Picture {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).expect("the text fits into a code");
    let modules = code.size() as usize + 2 * QUIET;
    let side = modules * scale;
    let mut pixels = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let module = |at: usize| (at / scale) as i32 - QUIET as i32;
            let is_dark = code.get_module(module(x), module(y));
            pixels.push(if is_dark != is_inverted { 0 } else { 255 });
        }
    }
    Picture { side, pixels }
}

/// Stripes of the same size, in which nothing can be read.
pub fn stripes(side: usize) -> Picture {
    let pixels = (0..side * side).map(|at| if (at % side / 8 + at / side / 24).is_multiple_of(2) { 40 } else { 220 }).collect();
    Picture { side, pixels }
}

impl Picture {
    pub fn png(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.side as u32, self.side as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header in memory");
        writer.write_image_data(&self.pixels).expect("the pixels fit");
        writer.finish().expect("an end in memory");
        out
    }

    pub fn jpeg(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut out, 75);
        encoder.encode(&self.pixels, self.side as u16, self.side as u16, jpeg_encoder::ColorType::Luma).expect("the pixels fit");
        out
    }

    pub fn gif(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let palette: Vec<u8> = (0..=255u8).flat_map(|shade| [shade, shade, shade]).collect();
        let mut encoder = gif::Encoder::new(&mut out, self.side as u16, self.side as u16, &palette).expect("a header in memory");
        let frame = gif::Frame {
            width: self.side as u16,
            height: self.side as u16,
            buffer: std::borrow::Cow::Borrowed(&self.pixels),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).expect("the pixels fit");
        drop(encoder);
        out
    }

    /// A PDF of one page with the picture on it, as grey octets or as a JPEG.
    pub fn pdf(&self, as_jpeg: bool) -> Vec<u8> {
        let (filter, data) = if as_jpeg { ("DCTDecode", self.jpeg()) } else { ("FlateDecode", deflated(&self.pixels)) };
        let mut out = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
            3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Resources << /XObject << /P 5 0 R >> >> /Contents 4 0 R >>\nendobj\n\
            4 0 obj\n<< /Length 31 >>\nstream\nq 200 0 0 200 50 50 cm /P Do Q\n\nendstream\nendobj\n"
            .to_vec();
        let head = format!(
            "5 0 obj\n<< /Type /XObject /Subtype /Image /Width {side} /Height {side} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /{filter} /Length {} >>\nstream\n",
            data.len(),
            side = self.side
        );
        out.extend(head.into_bytes());
        out.extend(data);
        out.extend(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R /Size 6 >>\n%%EOF\n");
        out
    }
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(octets).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
