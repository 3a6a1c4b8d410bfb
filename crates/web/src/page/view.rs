//! Who looks, in which language, colours and time zone: what every template has as `view`.
//!
//! A [`View`] is made for every request, signed in or not; making it never fails. Templates call its methods for words and times.

use super::words::{self, Lang};
use super::{Fault, Say, icon, nav, said, time};
use crate::App;
use crate::people::{May, Person};
use askama::filters::Safe;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Redirect;
use axum::routing::post;
use axum::{Form, Router};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use fluent_bundle::FluentValue;
use serde::Deserialize;
use std::convert::Infallible;

const LANG_COOKIE: &str = "gatepost_lang";
const COLOURS_COOKIE: &str = "gatepost_colours";
const ZONE_COOKIE: &str = "gatepost_zone";

/// Colours a person can choose; `Auto` follows the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    #[default]
    Auto,
    Light,
    Dark,
    Contrast,
}

impl Colours {
    pub const ALL: [Colours; 4] = [Colours::Auto, Colours::Light, Colours::Dark, Colours::Contrast];

    pub fn name(self) -> &'static str {
        match self {
            Colours::Auto => "auto",
            Colours::Light => "light",
            Colours::Dark => "dark",
            Colours::Contrast => "contrast",
        }
    }

    fn parse(name: &str) -> Option<Colours> {
        Colours::ALL.into_iter().find(|colours| colours.name() == name)
    }
}

/// What a template knows about the request.
#[derive(Debug, Clone)]
pub struct View {
    pub lang: Lang,
    pub colours: Colours,
    pub zone: jiff::tz::TimeZone,
    /// Who is signed in.
    pub person: Option<Person>,
    /// As asked, with the query.
    pub path: String,
    /// Said by the page before, once.
    pub said: Option<Say>,
    /// What the bell counts.
    pub unread: usize,
    pub now_ms: i64,
    /// For those who look after several organisations: the one they act in, "" for all.
    pub acting: Option<String>,
}

impl View {
    /// For what is written without a request: mail, tests.
    pub fn plain(lang: Lang, now_ms: i64) -> View {
        View {
            lang,
            colours: Colours::Auto,
            zone: jiff::tz::TimeZone::UTC,
            person: None,
            path: "/".into(),
            said: None,
            unread: 0,
            now_ms,
            acting: None,
        }
    }

    pub fn of(app: &App, parts: &Parts) -> View {
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = |name: &str| jar.get(name).map(|cookie| cookie.value().to_string());
        let person = parts.extensions.get::<Person>().cloned();
        let chosen = cookie(LANG_COOKIE).and_then(|tag| Lang::parse(&tag)).or(person.as_ref().and_then(|person| person.lang));
        View {
            lang: chosen.unwrap_or_else(|| accepted(&parts.headers)),
            colours: cookie(COLOURS_COOKIE)
                .or(person.as_ref().map(|person| person.colours.clone()))
                .and_then(|name| Colours::parse(&name))
                .unwrap_or_default(),
            // What the person chose counts; the cookie is what the browser's system says.
            zone: person
                .as_ref()
                .map(|person| person.zone.clone())
                .filter(|zone| !zone.is_empty())
                .or(cookie(ZONE_COOKIE))
                .map_or(jiff::tz::TimeZone::UTC, |name| time::zone(&name)),
            acting: person.as_ref().filter(|person| person.may(May::Operate)).map(|person| acting(app, person)),
            person,
            path: parts.uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            said: said::cookie(&jar),
            unread: parts.extensions.get::<crate::health::bell::Unread>().map_or(0, |unread| unread.0),
            now_ms: app.now_ms(),
        }
    }

    /// Words of a key.
    pub fn t(&self, key: &str) -> String {
        words::text(self.lang, key, &[])
    }

    /// Words with a number `$count`.
    pub fn n(&self, key: &str, count: impl Count) -> String {
        words::text(self.lang, key, &[("count", FluentValue::from(count.number()))])
    }

    /// Words with a text `$what`.
    pub fn w(&self, key: &str, what: impl AsRef<str>) -> String {
        words::text(self.lang, key, &[("what", FluentValue::from(what.as_ref()))])
    }

    /// Words of a family: `view.of("verdict", "spam")` is the key `verdict-spam`. The word itself when nobody wrote it:
    /// a newer version may have stored it.
    pub fn of_kind(&self, family: &str, word: &str) -> String {
        let key = format!("{family}-{word}");
        if words::has(self.lang, &key) { self.t(&key) } else { word.to_string() }
    }

    /// A reason that receipts keep as an English sentence; one of another version is shown as it is.
    pub fn reason(&self, sentence: &str) -> String {
        let key = format!("why-{}", super::slug(sentence));
        if super::words::has(self.lang, &key) { self.t(&key) } else { sentence.to_string() }
    }

    /// A person's role in words: one of ours, or the name that their organisation gave it.
    pub fn role(&self, person: &Person) -> String {
        if person.own_role_name.is_empty() { self.of_kind("role", person.role.name()) } else { person.own_role_name.clone() }
    }

