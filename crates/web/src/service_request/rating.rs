//! What somebody thinks of how a request was solved: asked once, after support says that it is, on the page and in the letter.
//!
//! In: one click on the page, or a link of a letter whose page asks to confirm (nothing acts on GET). Out: 1 to 5 stars and words, for
//! reports. Invariant: the link's proof is made with the request's own key and names its requester, so it lets in to nothing else.

use super::change::{self, At, Told};
use super::model::{By, Request, Side, Via, What};
use super::{Reader, sql, sql_more};
use crate::App;
use crate::audit::Entry;
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::{May, Person};
use askama::Template;
use aws_lc_rs::hmac;
use axum::Form;
use axum::extract::{Path, Query, State as Given};
use gateway::scope::OrgScope;
use mail::PersonId;
use mail::id::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Error, Tx};

pub const STARS_MAX: i64 = 5;
const WORDS_CHARS_MAX: usize = 2_000;
/// Octets of the proof that stand in a link: 128 bits.
const PROOF_OCTETS: usize = 16;

/// The path of the page of a link.
pub(super) fn path(request: &Request) -> String {
    format!("/rate/{}/{}", request.id, proof(request))
}

fn proof(request: &Request) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, request.secret.as_bytes());
    let tag = hmac::sign(&key, format!("rating {} {}", request.id, request.address.to_lowercase()).as_bytes());
    tag.as_ref().iter().take(PROOF_OCTETS).map(|octet| format!("{octet:02x}")).collect()
}

/// What somebody says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingWish {
    /// 1 to 5.
    #[serde(default, deserialize_with = "number")]
    #[schema(value_type = i64)]
    pub stars: String,
    #[serde(default)]
    pub words: String,
}

/// Forms send text, programs numbers.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl RatingWish {
    fn checked(&self) -> Result<(i64, String), Fault> {
        let stars = self.stars.trim().parse().ok().filter(|stars| (1..=STARS_MAX).contains(stars));
        let words = self.words.trim().to_string();
        match stars {
            None => Err(Fault::Invalid(vec![Wrong::new("stars", "request-wrong-stars")])),
            Some(_) if words.chars().count() > WORDS_CHARS_MAX => {
                Err(Fault::Invalid(vec![Wrong { field: "words", say: Say::new("request-wrong-long").with("count", WORDS_CHARS_MAX) }]))
            }
            Some(stars) => Ok((stars, words)),
        }
    }
}

async fn kept(tx: &mut Tx, at: &At, request: &Request, (stars, words): (i64, String)) -> Result<(), Fault> {
    if !request.state.is_over() {
        return Err(Fault::Conflict(Say::new("request-rate-later")));
    }
    sql_more::rate(tx, request, (stars, words.as_str(), at.by.shown()), at.now_ms).await?;
    let told = Told { body: words, detail: json!({ "stars": stars }), ..Told::default() };
    change::event(tx, at, request, What::Rating, told).await?;
    change::note(tx, at, Entry::new(Some(request.org), "request.rate", request.id).with(json!({ "stars": stars }))).await
}

/// Keeps what a person of the organisation thinks.
/// # Errors
/// [`Fault::Denied`] for support, which does not praise itself; [`Fault::Conflict`] before it is solved.
pub async fn rate(app: &App, person: &Person, via: Via, (id, wish): (RequestId, &RatingWish)) -> Result<(), Fault> {
    let reader = Reader::of(person)?;
    let found = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    if reader.side(person, &found) == Side::Support {
        return Err(Fault::Denied(May::Requests));
    }
    let (said, at) = (wish.checked()?, At::new(app, By::of(person, Side::Requester, via)));
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, reader.scope, id).await?;
                kept(tx, &at, &request, said).await
            })
        })
        .await
}

/// `POST /requests/{request}/rating`.
pub async fn from_page(Given(app): Given<App>, person: Person, Path(id): Path<String>, Form(wish): Form<RatingWish>) -> Page {
    let request: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    rate(&app, &person, Via::Web, (request, &wish)).await?;
    done(&format!("/requests/{id}"), Say::new("request-rated"))
}

