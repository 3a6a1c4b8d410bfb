use super::*;
use crate::message::Budget;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// `(reporter, domain, report id, mails)` of each report, or the name of the error.
fn said(found: &[Result<Report, ReportError>]) -> Vec<String> {
    let one = |one: &Result<Report, ReportError>| match one {
        Ok(Report::Aggregate(report)) => {
            let mails: u64 = report.records.iter().map(|record| record.count).sum();
            let repaired = if report.is_repaired { " repaired" } else { "" };
            format!("dmarc {} {} {mails}{repaired}", report.reporter, report.policy.domain)
        }
        Ok(Report::Tls(report)) => {
            let (good, bad) = report.policies.iter().fold((0, 0), |sum, policy| (sum.0 + policy.succeeded, sum.1 + policy.failed));
            format!("tls {} {} {good}/{bad}", report.reporter, report.policies[0].domain)
        }
        Ok(Report::Feedback(report)) => {
            let source = report.source.map(|ip| ip.to_string()).unwrap_or_default();
            format!("{} {} {source}", report.kind, report.reported_domain)
        }
        Err(why) => format!("error {}{}{}", why.name(), if why.what().is_empty() { "" } else { " " }, why.what()),
    };
    found.iter().map(one).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name != "LICENSE") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Begin of the path below `D_reports`, and what is found there.
#[rustfmt::skip]
const SAMPLES: &[(&str, &str)] = &[
    ("email-arf/t/messages/example0.msg", "abuse example.net "),
    ("email-arf/t/messages/example1.msg", "opt-out example.net "),
    ("email-arf/t/messages/example2.msg", "abuse example.net 10.67.41.167"),
    ("parsedmarc/aggregate/!example.com!1538204542", "dmarc accurateplastics.com example.com 1"),
    ("parsedmarc/aggregate/!large-example.com!1711897200", "dmarc accurateplastics.com example.com 2286"),
    ("parsedmarc/aggregate/Report domain- borschow.com Submitter- google.com", "dmarc google.com borschow.com 1"),
    ("parsedmarc/aggregate/addisonfoods.com!example.com!1536105600", "dmarc addisonfoods.com example.com 1"),
    ("parsedmarc/aggregate/empty_reason.xml", "dmarc example.org example.com 2"),
    ("parsedmarc/aggregate/estadocuenta1.infonacot.gob.mx!example.com", "dmarc XYZ Corporation example.com 1"),
    ("parsedmarc/aggregate/example.net!example.com!1529366400", "dmarc example.net example.com 1"),
    ("parsedmarc/aggregate/fastmail.com!example.com!1516060800", "dmarc FastMail Pty Ltd indemed.com 1"),
    ("parsedmarc/aggregate/ikea.com!example.de!1538690400", "dmarc ikea.com example.de 1"),
    ("parsedmarc/aggregate/invalid_utf_8.xml", "dmarc accurateplastics.com example.com 1 repaired"),
    ("parsedmarc/aggregate/invalid_xml.xml", "dmarc veeam.com example.com 1 repaired"),
    ("parsedmarc/aggregate/mimecast-weird-gzip.eml", "dmarc Mimecast ab.id.au 1"),
    ("parsedmarc/aggregate/old_draft_from_wiki.xml", "dmarc acme.com example.com 2"),
    ("parsedmarc/aggregate/protection.outlook.com!example.com!1711756800", "dmarc Outlook.com example.com 1"),
    ("parsedmarc/aggregate/rfc9990-example.net!example.com", "dmarc example.net example.com 7"),
    ("parsedmarc/aggregate/rfc9990-sample.xml", "dmarc Sample Reporter example.com 123"),
    ("parsedmarc/aggregate/twilight.eml", "dmarc google.com twlnet.com 1"),
    ("parsedmarc/aggregate/usssa.com!example.com!1538784000", "dmarc usssa.com example.com 2"),
    ("parsedmarc/aggregate/veeam.com!example.com!1530133200", "dmarc veeam.com example.com 1"),
    ("parsedmarc/aggregate_invalid/report_with_upper_cased_pass.xml", "dmarc example.com example.com 1"),
    ("parsedmarc/empty.xml", "error empty"),
    ("parsedmarc/extract_report/changed-input.xml", "dmarc fred.com example.com 3047"),
    ("parsedmarc/extract_report/nice-input.xml", "dmarc google.com example.com 3047"),
    ("parsedmarc/failure/DMARC Failure Report for domain.de", "auth-failure domain.de 10.10.10.10"),
    ("parsedmarc/failure/[Netease DMARC Failure Report]", "auth-failure cardinal.com 167.89.69.24"),
    ("parsedmarc/failure/dmarc_ruf_report_linkedin", "auth-failure example.com 10.10.10.10"),
    ("parsedmarc/failure/exim_plain_text_only_no_arf_part.eml", "auth-failure example.com 203.0.113.68"),
    ("parsedmarc/smtp_tls/google.com_smtp_tls_report.eml", "tls Google Inc. cardinalhealth.ca 48/0"),
    ("parsedmarc/smtp_tls/mail.ru.json", "tls Mail.ru example.com 0/1"),
    ("parsedmarc/smtp_tls/rfc8460.json", "tls Company-X company-y.example 5326/303"),
    ("parsedmarc/smtp_tls/smtp_tls.json", "tls Example Inc. example.com 0/3"),
];

