//! Feeds of new questions (Atom, RFC 4287): of all spaces a reader may read, of one space, of one tag.
//!
//! Public spaces are read without signing in; for others a feed reader shows an API token, as programs do.

use super::model::Line;
use super::page::{Asked, look};
use super::text;
use crate::App;
use crate::page::table::escaped;
use crate::page::time::rfc3339;
use crate::page::{Page, View};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;

/// `GET /community/feed.atom?space=&tag=`.
pub async fn feed(State(app): State<App>, view: View, Query(asked): Query<Asked>) -> Page {
    let asked = Asked { q: String::new(), before: String::new(), show: String::new(), ..asked };
    let found = look(&app, view.person.as_ref(), &asked).await?;
    let place = found.spaces.named(&asked.space).map(|space| space.title.clone()).unwrap_or_default();
    let parts = [view.t("community-title"), place, asked.tag.clone()];
    let title = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" – ");
    let kind = [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8"), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((kind, written(&app, &view, &title, &found.lines)).into_response())
}

fn written(app: &App, view: &View, title: &str, lines: &[Line]) -> String {
    let updated = lines.iter().map(|line| line.question.last_ms).max().unwrap_or(view.now_ms);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\n<id>{2}</id>\n\
         <title>Gatepost: {}</title>\n<updated>{3}</updated>\n<author><name>Gatepost</name></author>\n<link rel=\"self\" href=\"{2}\"/>\n\
         <link href=\"{4}\"/>\n",
        view.lang.tag(),
        escaped(&text::visible(title)),
        escaped(&app.link(&view.path)),
        rfc3339(updated),
        escaped(&app.link("/community"))
    );
    for line in lines {
        let question = &line.question;
        let link = escaped(&app.link(&question.path()));
        let tags: String = question.tags.iter().map(|tag| format!("<category term=\"{}\"/>", escaped(tag))).collect();
        xml.push_str(&format!(
            "<entry xml:lang=\"{}\"><id>tag:gatepost,2026:{}</id><title>{}</title><link href=\"{link}\"/><published>{}</published>\
             <updated>{}</updated><author><name>{}</name></author>{tags}<summary>{}</summary></entry>\n",
            escaped(&question.lang),
            question.id,
            escaped(&question.title),
            rfc3339(question.at_ms()),
            rfc3339(question.last_ms),
            escaped(&line.who),
            escaped(&line.excerpt)
        ));
    }
    xml.push_str("</feed>\n");
    xml
}
