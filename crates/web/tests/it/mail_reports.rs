//! Reports of other servers: uploaded, added up, explained; what cannot be used says why.

use crate::scene::{Answer, NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use mail::dns::{Record, Zone};
use serde_json::json;
use std::time::Instant;
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;

const DAY_S: i64 = 86_400;

fn dmarc(id: &str, days_ago: i64, records: &str) -> Vec<u8> {
    let begin = NOW_MS / 1000 / DAY_S * DAY_S - days_ago * DAY_S;
    format!(
        "<?xml version=\"1.0\"?><feedback><report_metadata><org_name>reporter.example</org_name><email>d@reporter.example</email>\
         <report_id>{id}</report_id><date_range><begin>{begin}</begin><end>{}</end></date_range></report_metadata><policy_published>\
         <domain>acme.example</domain><p>none</p></policy_published>{records}</feedback>",
        begin + DAY_S - 1
    )
    .into_bytes()
}

fn record(ip: &str, count: u32, result: &str, signer: &str) -> String {
    format!(
        "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition><dkim>{result}</dkim>\
         <spf>fail</spf></policy_evaluated></row><identifiers><header_from>acme.example</header_from></identifiers><auth_results><dkim>\
         <domain>{signer}</domain><selector>s</selector><result>pass</result></dkim></auth_results></record>"
    )
}

const TLS: &str = r#"{"organization-name":"Company-X","date-range":{"start-datetime":"2026-11-22T00:00:00Z","end-datetime":"2026-11-22T23:59:59Z"},"contact-info":"t@x.example","report-id":"t1","policies":[{"policy":{"policy-type":"sts","policy-domain":"acme.example"},"summary":{"total-successful-session-count":90,"total-failure-session-count":10},"failure-details":[{"result-type":"certificate-expired","receiving-mx-hostname":"mx1.acme.example","failed-session-count":10}]}]}"#;

async fn send(scene: &Scene, cookie: &str, octets: Vec<u8>) -> Answer {
    let sent = request("POST", "/api/v1/reports/received?name=a.xml", cookie).header("content-type", "application/octet-stream");
    scene.ask(sent.body(Body::from(octets)).expect("a request")).await
}

#[tokio::test]
async fn a_report_is_uploaded_counted_once_and_shows_its_sources() {
    for database in databases() {
        let mut zone = Zone::new();
        zone.add("9.2.0.192.in-addr.arpa", Record::Ptr("o1.sendgrid.net".into()));
        zone.add("o1.sendgrid.net", Record::A([192, 0, 2, 9].into()));
        zone.add("8.2.0.192.in-addr.arpa", Record::Ptr("o1.sendgrid.net".into())); // a lie
        let scene = Scene::with_dns(database, zone).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let records =
            [record("192.0.2.1", 90, "pass", "acme.example"), record("192.0.2.9", 7, "fail", ""), record("192.0.2.8", 3, "fail", "")];
        let report = dmarc("a1", 1, &records.concat());
        let answer = send(&scene, &admin, report.clone()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!((&answer.json()[0]["kind"], &answer.json()[0]["is_known"]), (&json!("dmarc"), &json!(false)));
        assert_eq!(send(&scene, &admin, report).await.json()[0]["is_known"], json!(true));
        let domains = scene.get("/api/v1/reports/dmarc", &admin).await.json();
        assert_eq!(
            (&domains[0]["domain"], &domains[0]["policy"], &domains[0]["mails"]["messages"]),
            (&json!("acme.example"), &json!("none"), &json!(100))
        );
        let found = scene.get("/api/v1/reports/dmarc/acme.example?days=7", &admin).await.json();
        let sources: Vec<String> = found["sources"]
            .as_array()
            .expect("sources")
            .iter()
            .map(|one| format!("{} {} {}", one["source"], one["who"]["name"], one["advice"]))
            .collect();
        assert_eq!(sources, [r#""192.0.2.1" "" "good""#, r#""192.0.2.9" "Twilio SendGrid" "service""#, r#""192.0.2.8" "" "unknown""#]);
        assert_eq!(found["advice"]["next"], json!("sources"));
        let source = scene.get("/api/v1/reports/dmarc/acme.example/sources/192.0.2.9", &admin).await;
        assert_eq!(source.json()["source"]["mails"]["messages"], json!(7), "{}", source.text);
        for (path, word) in [
            ("/reports/dmarc", "acme.example"),
            ("/reports/dmarc/acme.example?days=90", "Twilio SendGrid"),
            ("/reports/dmarc/acme.example/192.0.2.9", "include:sendgrid.net"),
            ("/reports/dmarc/acme.example?format=csv", "192.0.2.9"),
            ("/reports/dmarc/acme.example?format=json", "192.0.2.9"),
            ("/reports/received", "reporter.example"),
        ] {
            let before = Instant::now();
            let page = scene.get(path, &admin).await;
            assert!(page.status == StatusCode::OK && page.text.contains(word), "{path}: {} {}", page.status, page.text);
            assert!(before.elapsed().as_millis() < 2_000, "{path}");
        }
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get("/api/v1/reports/dmarc", &stranger).await.json(), json!([]));
        for path in ["/api/v1/reports/dmarc/acme.example", "/api/v1/reports/tls/acme.example", "/reports/dmarc/acme.example/192.0.2.9"] {
            assert_eq!(scene.get(path, &stranger).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_listed_with_the_reason() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let of_other =
            String::from_utf8(dmarc("x", 1, &record("192.0.2.1", 1, "pass", ""))).expect("UTF-8").replace("acme.example", "other.example");
        for (octets, problem) in [
            (of_other.into_bytes(), "not-ours"),
            (b"<feedback><record>".to_vec(), "truncated"),
            (dmarc("y", 900, ""), "too-old"),
            (b"hello".to_vec(), "not-report"),
        ] {
            assert_eq!(send(&scene, &admin, octets).await.json()[0]["problem"], json!(problem));
        }
        assert_eq!(send(&scene, &admin, Vec::new()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&scene, &person, b"hello".to_vec()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(scene.get("/api/v1/reports/dmarc?days=9", &admin).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(scene.get("/api/v1/reports/received?kind=x", &admin).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let listed = scene.get("/api/v1/reports/received?kind=problem", &admin).await.json();
        assert_eq!(listed["rows"].as_array().expect("rows").len(), 4);
        let page = scene.get("/reports/received?kind=problem", &admin).await;
        assert!(page.text.contains("It ends in the middle.") && page.text.contains("not yours here"), "{}", page.text);
        let id = listed["rows"][0]["report"].as_str().expect("an identifier");
        let page = scene.get(&format!("/reports/received/{id}"), &admin).await;
        assert!(page.text.contains("There is no report in it."), "{}", page.text);
        assert_eq!(scene.get("/api/v1/reports/dmarc", &admin).await.json(), json!([]), "nothing of it counts");
    }
}

#[tokio::test]
async fn tls_and_reports_about_one_mail_have_their_pages() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(send(&scene, &admin, TLS.into()).await.json()[0]["kind"], json!("tls"));
        let found = scene.get("/api/v1/reports/tls/acme.example", &admin).await.json();
        assert_eq!((&found["total"]["failed"], &found["failures"][0]["kind"]), (&json!(10), &json!("certificate-expired")));
        let page = scene.get("/reports/tls/acme.example", &admin).await;
        assert!(page.text.contains("The certificate has expired") && page.text.contains("mx1.acme.example"), "{}", page.text);
        assert!(scene.get("/reports/tls", &admin).await.text.contains("10.0 %"));
        let complaint = "From: <fbl@box.example>\r\nSubject: FW: Hi\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: X/1\r\nVersion: 1\r\n\
            Source-IP: 192.0.2.1\r\nReported-Domain: acme.example\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: <news@acme.example>\r\nSubject: Our news\r\n\r\nx\r\n--b--\r\n";
        let kept = send(&scene, &admin, complaint.into()).await.json();
        assert_eq!((&kept[0]["kind"], &kept[0]["problem"]), (&json!("complaint"), &json!("")));
        let page = scene.get(&format!("/reports/received/{}", kept[0]["report"].as_str().expect("an identifier")), &admin).await;
        assert!(page.text.contains("Our news") && page.text.contains("192.0.2.1"), "{}", page.text);
        let sql = "SELECT count(*) FROM audit WHERE action = $1";
        for (action, count) in [("reports.read", 1), ("reports.upload", 2)] {
            let row: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![action]).await })).await;
            assert_eq!(row.expect("read").expect("a row").int(0).expect("a number"), count, "{action}");
        }
    }
}

#[tokio::test]
async fn a_file_is_uploaded_with_the_form() {
    let scene = Scene::new(testkit::postgres::sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    assert!(scene.get("/reports/received/new", &admin).await.text.contains("dmarc-reports@acme.example"));
    let body = |file: &[u8]| {
        [b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"r.xml\"\r\n\r\n", file, b"\r\n--x--\r\n"].concat()
    };
    let post = |file: &[u8]| {
        let sent = request("POST", "/reports/received/new", &admin).header("sec-fetch-site", "same-origin");
        sent.header("content-type", "multipart/form-data; boundary=x").body(Body::from(body(file))).expect("a request")
    };
    let answer = scene.ask(post(&dmarc("a1", 1, &record("192.0.2.1", 90, "pass", "acme.example")))).await;
    assert!(answer.status == StatusCode::SEE_OTHER && answer.to().starts_with("/reports/received/b"), "{} {}", answer.status, answer.text);
    assert_eq!(scene.ask(post(b"")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

fn receipt(more: &str) -> String {
    format!(
        r#"{{"version":1,"connection":{{"ip":"203.0.113.9"}},"envelope":{{"sender":"x@sender.example","recipients":["alice@acme.example"]}},"recipients":[{{"address":"alice@acme.example","policy":"default","action":"quarantine"}}],"refused":"","auth":{{"spf":{{"result":"fail","domain":"sender.example","by_helo":false,"why":""}},"dkim":[],"dmarc":{{"result":"fail","domain":"sender.example","policy_domain":"sender.example","policy":"reject","sampled_out":false,"why":""}},"arc":{{"result":"none","instances":0,"sealer":null,"trusted":false,"why":""}},"composite":{{"result":"fail","reason":0}},"dns_lookups":1}}{more}}}"#
    )
}

async fn received(scene: &Scene, minutes_ago: i64, (direction, verdict): (&'static str, &'static str), receipt: String) {
    static MADE: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    let id = gateway::trace::first_id_at(NOW_MS - minutes_ago * 60_000).0 + MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let org = scene.acme.0;
    let sql = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
               VALUES ($1, $2, $3, '203.0.113.9', 'mx', 'x@sender.example', '', '', 10, 1, $4, $5, '{}')";
    let done: Result<_, Error> =
        scene.app.db.tx(move |tx| Box::pin(async move { tx.run(sql, args![id, org, direction, verdict, receipt]).await })).await;
    done.expect("a mail");
}

#[tokio::test]
async fn what_mail_went_through_is_added_up_once_and_shown() {
    for database in databases() {
        let scene = Scene::new(database).await;
        for minutes in [3_000, 70, 60] {
            received(&scene, minutes, ("inbound", "spam"), receipt("")).await;
        }
        received(&scene, 50, ("inbound", "clean"), receipt(r#","rules":[{"name":"Disclaimer","actions":["x"]}]"#)).await;
        received(&scene, 40, ("outbound", "clean"), r#"{"version":1}"#.into()).await;
        received(&scene, 30, ("outbound", "clean"), r#"{"version":1,"letter":{"kind":"digest"}}"#.into()).await;
        received(&scene, 0, ("inbound", "spam"), receipt("")).await; // too young
        assert_eq!(web::mail_reports::counting::turn(&scene.app).await.expect("counted"), 6);
        assert_eq!(web::mail_reports::counting::turn(&scene.app).await.expect("counted"), 0, "nothing twice");
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let found = scene.get("/api/v1/reports/flow?days=7", &admin).await.json();
        let total = &found["total"];
        assert_eq!((&total["inbound"], &total["unwanted"], &total["outbound"]), (&json!(4), &json!(3), &json!(1)), "{found}");
        assert_eq!(found["targets"], json!([{ "name": "alice@acme.example", "mails": 4, "unwanted": 3 }]));
        assert_eq!(found["policies"], json!([{ "name": "default", "mails": 4, "unwanted": 4 }]));
        assert_eq!(found["rules"][0]["name"], json!("Disclaimer"));
        for path in ["/reports", "/reports?days=365", "/reports?format=csv", "/reports?format=json"] {
            let before = Instant::now();
            let page = scene.get(path, &admin).await;
            assert!(page.status == StatusCode::OK && page.text.contains("alice@acme.example"), "{path} {}", page.text);
            assert!(before.elapsed().as_millis() < 2_000, "{path}");
        }
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get("/api/v1/reports/flow", &stranger).await.json()["total"]["inbound"], json!(0));
    }
}

async fn letters(scene: &Scene, kind: &'static str) -> Vec<(String, String)> {
    let sql = "SELECT r.address, m.subject FROM mail m JOIN recipient r ON r.mail = m.id WHERE m.receipt LIKE $1 ORDER BY m.id";
    let like = format!("%\"kind\":\"{kind}\"%");
    let rows: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![like]).await })).await;
    rows.expect("letters").iter().map(|row| (row.text(0).expect("text").to_string(), row.text(1).expect("text").to_string())).collect()
}

#[tokio::test]
async fn whoever_chose_it_gets_the_week_by_mail_once() {
    for database in databases() {
        let scene = Scene::new(database).await;
        received(&scene, 3 * 24 * 60, ("inbound", "spam"), receipt("")).await;
        web::mail_reports::counting::turn(&scene.app).await.expect("counted");
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(
            scene.send("PUT", "/api/v1/reports/letter", &admin, json!({ "every": "day" })).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        let chosen = scene.post("/reports/letter", &admin, &[("every", "week")]).await;
        assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.text);
        assert_eq!(scene.get("/api/v1/reports/letter", &admin).await.json(), json!({ "every": "week" }));
        assert_eq!(web::mail_reports::letter::send_due(&scene.app).await.expect("looked"), 0, "the week is not over");
        let back: Result<_, Error> = scene
            .app
            .db
            .tx(|tx| Box::pin(async move { tx.run("UPDATE flow_letter SET sent_ms = sent_ms - 604800000", args![]).await }))
            .await;
        back.expect("a week ago");
        assert_eq!(web::mail_reports::letter::send_due(&scene.app).await.expect("looked"), 1);
        assert_eq!(web::mail_reports::letter::send_due(&scene.app).await.expect("looked"), 0, "once");
        let sent = letters(&scene, "report").await;
        assert_eq!(sent, [(format!("administrator@{}.example", scene.acme), "Mail from 16 Nov to 22 Nov".to_string())]);
        assert_eq!(scene.post("/reports/letter", &admin, &[("now", "1")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(letters(&scene, "report").await.len(), 2);
    }
}

#[tokio::test]
async fn other_domains_are_told_where_they_agreed() {
    for database in databases() {
        let mut zone = Zone::new();
        zone.txt("_dmarc.sender.example", "v=DMARC1; p=reject; adkim=s; rua=mailto:d@sender.example!10m,mailto:d@agreed.example,mailto:d@silent.example,mailto:d@private.example");
        for (domain, ip) in [
            ("sender.example", [8, 8, 8, 8]),
            ("agreed.example", [8, 8, 4, 4]),
            ("silent.example", [8, 8, 4, 4]),
            ("private.example", [10, 0, 0, 1]),
        ] {
            zone.add(domain, Record::Mx { preference: 1, exchange: format!("mx.{domain}") });
            zone.add(&format!("mx.{domain}"), Record::A(ip.into()));
        }
        for agreed in ["agreed.example", "private.example"] {
            zone.txt(&format!("sender.example._report._dmarc.{agreed}"), "v=DMARC1;");
        }
        let reports =
            gateway::mail_reports::MailReportSettings { send_dmarc: true, send_from: "dmarc@acme.example".into(), ..Default::default() };
        let scene = Scene::with_reports(database, zone, reports).await;
        for _ in 0..3 {
            received(&scene, 26 * 60, ("inbound", "spam"), receipt("")).await;
        }
        web::mail_reports::counting::turn(&scene.app).await.expect("counted");
        assert_eq!(web::mail_reports::outgoing::send_due(&scene.app).await.expect("sent"), 1);
        assert_eq!(web::mail_reports::outgoing::send_due(&scene.app).await.expect("sent"), 0, "once");
        let to: Vec<String> = letters(&scene, "dmarc-report").await.into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, ["d@sender.example", "d@agreed.example"]);
        let sql = "SELECT b.octets FROM body b JOIN mail m ON m.id = b.mail WHERE m.receipt LIKE '%dmarc-report%' ORDER BY m.id LIMIT 1";
        let row: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        let octets = row.expect("read").expect("a body").blob(0).expect("octets");
        let found = mail::report::received::read_file(octets).remove(0).expect("our own report is one");
        let mail::report::received::Report::Aggregate(report) = found else { panic!("{found:?}") };
        assert_eq!(
            (report.policy.domain.as_str(), report.policy.adkim.as_str(), report.reporter.as_str()),
            ("sender.example", "s", "acme.example")
        );
        assert_eq!((report.records.len(), report.records[0].count, report.records[0].dkim), (1, 3, false));
        assert_eq!(report.records[0].reasons[0].kind, "local_policy");
        assert_eq!((report.policy.discovery.as_str(), report.policy.testing.as_str()), ("psl", "n"), "the shape of the standard");
    }
}

#[tokio::test]
async fn an_operator_outside_hears_of_reported_mail_only_where_settings_say_so() {
    for database in databases() {
        let named = |domain: &str| gateway::mail_reports::FeedbackLoop { domain: domain.into(), address: format!("fbl@{domain}") };
        let reports = gateway::mail_reports::MailReportSettings {
            send_from: "dmarc@acme.example".into(),
            feedback_loop: vec![named("esp.example")],
            ..Default::default()
        };
        let scene = Scene::with_reports(database, Zone::new(), reports).await;
        let with = |domain: &str| {
            let key = format!(
                r#""dkim":[{{"result":"pass","domain":"{domain}","selector":"s","algorithm":"rsa-sha256","aligned":false,"why":"","b":""}}]"#
            );
            receipt(r#","header":{"from":"news@sender.example","subject":"A prize\r\nX: y","message_id":"<1@sender.example>"}"#)
                .replace(r#""dkim":[]"#, &key)
        };
        for domain in ["esp.example", "other-esp.example"] {
            received(&scene, 60, ("inbound", "clean"), with(domain)).await;
        }
        let sql = "INSERT INTO report (id, org, mail, digest, reporter, label, subject, before_spam, after_spam, at_ms) \
                   SELECT id, org, id, message_id, 'alice@acme.example', 'spam', '', 0.0, 0.0, 0 FROM mail";
        let digests = "UPDATE mail SET message_id = CAST(id AS TEXT)";
        let done: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    tx.run(digests, args![]).await?;
                    tx.run(sql, args![]).await.map(drop)
                })
            })
            .await;
        done.expect("reports");
        assert_eq!(web::mail_reports::outgoing::complaint::send_due(&scene.app).await.expect("sent"), 1);
        assert_eq!(web::mail_reports::outgoing::complaint::send_due(&scene.app).await.expect("sent"), 0, "once");
        let sql = "SELECT b.octets FROM body b JOIN mail m ON m.id = b.mail WHERE m.receipt LIKE '%\"complaint\"%'";
        let row: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        let octets = row.expect("read").expect("a body").blob(0).expect("octets");
        let found = mail::report::received::read_file(octets.clone()).remove(0).expect("our own report is one");
        let mail::report::received::Report::Feedback(found) = found else { panic!("{found:?}") };
        assert_eq!(
            (found.kind.as_str(), found.reported_domain.as_str(), found.message_id.as_str()),
            ("abuse", "esp.example", "<1@sender.example>")
        );
        let text = String::from_utf8_lossy(&octets).into_owned();
        assert!(
            !text.contains("alice@acme.example") && !text.contains("\r\nX: y"),
            "who reported is not told, and no line is forged: {text}"
        );
    }
}

#[tokio::test]
async fn a_deleted_report_takes_its_figures_along_and_may_come_again() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        let stays = dmarc("stays", 1, &record("192.0.2.1", 90, "pass", "acme.example"));
        let goes = dmarc("goes", 1, &format!("{}{}", record("192.0.2.1", 4, "pass", "acme.example"), record("192.0.2.8", 6, "fail", "")));
        send(&scene, &admin, stays).await;
        let before = figures(&scene, &admin).await;
        let added = send(&scene, &admin, goes.clone()).await.json()[0]["report"].as_str().expect("an identifier").to_string();
        let tls = send(&scene, &admin, TLS.into()).await.json()[0]["report"].as_str().expect("an identifier").to_string();
        assert_ne!(figures(&scene, &admin).await, before, "{engine}: both count");
        let path = format!("/api/v1/reports/received/{added}");
        assert_eq!(scene.send("DELETE", &path, &reader, json!({})).await.status, StatusCode::FORBIDDEN, "{engine}: a reader reads");
        let page = scene.get(&format!("/reports/received/{added}"), &admin).await.text;
        assert!(page.contains(&format!("/reports/received/{added}/delete")), "{engine}: {page}");
        assert!(!scene.get(&format!("/reports/received/{added}"), &reader).await.text.contains("/delete"), "{engine}");
        let asked = scene.post(&format!("/reports/received/{added}/delete"), &admin, &[]).await;
        assert!(asked.text.contains("name=\"sure\"") && asked.text.contains("taken out of the figures"), "{engine}: {}", asked.text);
        let done = scene.post(&format!("/reports/received/{added}/delete"), &admin, &[("sure", "1")]).await;
        assert_eq!((done.status, done.to()), (StatusCode::SEE_OTHER, "/reports/received"), "{engine}");
        let gone = scene.send("DELETE", &format!("/api/v1/reports/received/{tls}"), &admin, json!({})).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{engine}: {}", gone.text);
        assert_eq!(figures(&scene, &admin).await, before, "{engine}: as if they had never come");
        assert_eq!(scene.send("DELETE", &path, &admin, json!({})).await.status, StatusCode::NOT_FOUND, "{engine}: twice");
        let again = send(&scene, &admin, goes).await.json();
        assert_eq!(again[0]["is_known"], json!(false), "{engine}: it counts again: {again}");
        let log = scene.get("/api/v1/audit?action=reports.delete", &admin).await.json();
        assert_eq!(log["rows"].as_array().map(Vec::len), Some(2), "{engine}: {log}");
        assert_eq!(log["rows"][1]["detail"]["figures"], json!("taken back"), "{engine}: {log}");
    }
}

/// What the reports of acme.example add up to.
async fn figures(scene: &Scene, cookie: &str) -> [String; 2] {
    let (dmarc, tls) = ("/api/v1/reports/dmarc/acme.example", "/api/v1/reports/tls/acme.example");
    [scene.get(dmarc, cookie).await.text, scene.get(tls, cookie).await.text]
}

/// A complaint about a mail from `from`, which names `ours` as our record of it.
fn complaint(from: &str, subject: &str, ours: &str) -> Vec<u8> {
    format!(
        "From: <fbl@box.example>\r\nSubject: FW: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: X/1\r\nVersion: 1\r\n\
         Original-Mail-From: <{from}>\r\nReported-Domain: acme.example\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: Ann <{from}>\r\nSubject: {subject}\r\n\
         X-Gatepost-Report: {ours}\r\n\r\nx\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn complaints_are_shown_by_sender_and_a_sender_is_restricted_from_there() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        assert!(scene.get("/reports/complaints", &admin).await.text.contains("No complaints"), "{engine}: the empty page");
        let mail = mail::MailId(gateway::trace::first_id_at(NOW_MS - 3_600_000).0 + 77);
        let acme = scene.acme;
        let done: Result<_, Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                               VALUES ($1, $2, 'outbound', '192.0.2.1', '', 'ann@acme.example', '', 'Offer 7', 1, 1, 'clean', '{}', '{}')";
                    tx.run(sql, args![mail.0, acme.0]).await
                })
            })
            .await;
        done.expect("a mail that left");
        // The sender that the complaint names is not believed where the trace knows better.
        send(&scene, &admin, complaint("bo@acme.example", "Offer 7", &format!("id={mail}; verdict=clean; scl=0"))).await;
        send(&scene, &admin, complaint("ann@acme.example", "Offer 812", "")).await;
        send(&scene, &admin, complaint("bo@acme.example", "Lunch", "id=m0000000000001; verdict=clean")).await;
        let found = scene.get("/api/v1/reports/complaints", &admin).await.json();
        let senders: Vec<String> = found["senders"]
            .as_array()
            .expect("senders")
            .iter()
            .map(|one| format!("{} {} {} {}", one["sender"], one["complaints"], one["known"], one["is_restricted"]))
            .collect();
        assert_eq!(senders, [r#""ann@acme.example" 2 1 false"#, r#""bo@acme.example" 1 0 false"#], "{engine}: {found}");
        assert_eq!((&found["campaigns"][0]["complaints"], &found["campaigns"][0]["senders"]), (&json!(2), &json!(1)), "{engine}: {found}");
        assert_eq!((&found["complaints"], &found["is_all"]), (&json!(3), &json!(true)), "{engine}");
        let page = scene.get("/reports/complaints", &admin).await.text;
        assert!(page.contains("ann@acme.example") && page.contains("/reports/complaints/restrict"), "{engine}: {page}");
        assert!(!scene.get("/reports/complaints", &reader).await.text.contains("/reports/complaints/restrict"), "{engine}: a reader reads");
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get("/api/v1/reports/complaints", &stranger).await.json()["complaints"], 0, "{engine}: nobody else's");
        let form = [("sender", "ann@acme.example")];
        assert_eq!(scene.post("/reports/complaints/restrict", &reader, &form).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert!(scene.post("/reports/complaints/restrict", &admin, &form).await.text.contains("name=\"sure\""), "{engine}: asks first");
        let sure = [("sender", "ann@acme.example"), ("sure", "1")];
        let of_stranger = scene.post("/reports/complaints/restrict", &stranger, &sure).await.status;
        assert_eq!(of_stranger, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: not a sender of theirs");
        assert_eq!(scene.post("/reports/complaints/restrict", &admin, &sure).await.to(), "/restricted", "{engine}");
        assert_eq!(scene.post("/reports/complaints/restrict", &admin, &sure).await.status, StatusCode::CONFLICT, "{engine}: twice");
        let list = scene.get("/api/v1/restricted-senders", &admin).await.json();
        assert_eq!((&list["rows"][0]["reason"], &list["rows"][0]["count"]), (&json!("complaints"), &json!(2)), "{engine}: {list}");
        assert!(scene.get("/restricted", &admin).await.text.contains("2 complaints of recipients"), "{engine}");
        assert_eq!(scene.get("/api/v1/reports/complaints", &admin).await.json()["senders"][0]["is_restricted"], true, "{engine}");
    }
}