#[derive(Template)]
#[template(path = "service_request/templates/rate.html")]
struct RatePage<'a> {
    view: &'a View,
    form: &'a Shown,
    title: &'a str,
    path: String,
    /// It was said.
    is_kept: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    stars: String,
}

/// The request of a link.
async fn of_link(app: &App, (id, given): (&str, &str)) -> Result<Request, Fault> {
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::by_address(tx, id).await })).await;
    let is_ours =
        |request: &Request| aws_lc_rs::constant_time::verify_slices_are_equal(proof(request).as_bytes(), given.as_bytes()).is_ok();
    found?.filter(is_ours).ok_or(Fault::NotFound)
}

fn shown(view: &View, request: &Request, form: &Shown, is_kept: bool) -> Page {
    let status = form.status();
    show_with(status, &RatePage { view, form, title: &request.title, path: path(request), is_kept })
}

/// `GET /rate/{request}/{proof}`: asks; `stars` is what the link chose.
pub async fn ask(Given(app): Given<App>, view: View, Path((id, proof)): Path<(String, String)>, Query(chosen): Query<Chosen>) -> Page {
    let request = of_link(&app, (id.as_str(), proof.as_str())).await?;
    let form = Shown::of(&RatingWish { stars: chosen.stars, words: String::new() });
    shown(&view, &request, &form, false)
}

/// `POST /rate/{request}/{proof}`.
pub async fn say(Given(app): Given<App>, view: View, Path((id, proof)): Path<(String, String)>, Form(wish): Form<RatingWish>) -> Page {
    let request = of_link(&app, (id.as_str(), proof.as_str())).await?;
    let said = match wish.checked() {
        Ok(said) => said,
        Err(Fault::Invalid(wrong)) => return shown(&view, &request, &Shown::of(&wish).with_wrong(wrong), false),
        Err(other) => return Err(other),
    };
    let by = By {
        side: Side::Requester,
        via: Via::Mail,
        person: PersonId(0),
        address: request.address.clone(),
        name: request.name.clone(),
        ip: String::new(),
        token: None,
    };
    let (at, org, id) = (At::new(&app, by), request.org, request.id);
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, OrgScope::One(org), id).await?;
                kept(tx, &at, &request, said).await
            })
        })
        .await?;
    shown(&view, &request, &Shown::default(), true)
}

/// What was said of requests that were solved in a span: for reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SatisfactionBody {
    /// Requesters who were asked.
    pub asked: i64,
    /// Of those, who said something.
    pub answered: i64,
    /// Mean number of stars; null when nobody said anything.
    pub mean_stars: Option<f64>,
    /// How many gave one star, two, and so on to five.
    pub by_stars: Vec<i64>,
}

impl SatisfactionBody {
    /// From how often each number of stars was given; 0 is no answer.
    pub fn of(counts: &[(i64, i64)]) -> SatisfactionBody {
        let mut body = SatisfactionBody { by_stars: (0..STARS_MAX).map(|_| 0).collect(), ..SatisfactionBody::default() };
        for (stars, count) in counts {
            body.asked += count;
            let at = usize::try_from(*stars).ok().and_then(|stars| stars.checked_sub(1));
            if let Some(place) = at.and_then(|at| body.by_stars.get_mut(at)) {
                *place += count;
                body.answered += count;
            }
        }
        let sum: i64 = body.by_stars.iter().zip(1..).map(|(count, stars)| count * stars).sum();
        body.mean_stars = (body.answered > 0).then(|| (sum as f64 * 10.0 / body.answered as f64).round() / 10.0);
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_count_for_the_mean() {
        let body = SatisfactionBody::of(&[(0, 6), (1, 1), (4, 2), (5, 1), (9, 1)]);
        assert_eq!((body.asked, body.answered, body.mean_stars, body.by_stars), (11, 4, Some(3.5), vec![1, 0, 0, 2, 1]));
        assert_eq!(SatisfactionBody::of(&[(0, 3)]).mean_stars, None);
    }
}
