//! What the header and the text look like.
//!
//! In: the decoded message. Out: findings with ids under `content.`, `header.` and `mime.`. Not here: words as such,
//! which the classifier weighs, apart from those that ask a reader to act (`persuasion`).

mod advance;
mod broken;
mod codes;
mod courtship;
mod far_below;
mod framed;
mod gtube;
mod header;
mod hidden;
mod html;
mod invisible;
mod kinds;
mod letters;
mod lexicon;
mod number;
mod persuasion;
pub(crate) mod plain;
mod planted;
mod praise;
mod pretext;
mod script;
mod shape;
mod smuggling;
mod styled;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;

pub const INSPECTIONS: &[&dyn Inspect] = &[
    &gtube::Gtube,
    &header::HeaderShape,
    &framed::Framed,
    &broken::BrokenMime,
    &html::HtmlWishes,
    &hidden::HiddenText,
    &invisible::InvisibleCharacters,
    &letters::LookAlikeLetters,
    &styled::StyledLetters,
    &smuggling::Smuggling,
    &persuasion::Persuasion,
    &pretext::Pretext,
    &advance::AdvanceFee,
    &courtship::Courtship,
    &far_below::FarBelow,
    &codes::RawCodes,
    &planted::PlantedLink,
    &praise::SelfPraise,
    &shape::Shape,
];

pub const CHECKS: &[CheckDoc] = crate::checks::content::CHECKS;

#[cfg(test)]
mod tests;
