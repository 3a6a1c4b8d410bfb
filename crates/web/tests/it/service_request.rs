//! Service requests: opened with evidence, answered on the page and by mail, solved, found again; and what support may see.

use crate::conversation::{did, letters, opened};
use crate::scene::{NOW_MS, Scene, request};
use crate::things;
use axum::body::Body;
use axum::http::StatusCode;
use gateway::intake::desk::Answer as MailAnswer;
use mail::auth::{AuthResults, DmarcPolicy, DmarcResult};
use mail::envelope::{BodyType, Reverse};
use mail::id::RequestId;
use mail::message::Budget;
use mail::{Address, Envelope, Mail, MailId, Message, OrgId, Peer};
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;
use web::service_request::{address, silence};

const EICAR: &str = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/// A held mail of an organisation.
async fn held_mail(scene: &Scene, org: OrgId) -> MailId {
    let mail = gateway::trace::first_id_at(NOW_MS - 3_600_000).0 + (org.0 & 0xffff);
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { things::held_mail(tx, mail, org).await })).await;
    done.expect("the mail is held");
    MailId(mail)
}

#[tokio::test]
async fn a_request_goes_from_a_mail_to_a_solution_that_the_next_one_finds() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let mail = held_mail(&scene, scene.acme).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        // From the mail's page, filled.
        let form = scene.get(&format!("/requests/new?evidence=mail:{mail}"), &admin).await;
        assert_eq!(form.status, StatusCode::OK, "{engine}: {}", form.text);
        assert!(form.text.contains(&format!("value=\"mail:{mail}\"")), "{engine}");
        let sent = [
            ("verb", "open"),
            ("title", "Invoices of our bank are held as phish"),
            ("description", "Since Monday every invoice of the bank lands in quarantine."),
            ("severity", "b"),
            ("evidence", &format!("mail:{mail}")),
            ("copies", "bo@acme.example"),
        ];
        let answer = scene.post("/requests/new", &admin, &sent).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{engine}: {}", answer.text);
        let id = answer.to().rsplit('/').next().expect("an id").to_string();
        let page = scene.get(&format!("/requests/{id}"), &admin).await;
        assert!(page.text.contains(&format!("mail-{mail}.json")), "{engine}: the evidence is there: {}", page.text);
        assert!(scene.get("/requests?show=mine", &admin).await.text.contains("Invoices of our bank"), "{engine}");
        // Nobody of another organisation, nobody without the permission.
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get(&format!("/requests/{id}"), &stranger).await.status, StatusCode::NOT_FOUND, "{engine}");
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        assert_eq!(scene.get(&format!("/requests/{id}"), &person).await.status, StatusCode::FORBIDDEN, "{engine}");
        // Support takes it, notes, answers.
        assert_eq!(did(&scene, &id, &engineer, json!({ "verb": "take" })).await.json()["state"], "open", "{engine}");
        did(&scene, &id, &engineer, json!({ "verb": "note", "body": "looks like a new signer" })).await;
        let answered = did(&scene, &id, &engineer, json!({ "verb": "answer", "body": "Which bank is it?" })).await.json();
        assert_eq!((answered["state"].as_str(), answered["ball"].as_str()), (Some("waiting-customer"), Some("requester")), "{engine}");
        let own = scene.get(&format!("/api/v1/requests/{id}"), &admin).await;
        assert!(own.text.contains("Which bank is it?") && !own.text.contains("new signer"), "{engine}: notes are internal");
        assert_eq!(did(&scene, &id, &admin, json!({ "verb": "resolve", "body": "x" })).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(did(&scene, &id, &engineer, json!({ "verb": "solved" })).await.status, StatusCode::FORBIDDEN, "{engine}");
        let said = did(&scene, &id, &admin, json!({ "verb": "reply", "body": "The savings bank." })).await.json();
        assert_eq!((said["state"].as_str(), said["ball"].as_str()), (Some("waiting-us"), Some("support")), "{engine}");
        let solution = "Allow the signer of the savings bank for thirty days.";
        let resolved = did(&scene, &id, &engineer, json!({ "verb": "resolve", "body": solution })).await.json();
        assert_eq!(resolved["state"], "resolved", "{engine}");
        assert!(resolved["closes_ms"].as_i64().is_some_and(|at| at == NOW_MS + 14 * 86_400_000), "{engine}: {resolved}");
        let solved = scene.post(&format!("/requests/{id}"), &admin, &[("verb", "solved")]).await;
        assert_eq!(solved.status, StatusCode::SEE_OTHER, "{engine}: {}", solved.text);
        assert_eq!(scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json()["state"], "closed", "{engine}");
        // The next one who types the same finds it; with what we see of the mail now.
        let next = [("title", "bank invoices in quarantine"), ("description", "")];
        let found = scene.post("/requests/suggest", &admin, &next).await;
        assert!(found.text.contains(solution) && found.text.contains("Still applies: yes"), "{engine}: {}", found.text);
        let chinese = scene
            .get("/api/v1/request-suggestions?q=%E9%93%B6%E8%A1%8C%E9%82%AE%E4%BB%B6%E8%A2%AB%E9%9A%94%E7%A6%BB%20bank%20invoices", &admin)
            .await;
        assert!(chinese.text.contains(solution), "{engine}: {}", chinese.text);
        // Others see nothing of it until it is published, and then only what was written for them.
        assert!(!scene.post("/requests/suggest", &stranger, &next).await.text.contains("savings"), "{engine}");
        let text =
            json!({ "title": "Invoices of a bank are held", "problem": "Bank invoices land in quarantine", "text": "Allow its signer." });
        let published = scene.send("POST", &format!("/api/v1/requests/{id}/solution"), &engineer, text).await;
        assert_eq!(published.status, StatusCode::CREATED, "{engine}: {}", published.text);
        let theirs = scene.post("/requests/suggest", &stranger, &next).await.text;
        assert!(theirs.contains("Allow its signer.") && !theirs.contains("savings"), "{engine}: {theirs}");
        // Reopening never expires.
        let again = did(&scene, &id, &admin, json!({ "verb": "reopen", "body": "It happens again." })).await.json();
        assert_eq!(again["state"], "waiting-us", "{engine}");
    }
}

