//! A person with a session and a token, a role, a line of the audit log.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use ::mail::id::{AuditId, TokenId};
use ::mail::{OrgId, PersonId};
use store::{Error, args};
use web::people::session::{self, Peer};
use web::people::sql::{self, NewPerson, OwnRole};
use web::people::token::sql::{self as token_sql, NewToken};
use web::people::{May, Role};

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let (id, role, line, token) = (scene.app.fresh_id(), scene.app.fresh_id(), scene.app.fresh_id(), TokenId(scene.app.fresh_id()));
    let done: Result<PersonId, Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let new = NewPerson { email: format!("{MARK}@other.example"), name: MARK.into(), role: Role::HelpDesk, org: Some(org) };
                let person = sql::add(tx, &new, id, NOW_MS).await?;
                sql::put_own_role(tx, &OwnRole { id: role, org, name: MARK.into(), may: vec![May::Trace], people: 0 }, NOW_MS).await?;
                let new = NewToken {
                    id: token,
                    org: Some(org),
                    person,
                    name: MARK.into(),
                    digest: format!("digest of {token}"),
                    may: vec![May::Trace],
                    made_ms: NOW_MS,
                    until_ms: NOW_MS + 86_400_000,
                };
                token_sql::insert(tx, &new).await?;
                tx.run(
                    "INSERT INTO audit (id, org, person, who, ip, action, subject, detail) VALUES ($1, $2, $3, 'x@elsewhere', '', 'people.role', $4, '{}')",
                    args![line, org.0, person.0, MARK],
                )
                .await?;
                Ok(person)
            })
        })
        .await;
    let person = done.expect("a person of the other organisation");
    session::start(&scene.app, person, &Peer::default()).await.expect("a session");
    let found = scene.app.db.read(move |tx| Box::pin(async move { sql::sessions(tx, person, "", NOW_MS).await })).await;
    let session = found.expect("sessions").first().expect("one was just begun").id;
    named(&Names { person, session, role, token, line: AuditId(line) })
}

pub fn nowhere() -> Places {
    let id = gateway::trace::first_id_at(NOW_MS - 7_200_000).0;
    named(&Names { person: PersonId(id), session: id, role: id, token: TokenId(id), line: AuditId(id) })
}

struct Names {
    person: PersonId,
    session: i64,
    role: i64,
    token: TokenId,
    line: AuditId,
}

fn named(names: &Names) -> Places {
    let mut places = Places::new();
    for begin in ["/people/", "/api/v1/people/"] {
        places.push((begin, "person", names.person.to_string()));
        places.push((begin, "session", names.session.to_string()));
        places.push((begin, "token", names.token.to_string()));
    }
    places.push(("/people/roles/", "role", names.role.to_string()));
    places.push(("/api/v1/roles/", "role", format!("own.{}", names.role)));
    places.push(("/api/v1/sessions/", "session", names.session.to_string()));
    places.push(("/api/v1/tokens/", "token", names.token.to_string()));
    places.push(("/account/sessions/", "session", names.session.to_string()));
    places.push(("/account/tokens/", "token", names.token.to_string()));
    places.push(("/account/passkeys/", "passkey", format!("key-of-{}", names.person)));
    places.push(("/audit/", "line", names.line.to_string()));
    places.push(("/api/v1/audit/", "line", names.line.to_string()));
    places
}