/// Every sample is read, or gives one clear error, in a moment.
#[test]
fn every_sample_is_read_or_says_why_not() {
    let Some(suites) = testkit::shared::suites() else { return };
    let folder = suites.join("D_reports");
    let all = files(&folder);
    assert!(all.len() >= 37, "{} samples", all.len());
    let mut wrong = Vec::new();
    for path in &all {
        let name = path.strip_prefix(&folder).expect("below").to_string_lossy().into_owned();
        let octets = Bytes::from(std::fs::read(path).expect("a sample"));
        let before = Instant::now();
        let found = said(&read_file(octets.clone()));
        assert!(before.elapsed() < Duration::from_secs(2), "{name} took {:?}", before.elapsed());
        let wants: Vec<&str> = SAMPLES.iter().filter(|(begin, _)| name.starts_with(begin)).map(|(_, want)| *want).collect();
        if found != wants {
            wrong.push(format!("{name}: {found:?}, not {wants:?}"));
        }
        let is_mail = name.ends_with(".eml") || name.ends_with(".msg");
        let as_mail = if is_mail { octets } else { attached(&octets).into() };
        let as_mail = said(&read(&Message::parse(as_mail, &Budget::default())));
        if as_mail != found {
            wrong.push(format!("{name}: {as_mail:?} in a mail, {found:?} as a file"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A mail with a file that says nothing about itself.
fn attached(octets: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let head = "From: r@reporter.example\r\nSubject: Report Domain: a\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\
                Content-Disposition: attachment; filename=\"report\"\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let body = base64::engine::general_purpose::STANDARD.encode(octets);
    let lines: Vec<&str> = body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("{head}{}\r\n", lines.join("\r\n")).into_bytes()
}

fn gz(octets: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(octets).expect("memory");
    packed.finish().expect("memory")
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, octets) in files {
        packed.start_file(*name, ::zip::write::SimpleFileOptions::default()).expect("a file");
        packed.write_all(octets).expect("memory");
    }
    packed.finish().expect("memory").into_inner()
}

fn record(ip: &str, count: &str) -> String {
    format!(
        "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim>\
         <spf>fail</spf></policy_evaluated></row><identifiers><header_from>A.example</header_from></identifiers><auth_results><dkim>\
         <domain>A.example</domain><selector>s1</selector><result>pass</result></dkim></auth_results></record>"
    )
}

fn feedback(records: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><feedback><report_metadata><org_name>R</org_name><email>r@r.example</email><report_id>1</report_id>\
         <date_range><begin>1700000000</begin><end>1700086399</end></date_range></report_metadata><policy_published>\
         <domain>A.example</domain><p>none</p></policy_published>{records}</feedback>"
    )
}

const TLS: &str = r#"{"organization-name":"R","date-range":{"start-datetime":"2024-01-09T00:00:00Z","end-datetime":"2024-01-09T23:59:59Z"},"contact-info":"mailto:r@r.example","report-id":"1","policies":[{"policy":{"policy-type":"sts","policy-domain":"A.example"},"summary":{"total-successful-session-count":"7","total-failure-session-count":2}}]}"#;

fn check(octets: impl Into<Vec<u8>>, want: &[&str], why: &str) {
    let before = Instant::now();
    let found = read_file(Bytes::from(octets.into()));
    assert_eq!(said(&found), want, "{why}");
    assert!(before.elapsed() < Duration::from_secs(5), "{why}: {:?}", before.elapsed());
}

#[test]
fn containers_of_every_kind_are_opened() {
    let (xml, good) = (feedback(&record("192.0.2.1", "3")), "dmarc R a.example 3");
    check(xml.clone(), &[good], "as it is");
    check(gz(xml.as_bytes()), &[good], "gzip");
    check(zip(&[("a.xml", xml.as_bytes())]), &[good], "zip");
    check(
        zip(&[("a.xml", xml.as_bytes()), ("b.json", TLS.as_bytes()), ("read.me", b"hello")]),
        &[good, "tls R a.example 7/2"],
        "several in one",
    );
    check(gz(&zip(&[("a.xml", xml.as_bytes())])), &[good], "a zip in a gzip");
    check(attached(&gz(xml.as_bytes())), &[good], "a saved mail with a gzip that is called a file");
    check(gz(TLS.as_bytes()), &["tls R a.example 7/2"], "TLS");
    let spaced = xml
        .replace("<feedback>", "<dmarc:feedback xmlns:dmarc=\"urn:ietf:params:xml:ns:dmarc-2.0\">")
        .replace("</feedback>", "</dmarc:feedback>");
    check(spaced, &[good], "a name space with a prefix");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(xml.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    check(wide, &[good], "UTF-16");
    let in_body = format!("From: r@r.example\r\nSubject: Report Domain: a\r\nContent-Type: text/xml\r\n\r\n{xml}\r\n");
    check(in_body, &[good], "as the body of a mail");
    let in_text = format!("From: r@r.example\r\nSubject: Report Domain: a\r\n\r\n{xml}\r\n");
    check(in_text, &[good], "as plain text");
}

#[test]
fn hostile_reports_give_one_clear_error() {
    let xml = feedback(&record("192.0.2.1", "3"));
    check("", &["error empty"], "nothing");
    check("hello\n", &["error not-report"], "not a report");
    check("From: a@b.example\r\nSubject: hi\r\n\r\nhello\r\n", &["error not-report"], "a mail that is none");
    check(&xml.as_bytes()[..xml.len() / 2], &["error truncated"], "cut");
    check(&TLS.as_bytes()[..TLS.len() - 5], &["error truncated"], "JSON, cut");
    check(format!("{{\"report-id\":\"1\",\"x\":{}", "[".repeat(100_000)), &["error truncated"], "JSON in JSON");
    check(TLS.replace("\"report-id\":\"1\"", "\"report-id\":\"\""), &["error missing report-id"], "without its id");
    let lol = "<!DOCTYPE feedback [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    check(xml.replace("<feedback>", &format!("{lol}<feedback>")).replace(">R<", ">&b;<"), &["error entities"], "entities that grow");
    check(
        xml.replace("<feedback>", "<!DOCTYPE feedback [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><feedback>"),
        &["error entities"],
        "a file of ours",
    );
    check(xml.replace("<record>", &"<a>".repeat(200_000)), &["error too-deep"], "an element in an element");
    check(feedback(&record("192.0.2.1", "1").repeat(aggregate::RECORDS_MAX + 1)), &["error too-large"], "too long as it is");
    check(
        gz(feedback(&record("192.0.2.1", "1").repeat(aggregate::RECORDS_MAX + 1)).as_bytes()),
        &["error too-many"],
        "too many records, packed",
    );
    check(gz(&vec![b' '; 200 << 20]), &["error too-large"], "a gzip that grows");
    check(gz(format!("<feedback>{}", " ".repeat(40 << 20)).as_bytes()), &["error too-large"], "one that grows less");
    let policies = format!("{{\"date-range\":1,\"policies\":[{}{{}}]}}", "{},".repeat(tls::POLICIES_MAX));
    check(policies, &["error broken-json"], "a date that is a number");
    let policies = format!("{{\"report-id\":\"1\",\"policies\":[{}{{}}]}}", "{},".repeat(tls::POLICIES_MAX));
    check(policies, &["error too-many"], "too many policies");
    let packed = gz(xml.as_bytes());
    let cut = read_file(Bytes::from(packed[..packed.len() - 20].to_vec()));
    assert!(cut.len() == 1 && cut[0].is_err(), "a gzip that was cut: {cut:?}");
    let many: Vec<(String, String)> = (0..=REPORTS_MAX).map(|n| (format!("{n}.xml"), xml.clone())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, xml)| (name.as_str(), xml.as_bytes())).collect();
    let found = read_file(Bytes::from(zip(&many)));
    assert_eq!((found.len(), found.last()), (REPORTS_MAX + 1, Some(&Err(ReportError::TooMany))));
    for missing in ["report_id", "domain", "begin"] {
        let without = xml.replace(&format!("<{missing}>"), "<x>").replace(&format!("</{missing}>"), "</x>");
        assert!(matches!(read_file(without.into())[..], [Err(ReportError::Missing(_))]), "{missing}");
    }
}

#[test]
fn records_are_read_as_they_are_meant() {
    let odd = [
        record("[2001:DB8::1]", "2"),
        record("::ffff:192.0.2.9", "1"),
        record("not an address", "5"),
        record("192.0.2.1", "-3"),
        record("192.0.2.1", "7").replace(">pass<", ">Pass<").replace("<spf>fail</spf>", "<spf>PASS</spf>"),
    ];
    let Ok(Report::Aggregate(report)) = read_file(feedback(&odd.concat()).into()).remove(0) else { panic!("a report") };
    assert_eq!((report.records.len(), report.unread, report.is_repaired), (3, 2, false));
    assert_eq!(report.records[0].source.to_string(), "2001:db8::1");
    assert_eq!(report.records[1].source.to_string(), "192.0.2.9");
    assert!(report.records[0].dkim && !report.records[0].spf && report.records[2].spf);
    assert_eq!(report.records[0].signatures[0].domain, "a.example");
    assert_eq!((report.begin_ms, report.end_ms), (1_700_000_000_000, 1_700_086_399_000));
    for (begin, want) in
        [("1700000000.5", 1_700_000_000_500), ("1700000000000", 1_700_000_000_000), ("2023-11-14T22:13:20Z", 1_700_000_000_000)]
    {
        let xml = feedback("").replace("<begin>1700000000<", &format!("<begin>{begin}<"));
        let Ok(Report::Aggregate(report)) = read_file(xml.into()).remove(0) else { panic!("{begin}") };
        assert_eq!(report.begin_ms, want, "{begin}");
    }
    let xml = feedback("").replace(">R<", ">A &amp; B &#9731; &nbsp;&unknown; <![CDATA[<c>]]>\u{1}<");
    let Ok(Report::Aggregate(report)) = read_file(xml.into()).remove(0) else { panic!("entities") };
    assert_eq!(report.reporter, "A & B \u{2603} &nbsp;&unknown; <c>");
}
