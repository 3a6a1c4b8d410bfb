//! Names of HTML elements as numbers that compare in one step.

/// Octets of a name that count; no element of HTML has more.
const NAME_OCTETS_MAX: usize = 16;

/// The name of an element in lower case, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u128);

const fn tag(name: &str) -> Tag {
    let octets = name.as_bytes();
    let mut packed = 0u128;
    let mut at = 0;
    while at < octets.len() {
        packed = packed << 8 | octets[at] as u128;
        at += 1;
    }
    Tag(packed)
}

macro_rules! tags {
    ($($constant:ident $name:literal)*) => { $(pub(super) const $constant: Tag = tag($name);)* };
}

tags! {
    NONE "" A "a" ADDRESS "address" APPLET "applet" AREA "area" BASE "base" BASE_FONT "basefont" BLOCKQUOTE "blockquote" BODY "body" BR "br"
    CENTER "center" COL "col" DD "dd" DIV "div" DL "dl" DT "dt" EMBED "embed" FIELDSET "fieldset" FOOTER "footer" FORM "form" FRAME "frame"
    H1 "h1" H2 "h2" H3 "h3" H4 "h4" H5 "h5" H6 "h6" HEADER "header" HR "hr" IFRAME "iframe" IMG "img" INPUT "input" LI "li" LINK "link"
    META "meta" NOEMBED "noembed" OBJECT "object" OL "ol" OPTION "option" P "p" PARAM "param" PRE "pre" SCRIPT "script" SECTION "section"
    SOURCE "source" STYLE "style" TABLE "table" TBODY "tbody" TD "td" TEMPLATE "template" TH "th" THEAD "thead" TITLE "title" TR "tr"
    TRACK "track" UL "ul" WBR "wbr" XML "xml"
}

impl Tag {
    /// Reads the name at `at`; gives the place after it.
    pub(super) fn read(octets: &[u8], at: usize) -> (Tag, usize) {
        let mut packed = 0u128;
        let mut end = at;
        while let Some(octet) = octets.get(end) {
            if octet.is_ascii_whitespace() || matches!(octet, b'>' | b'/') {
                break;
            }
            if end - at < NAME_OCTETS_MAX {
                packed = packed << 8 | u128::from(octet.to_ascii_lowercase());
            }
            end += 1;
        }
        (Tag(packed), end)
    }
}

/// Elements without content (HTML §13.1.2).
pub(super) fn is_void(tag: Tag) -> bool {
    matches!(tag, AREA | BASE | BASE_FONT | BR | COL | EMBED | FRAME | HR | IMG | INPUT | LINK | META | PARAM | SOURCE | TRACK | WBR)
}

/// Elements that start on a line, or in a cell, of their own.
pub(super) fn is_block(tag: Tag) -> bool {
    matches!(
        tag,
        ADDRESS
            | BLOCKQUOTE
            | BODY
            | BR
            | CENTER
            | DD
            | DIV
            | DL
            | DT
            | FIELDSET
            | FOOTER
            | FORM
            | H1
            | H2
            | H3
            | H4
            | H5
            | H6
            | HEADER
            | HR
            | LI
            | OL
            | OPTION
            | P
            | PRE
            | SECTION
            | TABLE
            | TBODY
            | TD
            | TH
            | THEAD
            | TR
            | UL
    )
}

pub(super) fn is_cell(tag: Tag) -> bool {
    matches!(tag, TD | TH)
}

/// Whether the start of `starting` ends an open `open`.
pub(super) fn ends(starting: Tag, open: Tag) -> bool {
    match open {
        P => starting != BR,
        LI => starting == LI,
        TD | TH => matches!(starting, TD | TH | TR | TBODY),
        TR => matches!(starting, TR | TBODY),
        DD | DT => matches!(starting, DD | DT),
        OPTION => starting == OPTION,
        _ => false,
    }
}

/// Open elements beyond which a start ends nothing.
pub(super) const BARRIERS: [Tag; 8] = [TABLE, UL, OL, DL, DIV, BODY, FORM, BLOCKQUOTE];
