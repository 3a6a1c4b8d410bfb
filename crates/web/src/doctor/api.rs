//! `/api/v1/doctor`.

use super::{Finding, Looked, bundle, examine, last, mend};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::Person;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(found, look)).routes(routes!(repair)).routes(routes!(preview))
}

/// One look at the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoctorFinding {
    /// Stable, such as "seal.mode".
    pub id: String,
    /// "ok", "problem" or "cannot-tell".
    pub result: String,
    pub looked_at: String,
    pub said: String,
    pub evidence: Vec<String>,
    /// What to do; may be empty.
    pub todo: String,
    /// What `gatepost doctor --fix` would do; may be empty.
    pub repair: String,
    /// The running service can do it: `POST /doctor/repair`.
    pub is_repairable: bool,
    /// Help about it; may be empty.
    pub article: String,
}

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoctorBody {
    /// Unix milliseconds; null: nobody looked since this server started.
    pub at_ms: Option<i64>,
    pub findings: Vec<DoctorFinding>,
}

impl DoctorBody {
    fn of(view: &View, looked: Option<&Looked>) -> DoctorBody {
        let finding = |one: &Finding| DoctorFinding {
            id: one.id.into(),
            result: one.outcome.into(),
            looked_at: one.looked_at.clone(),
            said: one.said.say(&view.lang).into(),
            evidence: one.evidence.clone(),
            todo: one.todo.as_ref().map(|todo| todo.say(&view.lang).to_string()).unwrap_or_default(),
            repair: one.repair.as_ref().map(|repair| repair.say(&view.lang).to_string()).unwrap_or_default(),
            is_repairable: one.is_mendable,
            article: one.article(),
        };
        DoctorBody {
            at_ms: looked.map(|looked| looked.at_ms),
            findings: looked.iter().flat_map(|looked| &looked.findings).map(finding).collect(),
        }
    }
}

/// What the recovery assistant found last.
#[utoipa::path(get, path = "/doctor", tag = "doctor", responses((status = 200, description = "Findings", body = DoctorBody)))]
async fn found(view: View, person: Person) -> Result<Json<DoctorBody>, Fault> {
    Ok(Json(DoctorBody::of(&view, last(&person)?.as_ref())))
}

/// Looks at the installation now; takes up to half a minute.
#[utoipa::path(post, path = "/doctor", tag = "doctor", responses((status = 200, description = "Findings", body = DoctorBody),
    (status = 429, description = "Another look goes on", body = Problem, content_type = "application/problem+json")))]
async fn look(State(app): State<App>, view: View, person: Person) -> Result<Json<DoctorBody>, Fault> {
    let looked = examine(&app, &person).await?;
    Ok(Json(DoctorBody::of(&view, Some(&looked))))
}

/// Which finding is to be repaired.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepairWish {
    /// Its id.
    finding: String,
    /// Where it was looked at, as the finding says.
    looked_at: String,
}

/// Does the safe repair of a finding, and looks again.
#[utoipa::path(post, path = "/doctor/repair", tag = "doctor", request_body = RepairWish, responses(
    (status = 200, description = "Findings after it", body = DoctorBody),
    (status = 409, description = "There is nothing to repair any more", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Another look goes on", body = Problem, content_type = "application/problem+json")))]
async fn repair(State(app): State<App>, view: View, person: Person, Json(wish): Json<RepairWish>) -> Result<Json<DoctorBody>, Fault> {
    let looked = mend(&app, &person, &wish.finding, &wish.looked_at).await?;
    Ok(Json(DoctorBody::of(&view, Some(&looked))))
}

/// What goes into a support bundle.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BundleWish {
    /// Leave mail and network addresses readable.
    addresses: bool,
    /// Answer with the names and texts of what would be inside instead of the file.
    preview: bool,
}

/// One file of a support bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BundlePart {
    pub name: String,
    pub about: String,
    pub text: String,
}

/// Makes a support bundle: a tar.gz, or with `preview` what would be inside.
#[utoipa::path(post, path = "/doctor/bundle", tag = "doctor", request_body = BundleWish, responses(
    (status = 200, description = "The bundle, or what would be inside", content(
        (Vec<u8> = "application/gzip"), (Vec<BundlePart> = "application/json"))),
    (status = 429, description = "Another look goes on", body = Problem, content_type = "application/problem+json")))]
async fn preview(State(app): State<App>, person: Person, Json(wish): Json<BundleWish>) -> Result<Response, Fault> {
    let made = bundle(&app, &person, (wish.addresses, !wish.preview)).await?;
    if !wish.preview {
        return Ok(([(header::CONTENT_TYPE, "application/gzip")], made.packed).into_response());
    }
    let parts: Vec<BundlePart> =
        made.parts.into_iter().map(|part| BundlePart { name: part.name, about: part.about, text: part.text }).collect();
    Ok(Json(parts).into_response())
}
