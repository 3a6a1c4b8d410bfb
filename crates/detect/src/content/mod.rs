//! What the header and the text look like.
//!
//! In: the decoded message. Out: findings with ids under `content.`, `header.` and `mime.`. Not here: words as such,
//! which the classifier weighs, apart from those that ask a reader to act (`persuasion`).

mod broken;
mod gtube;
mod header;
mod hidden;
mod html;
mod invisible;
mod letters;
mod lexicon;
mod number;
mod persuasion;
mod script;
mod shape;
mod smuggling;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;

pub const INSPECTIONS: &[&dyn Inspect] = &[
    &gtube::Gtube,
    &header::HeaderShape,
    &broken::BrokenMime,
    &html::HtmlWishes,
    &hidden::HiddenText,
    &invisible::InvisibleCharacters,
    &letters::LookAlikeLetters,
    &smuggling::Smuggling,
    &persuasion::Persuasion,
    &shape::Shape,
];

pub const CHECKS: &[CheckDoc] = crate::checks::content::CHECKS;

#[cfg(test)]
mod tests;
