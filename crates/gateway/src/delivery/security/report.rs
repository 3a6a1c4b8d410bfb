//! TLS-RPT: once a day each domain that asks for it is told how encrypted connections to it went (RFC 8460).
//!
//! In: what [`super::outcome`] counted of days that are over. Out: a report by mail, or handed in over HTTPS, to each address the domain
//! names. Invariant: counts go away in the transaction that queues the report, so that one server reports. Domains that ask for nothing
//! have their counts dropped.

use super::fetch::{self, Places};
use super::outcome::DAY_MS;
use super::settings::TlsReportSettings;
use super::sql::{self, Counted};
use crate::delivery::{Courier, base64};
use crate::directory::Directory;
use crate::dkim::Seal;
use crate::intake::{date, signer};
use crate::queue::letter::{self, Posted};
use flate2::{Compression, write::GzEncoder};
use mail::Address;
use mail::dns::{Dns, Record, RecordType};
use mail::id::IdMaker;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use store::{Db, Error};

/// Domains reported in one round; the rest comes with the next.
const DOMAINS_MAX: usize = 500;
/// Rows of one report.
const ROWS_MAX: usize = 2_000;
/// Addresses of one record that are told.
const ADDRESSES_MAX: usize = 4;
/// Reports that could not be handed in are dropped after so many days.
const DAYS_MAX: i64 = 3;

/// Where reports go (RFC 8460 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Mail(Address),
    Https { host: String, path: String },
}

/// What reporting works with.
pub struct Reporter<'a> {
    pub db: &'a Db,
    pub ids: &'a Arc<IdMaker>,
    pub directory: &'a Directory,
    pub seal: &'a Seal,
    pub courier: &'a Courier,
    pub settings: &'a TlsReportSettings,
    /// Where hosts that take reports may be.
    pub places: Places,
}

/// Reports all days before today (UTC) that were not reported yet; how many reports were sent.
/// # Errors
/// The database cannot be used.
pub async fn round(reporter: &Reporter<'_>, now_ms: i64) -> Result<usize, Error> {
    let today = now_ms.div_euclid(DAY_MS);
    let due = reporter.db.read(move |tx| Box::pin(async move { sql::unreported(tx, today, DOMAINS_MAX).await })).await?;
    let mut sent = 0;
    for (day, domain) in due {
        sent += usize::from(reporter.report(day, &domain, now_ms).await?);
    }
    Ok(sent)
}

