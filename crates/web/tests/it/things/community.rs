//! A space of one organisation with a question and an answer of its administrator.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use mail::id::PostId;
use web::community::change::{self, NewCommunityQuestion};
use web::community::model::PostKind;
use web::community::moderate::{self, NewSpace};
use web::page::words::Lang;
use web::people::{Person, Role, sql as people_sql};

pub const SPACE: &str = "of-other";

/// Somebody with this role, as the server knows them.
pub async fn person(scene: &Scene, role: Role, org: Option<OrgId>) -> Person {
    scene.cookie(role, org).await;
    let email = format!("{}@{}", role.name(), org.map_or("service.example".into(), |org| format!("{org}.example")));
    let found = scene.app.db.read(move |tx| Box::pin(async move { people_sql::by_email(tx, &email).await })).await;
    found.unwrap_or_else(|why: store::Error| panic!("{why}")).expect("was just added")
}

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let administrator = person(scene, Role::Administrator, Some(org)).await;
    let space = NewSpace { name: SPACE.into(), title: format!("Space of {MARK}"), organisation: org.to_string(), ..NewSpace::default() };
    moderate::put_space(&scene.app, &Person::at_the_machine("test"), &space, true).await.expect("a space");
    let asked = NewCommunityQuestion {
        space: SPACE.into(),
        title: format!("How does {MARK} do it?"),
        body: format!("Text of {MARK}"),
        tags: MARK.into(),
    };
    let (question, _) = change::ask(&scene.app, &administrator, Lang::English, &asked).await.expect("a question");
    let (answer, _) = change::reply(&scene.app, &administrator, (PostKind::Answer, question), MARK).await.expect("an answer");
    named(question, answer, SPACE)
}

pub fn nowhere() -> Places {
    let id = PostId(gateway::trace::first_id_at(NOW_MS - 7_200_000).0);
    named(id, id, "of-nobody")
}

fn named(question: PostId, answer: PostId, space: &str) -> Places {
    vec![
        ("/community/questions/", "post", question.to_string()),
        ("/community/posts/", "post", answer.to_string()),
        ("/api/v1/community/questions/", "post", question.to_string()),
        ("/api/v1/community/posts/", "post", answer.to_string()),
        ("/api/v1/community/spaces/", "space", space.to_string()),
    ]
}