    pub fn say(&self, say: &Say) -> String {
        say.in_lang(self.lang)
    }

    /// A moment as a `<time>`: local, with UTC on hover.
    pub fn time(&self, at_ms: impl Moment) -> Safe<String> {
        Safe(time::element(self, at_ms.millis()))
    }

    /// A moment as text, local.
    pub fn moment(&self, at_ms: impl Moment) -> String {
        time::text(self, at_ms.millis())
    }

    /// 1.2 MB.
    pub fn octets(&self, octets: impl Count) -> String {
        time::octets(octets.number())
    }

    pub fn icon(&self, name: &str) -> Safe<String> {
        Safe(icon::svg(name))
    }

    pub fn asset(&self, name: &str) -> String {
        super::assets::href(name)
    }

    /// Whether the person may; nobody may nothing.
    pub fn may(&self, may: May) -> bool {
        self.person.as_ref().is_some_and(|person| person.may(may))
    }

    /// The name of the bell, with its number.
    pub fn bell(&self) -> String {
        crate::health::bell::label(self.lang, self.unread)
    }

    pub fn nav(&self) -> Vec<nav::Group> {
        nav::groups(self)
    }

    pub fn all_colours(&self) -> [Colours; 4] {
        Colours::ALL
    }

    pub fn other_langs(&self) -> Vec<Lang> {
        Lang::ALL.into_iter().filter(|lang| *lang != self.lang).collect()
    }
}

/// Numbers as templates have them: by value and by reference.
pub trait Count {
    fn number(&self) -> i64;
}

macro_rules! counts {
    ($($kind:ty),*) => { $(impl Count for $kind {
        fn number(&self) -> i64 {
            i64::try_from(*self).unwrap_or(i64::MAX)
        }
    })* };
}
counts!(i64, u64, usize, u32, i32, u8);

impl<T: Count> Count for &T {
    fn number(&self) -> i64 {
        (**self).number()
    }
}

/// Unix milliseconds, by value and by reference.
pub trait Moment {
    fn millis(&self) -> i64;
}

impl Moment for i64 {
    fn millis(&self) -> i64 {
        *self
    }
}

impl<T: Moment> Moment for &T {
    fn millis(&self) -> i64 {
        (**self).millis()
    }
}

fn accepted(headers: &HeaderMap) -> Lang {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map_or(Lang::English, Lang::accepted)
}

impl FromRequestParts<App> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<View, Infallible> {
        Ok(View::of(app, parts))
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/view", post(choose))
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    colours: String,
    #[serde(default)]
    back: String,
}

/// `POST /view`: the person's choice of language and colours, kept by the browser.
async fn choose(mut jar: CookieJar, Form(chosen): Form<Chosen>) -> Result<(CookieJar, Redirect), Fault> {
    if let Some(lang) = Lang::parse(&chosen.lang) {
        jar = jar.add(lasting(LANG_COOKIE, lang.tag()));
    }
    if let Some(colours) = Colours::parse(&chosen.colours) {
        jar = jar.add(lasting(COLOURS_COOKIE, colours.name()));
    }
    Ok((jar, Redirect::to(own_path(&chosen.back))))
}

/// Cookies that make the browser follow what a person keeps in their account; "" is as the browser says.
pub fn kept_choice(lang: &str, colours: &str) -> Vec<axum::http::HeaderValue> {
    const YEAR_S: i64 = 365 * 24 * 60 * 60;
    let kept = |(name, value): (&str, &str)| {
        let age_s = if value.is_empty() { 0 } else { YEAR_S };
        axum::http::HeaderValue::from_str(&format!("{name}={value}; Path=/; SameSite=Lax; Max-Age={age_s}")).ok()
    };
    [(LANG_COOKIE, lang), (COLOURS_COOKIE, colours)].into_iter().filter_map(kept).collect()
}

fn acting(app: &App, person: &Person) -> String {
    let directory = app.directory.snapshot();
    person.org.and_then(|org| directory.organisation(org)).map(|found| found.name.clone()).unwrap_or_default()
}

fn lasting(name: &'static str, value: &'static str) -> Cookie<'static> {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    cookie.make_permanent();
    cookie
}

/// A path of ours to go back to; anything that a browser could read as another host is the front page.
pub fn own_path(path: &str) -> &str {
    let is_ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t']);
    if is_ours { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::{Lang, own_path};

    #[test]
    fn nobody_is_sent_to_another_host() {
        for (path, want) in [
            ("/trace?x=1", "/trace?x=1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/\t/evil.example", "/"),
        ] {
            assert_eq!(own_path(path), want);
        }
    }

    #[test]
    fn the_browser_says_which_language() {
        for (header, want) in [
            ("", Lang::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Chinese),
            ("en;q=0.5, zh;q=0.9", Lang::Chinese),
            ("fr, de;q=0.8, zh-TW;q=0.1", Lang::Chinese),
            ("zh;q=0, en", Lang::English),
            ("fr", Lang::English),
        ] {
            assert_eq!(Lang::accepted(header), want, "{header}");
        }
    }
}
