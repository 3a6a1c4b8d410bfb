//! Fuzz target of what a store answers: a plain function that panics when something does not hold that must hold for every input.
//!
//! `fuzz/` runs it under libFuzzer; the tests below run it on every `cargo test`, on the seeds, on changed seeds and on random octets. It stands
//! here and not with the others in `mail`, which knows no store.

use super::listing::{self, OBJECTS_MAX, Page, TEXT_OCTETS_MAX, TOLD_CHARS_MAX};
use super::{CODE_CHARS_MAX, code};

/// The folder that is listed.
const PREFIX: &str = "f/";
const NOW_MS: i64 = 7;
/// Characters of an error beside what it repeats.
const WORDS_CHARS_MAX: usize = 60;

/// A list of objects, or an answer that says why not, and its beginning, as long as the first octet says: half a list never passes for the
/// whole, limits hold, what does not stand below the folder is left out, and no error is more than a line.
pub fn bucket_answer(input: &[u8]) {
    let Some((share, input)) = input.split_first() else { return };
    let word = code(&String::from_utf8_lossy(input));
    assert!(word.len() <= CODE_CHARS_MAX && word.bytes().all(|octet| octet.is_ascii_alphanumeric()));
    let all = match listing::read(input, "", NOW_MS) {
        Ok(all) => all,
        Err(why) => {
            assert!(why.chars().count() <= TOLD_CHARS_MAX + WORDS_CHARS_MAX && !why.chars().any(char::is_control), "{why:?}");
            return;
        }
    };
    check_limits(&all);
    let cut = input.len() * usize::from(*share) / 256;
    if let Ok(beginning) = listing::read(&input[..cut], "", NOW_MS) {
        assert_eq!(beginning, all, "half a list passes for the whole");
    }
    let mut below = all.clone();
    below.objects.retain_mut(|one| one.name.strip_prefix(PREFIX).map(str::to_string).map(|name| one.name = name).is_some());
    assert_eq!(listing::read(input, PREFIX, NOW_MS), Ok(below), "only what stands below the folder");
}

fn check_limits(page: &Page) {
    assert!(page.objects.len() <= OBJECTS_MAX && page.now_ms == NOW_MS);
    assert_ne!(page.next.as_deref(), Some(""), "a token that asks for the first page again");
    let texts = page.objects.iter().map(|one| &one.name).chain(&page.next);
    assert!(texts.map(String::len).all(|octets| octets <= TEXT_OCTETS_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;

    fn seeds() -> Vec<Vec<u8>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/bucket");
        let mut paths: Vec<_> = std::fs::read_dir(folder).expect("it has seeds").flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).expect("a seed is readable")).collect()
    }

    #[test]
    fn the_seeds_break_nothing() {
        let seeds = seeds();
        assert!(!seeds.is_empty());
        seeds.iter().for_each(|seed| bucket_answer(seed));
        assert!(
            seeds.iter().any(|seed| listing::read(&seed[1..], PREFIX, NOW_MS).is_ok_and(|page| page.next.is_some())),
            "a page with more"
        );
    }

    /// Pieces of lists and of what else XML may have.
    #[rustfmt::skip]
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::sample::select(vec![
            &b"<ListBucketResult>"[..], b"</ListBucketResult>", b"<Contents>", b"</Contents>", b"<Key>", b"</Key>", b"<LastModified>", b"</LastModified>",
            b"2026-11-28T18:47:34Z", b"f/a/b/c", b"<IsTruncated>true</IsTruncated>", b"<NextContinuationToken>", b"</NextContinuationToken>",
            b"<Contents><Key>f/a</Key><LastModified>2026-11-28T18:47:34.120Z</LastModified></Contents>", b"<?xml version=\"1.0\"?>", b"<?", b"?>",
            b"&amp;", b"&#x41;", b"&#0;", b"&", b";", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<!DOCTYPE a [", b"]>", b"<a b=\"", b"\"/>", b"<x:", b">",
            b"\xff", b"\xe6\x9d\x8e", b"\0", b"\r\n", b" ", b"<Error><Code>", b"NoSuchKey</Code>",
        ]);
        prop::collection::vec(words, 0..24).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn random_pieces_break_nothing(share in any::<u8>(), pieces in pieces()) {
            bucket_answer(&[&[share], &pieces[..]].concat());
            bucket_answer(&[&[share], &b"<ListBucketResult>"[..], &pieces[..], b"</ListBucketResult>"].concat());
        }

        #[test]
        fn changed_seeds_break_nothing(seed in any::<Index>(), place in any::<Index>(), share in any::<u8>(), pieces in pieces()) {
            let seeds = seeds();
            let mut octets = seeds[seed.index(seeds.len())].clone();
            octets[0] = share;
            let at = 1 + place.index(octets.len() - 1);
            octets.splice(at..at, pieces);
            bucket_answer(&octets);
        }
    }
}
