//! Reports of other servers, and what they add up to.

use super::{MARK, Places, under};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use mail::id::MailReportId;
use store::{Error, Tx, args};

const REPORTS: &[&str] = &["/reports/received/", "/api/v1/reports/received/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let report = scene.app.fresh_id();
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { rows(tx, org, report).await })).await;
    done.expect("rows are written");
    named("zebra-of-other.example", report)
}

pub fn nowhere() -> Places {
    named("nowhere.example", 1)
}

fn named(domain: &str, report: i64) -> Places {
    let mut places = under(REPORTS, &MailReportId(report).to_string());
    for begin in ["/reports/dmarc/", "/api/v1/reports/dmarc/", "/reports/tls/", "/api/v1/reports/tls/"] {
        places.push((begin, "domain", domain.to_string()));
        places.push((begin, "source", "192.0.2.77".to_string()));
    }
    places
}

async fn rows(tx: &mut Tx, org: OrgId, report: i64) -> Result<(), Error> {
    let day = NOW_MS - NOW_MS % 86_400_000;
    let domain = format!("{MARK}.example");
    tx.run(
        "INSERT INTO mail_report (id, org, kind, once, mail, sender, is_proven, domain, reporter, report_id, begin_ms, end_ms, messages, \
         failed, problem, about, detail) VALUES ($1, $2, 'dmarc', 'x', 0, $3, 1, $4, $3, $3, $5, $5, 3, 1, '', $3, $6)",
        args![report, org.0, MARK, domain.as_str(), day, format!("{{\"contact\":\"{MARK}\"}}")],
    )
    .await?;
    for source in ["*", "192.0.2.77"] {
        tx.run(
            "INSERT INTO dmarc_day (org, domain, day_ms, source, messages, passed, dkim, spf, quarantined, rejected, signer, bounce_domain) \
             VALUES ($1, $2, $3, $4, 3, 2, 2, 0, 0, 0, $5, $5)",
            args![org.0, domain.as_str(), day, source, MARK],
        )
        .await?;
    }
    tx.run(
        "INSERT INTO tls_day (org, domain, day_ms, kind, mx, succeeded, failed) VALUES ($1, $2, $3, 'sts', '', 3, 1)",
        args![org.0, domain.as_str(), day],
    )
    .await
    .map(drop)
}
