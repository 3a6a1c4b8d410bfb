//! Pages: the list of requests, and opening one.

use super::change::{self, At};
use super::consent;
use super::evidence::{self, Piece};
use super::file::{self, Owner, Sent};
use super::form::NewServiceRequest;
use super::model::{Area, Ball, By, File, Kind, Request, Severity, Side, State, Via, Way};
use super::suggest::{self, Suggestions};
use super::{Reader, See, search, sql, sql_file};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{FromRequest, Multipart, Query, Request as HttpRequest, State as Given};
use axum::http::{StatusCode, header};
use gateway::scope::OrgScope;
use mail::id::RequestId;
use serde::Deserialize;
use store::Error;

const COLUMNS: &[Column] = &[
    Column { name: "title", title: "request-col-title", can_sort: false, is_usual: true },
    Column { name: "state", title: "request-col-state", can_sort: false, is_usual: true },
    Column { name: "ball", title: "request-col-ball", can_sort: false, is_usual: true },
    Column { name: "severity", title: "request-col-severity", can_sort: false, is_usual: true },
    Column { name: "requester", title: "request-col-requester", can_sort: false, is_usual: true },
    Column { name: "last", title: "request-col-last", can_sort: false, is_usual: true },
    Column { name: "opened", title: "request-col-opened", can_sort: false, is_usual: false },
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// "mine", "waiting" (for the reader's side), "closed"; else all that are not closed.
    show: String,
    before: String,
    /// Words, or the number of a request: then it is looked for, and the rest does not matter.
    q: String,
}

#[derive(Template)]
#[template(path = "service_request/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    table: String,
    show: &'a str,
    q: &'a str,
    can_open: bool,
}

impl ListPage<'_> {
    fn is_shown(&self, name: &str) -> bool {
        self.q.is_empty() && self.show == name
    }
}

/// Where a list goes on: "time.request".
pub fn cursor(text: &str) -> Result<Option<(i64, RequestId)>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    read.map(Some).ok_or_else(|| Fault::Invalid(vec![Wrong::new("before", "request-wrong-cursor")]))
}

/// What a list of this name shows this reader.
pub fn which(reader: Reader, person: &Person, show: &str, before: &str) -> Result<sql::Which, Fault> {
    let mine = if reader.is_support {
        sql::Which { assignee: Some(person.id), ..sql::Which::ALL }
    } else {
        sql::Which { requester: Some(person.id), ..sql::Which::ALL }
    };
    let ball = if reader.is_support { Ball::Support } else { Ball::Requester };
    let which = match show {
        "mine" => mine,
        "waiting" => sql::Which { ball: Some(ball), ..sql::Which::ALL },
        "closed" => sql::Which { state: Some(State::Closed), ..sql::Which::ALL },
        _ => sql::Which { is_live: true, ..sql::Which::ALL },
    };
    Ok(sql::Which { before: cursor(before)?, ..which })
}

/// Characters of a question that are looked for.
const QUESTION_CHARS_MAX: usize = 400;

/// Requests of a list, and whether there are more; with words, those that are about them.
pub async fn listed(app: &App, reader: Reader, (which, q): (sql::Which, &str)) -> Result<(Vec<Request>, bool), Fault> {
    let q: String = q.trim().chars().take(QUESTION_CHARS_MAX).collect();
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            match q.as_str() {
                "" => sql::list(tx, reader.scope, which).await,
                words => Ok((search::about(tx, reader.scope, words).await?, false)),
            }
        })
    });
    found.await.map_err(|why: Error| Fault::from(why))
}

