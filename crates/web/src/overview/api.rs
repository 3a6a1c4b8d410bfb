//! `GET /api/v1/overview`.

use super::figures::{self, Figures};
use super::when::Span;
use crate::App;
use crate::api::problem::Problem;
use crate::page::fault::Wrong;
use crate::page::{Fault, time};
use crate::people::Person;
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(overview))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// How far back; "day" when nothing is said.
    #[param(inline, value_type = Option<Span>)]
    span: String,
    /// Time zone in which days begin, by its IANA name such as Asia/Shanghai; UTC when nothing is said.
    #[param(example = "Asia/Shanghai", value_type = Option<String>)]
    zone: String,
}

/// What happened to mail, and what waits.
#[utoipa::path(get, path = "/overview", tag = "overview", params(Asked), responses(
    (status = 200, description = "The figures", body = Figures),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn overview(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<Figures>, Fault> {
    let mut wrong = Vec::new();
    let span = match asked.span.as_str() {
        "" => Span::default(),
        name => Span::parse(name).unwrap_or_else(|| {
            wrong.push(Wrong::new("span", "overview-wrong-span"));
            Span::default()
        }),
    };
    let zone = time::zone(&asked.zone);
    if !asked.zone.is_empty() && !matches!(asked.zone.as_str(), "UTC" | "Etc/UTC") && zone == jiff::tz::TimeZone::UTC {
        wrong.push(Wrong::new("zone", "overview-wrong-zone"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    figures::read(&app, &person, span, &zone).await.map(Json)
}
