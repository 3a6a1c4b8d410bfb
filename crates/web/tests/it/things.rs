/// Things of `org`, each with [`MARK`] in what people read.
async fn things(scene: &Scene, org: OrgId) -> Things {
    let mail = scene.app.ids.next(NOW_MS - 3_600_000);
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { held_mail(tx, mail, org).await })).await;
    done.expect("the mail is held");
    let mail = MailId(mail).to_string();
    Things { by_place: vec![("/trace/", "*", mail.clone()), ("/api/v1/trace/", "*", mail.clone()), ("/quarantine/", "*", mail.clone()), ("/api/v1/quarantine/", "*", mail)] }
}

/// The same kinds of name for what is nowhere.
fn nothing() -> Things {
    let mail = gateway::trace::first_id_at(NOW_MS - 7_200_000).to_string();
    Things { by_place: vec![("/trace/", "*", mail.clone()), ("/api/v1/trace/", "*", mail.clone()), ("/quarantine/", "*", mail.clone()), ("/api/v1/quarantine/", "*", mail)] }
}

async fn held_mail(tx: &mut Tx, mail: i64, org: OrgId) -> Result<(), Error> {
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