/// `GET /requests`.
pub async fn list(
    Given(app): Given<App>,
    view: View,
    person: Person,
    Query(asked): Query<Listed>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let reader = Reader::of(&person)?;
    let which = which(reader, &person, &asked.show, &asked.before)?;
    let (rows, is_more) = listed(&app, reader, (which, asked.q.as_str())).await?;
    let next = rows.last().filter(|_| is_more).map(|last| ("before", format!("{}.{}", last.last_ms, last.id)));
    let of_table = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/requests",
        caption: view.t("request-list"),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|request| row(&view, request)).collect(),
        form: "",
        next,
        empty: view.t(match (asked.q.as_str(), asked.show.as_str()) {
            ("", "closed") => "request-list-closed-empty",
            ("", _) => "request-list-empty",
            _ => "request-list-not-found",
        }),
    };
    if of_table.is_csv {
        return Ok(table.csv("requests"));
    }
    let can_open = person.may(May::Requests) && person.org.is_some();
    show(&ListPage { view: &view, table: table.html(), show: &asked.show, q: &asked.q, can_open })
}

fn row(view: &View, request: &Request) -> Row {
    Row {
        pick: String::new(),
        label: request.title.clone(),
        cells: vec![
            Cell::link(&format!("/requests/{}", request.id), request.title.clone()),
            Cell::badge(request.state.tone(), view.of_kind("request-is", request.state.name())),
            Cell::text(view.of_kind("request-ball", request.state.ball().name())),
            Cell::text(view.of_kind("request-severity-short", request.severity.name())),
            Cell::text(request.shown()),
            Cell::time(view, request.last_ms),
            Cell::time(view, request.at_ms()),
        ],
    }
}

/// What the form of a new request may be filled with by a link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filled {
    title: String,
    description: String,
    area: String,
    evidence: String,
}

#[derive(Template)]
#[template(path = "service_request/templates/new.html")]
struct NewPage<'a> {
    view: &'a View,
    form: &'a Shown,
    pieces: Vec<(String, String)>,
    loose: Vec<File>,
    suggestions: Option<Suggestions>,
    countries: Vec<(&'static str, &'static str)>,
}

impl NewPage<'_> {
    fn kinds(&self) -> Vec<&'static str> {
        Kind::ALL.iter().map(|one| one.name()).collect()
    }

    fn areas(&self) -> Vec<&'static str> {
        Area::ALL.iter().map(|one| one.name()).collect()
    }

    fn severities(&self) -> Vec<&'static str> {
        Severity::ALL.iter().map(|one| one.name()).collect()
    }

    fn ways(&self) -> Vec<&'static str> {
        Way::ALL.iter().map(|one| one.name()).collect()
    }

    fn sees(&self) -> Vec<&'static str> {
        See::ALL.iter().map(|one| one.name()).collect()
    }

    fn is_severity(&self, name: &str) -> bool {
        let chosen = self.form.value("severity");
        name == if chosen.is_empty() { Severity::C.name() } else { chosen }
    }

    fn is_seen(&self, see: &str) -> bool {
        self.form.value("see").split(' ').any(|one| one == see)
    }
}

/// `GET /requests/new?evidence=mail:m…`.
pub async fn fresh(Given(app): Given<App>, view: View, person: Person, Query(filled): Query<Filled>) -> Page {
    person.require(May::Requests)?;
    person.acting_org()?;
    let pieces = pieces(&app, &view, &person, &filled.evidence).await?;
    let mut asked = NewServiceRequest {
        title: filled.title.chars().take(super::form::TITLE_CHARS_MAX).collect(),
        description: filled.description.chars().take(super::form::TEXT_CHARS_MAX).collect(),
        area: filled.area,
        evidence: filled.evidence,
        way: "mail".into(),
        severity: "c".into(),
        language: view.lang.tag().into(),
        ..NewServiceRequest::default()
    };
    if let Some(first) = pieces.first() {
        if asked.title.is_empty() {
            asked.title = first.about.chars().take(super::form::TITLE_CHARS_MAX).collect();
        }
        if asked.area.is_empty() {
            asked.area = first.area.name().into();
        }
    }
    let suggestions = suggestions(&app, &view, &person, &asked).await?;
    new_page(&app, &view, &person, (StatusCode::OK, &Shown::of(&asked), &pieces, suggestions)).await
}

