//! The recovery assistant on broken installations: the real binary, the service down. Each is named by the right check and by no other.

mod bundle;
mod cases;
mod client;
mod world;

use cases::{CASES, POSTGRES_CASES};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use world::World;

/// Ids of the problems in what `doctor --json` printed.
fn problems(printed: &[Value]) -> Vec<&str> {
    let found = printed.iter().filter(|finding| finding["result"] == "problem");
    found.filter_map(|finding| finding["id"].as_str()).collect()
}

fn check(name: &str, wanted: &[&str], breaking: fn(&mut World)) -> Result<(), String> {
    let Some(mut world) = World::healthy() else { return Err(format!("{name}: no world")) };
    breaking(&mut world);
    if world.is_skipped {
        eprintln!("skipped: {name}: this account may not do it");
        return Ok(());
    }
    let (code, printed) = world.doctor(&[]);
    let mut found = problems(&printed);
    found.sort_unstable();
    found.dedup();
    let mut wanted: Vec<&str> = wanted.to_vec();
    wanted.sort_unstable();
    let complete = printed.iter().filter(|finding| finding["result"] == "problem").all(|finding| {
        finding["todo"].as_str().is_some_and(|todo| !todo.is_empty()) && !finding["said"].as_str().unwrap_or_default().is_empty()
    });
    match (found == wanted, code, complete) {
        (true, Some(1), true) => Ok(()),
        _ => Err(format!("{name}: wanted {wanted:?}, found {found:?}, exit code {code:?}, complete {complete}")),
    }
}

#[test]
fn doctor_finds_nothing_wrong_with_a_healthy_installation() {
    let world = World::healthy().expect("a world");
    let (code, printed) = world.doctor(&[]);
    assert_eq!(problems(&printed), Vec::<&str>::new(), "{printed:#?}");
    assert_eq!(code, Some(0));
    for id in [
        "settings.file",
        "settings.fit",
        "data.owner",
        "seal.fits",
        "bodies.files",
        "database.whole",
        "database.steps",
        "tls.name",
        "listen.port",
        "dns.server",
        "balance",
    ] {
        let ok = printed.iter().any(|finding| finding["id"] == id && finding["result"] == "ok");
        assert!(ok, "{id} is looked at and ok: {printed:#?}");
    }
}

#[test]
fn doctor_leaves_an_installation_as_it_found_it() {
    let world = World::healthy().expect("a world");
    let listed = || {
        let mut names: Vec<_> =
            std::fs::read_dir(world.data()).expect("the data folder").flatten().map(|entry| entry.file_name()).collect();
        names.retain(|name| !name.to_string_lossy().starts_with("gatepost.db-"));
        names.sort();
        names
    };
    let before = listed();
    std::fs::remove_file(world.data().join("seal.key")).expect("removed");
    world.doctor(&[]);
    assert!(!world.data().join("seal.key").exists(), "looking makes no key");
    let after: Vec<_> = listed();
    assert_eq!(after.len() + 1, before.len());
}

#[test]
fn doctor_names_what_is_broken() {
    let wrong: Vec<String> = CASES.iter().filter_map(|(name, wanted, breaking)| check(name, wanted, *breaking).err()).collect();
    assert!(CASES.len() >= 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn doctor_says_which_program_has_the_port() {
    let world = World::healthy().expect("a world");
    let held = std::net::TcpListener::bind(("127.0.0.1", world.port)).expect("free");
    let (_, printed) = world.doctor(&[]);
    drop(held);
    let taken = printed.iter().find(|finding| finding["id"] == "listen.port" && finding["result"] == "problem").expect("it is taken");
    let named = taken["evidence"].as_array().is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(is_this_process)));
    assert!(named, "{taken:#?}");
}

fn is_this_process(seen: &str) -> bool {
    seen.contains(&format!("process {} (", std::process::id()))
}

#[test]
fn doctor_names_what_is_broken_with_postgres() {
    let wrong: Vec<String> = POSTGRES_CASES.iter().filter_map(|(name, wanted, breaking)| check(name, wanted, *breaking).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn doctor_speaks_both_languages() {
    let world = World::healthy().expect("a world");
    std::fs::set_permissions(world.data().join("seal.key"), std::fs::Permissions::from_mode(0o644)).expect("set");
    for (language, word, todo) in [("en", "[PROBLEM] seal.mode", "chmod 600"), ("zh", "[问题] seal.mode", "请设为仅所有者可读")]
    {
        let output = world.command().args(["doctor", "--lang", language]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(word) && said.contains(todo), "{said}");
    }
}

#[test]
fn doctor_repairs_after_asking_and_looks_again() {
    for (name, id, breaking) in cases::REPAIRS {
        let mut world = World::healthy().expect("a world");
        breaking(&mut world);
        if world.is_skipped {
            continue;
        }
        let (code, printed) = world.doctor(&[]);
        assert_eq!((code, problems(&printed)), (Some(1), vec![*id]), "{name}");
        // Asked, and told no; asked, and told nothing.
        for answer in ["n\n", ""] {
            assert_eq!(answered(&world, answer), Some(1), "{name}: a no changes nothing");
            assert_eq!(problems(&world.doctor(&[]).1), vec![*id], "{name}");
        }
        assert_eq!(answered(&world, "y\n"), Some(0), "{name}: repaired");
        let (code, printed) = world.doctor(&[]);
        assert_eq!((code, problems(&printed)), (Some(0), vec![]), "{name}");
    }
}

fn answered(world: &World, answer: &str) -> Option<i32> {
    let mut command = world.command();
    let command = command.args(["doctor", "--fix"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    child.stdin.take().expect("an input").write_all(answer.as_bytes()).expect("it listens");
    child.wait().expect("it ends").code()
}

#[test]
fn doctor_repairs_without_asking_when_told_so() {
    let world = World::healthy().expect("a world");
    let key = world.data().join("seal.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("set");
    let output = world.command().args(["doctor", "--fix", "--yes"]).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(std::fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    let output = world.command().args(["doctor", "--yes"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "--yes without --fix is wrong use");
}

#[test]
fn doctor_beside_a_running_service_knows_it() {
    let world = World::healthy().expect("a world");
    let server = world.serve();
    let (code, printed) = world.doctor(&[]);
    drop(server);
    assert_eq!((code, problems(&printed)), (Some(0), vec![]), "{printed:#?}");
    assert!(
        printed
            .iter()
            .any(|finding| finding["id"] == "listen.port" && finding["said"].as_str().is_some_and(|said| said.contains("is running")))
    );
}
