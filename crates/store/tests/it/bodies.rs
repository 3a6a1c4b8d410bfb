use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Error;
use store::bodies::{Bodies, id_of, name};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_kept_read_and_removed() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let bodies = Bodies::open(&folder.path().join("bodies")).expect("opens");
    let first = name(1_795_000_000_000 << 21);
    assert_eq!(bodies.read(&first).await, Ok(None));
    bodies.put(&first, &Bytes::from_static(b"one")).await.expect("puts");
    bodies.put(&first, &Bytes::from_static(b"another")).await.expect("puts again");
    assert_eq!(bodies.read(&first).await, Ok(Some(Bytes::from_static(b"another"))));
    bodies.remove(&first).await.expect("removes");
    bodies.remove(&first).await.expect("removing twice is fine");
    assert_eq!(bodies.read(&first).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_made_ahead_is_filled_or_goes_away() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let bodies = Bodies::open(folder.path()).expect("opens");
    let [used, left, lost] = [1, 2, 3].map(|n| name((1_795_000_000_000 + n) << 21));
    let (held, unused, swept) =
        (bodies.reserve(&used).expect("a name"), bodies.reserve(&left).expect("a name"), bodies.reserve(&lost).expect("a name"));
    bodies.put(&used, &Bytes::from_static(b"one")).await.expect("puts");
    bodies.put(&used, &Bytes::from_static(b"two")).await.expect("puts again, the usual way");
    while !folder.path().join(&left).exists() || !folder.path().join(&lost).exists() {
        tokio::task::yield_now().await;
    }
    std::fs::remove_file(folder.path().join(&lost)).expect("somebody took it");
    bodies.put(&lost, &Bytes::from_static(b"three")).await.expect("puts all the same");
    drop((held, unused, swept));
    while folder.path().join(&left).exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bodies.read(&used).await, Ok(Some(Bytes::from_static(b"two"))));
    assert_eq!(bodies.read(&lost).await, Ok(Some(Bytes::from_static(b"three"))));
    assert!(bodies.reserve("../elsewhere").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_and_the_sweep_takes_what_nobody_names() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let bodies = Bodies::open(folder.path()).expect("opens");
    let ids: Vec<i64> = (0..120).map(|n| (1_795_000_000_000 + n * 100_000) << 21).collect();
    let putting: Vec<_> = ids
        .iter()
        .map(|id| {
            let (bodies, id) = (bodies.clone(), *id);
            tokio::spawn(async move { bodies.put(&name(id), &Bytes::from(vec![1; 70_000])).await })
        })
        .collect();
    for put in putting {
        put.await.expect("no panic").expect("puts");
    }
    std::fs::write(folder.path().join(name(ids[0]) + ".new"), "half of it").expect("writes");
    assert_eq!(listed(&bodies).await.len(), 120, "an unfinished one is not a body");

    let keep: BTreeSet<String> = ids.iter().step_by(2).map(|id| name(*id)).collect();
    let kept = keep.clone();
    assert_eq!(bodies.sweep(|_| false, Duration::from_secs(3_600)).await, Ok(0), "young ones stay");
    assert_eq!(bodies.sweep(move |name| keep.contains(name), Duration::ZERO).await, Ok(61), "60 bodies and the unfinished one");
    assert_eq!(listed(&bodies).await, kept);
    assert_eq!(bodies.sweep(|_| false, Duration::ZERO).await, Ok(60));
    assert!(std::fs::read_dir(folder.path()).expect("lists").count() == 0, "empty folders go too");
    bodies.put(&name(ids[0]), &Bytes::from_static(b"again")).await.expect("the folders are made again");
}

async fn listed(bodies: &Bodies) -> BTreeSet<String> {
    let names = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = names.clone();
    bodies.each(move |name| seen.lock().unwrap().extend([name.to_string()])).await.expect("lists");
    names.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_do_not_leave_the_folder() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let bodies = Bodies::open(folder.path()).expect("opens");
    for name in ["", "a", "../../etc/passwd", "/a/b", "a/b/../c", "a//b", "a/b/c/d", "a/b/c.new", "a/b/x"] {
        assert!(matches!(bodies.put(name, &Bytes::new()).await, Err(Error::Shape(_))), "{name:?}");
        assert!(matches!(bodies.read(name).await, Err(Error::Shape(_))), "{name:?}");
        assert!(matches!(bodies.remove(name).await, Err(Error::Shape(_))), "{name:?}");
    }
}

#[test]
fn names_read_back() {
    for id in [0, 1, 1_795_000_000_000 << 21, i64::MAX] {
        assert_eq!(id_of(&name(id)), Some(id));
    }
    assert_eq!(id_of("nonsense"), None);
}