#[tokio::test]
async fn what_is_typed_wrongly_is_told_field_by_field_and_kept() {
    let scene = Scene::new(testkit::postgres::sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for (field, value, pointer) in [
        ("title", "", "/title"),
        ("description", " ", "/description"),
        ("severity", "z", "/severity"),
        ("kind", "gift", "/kind"),
        ("people", "many", "/people"),
        ("since", "2099-01-01T00:00:00Z", "/since"),
        ("copies", "not an address", "/copies"),
        ("see_days", "31", "/see_days"),
        ("language", "x y", "/language"),
    ] {
        let mut body = json!({ "title": "t", "description": "d" });
        body[field] = value.into();
        let answer = scene.send("POST", "/api/v1/requests", &admin, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", answer.text);
        assert!(answer.text.contains(pointer), "{field}: {}", answer.text);
    }
    let phone = json!({ "title": "t", "description": "d", "way": "phone", "country": "DE", "number": "12" });
    assert!(scene.send("POST", "/api/v1/requests", &admin, phone).await.text.contains("/number"));
    let phone = json!({ "title": "t", "description": "d", "way": "phone", "country": "Germany", "number": "069 380 789 508" });
    let made = scene.send("POST", "/api/v1/requests", &admin, phone).await;
    assert_eq!(made.json()["contact"]["number"], "+4969380789508", "{}", made.text);
    let page = scene.post("/requests/new", &admin, &[("verb", "open"), ("title", ""), ("description", "kept words")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("kept words"));
    // What they may not see, nobody attaches.
    let theirs = held_mail(&scene, scene.other).await;
    let body = json!({ "title": "t", "description": "d", "evidence": format!("mail:{theirs}") });
    assert_eq!(scene.send("POST", "/api/v1/requests", &admin, body).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_consent_opens_what_it_names_lists_each_read_and_ends_when_it_is_revoked() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let mail = held_mail(&scene, scene.acme).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let look = async || scene.post(&format!("/requests/{id}/look"), &engineer, &[]).await;
        assert_eq!(look().await.status, StatusCode::CONFLICT, "{engine}: nothing was allowed");
        // Only whoever asked gives consents, only for what they may see, only so long.
        for (who, body, want) in [
            (&engineer, json!({ "see": ["trace"] }), StatusCode::FORBIDDEN),
            (&admin, json!({ "see": [] }), StatusCode::UNPROCESSABLE_ENTITY),
            (&admin, json!({ "see": ["everything"] }), StatusCode::UNPROCESSABLE_ENTITY),
            (&admin, json!({ "see": ["trace"], "days": 31 }), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let answer = scene.send("POST", &format!("/api/v1/requests/{id}/consents"), who, body).await;
            assert_eq!(answer.status, want, "{engine}: {}", answer.text);
        }
        let given = scene.send("POST", &format!("/api/v1/requests/{id}/consents"), &admin, json!({ "see": ["trace"], "days": 3 })).await;
        assert_eq!(given.status, StatusCode::CREATED, "{engine}: {}", given.text);
        let consent = given.json()["id"].as_str().expect("an id").to_string();
        let trace = format!("/api/v1/trace/{mail}");
        assert!(scene.get(&trace, &engineer).await.status.is_client_error(), "{engine}: not before they look");
        assert_eq!(look().await.status, StatusCode::SEE_OTHER, "{engine}");
        assert_eq!(scene.get(&trace, &engineer).await.status, StatusCode::OK, "{engine}");
        assert_eq!(scene.get("/trace", &engineer).await.status, StatusCode::OK, "{engine}");
        // What was not named stays closed, and so does every change.
        for closed in ["/quarantine", "/connectors", "/policies", "/overview", "/people", "/audit"] {
            let answer = scene.get(closed, &engineer).await;
            assert!(answer.status.is_client_error(), "{engine}: {closed} {}", answer.status);
        }
        for (method, path) in [("POST", format!("{trace}/cancel")), ("POST", format!("{trace}/retry")), ("GET", format!("{trace}/message"))]
        {
            assert!(scene.send(method, &path, &engineer, json!({})).await.status.is_client_error(), "{engine}: {method} {path}");
        }
        let whole = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
        let reads = whole["reads"].as_array().expect("reads");
        assert_eq!(reads.len(), 3, "{engine}: each look has its line: {reads:?}");
        assert!(reads.iter().any(|read| read["path"] == trace && read["what"] == "trace"), "{engine}: {reads:?}");
        assert!(scene.get("/api/v1/audit?action=request.read", &admin).await.text.contains("support-engineer@"), "{engine}");
        // Another organisation is not open by it.
        let theirs = held_mail(&scene, scene.other).await;
        assert_eq!(scene.get(&format!("/api/v1/trace/{theirs}"), &engineer).await.status, StatusCode::NOT_FOUND, "{engine}");
        let ended = scene
            .ask(request("DELETE", &format!("/api/v1/requests/{id}/consents/{consent}"), &admin).body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT, "{engine}: {}", ended.text);
        assert!(scene.get(&trace, &engineer).await.status.is_client_error(), "{engine}: revoked is over");
        // It ends with the request as well.
        scene.send("POST", &format!("/api/v1/requests/{id}/consents"), &admin, json!({ "see": ["trace"] })).await;
        assert_eq!(scene.get(&trace, &engineer).await.status, StatusCode::OK, "{engine}");
        did(&scene, &id, &admin, json!({ "verb": "close" })).await;
        assert!(scene.get(&trace, &engineer).await.status.is_client_error(), "{engine}: closed is over");
    }
}

#[tokio::test]
async fn files_are_looked_at_hidden_in_and_only_handed_out() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Logs").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let begin = |name: &str, octets: usize| {
            let body = json!({ "name": name, "octets": octets, "request": id });
            async { scene.send("POST", "/api/v1/request-uploads", &admin, body).await }
        };
        let put = |file: &str, at: usize, octets: &str| {
            let sent = request("PUT", &format!("/api/v1/request-uploads/{file}?at={at}"), &admin).body(Body::from(octets.to_string()));
            async { scene.ask(sent.expect("a request")).await }
        };
        // In pieces; a piece that does not fit says where to go on.
        let text = "password=hunter2\nsmtp from li@acme.example\n";
        let file = begin("../mail.log", text.len()).await.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(put(&file, 0, &text[..10]).await.json()["received"], 10, "{engine}");
        let lost = put(&file, 4, "x").await;
        assert!(lost.status == StatusCode::CONFLICT && lost.text.contains("10"), "{engine}: {}", lost.text);
        let whole = put(&file, 10, &text[10..]).await.json();
        assert_eq!(
            (whole["state"].as_str(), whole["hidden"].as_i64(), whole["name"].as_str()),
            (Some("clean"), Some(1), Some("mail.log")),
            "{engine}"
        );
        // Support sees it once it was sent.
        let path = format!("/requests/{id}/files/{file}");
        assert_eq!(scene.get(&path, &engineer).await.status, StatusCode::NOT_FOUND, "{engine}: not sent yet");
        assert!(scene.get(&format!("{path}/text"), &admin).await.text.contains("password=(hidden)"), "{engine}: the preview");
        did(&scene, &id, &admin, json!({ "verb": "reply", "body": "The log.", "files": [file] })).await;
        let fetched = scene.get(&path, &engineer).await;
        assert_eq!(fetched.text, "password=(hidden)\nsmtp from li@acme.example\n", "{engine}");
        let header = |name: &str| fetched.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("content-type"), "application/octet-stream", "{engine}");
        assert!(header("content-disposition").starts_with("attachment; filename=\"mail.log\""), "{engine}");
        assert!(header("content-security-policy").contains("sandbox") && header("x-content-type-options") == "nosniff", "{engine}");
        // What is harmful, too large or empty is not taken.
        let bad = begin("invoice.com", EICAR.len()).await.json()["id"].as_str().expect("an id").to_string();
        let refused = put(&bad, 0, EICAR).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {}", refused.text);
        assert_eq!(scene.get(&format!("/api/v1/request-uploads/{bad}"), &admin).await.status, StatusCode::NOT_FOUND, "{engine}: not kept");
        assert_eq!(begin("big.bin", (25 << 20) + 1).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert_eq!(begin("none.bin", 0).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        // By a form without scripts.
        let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
        let sent = request("POST", &format!("/requests/{id}/files"), &admin).header("sec-fetch-site", "same-origin");
        let sent = sent.header("content-type", "multipart/form-data; boundary=b").body(Body::from(body)).expect("a request");
        assert_eq!(scene.ask(sent).await.status, StatusCode::SEE_OTHER, "{engine}");
        scene.post(&format!("/requests/{id}"), &admin, &[("verb", "reply"), ("body", "One more.")]).await;
        assert!(scene.get(&format!("/requests/{id}"), &engineer).await.text.contains("a.txt"), "{engine}");
        let mut count = 0;
        while begin("x.txt", 1).await.status == StatusCode::CREATED {
            count += 1;
        }
        assert_eq!(count, 10, "{engine}: so many go with one word");
    }
}

/// How a mail comes in.
struct Coming<'a> {
    to: &'a str,
    dmarc: DmarcResult,
    is_from_nobody: bool,
    /// Whose own server hands it over.
    handed_by: Option<OrgId>,
    octets: String,
}

async fn comes(scene: &Scene, coming: Coming<'_>) -> Result<OrgId, u16> {
    let to = Address::parse(coming.to).expect("an address");
    let desk = web::service_request::desk(&scene.app);
    assert!(desk.knows(&to), "{to}");
    let message = Message::parse(coming.octets.into(), &Budget::default());
    let peer = Peer {
        ip: [192, 0, 2, 1].into(),
        port: 0,
        local: ([127, 0, 0, 1], 0).into(),
        reverse: Reverse::NotAsked,
        helo: "mx.acme.example".into(),
        esmtp: true,
        tls: None,
        authenticated: None,
        via: None,
    };
    let envelope = Envelope {
        sender: (!coming.is_from_nobody).then(|| Address::parse("x@acme.example").expect("an address")),
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    let mut auth = AuthResults::not_asked("acme.example");
    (auth.dmarc.result, auth.dmarc.policy) = (coming.dmarc, DmarcPolicy::Reject);
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
    let taken = desk.take(MailAnswer { id: MailId(scene.app.fresh_id()), to: &to, mail, auth: &auth, handed_by: coming.handed_by }).await;
    taken.map_err(|reply| reply.code)
}

#[tokio::test]
async fn an_answer_by_mail_is_a_word_and_nothing_else_is() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        did(&scene, &id, &engineer, json!({ "verb": "answer", "body": "Which connector is it?" })).await;
        let me = format!("administrator@{}.example", scene.acme);
        let letter = letters(&scene, &me).await.into_iter().next().unwrap_or_else(|| panic!("{engine}: a letter"));
        assert!(letter.texts[0].visible.contains("Which connector is it?"), "{engine}: {}", letter.texts[0].visible);
        let to = letter.from.address().expect("an address to answer to").to_string();
        assert!(to.starts_with(&format!("request+{id}.")), "{engine}: {to}");
        let says = |from: &str, id: &str, more: &str, body: &str| {
            format!(
                "From: <{from}>\r\nTo: <{to}>\r\nSubject: Re: x\r\nMessage-ID: <{id}>\r\n{more}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}"
            )
        };
        let gmail = "It is main.\r\n\r\nOn Tue, Nov 24, 2026 at 1:00 PM Gatepost support <\r\nrequest+x@mx.gatepost.example> wrote:\r\n\r\n> Which connector is it?\r\n";
        let coming = |octets: String, dmarc| Coming { to: &to, dmarc, is_from_nobody: false, handed_by: None, octets };
        // Whom the letter went to, also where their domain publishes nothing.
        assert_eq!(comes(&scene, coming(says(&me, "1@acme", "", gmail), DmarcResult::None)).await, Ok(scene.acme), "{engine}");
        // The same mail again is the same word.
        assert_eq!(comes(&scene, coming(says(&me, "1@acme", "", gmail), DmarcResult::None)).await, Ok(scene.acme), "{engine}");
        let words = async || {
            let whole = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
            let events = whole["events"].as_array().expect("events").clone();
            let mailed: Vec<Value> = events.into_iter().filter(|event| event["via"] == "mail" && event["kind"] == "word").collect();
            (whole["state"].as_str().unwrap_or_default().to_string(), mailed)
        };
        let (state, mailed) = words().await;
        assert_eq!((state.as_str(), mailed.len()), ("waiting-us", 1), "{engine}");
        assert_eq!(mailed[0]["body"], "It is main.", "{engine}");
        assert!(mailed[0]["quoted"].as_str().is_some_and(|quoted| quoted.contains("Which connector")), "{engine}");
        // Not theirs: a forged From, a stranger who has the address, somebody of another organisation.
        for (from, dmarc, want) in [
            (me.as_str(), DmarcResult::Fail, Err(550)),
            ("eve@other.example", DmarcResult::None, Err(550)),
            ("eve@other.example", DmarcResult::Pass, Err(550)),
        ] {
            assert_eq!(
                comes(&scene, coming(says(from, &format!("{from}{dmarc:?}"), "", "hello"), dmarc)).await,
                want,
                "{engine}: {from} {dmarc:?}"
            );
        }
        // Their own server stands for it, and nobody else's does.
        for (house, want) in [(scene.acme, Ok(scene.acme)), (scene.other, Err(550))] {
            let octets =
                says(&me, &format!("house{house}@acme"), "Auto-Submitted: auto-replied\r\n", "hello").replace("auto-replied", "no");
            let handed = Coming { handed_by: Some(house), ..coming(octets, DmarcResult::Fail) };
            assert_eq!(comes(&scene, handed).await, want, "{engine}");
        }
        // A program's own mail is taken, and no word.
        for (n, more) in ["Auto-Submitted: auto-replied\r\n", "Precedence: bulk\r\n", "List-Id: <x>\r\n"].iter().enumerate() {
            let octets = says(&me, &format!("auto{n}@acme"), more, "I am away");
            assert_eq!(comes(&scene, coming(octets, DmarcResult::Pass)).await, Ok(scene.acme), "{engine}: {more}");
        }
        let nobody = Coming { is_from_nobody: true, ..coming(says(&me, "dsn@acme", "", "bounced"), DmarcResult::None) };
        assert_eq!(comes(&scene, nobody).await, Ok(scene.acme), "{engine}");
        assert_eq!(words().await.1.len(), 2, "{engine}: still those of people");
        // What is attached comes along; what is harmful refuses the mail, so that its sender knows.
        let with = |name: &str, content: &str| {
            format!(
                "From: <{me}>\r\nMessage-ID: <{name}@acme>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nattached\r\n--b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{content}\r\n--b--\r\n"
            )
        };
        assert_eq!(comes(&scene, coming(with("trace.log", "token=abc 250 ok"), DmarcResult::None)).await, Ok(scene.acme), "{engine}");
        assert_eq!(comes(&scene, coming(with("x.com", EICAR), DmarcResult::None)).await, Err(554), "{engine}");
        let page = scene.get(&format!("/requests/{id}"), &engineer).await.text;
        assert!(page.contains("trace.log") && !page.contains("x.com"), "{engine}");
        // A circle ends: so many an hour.
        let mut last = Ok(scene.acme);
        for n in 0..40 {
            last = comes(&scene, coming(says(&me, &format!("many{n}@acme"), "", "again"), DmarcResult::None)).await;
            if last.is_err() {
                break;
            }
        }
        assert_eq!(last, Err(451), "{engine}");
        // Addresses that we did not sign are nobody's.
        let request: RequestId = id.parse().expect("an id");
        let forged = Address::parse(&format!("request+{request}.0000000000000000@mx.gatepost.example")).expect("an address");
        assert!(!web::service_request::desk(&scene.app).knows(&forged), "{engine}");
        let elsewhere = Address::parse(&to.replace("mx.gatepost", "mx.other")).expect("an address");
        assert!(!web::service_request::desk(&scene.app).knows(&elsewhere), "{engine}");
        assert!(address::read(&scene.app.seal, to.split('@').next().expect("a local part")).is_some());
    }
}

