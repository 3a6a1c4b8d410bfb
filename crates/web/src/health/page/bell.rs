//! The bell as a page: what is new, what was read, and what one wants to be rung about.

use super::super::bell::{self, Alert, Choice};
use super::text_html;
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::Person;
use askama::Template;
use axum::Form;
use axum::extract::State;
use gateway::health::Service;
use serde::Deserialize;
use store::Error;

struct Line {
    href: String,
    subject: String,
    title: String,
    status: String,
    tone: &'static str,
    at_ms: i64,
}

#[derive(Template)]
#[template(path = "health/templates/bell.html")]
struct BellPage<'a> {
    view: &'a View,
    urgent: Vec<Line>,
    new: Vec<Line>,
    read: Vec<Line>,
    form: &'a Shown,
    muted: Vec<(&'static str, bool)>,
}

/// `GET /bell`.
pub async fn page(State(app): State<App>, view: View, person: Person) -> Page {
    let (scope, id, now_ms) = (person.scope(), person.id, app.now_ms());
    let read = app
        .db
        .read(move |tx| Box::pin(async move { Ok::<_, Error>((bell::alerts(tx, scope, id, now_ms).await?, bell::choice(tx, id).await?)) }));
    let (alerts, choice) = read.await.map_err(Fault::from)?;
    let lines = |wanted: &dyn Fn(&Alert) -> bool| alerts.iter().filter(|alert| wanted(alert)).map(|alert| line(&view, alert)).collect();
    let form = Shown::of(&choice);
    show(&BellPage {
        view: &view,
        urgent: lines(&|alert| !alert.is_read && alert.is_urgent),
        new: lines(&|alert| !alert.is_read && !alert.is_urgent),
        read: lines(&|alert| alert.is_read),
        form: &form,
        muted: Service::SHARED.iter().map(|service| (service.kind(), choice.muted.iter().any(|muted| muted == service.kind()))).collect(),
    })
}

fn line(view: &View, alert: &Alert) -> Line {
    Line {
        href: alert.href.clone(),
        subject: alert.subject.clone(),
        title: text_html(view, &alert.title),
        status: view.t(&alert.status),
        tone: alert.tone,
        at_ms: alert.at_ms,
    }
}

/// `POST /bell`: everything was read.
pub async fn read(State(app): State<App>, person: Person) -> Page {
    let (scope, id, now_ms) = (person.scope(), person.id, app.now_ms());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let alerts = bell::alerts(tx, scope, id, now_ms).await?;
            let subjects: Vec<String> = alerts.into_iter().filter(|alert| !alert.is_read).map(|alert| alert.subject).collect();
            bell::mark_read(tx, id, &subjects, now_ms).await?;
            Ok::<_, Error>(subjects.len())
        })
    });
    let count = work.await.map_err(Fault::from)?;
    app.health.ring();
    done("/bell", Say::new("bell-all-read").with("count", count))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    incidents: String,
    advisories: String,
    messages: String,
    mail: String,
    weekly: String,
    community: String,
    community_mail: String,
    quiet_from: u8,
    quiet_to: u8,
}

/// `POST /bell/choice`; the services that are left out come as `mute-NAME`.
pub async fn choose(State(app): State<App>, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let hour = |name: &str| value(name).parse::<u8>().unwrap_or(0).min(23);
    let chosen = Chosen {
        incidents: value("incidents"),
        advisories: value("advisories"),
        messages: value("messages"),
        mail: value("mail"),
        weekly: value("weekly"),
        community: value("community"),
        community_mail: value("community_mail"),
        quiet_from: hour("quiet_from"),
        quiet_to: hour("quiet_to"),
    };
    let is_muted = |service: &Service| !value(&format!("mute-{}", service.kind())).is_empty();
    let choice = Choice {
        incidents: !chosen.incidents.is_empty(),
        advisories: !chosen.advisories.is_empty(),
        messages: !chosen.messages.is_empty(),
        muted: Service::SHARED.iter().filter(|service| is_muted(service)).map(|service| service.kind().to_string()).collect(),
        quiet_from: chosen.quiet_from,
        quiet_to: chosen.quiet_to,
        mail: !chosen.mail.is_empty(),
        weekly: !chosen.weekly.is_empty(),
        community: !chosen.community.is_empty(),
        community_mail: !chosen.community_mail.is_empty(),
    };
    let id = person.id;
    app.db.tx(move |tx| Box::pin(async move { bell::put_choice(tx, id, &choice).await })).await.map_err(Fault::from)?;
    app.health.ring();
    done("/bell", Say::new("bell-chosen"))
}
