//! How long searches take among many requests, solutions and articles. Made only when asked for: GATEPOST_MEASURE=1; the figures stand in
//! `bench/SEARCH.md`.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::id::{RequestId, SolutionId};
use std::collections::BTreeMap;
use std::time::Instant;
use store::{Error, Value};
use testkit::postgres::databases;
use web::help::{self, Library, Setting, SettingTable};
use web::page::words::Lang;
use web::people::Role;
use web::service_request::search;

const REQUESTS: usize = 100_000;
const SOLUTIONS: usize = 20_000;
const ARTICLES: usize = 20_000;
const QUESTIONS: usize = 60;
/// Values of one statement; SQLite takes no more than 32,766.
const VALUES_MAX: usize = 30_000;
/// Requests of one transaction.
const BATCH: usize = 20_000;

/// Rows of one table that are added with few statements.
struct Rows {
    /// "table (column, …)"
    into: &'static str,
    width: usize,
    values: Vec<Value>,
}

impl Rows {
    fn new(into: &'static str) -> Rows {
        Rows { into, width: into.matches(',').count() + 1, values: Vec::new() }
    }

    fn add<const N: usize>(&mut self, row: [Value; N]) {
        assert_eq!(N, self.width, "{}", self.into);
        self.values.extend(row);
    }

    /// Statements with their values.
    fn statements(self) -> Vec<(String, Vec<Value>)> {
        let most = VALUES_MAX / self.width * self.width;
        let write = |values: &[Value]| {
            let places = |row: usize| (1..=self.width).map(|n| format!("${}", row * self.width + n)).collect::<Vec<_>>().join(", ");
            let rows: Vec<String> = (0..values.len() / self.width).map(|row| format!("({})", places(row))).collect();
            (format!("INSERT INTO {} VALUES {}", self.into, rows.join(", ")), values.to_vec())
        };
        self.values.chunks(most).map(write).collect()
    }
}