#[tokio::test]
async fn a_proposed_change_is_made_by_whoever_approves_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail of a partner is held").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let proposed = json!({ "effect": "allow", "kind": "domain", "value": "partner.example", "days": "10", "why": "It is theirs." });
        let propose = format!("/api/v1/requests/{id}/proposals");
        assert_eq!(scene.send("POST", &propose, &admin, proposed.clone()).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(
            scene.send("POST", &propose, &engineer, json!({ "effect": "allow" })).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{engine}"
        );
        let made = scene.send("POST", &propose, &engineer, proposed).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        let one = format!("{propose}/{}", made.json()["id"].as_str().expect("an id"));
        assert!(!scene.get("/api/v1/entries", &admin).await.text.contains("partner.example"), "{engine}: nothing is changed yet");
        for who in [&engineer, &scene.cookie(Role::HelpDesk, Some(scene.acme)).await] {
            assert_eq!(scene.send("POST", &one, who, json!({ "verb": "approve" })).await.status, StatusCode::FORBIDDEN, "{engine}");
        }
        let approved = scene.send("POST", &one, &admin, json!({ "verb": "approve" })).await;
        assert_eq!(approved.status, StatusCode::NO_CONTENT, "{engine}: {}", approved.text);
        assert!(scene.get("/api/v1/entries", &admin).await.text.contains("partner.example"), "{engine}");
        assert_eq!(scene.send("POST", &one, &admin, json!({ "verb": "decline" })).await.status, StatusCode::CONFLICT, "{engine}: once");
    }
}

