//! Finding requests and solutions that are about the same, quickly, also among a hundred thousand.
//!
//! In: words of a question. Out: [`Found`], best first. A term has its postings in `request_term`, the latest first; of each term of the
//! question a bounded number is read, what scores best is then weighed with all of its terms. So the work is bounded by the question, not by
//! how many requests there are. Rare terms count more. Not here: what is shown of what was found (`suggest`).

use super::model::Request;
use super::{sql, sql_search, terms};
use crate::page::Fault;
use gateway::scope::OrgScope;
use mail::id::{RequestId, SolutionId};
use std::collections::{BTreeMap, HashMap};
use store::{Error, Tx};

/// Terms of a question that are looked up: those that stand in it first.
const QUESTION_TERMS_MAX: usize = 12;
/// Postings read of one term.
pub const POSTINGS_MAX: usize = 400;
/// Of what was found, so many are weighed with all of their terms.
pub const WEIGHED_MAX: usize = 40;
pub const FOUND_MAX: usize = 8;
/// Weight of a term of the question that stands nowhere.
const UNKNOWN_RARITY: f64 = 0.3;
/// Share of the question's weight that has to be met.
const MET_MIN: f64 = 0.34;
/// A word in the title counts as so many in the text.
const TITLE_TIMES: i64 = 3;
const WEIGHT_MAX: i64 = 12;

/// Which requests are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Without a solution.
    Unsolved = 0,
    /// With one.
    Solved = 1,
}

/// Keeps the words of a request; called whenever they, or whether it is solved, may have changed.
pub async fn index(tx: &mut Tx, request: &Request) -> Result<(), Fault> {
    let shelf = if request.state.is_over() && !request.solution.is_empty() { Shelf::Solved } else { Shelf::Unsolved };
    let weights = weights(&request.title, &[&request.description, &request.solution]);
    sql_search::put_terms(tx, request, shelf as i64, &weights).await.map_err(Fault::from)
}

/// Weights of terms of a title and of what stands below it.
pub fn weights(title: &str, texts: &[&str]) -> BTreeMap<String, i64> {
    let mut all: BTreeMap<String, i64> = terms::of(title).into_iter().map(|(term, count)| (term, count * TITLE_TIMES)).collect();
    for (term, count) in texts.iter().flat_map(|text| terms::of(text)) {
        if all.len() < terms::TERMS_MAX || all.contains_key(&term) {
            let weight = all.entry(term).or_default();
            *weight = (*weight + count).min(WEIGHT_MAX);
        }
    }
    all
}

/// Something found, with what of the question it meets: 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    pub what: T,
    pub met: f64,
}

/// Requests of the scope that are about `text`, best first; `but` is left out.
pub async fn similar(
    tx: &mut Tx,
    scope: OrgScope,
    shelf: Shelf,
    (text, but): (&str, Option<RequestId>),
) -> Result<Vec<Found<Request>>, Error> {
    let question = question(text);
    let mut rated = Rating::default();
    for term in &question {
        rated.add(term, sql_search::postings(tx, scope, shelf as i64, term, POSTINGS_MAX).await?);
    }
    let best: Vec<i64> = rated.best(WEIGHED_MAX).into_iter().filter(|id| but.is_none_or(|but| but.0 != *id)).collect();
    let whole = sql_search::terms_of(tx, scope, &best, &question).await?;
    let mut found = Vec::new();
    for (id, met) in rated.weighed(&whole, &question) {
        if found.len() == FOUND_MAX {
            break;
        }
        if let Some(what) = sql::one(tx, scope, RequestId(id)).await? {
            found.push(Found { what, met });
        }
    }
    Ok(found)
}

