//! What was kept and what was missed, by month.

use super::clock::Kind;
use super::desk;
use super::queue_page::organisations;
use super::sql::{self, Kept};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, View, csv, show};
use crate::people::Person;
use crate::service_request::rating::SatisfactionBody;
use crate::service_request::{Severity, sql_more};
use askama::Template;
use axum::extract::{Query, State};
use gateway::scope::OrgScope;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mail::OrgId;
use serde::{Deserialize, Serialize};
use store::{Error, Tx};
use utoipa::ToSchema;

/// Months that a page leads to.
const MONTHS: usize = 13;

/// Which promises a report is about. What is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// "2026-11", in UTC; else this month.
    pub month: String,
    /// Identifier of an organisation.
    pub org: String,
    /// "csv": as a file.
    pub format: String,
}

/// A line of the report: promises that began in the month.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KeptBody {
    pub clock: Kind,
    pub severity: Severity,
    pub kept: i64,
    pub missed: i64,
    /// Neither yet.
    pub open: i64,
    /// Of those that are over; null when none is.
    pub kept_percent: Option<f64>,
}

impl KeptBody {
    pub fn of(one: &Kept) -> KeptBody {
        let over = one.kept + one.missed;
        let kept_percent = (over > 0).then(|| (one.kept as f64 * 1000.0 / over as f64).round() / 10.0);
        KeptBody { clock: one.clock, severity: one.severity, kept: one.kept, missed: one.missed, open: one.open, kept_percent }
    }
}

/// A month by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(pub Date);

impl Month {
    /// The month of a moment, UTC.
    pub fn of(at_ms: i64) -> Month {
        let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
        Month(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    pub fn parse(text: &str) -> Option<Month> {
        format!("{text}-01").parse().ok().map(Month)
    }

    pub fn name(self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }

    /// From its beginning to that of the next, Unix milliseconds.
    pub fn span(self) -> (i64, i64) {
        let start = |day: Date| day.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_millisecond());
        let next = self.0.checked_add(jiff::Span::new().months(1)).unwrap_or(self.0);
        (start(self.0), start(next))
    }

    /// This one and those before it, the latest first.
    pub fn back(self, count: usize) -> Vec<Month> {
        let all = std::iter::successors(Some(self), |month| month.0.checked_sub(jiff::Span::new().months(1)).ok().map(Month));
        all.take(count).collect()
    }
}

impl Asked {
    /// # Errors
    /// [`Fault::Invalid`] names what is no month and no organisation.
    pub fn read(&self, now_ms: i64) -> Result<(Month, Option<OrgId>), Fault> {
        let month = if self.month.is_empty() { Some(Month::of(now_ms)) } else { Month::parse(&self.month) };
        let org = Some(self.org.as_str()).filter(|org| !org.is_empty()).map(str::parse::<OrgId>).transpose();
        match (month, org) {
            (Some(month), Ok(org)) => Ok((month, org)),
            (None, _) => Err(Fault::Invalid(vec![Wrong::new("month", "support-wrong-month")])),
            (_, Err(_)) => Err(Fault::Invalid(vec![Wrong::new("org", "support-wrong-filter")])),
        }
    }
}

/// What became of the promises of a month.
pub async fn rows(app: &App, scope: OrgScope, (month, org): (Month, Option<OrgId>)) -> Result<Vec<KeptBody>, Fault> {
    let scope = match org {
        Some(org) if scope.allows(org) => OrgScope::One(org),
        Some(_) => return Err(Fault::NotFound),
        None => scope,
    };
    let span = month.span();
    let found: Result<Vec<Kept>, Error> = app.db.read(move |tx| Box::pin(async move { sql::kept(tx, scope, span).await })).await;
    Ok(found?.iter().map(KeptBody::of).collect())
}

/// Opinions in words of one report.
const OPINIONS_MAX: usize = 50;

/// What requesters thought of how their requests were solved, and what they said in words.
pub async fn satisfaction(
    app: &App,
    scope: OrgScope,
    (month, org): (Month, Option<OrgId>),
) -> Result<(SatisfactionBody, Vec<sql_more::Rating>), Fault> {
    let scope = org.map_or(scope, OrgScope::One);
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { opinions(tx, scope, month.span()).await })).await;
    Ok(found?)
}

/// The same, of a span (Unix milliseconds) of requests that were solved in it.
pub async fn opinions(tx: &mut Tx, scope: OrgScope, span: (i64, i64)) -> Result<(SatisfactionBody, Vec<sql_more::Rating>), Error> {
    let stars = sql_more::stars(tx, scope, span).await?;
    Ok((SatisfactionBody::of(&stars), sql_more::opinions(tx, scope, span, OPINIONS_MAX).await?))
}

#[derive(Template)]
#[template(path = "support_desk/templates/report.html")]
struct ReportPage<'a> {
    view: &'a View,
    satisfaction: SatisfactionBody,
    opinions: Vec<sql_more::Rating>,
    rows: Vec<KeptBody>,
    month: String,
    months: Vec<String>,
    org: String,
    organisations: Vec<(String, String)>,
}

impl ReportPage<'_> {
    fn percent(&self, row: &KeptBody) -> String {
        percent(row)
    }

    fn mean(&self) -> String {
        mean(&self.satisfaction)
    }
}

/// Mean number of stars in words; "–" when nobody said anything.
pub fn mean(satisfaction: &SatisfactionBody) -> String {
    satisfaction.mean_stars.map_or_else(|| "–".to_string(), |mean| format!("{mean:.1}"))
}

pub fn percent(row: &KeptBody) -> String {
    row.kept_percent.map_or_else(|| "–".to_string(), |percent| format!("{percent} %"))
}

/// `GET /support/report`, also as a file with `format=csv`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let scope = desk(&person)?;
    super::keep::catch_up(&app).await?;
    let (month, org) = asked.read(app.now_ms())?;
    let rows = rows(&app, scope, (month, org)).await?;
    if asked.format == "csv" {
        let header = ["clock", "severity", "kept", "missed", "open", "kept_percent"].map(str::to_string);
        let cells = |row: &KeptBody| {
            let [kept, missed, open] = [row.kept, row.missed, row.open].map(|count| count.to_string());
            vec![row.clock.name().into(), row.severity.name().into(), kept, missed, open, percent(row)]
        };
        return Ok(csv::file(&format!("support-{}", month.name()), &header, rows.iter().map(cells)));
    }
    let (satisfaction, opinions) = satisfaction(&app, scope, (month, org)).await?;
    let page = ReportPage {
        view: &view,
        satisfaction,
        opinions,
        rows,
        month: month.name(),
        months: Month::of(app.now_ms()).back(MONTHS).into_iter().map(Month::name).collect(),
        org: org.map(|org| org.to_string()).unwrap_or_default(),
        organisations: organisations(&app),
    };
    show(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_and_end_where_they_should() {
        for (text, want) in [
            ("2026-11", Some((1_793_491_200_000, 1_796_083_200_000))),
            ("2026-12", Some((1_796_083_200_000, 1_798_761_600_000))),
            ("2028-02", Some((1_832_976_000_000, 1_835_481_600_000))),
            ("2026-13", None),
            ("November", None),
        ] {
            assert_eq!(Month::parse(text).map(Month::span), want, "{text}");
        }
        let names: Vec<String> = Month::of(1_796_083_200_000).back(3).into_iter().map(Month::name).collect();
        assert_eq!(names, ["2026-12", "2026-11", "2026-10"]);
    }
}
