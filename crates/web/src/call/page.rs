//! Calls as pages: one's own, and those of support.

use super::back::{self, CallOutcome, NewCallBack};
use super::pin::{self, CallerFound};
use super::sql::{self, CallBack, Pin};
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::{May, Person};
use crate::phone::country;
use crate::service_request::Via;
use crate::support_desk::desk;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use serde::Deserialize;
use store::Error;

#[derive(Template)]
#[template(path = "call/templates/mine.html")]
struct MinePage<'a> {
    view: &'a View,
    form: &'a Shown,
    pin: Option<Pin>,
    slots: Vec<(String, String)>,
    calls: Vec<CallBack>,
    countries: Vec<(&'static str, &'static str)>,
}

impl MinePage<'_> {
    /// "123 456": how people say it.
    fn said(&self, pin: &Pin) -> String {
        let (first, second) = pin.pin.split_at_checked(3).unwrap_or((&pin.pin, ""));
        format!("{first} {second}")
    }

    fn tone(&self, call: &CallBack) -> &'static str {
        tone(call)
    }
}

fn tone(call: &CallBack) -> &'static str {
    match call.state.as_str() {
        "waiting" => "info",
        "called" => "good",
        "missed" => "warn",
        _ => "plain",
    }
}

async fn my_page(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    person.require(May::Requests)?;
    let (org, id, scope, now_ms) = (person.acting_org()?, person.id, person.scope(), app.now_ms());
    let found: Result<_, Error> =
        app.db.read(move |tx| Box::pin(async move { Ok((back::free(tx, org, now_ms).await?, sql::mine(tx, scope, id).await?)) })).await;
    let (slots, calls) = found?;
    let page = MinePage {
        view,
        form,
        pin: pin::now(app, person).await?,
        slots: slots.into_iter().map(|slot| (slot.to_string(), view.moment(slot))).collect(),
        calls,
        countries: country::list(view.lang),
    };
    show_with(form.status(), &page)
}

/// `GET /calls`.
pub async fn mine(State(app): State<App>, view: View, person: Person) -> Page {
    my_page(&app, &view, &person, &Shown::default()).await
}

/// `POST /calls/pin`: a new number for the next call.
pub async fn fresh_pin(State(app): State<App>, person: Person) -> Page {
    pin::fresh(&app, &person).await?;
    done("/calls", Say::new("call-pin-made"))
}

/// `POST /calls`: books a half hour.
pub async fn book(State(app): State<App>, view: View, person: Person, Form(new): Form<NewCallBack>) -> Page {
    let form = Shown::of(&new);
    match back::book(&app, &person, (view.lang.tag(), new)).await {
        Ok(_) => done("/calls", Say::new("call-booked")),
        Err(Fault::Invalid(wrong)) => my_page(&app, &view, &person, &form.with_wrong(wrong)).await,
        Err(other) => Err(other),
    }
}

/// `POST /calls/{call}`: calls it off.
pub async fn cancel(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    back::cancel(&app, &person, id.parse().map_err(|_| Fault::NotFound)?).await?;
    done("/calls", Say::new("call-cancelled"))
}

#[derive(Template)]
#[template(path = "call/templates/support.html")]
struct SupportPage<'a> {
    view: &'a View,
    form: &'a Shown,
    calls: Vec<(CallBack, String)>,
    known: Option<(CallerFound, String)>,
}

async fn support_page(app: &App, view: &View, person: &Person, (form, caller): (&Shown, Option<CallerFound>)) -> Page {
    let scope = desk(person)?;
    let found: Result<Vec<CallBack>, Error> = app.db.read(move |tx| Box::pin(async move { sql::waiting(tx, scope).await })).await;
    let directory = app.directory.snapshot();
    let name = |org| directory.organisation(org).map_or_else(|| org.to_string(), |found| found.name.clone());
    let page = SupportPage {
        view,
        form,
        calls: found?.into_iter().map(|call| (call.clone(), name(call.org))).collect(),
        known: caller.map(|caller| (caller.clone(), name(caller.org))),
    };
    show_with(form.status(), &page)
}

/// `GET /support/calls`.
pub async fn of_support(State(app): State<App>, view: View, person: Person) -> Page {
    support_page(&app, &view, &person, (&Shown::default(), None)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Heard {
    pin: String,
}

/// `POST /support/calls/pin`: who calls.
pub async fn check_pin(State(app): State<App>, view: View, person: Person, Form(heard): Form<Heard>) -> Page {
    let caller = pin::check(&app, &person, &heard.pin).await?;
    support_page(&app, &view, &person, (&Shown::default(), Some(caller))).await
}

/// `POST /support/calls/{call}`: what came of it.
pub async fn called(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(outcome): Form<CallOutcome>) -> Page {
    desk(&person)?;
    let form = Shown::of(&outcome);
    match back::called(&app, &person, Via::Phone, (id.parse().map_err(|_| Fault::NotFound)?, outcome)).await {
        Ok(()) => done("/support/calls", Say::new("support-done")),
        Err(Fault::Invalid(wrong)) => support_page(&app, &view, &person, (&form.with_wrong(wrong), None)).await,
        Err(other) => Err(other),
    }
}
