//! A held mail: trace and quarantine.

use super::{MARK, Places, under};
use crate::scene::{NOW_MS, Scene};
use mail::{MailId, OrgId};
use store::{Error, Tx, args};

const BEGINS: &[&str] = &["/trace/", "/api/v1/trace/", "/quarantine/", "/api/v1/quarantine/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    // An hour ago, whatever identifiers were made before.
    let mail = gateway::trace::first_id_at(NOW_MS - 3_600_000).0 + (org.0 & 0xffff);
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { held_mail(tx, mail, org).await })).await;
    done.expect("the mail is held");
    let asked: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { request(tx, mail, org).await })).await;
    asked.expect("somebody asks for its release");
    named(&MailId(mail).to_string(), mail)
}

pub fn nowhere() -> Places {
    let mail = gateway::trace::first_id_at(NOW_MS - 7_200_000);
    named(&mail.to_string(), mail.0)
}

/// The request has the number of its mail.
fn named(mail: &str, request: i64) -> Places {
    let mut places = under(BEGINS, mail);
    places.push(("/quarantine/requests/", "id", request.to_string()));
    places.push(("/api/v1/quarantine/requests/", "id", request.to_string()));
    places
}

async fn request(tx: &mut Tx, mail: i64, org: OrgId) -> Result<(), Error> {
    tx.run(
        "INSERT INTO release_request (id, org, mail, n, person, who, reason, until_ms, state, decided_by, answer, first_person, \
         first_who) VALUES ($1, $2, $1, 0, 99, 'eve@other.example', $3, $4, 'open', '', '', 0, '')",
        args![mail, org.0, MARK, NOW_MS + 86_400_000],
    )
    .await
    .map(|_| ())
}

pub async fn held_mail(tx: &mut Tx, mail: i64, org: OrgId) -> Result<(), Error> {
    let octets = format!("From: <x@sender.example>\r\nTo: <eve@other.example>\r\nSubject: {MARK}\r\n\r\n{MARK}\r\n");
    tx.run(
        "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
         VALUES ($1, $2, 'inbound', '192.0.2.1', 'mx.sender.example', 'x@sender.example', '<1@sender.example>', $3, $4, 1, 'spam', \
         '{\"version\":1}', '{}')",
        args![mail, org.0, MARK, octets.len()],
    )
    .await?;
    tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, '', $2)", args![mail, octets.as_bytes()]).await?;
    tx.run(
        "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply) \
         VALUES ($1, 0, $2, 'eve@other.example', 'eve@other.example', 'held', '{}', '{}', '', 0, $3, 0, 0, '')",
        args![mail, org.0, NOW_MS + 86_400_000],
    )
    .await?;
    for (n, kind) in ["received", "judged", "held"].into_iter().enumerate() {
        tx.run(
            "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, $3, $4, $5, '', '{}')",
            args![mail + 1 + n as i64, mail, org.0, NOW_MS - 3_600_000, kind],
        )
        .await?;
    }
    Ok(())
}