/// The evidence that is named, read as this person.
pub async fn pieces(app: &App, view: &View, person: &Person, names: &str) -> Result<Vec<Piece>, Fault> {
    let mut found = Vec::new();
    for name in names.split_whitespace().take(evidence::PIECES_MAX) {
        found.push(evidence::read(app, view, person, name).await?);
    }
    Ok(found)
}

async fn suggestions(app: &App, view: &View, person: &Person, asked: &NewServiceRequest) -> Result<Option<Suggestions>, Fault> {
    let text = format!("{} {}", asked.title, asked.description);
    if text.trim().is_empty() { Ok(None) } else { suggest::look(app, view, person, &text).await.map(Some) }
}

async fn new_page(
    app: &App,
    view: &View,
    person: &Person,
    (status, form, pieces, suggestions): (StatusCode, &Shown, &[Piece], Option<Suggestions>),
) -> Page {
    let (id, scope) = (person.id, person.scope());
    let loose = app.db.read(move |tx| Box::pin(async move { sql_file::loose(tx, scope, id, None).await })).await;
    let loose: Vec<File> = loose.map_err(|why: Error| Fault::from(why))?;
    let named = |piece: &Piece| {
        let about = if piece.about.is_empty() { piece.evidence.source_id.clone() } else { piece.about.clone() };
        (view.of_kind("request-source", &piece.evidence.source), about)
    };
    let countries = crate::phone::country::list(view.lang);
    let pieces = pieces.iter().map(named).collect();
    show_with(status, &NewPage { view, form, pieces, loose, suggestions, countries })
}

#[derive(Template)]
#[template(path = "service_request/templates/suggested.html")]
struct SuggestedPart<'a> {
    view: &'a View,
    suggestions: Option<Suggestions>,
}

/// `POST /requests/suggest`: the part of the form that shows what may help, while somebody types. Changes nothing.
pub async fn suggest(Given(app): Given<App>, view: View, person: Person, request: HttpRequest) -> Page {
    person.require(May::Requests)?;
    // The form takes files, so what is typed comes as its parts.
    let read = read_form(request).await?;
    let asked = NewServiceRequest { title: read.value("title"), description: read.value("description"), ..NewServiceRequest::default() };
    let suggestions = suggestions(&app, &view, &person, &asked).await?;
    show(&SuggestedPart { view: &view, suggestions })
}

/// What a form sent: pairs, and files where it had some.
pub struct Read {
    pub pairs: Vec<(String, String)>,
    pub files: Vec<Sent>,
}

impl Read {
    /// Values of one name, with spaces between.
    pub fn value(&self, name: &str) -> String {
        let values: Vec<&str> = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        values.join(" ")
    }
}

/// Reads a form of either kind.
pub async fn read_form(request: HttpRequest) -> Result<Read, Fault> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        let Form(pairs) =
            Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|why| Fault::Unreadable(why.body_text()))?;
        return Ok(Read { pairs, files: Vec::new() });
    }
    let unreadable = |why: axum::extract::multipart::MultipartError| match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
        _ => Fault::Unreadable(why.body_text()),
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|why| Fault::Unreadable(why.body_text()))?;
    let mut read = Read { pairs: Vec::new(), files: Vec::new() };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_string();
        let (file, media) = (field.file_name().map(str::to_string), field.content_type().unwrap_or_default().to_string());
        let octets = field.bytes().await.map_err(unreadable)?;
        match file {
            Some(file) if !(file.is_empty() && octets.is_empty()) && read.files.len() < file::OF_WORD_MAX => {
                read.files.push(Sent { name: file, media, octets });
            }
            Some(_) => {}
            None if read.pairs.len() < FIELDS_MAX => read.pairs.push((name, String::from_utf8_lossy(&octets).into_owned())),
            None => {}
        }
    }
    Ok(read)
}

const FIELDS_MAX: usize = 200;

/// Uploads the files of a form; what is wrong with those that were refused.
pub async fn uploaded(at: &At, owner: Owner, files: Vec<Sent>, hides_secrets: bool) -> Result<(Vec<File>, Vec<Wrong>), Fault> {
    let (mut taken, mut wrong) = (Vec::new(), Vec::new());
    for sent in files {
        match file::take(at, owner, sent, hides_secrets).await {
            Ok(file) => taken.push(file),
            Err(Fault::Invalid(why)) => wrong.extend(why),
            Err(other) => return Err(other),
        }
    }
    Ok((taken, wrong))
}

