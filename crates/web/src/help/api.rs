//! `GET /api/v1/help` and `GET /api/v1/help/{kind}/{name}`: open to everybody.

use super::library::{Article, Kind};
use super::search;
use crate::App;
use crate::page::words::Lang;
use crate::page::{Fault, View};
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What to look for, in either language; all articles when nothing is said.
    #[param(example = "release held mail", value_type = Option<String>)]
    q: String,
    /// "en" or "zh-CN"; else as Accept-Language says.
    #[param(example = "en", value_type = Option<String>)]
    lang: String,
}

/// An article in a list.
#[derive(Debug, Serialize, ToSchema)]
struct HitBody {
    kind: Kind,
    name: String,
    title: String,
    /// Text around what was found; '' in a list of all.
    excerpt: String,
    /// Its page.
    path: String,
}

/// Articles, best first.
#[derive(Debug, Serialize, ToSchema)]
struct HitsBody {
    articles: Vec<HitBody>,
}

/// An article.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleBody {
    kind: Kind,
    name: String,
    lang: String,
    title: String,
    /// HTML.
    html: String,
    text: String,
}

fn lang_of(view: &View, asked: &str) -> Lang {
    Lang::parse(asked).unwrap_or(view.lang)
}

/// Finds articles of the help.
#[utoipa::path(get, path = "/help", tag = "help", params(Asked), security(()), responses(
    (status = 200, description = "Articles, best first", body = HitsBody),
))]
async fn list(State(app): State<App>, view: View, Query(asked): Query<Asked>) -> Json<HitsBody> {
    let lang = lang_of(&view, &asked.lang);
    let body = |article: &Article, excerpt: String| HitBody {
        kind: article.kind,
        name: article.name.clone(),
        title: article.text(lang).title.clone(),
        excerpt,
        path: article.path(),
    };
    let library = app.help.library().await;
    let articles = match asked.q.trim() {
        "" => library.all().iter().map(|article| body(article, String::new())).collect(),
        q => {
            super::learned().await;
            search::find(library, q, lang).into_iter().map(|hit| body(hit.article, hit.excerpt)).collect()
        }
    };
    Json(HitsBody { articles })
}

/// One article of the help.
#[utoipa::path(get, path = "/help/{kind}/{name}", tag = "help", security(()), params(
    ("kind" = String, Path, description = "article, cause, code, check, problem, refusal or setting", example = "check"),
    ("name" = String, Path, description = "Its name", example = "auth.dmarc.fail"),
    ("lang" = Option<String>, Query, description = "\"en\" or \"zh-CN\"; else as Accept-Language says"),
), responses(
    (status = 200, description = "The article", body = ArticleBody),
))]
async fn one(
    State(app): State<App>,
    view: View,
    Path((kind, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<ArticleBody>, Fault> {
    let kind = Kind::parse(&kind).ok_or(Fault::NotFound)?;
    let article = app.help.library().await.find(kind, &name).ok_or(Fault::NotFound)?;
    let lang = lang_of(&view, &asked.lang);
    let text = article.text(lang);
    Ok(Json(ArticleBody {
        kind,
        name: article.name.clone(),
        lang: lang.tag().into(),
        title: text.title.clone(),
        html: text.blocks.concat(),
        text: text.plain.clone(),
    }))
}