#[tokio::test]
async fn silence_reminds_and_then_closes_and_a_word_opens_again() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        assert_eq!(silence::round(&scene.app).await, Ok(0), "{engine}: nobody closes what waits for support");
        did(&scene, &id, &engineer, json!({ "verb": "resolve", "body": "It was the connector." })).await;
        assert_eq!(silence::round(&scene.app).await, Ok(0), "{engine}: not yet");
        let due = async || {
            let done: Result<u64, Error> = scene
                .app
                .db
                .tx(|tx| Box::pin(async move { tx.run("UPDATE service_request SET next_ms = $1 WHERE next_ms > 0", args![NOW_MS]).await }))
                .await;
            done.expect("a change");
            silence::round(&scene.app).await.expect("a round")
        };
        let state =
            async || scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json()["state"].as_str().unwrap_or_default().to_string();
        assert_eq!((due().await, state().await.as_str()), (1, "resolved"), "{engine}: told once more");
        let me = format!("administrator@{}.example", scene.acme);
        assert!(letters(&scene, &me).await[0].texts[0].visible.contains("Is it?"), "{engine}");
        assert_eq!((due().await, state().await.as_str()), (1, "closed"), "{engine}: then closed");
        assert_eq!(due().await, 0, "{engine}");
        did(&scene, &id, &admin, json!({ "verb": "reply", "body": "It is not." })).await;
        assert_eq!(state().await, "waiting-us", "{engine}");
    }
}
