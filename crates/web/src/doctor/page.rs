//! The assistant's pages.

use super::{Bundle, Looked, bundle, examine, last, mend, mendable};
use crate::App;
use crate::page::{Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

/// Name of the file that is taken along.
const FILE: &str = "gatepost-support.tar.gz";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/doctor", get(page).post(run))
        .route("/admin/doctor/repair", post(repair))
        .route("/admin/doctor/bundle", get(bundle_form).post(bundle_made))
}

#[derive(Template)]
#[template(path = "doctor/templates/doctor.html")]
struct DoctorPage<'a> {
    view: &'a View,
    looked: Option<Looked>,
    problems: usize,
    repairs: usize,
}

/// `GET /admin/doctor`: what was found last.
async fn page(view: View, person: Person) -> Page {
    let looked = last(&person)?;
    let count =
        |wanted: &dyn Fn(&super::Finding) -> bool| looked.iter().flat_map(|looked| &looked.findings).filter(|one| wanted(one)).count();
    let (problems, repairs) = (count(&|one| one.outcome == "problem"), count(&|one| one.repair.is_some()));
    show(&DoctorPage { view: &view, problems, repairs, looked })
}

/// `POST /admin/doctor`: looks now.
async fn run(State(app): State<App>, person: Person) -> Page {
    examine(&app, &person).await?;
    done("/admin/doctor", Say::new("doctor-looked"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Repaired {
    finding: String,
    at: String,
    sure: String,
}

/// `POST /admin/doctor/repair`: asks, then does it.
async fn repair(State(app): State<App>, view: View, person: Person, Form(asked): Form<Repaired>) -> Page {
    let finding = mendable(&person, &asked.finding, &asked.at)?;
    if asked.sure.is_empty() {
        let what = finding.repair.as_ref().map(|repair| repair.say(&view.lang).to_string()).unwrap_or_default();
        let asking = confirm::Confirm {
            title: Say::new("doctor-repair"),
            text: Say::new("doctor-repair-sure").with("what", what),
            button: "doctor-repair",
            action: "/admin/doctor/repair".into(),
            fields: vec![("finding".into(), asked.finding), ("at".into(), asked.at)],
            back: "/admin/doctor".into(),
        };
        return confirm::page(&view, &asking);
    }
    mend(&app, &person, &asked.finding, &asked.at).await?;
    done("/admin/doctor", Say::new("doctor-repaired"))
}

#[derive(Template)]
#[template(path = "doctor/templates/bundle.html")]
struct BundlePage<'a> {
    view: &'a View,
    bundle: Option<Bundle>,
    shows_addresses: bool,
}

/// `GET /admin/doctor/bundle`.
async fn bundle_form(view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    show(&BundlePage { view: &view, bundle: None, shows_addresses: false })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    addresses: String,
    /// "preview" or "take".
    verb: String,
}

/// `POST /admin/doctor/bundle`: shows what would be inside, or gives the file.
async fn bundle_made(State(app): State<App>, view: View, person: Person, Form(wish): Form<Wish>) -> Page {
    let (shows_addresses, is_taken) = (!wish.addresses.is_empty(), wish.verb == "take");
    let made = bundle(&app, &person, (shows_addresses, is_taken)).await?;
    if is_taken {
        let disposition = format!("attachment; filename=\"{FILE}\"");
        return Ok(([(header::CONTENT_TYPE, "application/gzip".to_string()), (header::CONTENT_DISPOSITION, disposition)], made.packed)
            .into_response());
    }
    show(&BundlePage { view: &view, bundle: Some(made), shows_addresses })
}
