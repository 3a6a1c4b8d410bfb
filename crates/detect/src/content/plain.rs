//! Letters dressed up, as plain ones: bold, script and full-width letters say to a reader what the plain ones say.
//!
//! In: any text. Out: the same text, borrowed where nothing was dressed. Only letters and digits change, so the punctuation of
//! Chinese and Japanese stays as it is. Look-alikes of other alphabets are not touched: they may be honest (`letters`).

use std::borrow::Cow;

/// `text` with mathematical, full-width, circled and squared letters and digits as ASCII, and without what is not seen.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| is_dressed(c) || is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !is_unseen(*c)).map(undressed).collect())
}

/// From here on a character is a word: CJK radicals, kana, ideographs, Hangul.
const IDEOGRAPHS: char = '\u{2e80}';

/// Whether a word of `text` begins at this place, which is the border of a character. Ideographs stand beside anything.
pub fn starts_word(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let is_ideograph = |c: char| c >= IDEOGRAPHS;
    after.chars().next().is_some_and(is_ideograph) || before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() || is_ideograph(c))
}

/// How many letters of `text` are dressed up in a way that no keyboard and no language does: mathematical alphabets, small capitals.
pub fn styled_letters(text: &str) -> usize {
    if text.is_ascii() { 0 } else { text.chars().filter(|c| is_styled(*c)).count() }
}

/// Small capitals of phonetic alphabets, and the letters they are read as. A word of one's language has none of them, a
/// transcription a few.
const SMALL_CAPITALS: &[(char, char)] = &[
    ('\u{0262}', 'g'),
    ('\u{026a}', 'i'),
    ('\u{0274}', 'n'),
    ('\u{0280}', 'r'),
    ('\u{028f}', 'y'),
    ('\u{0299}', 'b'),
    ('\u{029c}', 'h'),
    ('\u{029f}', 'l'),
    ('\u{1d00}', 'a'),
    ('\u{1d04}', 'c'),
    ('\u{1d05}', 'd'),
    ('\u{1d07}', 'e'),
    ('\u{1d0a}', 'j'),
    ('\u{1d0b}', 'k'),
    ('\u{1d0d}', 'm'),
    ('\u{1d0f}', 'o'),
    ('\u{1d18}', 'p'),
    ('\u{1d1b}', 't'),
    ('\u{1d1c}', 'u'),
    ('\u{1d20}', 'v'),
    ('\u{1d21}', 'w'),
    ('\u{1d22}', 'z'),
    ('\u{a730}', 'f'),
    ('\u{a731}', 's'),
];

fn small_capital(c: char) -> Option<char> {
    let at = SMALL_CAPITALS.binary_search_by_key(&c, |(small, _)| *small).ok()?;
    Some(SMALL_CAPITALS[at].1)
}

fn is_styled(c: char) -> bool {
    small_capital(c).is_some()
        || matches!(c, '\u{1d400}'..='\u{1d7ff}' | '\u{1f130}'..='\u{1f149}' | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}')
}

fn is_dressed(c: char) -> bool {
    is_styled(c) || matches!(c, '\u{2460}'..='\u{24e9}' | '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

/// Characters without width, that split words for filters; marks of Syriac among them, which its own letters can do without.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{0730}'..='\u{074a}' | '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180e}')
}

fn undressed(c: char) -> char {
    if !is_dressed(c) {
        return c;
    }
    if let Some(letter) = small_capital(c) {
        return letter;
    }
    // Squared and negative letters have no decomposition.
    let squared = |first: u32| char::from_u32(u32::from(c) - first + u32::from('a')).unwrap_or(c);
    match u32::from(c) {
        0x1f130..=0x1f149 => squared(0x1f130),
        0x1f150..=0x1f169 => squared(0x1f150),
        0x1f170..=0x1f189 => squared(0x1f170),
        _ => {
            let mut letter = None;
            unicode_normalization::char::decompose_compatible(c, |part| {
                letter = letter.or_else(|| part.is_ascii_alphanumeric().then_some(part));
            });
            letter.unwrap_or(c)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_after_blanks_and_anywhere_in_chinese() {
        for (text, at, want) in
            [("your account", 5, true), ("first", 1, false), ("850万美元", 3, true), ("在PayPal", 3, true), ("", 0, true)]
        {
            assert_eq!(starts_word(text, at), want, "{text}");
        }
    }

    #[test]
    fn dressed_letters_are_read_as_plain_ones() {
        for (text, want) in [
            ("𝗬𝗼𝘂𝗿 𝗺𝗲𝗺𝗯𝗲𝗿", "Your member"),
            ("ＨＥＬＬＯ１，你好", "HELLO1，你好"),
            ("ⓗⓘ", "hi"),
            ("🅰🅱", "ab"),
            ("ᴜʟᴛɪᴍᴏ", "ultimo"),
            ("pay\u{200b}pal", "paypal"),
            ("naïve 你好！", "naïve 你好！"),
            ("", ""),
        ] {
            assert_eq!(plain(text), want, "{text}");
        }
        assert_eq!((styled_letters("𝗬𝗼𝘂 x"), styled_letters("ＹＯＵ")), (3, 0));
        assert_eq!((styled_letters("ᴘᴏsᴛ"), styled_letters("[ˈɪŋɡlɪʃ]")), (3, 2));
        assert!(SMALL_CAPITALS.is_sorted());
    }
}