/// `POST /requests/new`: opens it, or (`verb` "search") looks first for what may help.
pub async fn open(Given(app): Given<App>, view: View, person: Person, request: HttpRequest) -> Page {
    person.require(May::Requests)?;
    let org = person.acting_org()?;
    let read = read_form(request).await?;
    let mut asked = typed(&read);
    let owner = Owner { org, person: person.id, request: None };
    let (_, mut wrong) =
        uploaded(&At::new(&app, By::of(&person, Side::Requester, Via::Web)), owner, read.files.clone(), read.value("show_secrets") != "on")
            .await?;
    let (id, scope) = (person.id, person.scope());
    let loose = app.db.read(move |tx| Box::pin(async move { sql_file::loose(tx, scope, id, None).await })).await;
    let loose: Vec<File> = loose.map_err(|why: Error| Fault::from(why))?;
    asked.files = loose.iter().map(|file| file.id.to_string()).collect::<Vec<_>>().join(" ");
    let pieces = pieces(&app, &view, &person, &asked.evidence).await?;
    if read.value("verb") != "open" {
        let suggestions = suggestions(&app, &view, &person, &asked).await?;
        let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return new_page(&app, &view, &person, (status, &Shown::of(&asked).with_wrong(wrong), &pieces, suggestions)).await;
    }
    let checked = asked.checked(&view, &person, org);
    match (checked, wrong.is_empty()) {
        (Ok(checked), true) => {
            let made = make(&app, &person, Via::Web, (checked, pieces)).await?;
            done(&format!("/requests/{made}"), Say::new("request-opened").with("what", made.to_string()))
        }
        (checked, _) => {
            wrong.extend(checked.err().unwrap_or_default());
            let suggestions = suggestions(&app, &view, &person, &asked).await?;
            let form = Shown::of(&asked).with_wrong(wrong);
            new_page(&app, &view, &person, (StatusCode::UNPROCESSABLE_ENTITY, &form, &pieces, suggestions)).await
        }
    }
}

fn typed(read: &Read) -> NewServiceRequest {
    NewServiceRequest {
        title: read.value("title"),
        description: read.value("description"),
        kind: read.value("kind"),
        area: read.value("area"),
        severity: read.value("severity"),
        people: read.value("people"),
        mails: read.value("mails"),
        since: read.value("since"),
        way: read.value("way"),
        country: read.value("country"),
        number: read.value("number"),
        hours: read.value("hours"),
        language: read.value("language"),
        copies: read.value("copies"),
        pasted: read.value("pasted"),
        evidence: read.value("evidence"),
        files: String::new(),
        see: read.value("see"),
        see_days: read.value("see_days"),
    }
}

/// Opens what was checked, with its consent, in one transaction.
pub async fn make(app: &App, person: &Person, via: Via, (checked, pieces): (super::form::Checked, Vec<Piece>)) -> Result<RequestId, Fault> {
    let mut new = checked.new;
    new.evidence = pieces.into_iter().map(|piece| piece.evidence).collect();
    if !checked.pasted.is_empty() {
        let is_bounce = ["Reporting-MTA", "Diagnostic-Code", "550 ", "554 ", "451 "].iter().any(|mark| checked.pasted.contains(mark));
        new.evidence.push(evidence::pasted(if is_bounce { "bounce" } else { "pasted" }, &checked.pasted));
    }
    let at = At::new(app, By::of(person, Side::Requester, via));
    let (scope, see, days): (OrgScope, _, _) = (person.scope(), checked.see, checked.see_days);
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let id = change::open(tx, &at, scope, new).await?;
                if !see.is_empty() {
                    consent::give(tx, &at, scope, id, consent::Given { what: see, person: None, days }).await?;
                }
                Ok(id)
            })
        })
        .await
}