/// Requests of the scope that are about `text`, whatever became of them, best first; by its number, that one alone.
pub async fn about(tx: &mut Tx, scope: OrgScope, text: &str) -> Result<Vec<Request>, Error> {
    if let Ok(id) = text.trim().parse::<RequestId>() {
        return Ok(sql::one(tx, scope, id).await?.into_iter().collect());
    }
    let mut all = similar(tx, scope, Shelf::Unsolved, (text, None)).await?;
    all.extend(similar(tx, scope, Shelf::Solved, (text, None)).await?);
    all.sort_by(|a, b| b.met.total_cmp(&a.met).then(b.what.last_ms.cmp(&a.what.last_ms)));
    Ok(all.into_iter().map(|found| found.what).collect())
}

/// Published solutions about `text`, best first.
pub async fn solutions(tx: &mut Tx, text: &str) -> Result<Vec<Found<sql_search::Solution>>, Error> {
    let question = question(text);
    let mut rated = Rating::default();
    for term in &question {
        rated.add(term, sql_search::solution_postings(tx, term, POSTINGS_MAX).await?);
    }
    let best = rated.best(WEIGHED_MAX);
    let whole = sql_search::solution_terms_of(tx, &best, &question).await?;
    let mut found = Vec::new();
    for (id, met) in rated.weighed(&whole, &question) {
        if found.len() == FOUND_MAX {
            break;
        }
        if let Some(what) = sql_search::solution(tx, SolutionId(id)).await? {
            found.push(Found { what, met });
        }
    }
    Ok(found)
}

/// The terms that are asked for.
pub fn question(text: &str) -> Vec<String> {
    let mut all: Vec<(String, i64)> = terms::of(text).into_iter().collect();
    // What is said twice matters; longer terms are rarer.
    all.sort_by_key(|(term, count)| (std::cmp::Reverse(*count), std::cmp::Reverse(term.len())));
    all.into_iter().take(QUESTION_TERMS_MAX).map(|(term, _)| term).collect()
}

/// What the terms of a question found.
#[derive(Default)]
pub(crate) struct Rating {
    /// Rarity by term.
    rarity: HashMap<String, f64>,
    scores: HashMap<i64, f64>,
}

impl Rating {
    pub(crate) fn add(&mut self, term: &str, postings: Vec<(i64, i64)>) {
        // A term nobody wrote yet asks for nothing that could be met, but counts a little: the question said it.
        let rarity = if postings.is_empty() { UNKNOWN_RARITY } else { 1.0 / (1.0 + (1.0 + postings.len() as f64).ln()) };
        for (id, weight) in postings {
            *self.scores.entry(id).or_default() += rarity * grown(weight);
        }
        self.rarity.insert(term.to_string(), rarity);
    }

    pub(crate) fn best(&self, most: usize) -> Vec<i64> {
        let mut all: Vec<(i64, f64)> = self.scores.iter().map(|(id, score)| (*id, *score)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        all.into_iter().take(most).map(|(id, _)| id).collect()
    }

    /// Those that meet enough, best first. `whole`: id, term, weight.
    pub(crate) fn weighed(&self, whole: &[(i64, String, i64)], question: &[String]) -> Vec<(i64, f64)> {
        let rarity = |term: &String| self.rarity.get(term).copied().unwrap_or_default();
        let asked: f64 = question.iter().map(rarity).sum();
        let mut met: HashMap<i64, (f64, f64)> = HashMap::new();
        for (id, term, weight) in whole {
            let one = met.entry(*id).or_default();
            one.0 += rarity(term);
            one.1 += rarity(term) * grown(*weight);
        }
        let mut all: Vec<(i64, f64, f64)> =
            met.into_iter().map(|(id, (met, score))| (id, if asked > 0.0 { met / asked } else { 0.0 }, score)).collect();
        all.retain(|(_, met, _)| *met >= MET_MIN);
        all.sort_by(|a, b| (b.1 * b.2).total_cmp(&(a.1 * a.2)).then(b.0.cmp(&a.0)));
        all.into_iter().map(|(id, met, _)| (id, met)).collect()
    }
}

/// The tenth time a word stands in a text says little that the first did not.
fn grown(weight: i64) -> f64 {
    1.0 + (weight.max(1) as f64).ln()
}
