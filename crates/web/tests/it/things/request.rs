//! A service request with a word, a file, an upload, a consent, what was read under it, and a proposal.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use gateway::scope::OrgScope;
use mail::id::{ConsentId, FileId, ProposalId, RequestId, SolutionId};
use mail::{OrgId, PersonId};
use store::Error;
use web::page::Fault;
use web::people::{Role, sql as people_sql};
use web::service_request::change::{self, At, New};
use web::service_request::file::Owner;
use web::service_request::sql_consent::{self, Proposal, Reading};
use web::service_request::{Area, By, Contact, Evidence, Impact, Kind, See, Severity, Side, Via, Way, consent, file, sql_file};

pub fn new(org: OrgId) -> New {
    New {
        org,
        title: format!("{MARK} is late"),
        description: format!("All mail of {MARK} is late since noon"),
        kind: Kind::Technical,
        area: Area::MailFlow,
        severity: Severity::B,
        impact: Impact::default(),
        contact: Contact { way: Way::Mail, number: String::new(), hours: String::new(), lang: "en".into() },
        lang: "en".into(),
        copies: vec![format!("{MARK}-copy@other.example")],
        evidence: vec![Evidence {
            source: "bounce".into(),
            source_id: String::new(),
            name: "bounce.txt".into(),
            media: "text/plain",
            text: format!("550 5.7.1 {MARK}"),
        }],
        files: Vec::new(),
        queue: String::new(),
    }
}

pub fn requester(person: PersonId, email: &str) -> By {
    By { side: Side::Requester, via: Via::Web, person, address: email.into(), name: String::new(), ip: String::new(), token: None }
}

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    // Uploads are their maker's alone: the one whom the tests ask as.
    scene.cookie(Role::Administrator, Some(org)).await;
    let email = format!("administrator@{org}.example");
    let wanted = email.clone();
    let person: Result<Option<PersonId>, Error> =
        scene.app.db.read(move |tx| Box::pin(async move { people_sql::id_of(tx, &wanted).await })).await;
    let person = person.expect("a look").expect("was just added");
    let at = At::new(&scene.app, requester(person, &email));
    let opening = at.clone();
    let made: Result<(RequestId, ConsentId, ProposalId, FileId), Fault> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let (at, scope) = (opening, OrgScope::One(org));
                let id = change::open(tx, &at, scope, new(org)).await?;
                let given = consent::Given { what: vec![See::Trace], person: None, days: 5 };
                let consent = consent::give(tx, &at, scope, id, given).await?;
                let standing = sql_consent::standing(tx, scope, PersonId(7), NOW_MS).await?;
                let read =
                    Reading { id: 99, person: PersonId(7), who: MARK.into(), what: See::Trace, path: "/trace".into(), at_ms: NOW_MS };
                sql_consent::note_read(tx, &standing[0], &read).await?;
                let proposal = ProposalId(at.ids().next(NOW_MS));
                let what = format!(
                    "{{\"effect\":\"allow\",\"kind\":\"domain\",\"value\":\"{MARK}.example\",\"scope\":\"\",\"days\":30,\"note\":\"\"}}"
                );
                sql_consent::propose(
                    tx,
                    &Proposal {
                        id: proposal,
                        org,
                        request: id,
                        what,
                        why: MARK.into(),
                        state: "open".into(),
                        by: PersonId(7),
                        made_ms: NOW_MS,
                        decided_by: String::new(),
                        decided_ms: None,
                        outcome: String::new(),
                    },
                )
                .await?;
                let files = sql_file::of_request(tx, scope, id, false).await?;
                Ok((id, consent, proposal, files[0].id))
            })
        })
        .await;
    let (request, consent, proposal, evidence) = made.expect("a request");
    let owner = Owner { org, person, request: Some(request) };
    let sent = file::Sent { name: format!("{MARK}.log"), media: "text/plain".into(), octets: MARK.into() };
    let upload = file::take(&at, owner, sent, true).await.expect("a file").id;
    named(&Names { request, consent, proposal, evidence, upload })
}

pub fn nowhere() -> Places {
    let id = gateway::trace::first_id_at(NOW_MS - 7_200_000).0;
    named(&Names { request: RequestId(id), consent: ConsentId(id), proposal: ProposalId(id), evidence: FileId(id), upload: FileId(id) })
}

struct Names {
    request: RequestId,
    consent: ConsentId,
    proposal: ProposalId,
    evidence: FileId,
    upload: FileId,
}

fn named(names: &Names) -> Places {
    let mut places = Places::new();
    for begin in ["/requests/", "/api/v1/requests/"] {
        places.push((begin, "request", names.request.to_string()));
        places.push((begin, "consent", names.consent.to_string()));
        places.push((begin, "proposal", names.proposal.to_string()));
        places.push((begin, "file", names.evidence.to_string()));
    }
    places.push(("/api/v1/request-uploads/", "file", names.upload.to_string()));
    for begin in ["/support/", "/api/v1/support/requests/"] {
        places.push((begin, "request", names.request.to_string()));
    }
    // Solutions are everybody's: these routes are of the service.
    places.push(("/requests/solutions/", "solution", SolutionId(77).to_string()));
    places.push(("/api/v1/solutions/", "solution", SolutionId(77).to_string()));
    places
}
