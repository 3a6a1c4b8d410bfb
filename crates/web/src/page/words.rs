//! Every visible string, in every language, by key.
//!
//! In: `words/{en,zh-CN}.ftl` of each feature (Project Fluent). Out: text. Invariant: all languages have the same keys
//! (`tests/it/words.rs`), so a key that is found in one is found in all.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The words of one feature.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub en: &'static str,
    pub zh: &'static str,
}

/// Features that bring words; add yours.
pub const SOURCES: &[Source] = &[
    super::WORDS,
    crate::people::WORDS,
    crate::audit::WORDS,
    crate::overview::WORDS,
    crate::mail_reports::WORDS,
    crate::trace::WORDS,
    crate::quarantine::WORDS,
    crate::removal::WORDS,
    crate::policy::WORDS,
    crate::entry::WORDS,
    crate::restricted::WORDS,
    crate::destinations::WORDS,
    crate::draft::WORDS,
    crate::rules::WORDS,
    crate::diagnostics::WORDS,
    crate::troubleshoot::WORDS,
    crate::troubleshoot::CAUSE_WORDS,
    crate::connectivity::WORDS,
    crate::help_desk::WORDS,
    crate::doctor::WORDS,
    crate::domain::WORDS,
    crate::connector::WORDS,
    crate::directory_sync::WORDS,
    crate::help::WORDS,
    crate::agent::WORDS,
    crate::phone::WORDS,
    crate::health::WORDS,
    crate::submission::WORDS,
    crate::support_desk::WORDS,
    crate::premier::WORDS,
    crate::call::WORDS,
    crate::service_request::WORDS,
    crate::community::WORDS,
];

/// A language pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Lang {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Lang {
    pub const ALL: [Lang; 2] = [Lang::English, Lang::Chinese];

    /// As `lang` attributes and settings write it (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Lang::English => "en",
            Lang::Chinese => "zh-CN",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Lang::English => "English",
            Lang::Chinese => "简体中文",
        }
    }

    pub fn parse(tag: &str) -> Option<Lang> {
        let tag = tag.trim().to_ascii_lowercase();
        match tag.split(['-', '_']).next() {
            Some("en") => Some(Lang::English),
            Some("zh") => Some(Lang::Chinese),
            _ => None,
        }
    }

    /// The first of `Accept-Language` that we have, by quality (RFC 9110 §12.5.4).
    pub fn accepted(header: &str) -> Lang {
        let mut wanted: Vec<(f32, Lang)> = header.split(',').take(LANGUAGES_READ_MAX).filter_map(weighed).collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.first().map(|(_, lang)| *lang).unwrap_or_default()
    }

    /// For texts that the mail path has in both languages.
    pub fn of_receipt(self) -> gateway::receipt::Language {
        match self {
            Lang::English => gateway::receipt::Language::English,
            Lang::Chinese => gateway::receipt::Language::Chinese,
        }
    }
}

const LANGUAGES_READ_MAX: usize = 20;

fn weighed(part: &str) -> Option<(f32, Lang)> {
    let (tag, quality) = part.split_once(';').unwrap_or((part, "q=1"));
    let quality = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
    (quality > 0.0).then_some(())?;
    Lang::parse(tag).map(|lang| (quality, lang))
}

/// A value put into a text.
pub type Args<'a> = &'a [(&'a str, FluentValue<'a>)];

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> = LazyLock::new(|| Lang::ALL.map(bundle));

fn bundle(lang: Lang) -> FluentBundle<FluentResource> {
    // The tags are ours; the default is English.
    let mut bundle = FluentBundle::new_concurrent(vec![lang.tag().parse().unwrap_or_default()]);
    // Isolation marks would stand in the middle of addresses that people copy.
    bundle.set_use_isolating(false);
    for source in SOURCES {
        let text = if lang == Lang::English { source.en } else { source.zh };
        let resource = FluentResource::try_new(text.to_string()).unwrap_or_else(|(resource, errors)| {
            tracing::error!("words in {}: {errors:?}", lang.tag());
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!("words in {}: {errors:?}", lang.tag());
        }
    }
    bundle
}

/// The text of `key`; the key itself when nobody wrote it, which a test forbids.
pub fn text(lang: Lang, key: &str, args: Args<'_>) -> String {
    let bundle = &BUNDLES[lang as usize];
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::warn!("there are no words for “{key}”");
        return key.to_string();
    };
    let args: FluentArgs<'_> = args.iter().cloned().collect();
    let mut errors = Vec::new();
    bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned()
}

/// Whether somebody wrote this key.
pub fn has(lang: Lang, key: &str) -> bool {
    BUNDLES[lang as usize].has_message(key)
}