async fn put(scene: &Scene, all: Vec<Rows>) {
    let statements: Vec<(String, Vec<Value>)> = all.into_iter().flat_map(Rows::statements).collect();
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for (sql, values) in statements {
                    tx.rows(&sql, values).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("rows");
}

/// What somebody wrote; words of which some are in all, some in few, one in no other.
fn text(n: usize) -> String {
    format!(
        "mail connector quarantine late word{} thing{} item{n} partner{} invoice since update number{}",
        n % 500,
        n % 5000,
        n % 97,
        n % 1009
    )
}

const REQUEST: &str = "service_request (id, org, requester, address, name, title, description, kind, area, severity, impact, contact, lang, \
                       state, assignee, plan, queue, issue, merged_into, solution, probe, secret, told, next_ms, last_ms)";
const SOLUTION: &str =
    "solution (id, request, lang, title, problem, text, area, probe, by_person, published_ms, withdrawn_ms, helped, helped_not)";

fn terms(text: &str, solution: &str) -> BTreeMap<String, i64> {
    search::weights(text, &[text, solution])
}

async fn fill(scene: &Scene) {
    let (org, contact) = (scene.acme.0, "{\"way\":\"mail\",\"number\":\"\",\"hours\":\"\",\"lang\":\"en\"}");
    for batch in 0..REQUESTS / BATCH {
        let (mut requests, mut of_requests) = (Rows::new(REQUEST), Rows::new("request_term (org, term, shelf, request, weight)"));
        for n in batch * BATCH..(batch + 1) * BATCH {
            let (id, text) = (RequestId(scene.app.fresh_id()).0, text(n));
            // Two of three are solved.
            let (state, solution, shelf) = if n % 3 == 0 { ("open", "", 0i64) } else { ("closed", "done", 1) };
            let [zero, empty]: [Value; 2] = [0i64.into(), "".into()];
            requests.add([
                id.into(),
                org.into(),
                1i64.into(),
                "a".into(),
                empty.clone(),
                text.as_str().into(),
                text.as_str().into(),
                "technical".into(),
                "other".into(),
                "c".into(),
                "{}".into(),
                contact.into(),
                "en".into(),
                state.into(),
                zero.clone(),
                zero.clone(),
                empty.clone(),
                empty.clone(),
                zero.clone(),
                solution.into(),
                empty.clone(),
                empty.clone(),
                zero.clone(),
                zero,
                NOW_MS.into(),
            ]);
            for (term, weight) in terms(&text, solution) {
                of_requests.add([org.into(), term.into(), shelf.into(), id.into(), weight.into()]);
            }
        }
        put(scene, vec![requests, of_requests]).await;
    }
    let (mut solutions, mut of_solutions) = (Rows::new(SOLUTION), Rows::new("solution_term (term, solution, weight)"));
    for n in 0..SOLUTIONS {
        let (id, text) = (SolutionId(scene.app.fresh_id()).0, text(n * 7));
        let zero = || Value::from(0i64);
        solutions.add([
            id.into(),
            zero(),
            "en".into(),
            text.as_str().into(),
            text.as_str().into(),
            "Do this.".into(),
            "other".into(),
            "".into(),
            1i64.into(),
            NOW_MS.into(),
            zero(),
            zero(),
            zero(),
        ]);
        for (term, weight) in terms(&text, "Do this.") {
            of_solutions.add([term.into(), id.into(), weight.into()]);
        }
    }
    put(scene, vec![solutions, of_solutions]).await;
}

/// Articles as many as asked for, each with words of its own.
fn library() -> Library {
    let setting = |n: usize| Setting { key: format!("key{n}"), default: "\"\"".into(), meaning: format!("{}. Default none.", text(n)) };
    let table = |n: usize| SettingTable { name: format!("table{n}"), is_repeated: false, about: text(n * 3), settings: vec![setting(n)] };
    Library::new(&(0..ARTICLES).map(table).collect::<Vec<_>>())
}

fn question(n: usize) -> String {
    format!("mail connector quarantine late word{} thing{} bank invoice", n * 37 % 500, n * 13 % 5000)
}

/// Median and worst, milliseconds.
fn told(what: &str, mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    let median = took[took.len() / 2];
    println!("| {what} | {median:.1} | {:.1} |", took[took.len() - 1]);
    median
}

#[tokio::test]
async fn a_search_is_quick_among_a_hundred_thousand() {
    if std::env::var_os("GATEPOST_MEASURE").is_none() {
        return;
    }
    let library = library();
    let found = (0..QUESTIONS).map(|n| {
        let (question, started) = (question(n), Instant::now());
        help::find(&library, &question, Lang::English);
        started.elapsed().as_secs_f64() * 1_000.0
    });
    told(&format!("articles, {ARTICLES} of them"), found.collect());
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let started = Instant::now();
        fill(&scene).await;
        println!("{engine}: {REQUESTS} requests and {SOLUTIONS} solutions in {:.0} s", started.elapsed().as_secs_f64());
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for (what, path, bar_ms) in [
            ("similar while typing", "/api/v1/request-suggestions?q=", 100.0),
            ("search of requests", "/api/v1/requests?q=", 50.0),
            ("the page of it", "/requests?q=", 50.0),
        ] {
            let mut took = Vec::new();
            for n in 0..QUESTIONS {
                let question = question(n).replace(' ', "+");
                let started = Instant::now();
                let answer = scene.get(&format!("{path}{question}"), &admin).await;
                took.push(started.elapsed().as_secs_f64() * 1_000.0);
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
                assert!(answer.text.contains("thing"), "{engine}: {what} finds nothing: {}", answer.text);
            }
            let median = told(&format!("{engine}: {what}"), took);
            // A debug build is several times slower; the bar is for what is handed out.
            assert!(cfg!(debug_assertions) || median < bar_ms, "{engine}: {what}: {median} ms");
        }
    }
}
