//! The few properties of CSS that decide whether a reader sees a text.
//!
//! In: the value of a `style` attribute, or colours of old HTML attributes. Out: a [`Look`], what one element changes.

/// Declarations read from one attribute.
const DECLARATIONS_MAX: usize = 64;
/// Longest `style` attribute read.
const STYLE_OCTETS_MAX: usize = 8 << 10;
/// A distance to the left or top past which a text lies off the screen, in pixels.
const OFF_SCREEN_PX: f32 = -500.0;
/// Text this small is not read, in pixels.
const TINY_PX: f32 = 1.5;
/// Colours whose channels differ by less are one colour to a reader.
const CHANNEL_NEAR: u8 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8);

pub(super) const BLACK: Colour = Colour(0, 0, 0);
pub(super) const WHITE: Colour = Colour(255, 255, 255);
pub(super) const LINK_BLUE: Colour = Colour(0, 0, 0xee);

impl Colour {
    pub(super) fn is_near(self, other: Colour) -> bool {
        self.0.abs_diff(other.0) < CHANNEL_NEAR && self.1.abs_diff(other.1) < CHANNEL_NEAR && self.2.abs_diff(other.2) < CHANNEL_NEAR
    }
}

/// What an element says about a colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Paint {
    #[default]
    Unsaid,
    /// Said, but not a plain colour: an image, a variable.
    Unknown,
    Transparent,
    Plain(Colour),
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Look {
    /// Neither it nor anything in it is shown.
    pub(super) is_gone: bool,
    pub(super) is_visible: Option<bool>,
    pub(super) is_tiny: Option<bool>,
    pub(super) colour: Paint,
    pub(super) background: Paint,
    is_clipped: bool,
    has_no_size: bool,
    is_placed: bool,
    is_off_screen: bool,
}

impl Look {
    /// Adds what a rule of a style sheet says; later ones win.
    pub(super) fn add(&mut self, rule: &Look) {
        self.is_gone |= rule.is_gone;
        self.is_visible = rule.is_visible.or(self.is_visible);
        self.is_tiny = rule.is_tiny.or(self.is_tiny);
        if rule.colour != Paint::Unsaid {
            self.colour = rule.colour;
        }
        if rule.background != Paint::Unsaid {
            self.background = rule.background;
        }
        self.is_clipped |= rule.is_clipped;
        self.has_no_size |= rule.has_no_size;
        self.is_placed |= rule.is_placed;
        self.is_off_screen |= rule.is_off_screen;
    }

    /// Adds what `style` says.
    pub(super) fn read(&mut self, style: &str) {
        let style = &style[..floor_boundary(style, STYLE_OCTETS_MAX)];
        let plain = if style.contains("/*") || style.contains('\\') { Some(without_tricks(style)) } else { None };
        for declaration in plain.as_deref().unwrap_or(style).split(';').take(DECLARATIONS_MAX) {
            if let Some((name, value)) = declaration.split_once(':') {
                self.declare(name.trim(), value.trim());
            }
        }
        self.is_gone |= self.is_clipped && self.has_no_size || self.is_placed && self.is_off_screen;
    }

    fn declare(&mut self, name: &str, value: &str) {
        let mut lower = [0u8; 24];
        let Some(name) = lowered(name, &mut lower) else { return };
        let value = value.strip_suffix("!important").or_else(|| value.strip_suffix("! important")).unwrap_or(value).trim_end();
        let is = |wanted: &str| value.eq_ignore_ascii_case(wanted);
        match name {
            "display" => self.is_gone |= is("none"),
            "visibility" => self.is_visible = Some(!(is("hidden") || is("collapse"))),
            "opacity" => self.is_gone |= number(value).is_some_and(|opacity| opacity < 0.05),
            "font-size" => self.is_tiny = pixels(value).map(|size| size < TINY_PX).or(Some(false)),
            "font" => self.is_tiny = value.split([' ', '/']).find_map(pixels).map(|size| size < TINY_PX).or(self.is_tiny),
            "color" => self.colour = paint(value),
            "background" | "background-color" => self.background = paint_within(value),
            "background-image" if !is("none") => self.background = Paint::Unknown,
            "overflow" | "overflow-y" | "overflow-x" => self.is_clipped |= is("hidden") || is("clip"),
            "height" | "max-height" | "width" | "max-width" => self.has_no_size |= pixels(value).is_some_and(|size| size < 1.0),
            "position" => self.is_placed |= is("absolute") || is("fixed") || is("relative"),
            "left" | "top" | "right" | "bottom" => self.is_off_screen |= pixels(value).is_some_and(|place| place < OFF_SCREEN_PX),
            "text-indent" | "margin-left" => self.is_gone |= pixels(value).is_some_and(|place| place < OFF_SCREEN_PX),
            "transform" => self.is_gone |= value.replace(' ', "").eq_ignore_ascii_case("scale(0)"),
            "clip" => self.is_gone |= self.is_placed && value.starts_with("rect(0"),
            _ => {}
        }
    }
}

