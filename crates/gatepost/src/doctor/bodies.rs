//! The bucket of large messages: it answers, knows our key, and lets us do what we need.

use super::{Case, Finding, two};
use crate::settings::BodiesPlace;
use store::bodies::{Bodies, Right};
use store::s3::Wrong;

const ID: &str = "bodies.bucket";
/// All that we need.
const RIGHTS: usize = 4;

/// Nothing where they lie in a folder.
pub async fn look(case: &Case) -> Vec<Finding> {
    if !case.knows("store") {
        return Vec::new();
    }
    let place = case.chosen.bodies();
    let BodiesPlace::Bucket(access) = &place else { return Vec::new() };
    let shown = place.to_string();
    let finding = match Bodies::in_bucket(access) {
        Ok(bodies) => judged(&shown, bodies.lacks().await),
        Err(why) => Finding::problem(ID, &shown, two("It cannot be used.", "无法使用。"), address()).seen(why),
    };
    vec![finding]
}

fn judged(shown: &str, lacks: Vec<(Right, Wrong)>) -> Finding {
    let Some((_, first)) = lacks.first() else {
        let said = two("A small object could be put, read, listed and removed.", "可以写入、读取、列出并删除一个小对象。");
        return Finding::ok(ID, shown, said);
    };
    // The same for everything: no single right is what lacks.
    if lacks.len() == RIGHTS && lacks.iter().all(|(_, why)| is_alike(why, first)) {
        let said = match first {
            Wrong::Settings(_) => two("It cannot be used.", "无法使用。"),
            Wrong::Unreachable(_) => two("It does not answer.", "没有应答。"),
            _ => two("It refuses us.", "请求被拒绝。"),
        };
        return Finding::problem(ID, shown, said, address()).seen(first);
    }
    let names = lacks.iter().map(|(right, _)| right.name()).collect::<Vec<_>>();
    let said = two(
        format!("Not everything that is needed can be done there: {}.", names.join(", ")),
        format!("缺少所需的操作权限：{}。", names.join("、")),
    );
    let todo = two(
        "Give the key these rights on the bucket and its folder. Without s3:PutObject large mail is put off, without s3:GetObject it is not delivered, without \
         s3:ListBucket and s3:DeleteObject the bucket only grows.",
        "请为该密钥授予存储桶及其文件夹的这些权限。缺少 s3:PutObject 时大邮件会被推迟接收，缺少 s3:GetObject 时无法投递，缺少 s3:ListBucket 或 s3:DeleteObject 时存储桶会不断增大。",
    );
    lacks.iter().fold(Finding::problem(ID, shown, said, todo), |found, (right, why)| found.seen(format!("{}: {why}", right.name())))
}

/// A connection may end in several ways for the same reason.
fn is_alike(one: &Wrong, other: &Wrong) -> bool {
    matches!((one, other), (Wrong::Unreachable(_), Wrong::Unreachable(_))) || one == other
}

fn address() -> super::Text {
    two(
        "Correct [store] bodies and [store.bucket]: address, region, bucket, key and secret. Meanwhile mail of more than 64 KiB is put off; smaller mail goes on.",
        "请更正 [store] bodies 和 [store.bucket] 中的地址、区域、存储桶、访问密钥和机密。在此期间，超过 64 KiB 的邮件会被推迟接收，较小的邮件不受影响。",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn what_lacks_is_named() {
        let denied = || Wrong::Refused { status: 403, code: "AccessDenied".into() };
        let gone = || Wrong::Unreachable("Connection refused".into());
        let all = [Right::Put, Right::Get, Right::List, Right::Delete];
        for (lacks, outcome, says) in [
            (vec![], Outcome::Ok, "could be put"),
            (all.iter().map(|right| (*right, gone())).collect(), Outcome::Problem, "does not answer"),
            (all.iter().map(|right| (*right, denied())).collect(), Outcome::Problem, "refuses us"),
            (vec![(Right::Delete, denied())], Outcome::Problem, "done there: s3:DeleteObject."),
            (vec![(Right::Put, denied()), (Right::List, denied())], Outcome::Problem, "s3:PutObject, s3:ListBucket"),
        ] {
            let found = judged("https://s3.example.net/mail", lacks);
            let said = found.said.say(gateway::receipt::Language::English).to_string();
            assert!(found.outcome == outcome && said.contains(says), "{said}");
            assert_eq!(found.todo.is_some(), outcome == Outcome::Problem);
        }
    }
}