impl Reporter<'_> {
    async fn report(&self, day: i64, domain: &str, now_ms: i64) -> Result<bool, Error> {
        let targets = if self.settings.send { targets(self.courier.dns.as_ref(), domain).await } else { Vec::new() };
        let from = Address::parse(&self.settings.from).ok();
        let (false, Some(from)) = (targets.is_empty(), from) else {
            return self.drop_counts(day, domain).await;
        };
        let name = domain.to_string();
        let rows = self.db.read(move |tx| Box::pin(async move { sql::counted(tx, day, &name, ROWS_MAX).await })).await?;
        let report = Report { day, domain, submitter: from.domain(), settings: self.settings };
        let packed = packed(&report.json(&rows)).map_err(|why| Error::Shape(format!("packing a report: {why}")))?;
        let is_handed_in = self.hand_in(&targets, &packed).await;
        let letters: Vec<Posted> = targets
            .iter()
            .filter_map(|target| if let Target::Mail(to) = target { self.letter(&report, &from, to, &packed, now_ms) } else { None })
            .collect();
        if letters.is_empty() && !is_handed_in {
            return match now_ms.div_euclid(DAY_MS) - day > DAYS_MAX {
                true => self.drop_counts(day, domain).await,
                false => Ok(false), // in an hour again
            };
        }
        self.post(day, domain, letters, now_ms).await.map(|()| true)
    }

    async fn drop_counts(&self, day: i64, domain: &str) -> Result<bool, Error> {
        let name = domain.to_string();
        self.db.tx(move |tx| Box::pin(async move { sql::take_away(tx, day, &name).await })).await?;
        Ok(false)
    }

    async fn hand_in(&self, targets: &[Target], packed: &[u8]) -> bool {
        let mut is_any = false;
        for target in targets {
            let Target::Https { host, path } = target else { continue };
            let seams = (self.courier.dns.as_ref(), &self.courier.tls);
            match fetch::post((host, path), ("application/tlsrpt+gzip", packed), seams, self.places).await {
                Ok(()) => is_any = true,
                Err(why) => tracing::info!(host, %why, "a TLS report could not be handed in"),
            }
        }
        is_any
    }

    fn letter(&self, report: &Report<'_>, from: &Address, to: &Address, packed: &[u8], now_ms: i64) -> Option<Posted> {
        let org = self.directory.domain_of(from)?.org;
        let plain = report.message(from, to, packed, now_ms);
        // RFC 8460 §3: reports are signed by the domain that submits them.
        let signatures = signer::sign_as(self.directory, self.seal, from.domain(), &plain, now_ms);
        let octets = [signatures.into_bytes(), plain].concat();
        Some(Posted {
            org,
            sender: from.to_string(),
            to: to.clone(),
            subject: report.subject(),
            octets,
            kind: "tls-report",
            tls_optional: true,
        })
    }

    async fn post(&self, day: i64, domain: &str, letters: Vec<Posted>, now_ms: i64) -> Result<(), Error> {
        let routes: Vec<String> = letters.iter().map(|posted| self.route(posted)).collect();
        let name = domain.to_string();
        let maker = self.ids.clone();
        self.db
            .tx(move |tx| {
                Box::pin(async move {
                    if sql::take_away(tx, day, &name).await? == 0 {
                        return Ok(()); // another server was first
                    }
                    for (posted, route) in letters.into_iter().zip(routes) {
                        letter::post_message(tx, posted, &route, &maker, now_ms).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    fn route(&self, posted: &Posted) -> String {
        let domain = posted.to.domain();
        match self.directory.domain_named(domain).is_some() {
            true => self.directory.inbound_route(domain).to_string(),
            false => self.directory.outbound_route(posted.org, domain).to_string(),
        }
    }
}

/// Where `domain` wants its reports (RFC 8460 §3); nowhere unless there is exactly one record.
pub async fn targets(dns: &dyn Dns, domain: &str) -> Vec<Target> {
    let Ok(records) = dns.lookup(&format!("_smtp._tls.{domain}"), RecordType::Txt).await else { return Vec::new() };
    let texts = records.iter().filter_map(|record| if let Record::Txt(text) = record { std::str::from_utf8(text).ok() } else { None });
    let mut found = texts.filter(|text| text.starts_with("v=TLSRPTv1;"));
    let (Some(only), None) = (found.next(), found.next()) else { return Vec::new() };
    let rua = only.split(';').filter_map(|field| field.trim().split_once('=')).find(|(key, _)| key.trim() == "rua");
    rua.map(|(_, list)| list.split(',').filter_map(target).take(ADDRESSES_MAX).collect()).unwrap_or_default()
}

fn target(uri: &str) -> Option<Target> {
    let uri = uri.trim();
    if let Some(address) = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map(|_| &uri[7..]) {
        let address = address.split('?').next().unwrap_or_default();
        return Address::parse(address).ok().map(Target::Mail);
    }
    let rest = uri.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).map(|_| &uri[8..])?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_host = !host.is_empty() && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-');
    let is_path = path.bytes().all(|octet| octet.is_ascii_graphic());
    (is_host && is_path).then(|| Target::Https { host: host.to_ascii_lowercase(), path: format!("/{path}") })
}

/// One report.
struct Report<'a> {
    day: i64,
    domain: &'a str,
    submitter: &'a str,
    settings: &'a TlsReportSettings,
}

impl Report<'_> {
    /// The same for each server that makes it, so that duplicates are known as such.
    fn id(&self) -> String {
        format!("{}.{}@{}", self.day, self.domain, self.submitter)
    }

    fn subject(&self) -> String {
        format!("Report Domain: {} Submitter: {} Report-ID: <{}>", self.domain, self.submitter, self.id())
    }

    /// RFC 8460 §4.4.
    fn json(&self, rows: &[Counted]) -> Value {
        let moment = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
        let begin = self.day * DAY_MS;
        let mut kinds: Vec<&str> = rows.iter().map(|row| row.policy.as_str()).collect();
        kinds.dedup();
        let name = if self.settings.organisation.is_empty() { self.submitter } else { &self.settings.organisation };
        json!({
            "organization-name": name,
            "date-range": { "start-datetime": moment(begin), "end-datetime": moment(begin + DAY_MS - 1_000) },
            "contact-info": self.settings.from,
            "report-id": self.id(),
            "policies": kinds.iter().map(|kind| self.policy(kind, rows)).collect::<Vec<Value>>(),
        })
    }

    fn policy(&self, kind: &str, rows: &[Counted]) -> Value {
        let rows: Vec<&Counted> = rows.iter().filter(|row| row.policy == kind).collect();
        let sum = |is_failure: bool| rows.iter().filter(|row| row.failure.is_empty() != is_failure).map(|row| row.sessions).sum::<i64>();
        let lines: Vec<&str> =
            rows.iter().map(|row| row.lines.as_str()).max_by_key(|lines| lines.len()).unwrap_or_default().lines().collect();
        let hosts: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("mx: ")).collect();
        let failures = rows.iter().filter(|row| !row.failure.is_empty()).map(|row| {
            let mut detail = json!({ "result-type": row.failure, "failed-session-count": row.sessions });
            if !row.mx.is_empty() {
                detail["receiving-mx-hostname"] = json!(row.mx);
            }
            if !row.ip.is_empty() {
                detail["receiving-ip"] = json!(row.ip);
            }
            detail
        });
        let mut policy = json!({ "policy-type": kind, "policy-domain": self.domain });
        if !lines.is_empty() {
            policy["policy-string"] = json!(lines);
        }
        if !hosts.is_empty() {
            policy["mx-host"] = json!(hosts);
        }
        json!({
            "policy": policy,
            "summary": { "total-successful-session-count": sum(false), "total-failure-session-count": sum(true) },
            "failure-details": failures.collect::<Vec<Value>>(),
        })
    }

    /// RFC 8460 §5.3.
    fn message(&self, from: &Address, to: &Address, packed: &[u8], now_ms: i64) -> Vec<u8> {
        let begin_s = self.day * DAY_MS / 1_000;
        let file = format!("{}!{}!{begin_s}!{}.json.gz", self.submitter, self.domain, begin_s + DAY_MS / 1_000 - 1);
        let mut lines = String::new();
        for line in base64(packed).as_bytes().chunks(76) {
            lines.push_str(&String::from_utf8_lossy(line));
            lines.push_str("\r\n");
        }
        let (date, subject, id, domain, submitter) = (date(now_ms), self.subject(), self.id(), self.domain, self.submitter);
        format!(
            "From: <{from}>\r\nTo: <{to}>\r\nDate: {date}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n\
             TLS-Report-Domain: {domain}\r\nTLS-Report-Submitter: {submitter}\r\nTLS-Required: No\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"=_tls_report\"\r\n\r\n\
             --=_tls_report\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             This is an aggregate TLS report from {submitter} about mail sent to {domain}.\r\n\
             --=_tls_report\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{file}\"\r\n\r\n{lines}--=_tls_report--\r\n"
        )
        .into_bytes()
    }
}

fn packed(report: &Value) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(report.to_string().as_bytes())?;
    packer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_shape_of_its_standard() {
        let settings = TlsReportSettings { send: true, from: "tls@us.example".into(), organisation: String::new() };
        let report = Report { day: 20_000, domain: "them.example", submitter: "us.example", settings: &settings };
        let row = |policy: &str, failure: &str, sessions: i64, lines: &str| Counted {
            policy: policy.into(),
            mx: if failure.is_empty() { String::new() } else { "mx.them.example".into() },
            ip: String::new(),
            failure: failure.into(),
            sessions,
            lines: lines.into(),
        };
        let rows = [
            row("no-policy-found", "", 3, ""),
            row("sts", "", 40, "version: STSv1\nmx: mx.them.example"),
            row("sts", "certificate-expired", 2, ""),
        ];
        let json = report.json(&rows);
        assert_eq!(json["date-range"]["start-datetime"], "2024-10-04T00:00:00Z");
        assert_eq!(json["date-range"]["end-datetime"], "2024-10-04T23:59:59Z");
        assert_eq!(json["policies"].as_array().map(Vec::len), Some(2));
        let sts = &json["policies"][1];
        assert_eq!(sts["summary"], json!({ "total-successful-session-count": 40, "total-failure-session-count": 2 }));
        assert_eq!(sts["policy"]["mx-host"], json!(["mx.them.example"]));
        assert_eq!(sts["failure-details"][0]["result-type"], "certificate-expired");
        let (from, to) = (Address::parse("tls@us.example").expect("one"), Address::parse("rua@them.example").expect("one"));
        let octets = report.message(&from, &to, &packed(&json).expect("packed"), 1_728_100_000_000);
        let message = mail::Message::parse(octets.into(), &Default::default());
        assert!(message.defects.is_empty(), "{:?}", message.defects);
    }

    #[tokio::test]
    async fn reports_go_where_the_record_says() {
        let mut zone = mail::dns::Zone::new();
        zone.txt("_smtp._tls.a.example", "v=TLSRPTv1; rua=mailto:r@a.example,https://R.example/in?x=1, ftp://no");
        zone.txt("_smtp._tls.b.example", "v=TLSRPTv1; rua=mailto:r@b.example")
            .txt("_smtp._tls.b.example", "v=TLSRPTv1; rua=mailto:x@b.example");
        zone.txt("_smtp._tls.c.example", "v=TLSRPTv1; rua=https://user@inside/x");
        let a = targets(&zone, "a.example").await;
        let https = Target::Https { host: "r.example".into(), path: "/in?x=1".into() };
        assert_eq!(a, [Target::Mail(Address::parse("r@a.example").expect("one")), https]);
        for domain in ["b.example", "c.example", "d.example"] {
            assert_eq!(targets(&zone, domain).await, [], "{domain}");
        }
    }
}