/// A colour as in `color:` or `bgcolor=`.
pub(super) fn paint(value: &str) -> Paint {
    let value = value.trim();
    if let Some(hex) = value.strip_prefix('#') {
        return hex_colour(hex).map_or(Paint::Unknown, Paint::Plain);
    }
    let mut lower = [0u8; 24];
    let name = lowered(value, &mut lower).unwrap_or_default();
    if value.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("rgb")) {
        return rgb_function(value);
    }
    match name {
        "transparent" => Paint::Transparent,
        "inherit" | "initial" | "unset" | "currentcolor" | "" => Paint::Unsaid,
        "white" => Paint::Plain(WHITE),
        "black" | "windowtext" => Paint::Plain(BLACK),
        "red" => Paint::Plain(Colour(255, 0, 0)),
        "green" => Paint::Plain(Colour(0, 128, 0)),
        "blue" => Paint::Plain(Colour(0, 0, 255)),
        "yellow" => Paint::Plain(Colour(255, 255, 0)),
        "gray" | "grey" => Paint::Plain(Colour(128, 128, 128)),
        "silver" => Paint::Plain(Colour(192, 192, 192)),
        "snow" => Paint::Plain(Colour(255, 250, 250)),
        "ivory" => Paint::Plain(Colour(255, 255, 240)),
        "whitesmoke" => Paint::Plain(Colour(245, 245, 245)),
        "navy" => Paint::Plain(Colour(0, 0, 128)),
        "orange" => Paint::Plain(Colour(255, 165, 0)),
        _ if name.len() == 6 || name.len() == 3 => hex_colour(name).map_or(Paint::Unknown, Paint::Plain),
        _ => Paint::Unknown,
    }
}

/// The colour within the `background` shorthand; an image makes it unknown.
fn paint_within(value: &str) -> Paint {
    if value.contains("url(") || value.contains("gradient(") {
        return Paint::Unknown;
    }
    if value.eq_ignore_ascii_case("none") {
        return Paint::Transparent;
    }
    match paint(value) {
        Paint::Unknown => value.split_ascii_whitespace().map(paint).find(|found| *found != Paint::Unknown).unwrap_or(Paint::Unknown),
        known => known,
    }
}

fn hex_colour(hex: &str) -> Option<Colour> {
    let digits = hex.as_bytes();
    let at = |place: usize| digits.get(place).copied().and_then(super::parameter::hex_digit);
    match digits.len() {
        3 | 4 => Some(Colour(at(0)? * 17, at(1)? * 17, at(2)? * 17)),
        6 | 8 => Some(Colour(at(0)? << 4 | at(1)?, at(2)? << 4 | at(3)?, at(4)? << 4 | at(5)?)),
        _ => None,
    }
}

fn rgb_function(value: &str) -> Paint {
    let Some((_, inner)) = value.split_once('(') else { return Paint::Unknown };
    let mut parts = inner.trim_end_matches(')').split([',', ' ', '/']).filter(|part| !part.is_empty()).map(number);
    let (Some(Some(red)), Some(Some(green)), Some(Some(blue))) = (parts.next(), parts.next(), parts.next()) else { return Paint::Unknown };
    match parts.next() {
        Some(Some(alpha)) if alpha < 0.05 => Paint::Transparent,
        _ => Paint::Plain(Colour(red as u8, green as u8, blue as u8)), // `as` clamps to 0..=255
    }
}

fn number(value: &str) -> Option<f32> {
    value.trim().parse().ok()
}

/// A length in pixels, roughly; percentages and words give none, except 0%.
fn pixels(value: &str) -> Option<f32> {
    let end = value.find(|one: char| !(one.is_ascii_digit() || matches!(one, '.' | '-' | '+'))).unwrap_or(value.len());
    let size: f32 = value[..end].parse().ok()?;
    match &value[end..] {
        unit if unit.eq_ignore_ascii_case("px") || unit.is_empty() => Some(size),
        unit if unit.eq_ignore_ascii_case("pt") => Some(size * 1.33),
        unit if unit.eq_ignore_ascii_case("em") || unit.eq_ignore_ascii_case("rem") => Some(size * 16.0),
        "%" => Some(size * 0.16),
        _ => (size == 0.0).then_some(0.0),
    }
}

/// `text` in lower case if it fits.
fn lowered<'a>(text: &str, into: &'a mut [u8; 24]) -> Option<&'a str> {
    let room = into.get_mut(..text.len())?;
    room.copy_from_slice(text.as_bytes());
    room.make_ascii_lowercase();
    std::str::from_utf8(room).ok()
}

/// Without comments and with escapes (CSS Syntax §4.3.7) resolved, both of which hide keywords from plain matching.
fn without_tricks(style: &str) -> String {
    let mut plain = String::with_capacity(style.len());
    let mut rest = style;
    while let Some(at) = rest.find(['/', '\\']) {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if rest.as_bytes()[at] == b'/' {
            if let Some(comment) = after.strip_prefix('*') {
                rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
            } else {
                plain.push('/');
                rest = after;
            }
            continue;
        }
        let digits = after.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        match u32::from_str_radix(&after[..digits], 16).ok().and_then(char::from_u32) {
            Some(one) => {
                plain.push(one);
                rest = after[digits..].strip_prefix(' ').unwrap_or(&after[digits..]);
            }
            None => rest = after,
        }
    }
    plain.push_str(rest);
    plain
}

/// The largest character boundary not past `at`.
pub(super) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
