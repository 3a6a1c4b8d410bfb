//! What an organisation has agreed with support, whom it can turn to, and the review of a month: what was promised and kept, what it asked, and
//! what happened to the service. Read by the organisation itself, printed from its page.

use super::clock::{PlanBody, Target, said};
use super::report::{self, Asked, KeptBody, Month, percent};
use super::sql::{self, Contract, Kept};
use super::sql_work::{self, Engineer, Opened};
use crate::App;
use crate::health;
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use crate::premier;
use crate::service_request::rating::SatisfactionBody;
use askama::Template;
use axum::extract::{Query, State};
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use store::{Error, Tx};

/// Months that a review can be read of.
const MONTHS: usize = 13;
/// Issues of one review.
const ISSUES_MAX: usize = 100;

/// Everything that stands in a review.
#[derive(Debug, Clone)]
pub struct Review {
    pub contract: Contract,
    pub plan: Option<PlanBody>,
    pub manager: Option<Engineer>,
    pub deputy: Option<Engineer>,
    pub kept: Vec<Kept>,
    pub opened: Vec<Opened>,
    pub issues: Vec<health::issue::Issue>,
    pub satisfaction: SatisfactionBody,
    /// Advice, posture, health checks.
    pub beside: premier::Whole,
}

async fn read(tx: &mut Tx, org: OrgId, (span, now_ms): ((i64, i64), i64)) -> Result<Review, Error> {
    let scope = OrgScope::One(org);
    let contract = sql::contract_of(tx, scope, org).await?;
    let version = sql::version_for(tx, org).await?;
    let plan = match version {
        Some(version) => sql::one_version(tx, version.0).await?.map(|found| found.body),
        None => None,
    };
    let wanted = health::sql::Wanted { since_ms: span.0, rows_max: ISSUES_MAX, ..health::sql::Wanted::default() };
    let issues = health::sql::issues(tx, scope, wanted).await?;
    Ok(Review {
        contract,
        plan,
        manager: engineer(tx, contract.manager).await?,
        deputy: engineer(tx, contract.deputy).await?,
        kept: sql::kept(tx, scope, span).await?,
        opened: sql_work::opened(tx, scope, span).await?,
        satisfaction: report::opinions(tx, scope, span).await?.0,
        beside: premier::whole(tx, org, (contract.advisory_minutes, span), now_ms).await?,
        issues: issues.into_iter().filter(|issue| issue.started_ms < span.1).collect(),
    })
}

async fn engineer(tx: &mut Tx, person: Option<PersonId>) -> Result<Option<Engineer>, Error> {
    match person {
        Some(person) => sql_work::one_engineer(tx, person).await,
        None => Ok(None),
    }
}

/// The review of a month of the person's organisation.
/// # Errors
/// [`Fault::Denied`] for whoever does not follow its requests; [`Fault::Invalid`] when the month is none.
pub async fn review(app: &App, person: &Person, asked: &Asked) -> Result<(Month, Review), Fault> {
    person.require(May::Requests)?;
    let (org, (month, _)) = (person.acting_org()?, asked.read(app.now_ms())?);
    let of = (month.span(), app.now_ms());
    let found: Result<Review, Error> = app.db.read(move |tx| Box::pin(async move { read(tx, org, of).await })).await;
    Ok((month, found?))
}

#[derive(Template)]
#[template(path = "support_desk/templates/premier.html")]
struct PremierPage<'a> {
    view: &'a View,
    month: String,
    months: Vec<String>,
    review: &'a Review,
    rows: Vec<KeptBody>,
    beside: String,
}

impl PremierPage<'_> {
    fn percent(&self, row: &KeptBody) -> String {
        percent(row)
    }

    fn mean(&self) -> String {
        report::mean(&self.review.satisfaction)
    }

    fn promised(&self, target: &Target) -> String {
        said::length(self.view, i64::from(target.minutes) * 60_000)
    }

    fn title(&self, issue: &health::issue::Issue) -> String {
        issue.body.title.in_lang(self.view.lang)
    }
}

/// `GET /premier`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let (month, review) = review(&app, &person, &asked).await?;
    let page = PremierPage {
        view: &view,
        month: month.name(),
        months: Month::of(app.now_ms()).back(MONTHS).into_iter().map(Month::name).collect(),
        rows: review.kept.iter().map(KeptBody::of).collect(),
        beside: premier::panel(&view, &review.beside)?,
        review: &review,
    };
    show(&page)
}
