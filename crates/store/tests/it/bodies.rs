use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Error;
use store::bodies::{Act, Bodies, Right, id_of, name};
use store::s3::{Access, Objects, Wrong};
use testkit::s3::{KEY, REGION, SECRET, Store};

/// A place of bodies with what it lies on.
struct Place {
    what: &'static str,
    bodies: Bodies,
    folder: tempfile::TempDir,
    store: Option<Store>,
}

fn access(store: &Store, path: &str) -> Access {
    Access {
        endpoint: store.endpoint(),
        path: path.into(),
        region: REGION.into(),
        key_id: KEY.into(),
        secret: SECRET.into(),
        ..Access::default()
    }
}

/// A bucket; `None` outside CI when there is no store.
fn bucket() -> Option<(Store, Bodies)> {
    let store = Store::start("mail")?;
    let bodies = Bodies::in_bucket(&access(&store, "mail/one")).expect("an address");
    Some((store, bodies))
}

/// Both: what follows holds for each.
fn places() -> Vec<Place> {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let bodies = Bodies::open(&folder.path().join("bodies")).expect("opens");
    let mut all = vec![Place { what: "folder", bodies, folder, store: None }];
    if let Some((store, bodies)) = bucket() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        all.push(Place { what: "bucket", bodies, folder, store: Some(store) });
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_kept_read_and_removed() {
    for Place { what, bodies, .. } in &places() {
        let first = name(1_795_000_000_000 << 21);
        let reserved = bodies.reserve(&first).expect("a name");
        assert_eq!(bodies.read(&name(1_796_000_000_000 << 21)).await, Ok(None), "{what}");
        bodies.put(&first, &Bytes::from_static(b"one")).await.expect("puts");
        bodies.put(&first, &Bytes::from_static(b"another")).await.expect("puts again");
        drop(reserved);
        assert_eq!(bodies.read(&first).await, Ok(Some(Bytes::from_static(b"another"))), "{what}");
        let large = Bytes::from((0..3_000_000_u32).map(|n| (n % 251) as u8).collect::<Vec<u8>>());
        bodies.put(&first, &large).await.expect("puts a large one");
        assert!(bodies.read(&first).await == Ok(Some(large)), "{what}");
        bodies.remove(&first).await.expect("removes");
        bodies.remove(&first).await.expect("removing twice is fine");
        assert_eq!(bodies.read(&first).await, Ok(None), "{what}");
    }
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

/// What an earlier try left, and what is not ours at all.
async fn litter(place: &Place, id: i64) {
    let Some(store) = &place.store else {
        let file = place.folder.path().join("bodies").join(name(id) + ".new");
        return std::fs::write(file, "half of it").expect("writes");
    };
    let whole = Objects::open(access(store, "mail"), Duration::from_secs(30)).expect("an address");
    for other in ["one/gatepost-trial-1", "one/notes.txt", "two/1/00/0000000000000001", "1/00/0000000000000001"] {
        whole.put(other, &Bytes::from_static(b"not a body"), &[]).await.expect("puts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_and_the_sweep_takes_what_nobody_names() {
    for place in &places() {
        let (what, bodies) = (place.what, &place.bodies);
        assert_eq!(bodies.claim("us").await, Ok(true), "{what}");
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
        litter(place, ids[0]).await;
        assert_eq!(listed(bodies).await.len(), 120, "{what}: an unfinished one is not a body");

        let keep: BTreeSet<String> = ids.iter().step_by(2).map(|id| name(*id)).collect();
        let kept = keep.clone();
        assert_eq!(bodies.sweep(|_| false, Duration::from_secs(3_600)).await, Ok(0), "{what}: young ones stay");
        let swept = bodies.sweep(move |name| keep.contains(name), Duration::ZERO).await;
        assert_eq!(swept, Ok(61), "{what}: 60 bodies and the unfinished one");
        assert_eq!(listed(bodies).await, kept, "{what}");
        assert_eq!(bodies.sweep(|_| false, Duration::ZERO).await, Ok(60), "{what}");
        match &place.store {
            None => assert!(std::fs::read_dir(place.folder.path().join("bodies")).expect("lists").count() == 0, "empty folders go too"),
            Some(store) => {
                let whole = Objects::open(access(store, "mail"), Duration::from_secs(30)).expect("an address");
                let left: Vec<String> = whole.page(None, 100).await.expect("a page").objects.into_iter().map(|one| one.name).collect();
                let ours_not = ["1/00/0000000000000001", "one/gatepost-owner", "one/notes.txt", "two/1/00/0000000000000001"];
                assert_eq!(left, ours_not, "what is no body stays");
            }
        }
        bodies.put(&name(ids[0]), &Bytes::from_static(b"again")).await.expect("the folders are made again");
    }
}

async fn listed(bodies: &Bodies) -> BTreeSet<String> {
    let names = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = names.clone();
    bodies.each(move |name| seen.lock().unwrap().extend([name.to_string()])).await.expect("lists");
    names.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_do_not_leave_the_folder() {
    for Place { what, bodies, .. } in &places() {
        for name in ["", "a", "../../etc/passwd", "/a/b", "a/b/../c", "a//b", "a/b/c/d", "a/b/c.new", "a/b/x"] {
            assert!(matches!(bodies.put(name, &Bytes::new()).await, Err(Error::Shape(_))), "{what}: {name:?}");
            assert!(matches!(bodies.read(name).await, Err(Error::Shape(_))), "{what}: {name:?}");
            assert!(matches!(bodies.remove(name).await, Err(Error::Shape(_))), "{what}: {name:?}");
            assert!(bodies.reserve(name).is_err(), "{what}: {name:?}");
        }
    }
}

#[test]
fn names_read_back() {
    for id in [0, 1, 1_795_000_000_000 << 21, i64::MAX] {
        assert_eq!(id_of(&name(id)), Some(id));
    }
    assert_eq!(id_of("nonsense"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_page_by_page() {
    let Some((store, bodies)) = bucket() else { return };
    let ids: Vec<i64> = (1..=5).map(|n| n << 41).collect();
    for id in &ids {
        bodies.put(&name(*id), &Bytes::from_static(b"x")).await.expect("puts");
    }
    let objects = Objects::open(access(&store, "mail/one"), Duration::from_secs(30)).expect("an address");
    let (mut names, mut pages, mut token) = (BTreeSet::new(), 0, None::<String>);
    loop {
        let page = objects.page(token.as_deref(), 2).await.expect("a page");
        assert!(page.objects.len() <= 2 && page.objects.iter().all(|one| one.changed_ms <= page.now_ms));
        names.extend(page.objects.into_iter().map(|one| one.name));
        pages += 1;
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((names, pages), (ids.iter().map(|id| name(*id)).collect(), 3));
}

/// Losing a mail because of a wrong permission would be ours: only the store's own "there is none" is one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_let_in_is_an_error_and_never_nothing() {
    let Some((store, bodies)) = bucket() else { return };
    let (there, none) = (name(1 << 41), name(2 << 41));
    bodies.put(&there, &Bytes::from_static(b"one")).await.expect("puts");
    let wrong = [
        ("no such bucket", Access { path: "letters/one".into(), ..access(&store, "mail/one") }, "NoSuchBucket"),
        ("another secret", Access { secret: "another".into(), ..access(&store, "mail/one") }, "SignatureDoesNotMatch"),
        ("another key", Access { key_id: "ANOTHER".into(), ..access(&store, "mail/one") }, "InvalidAccessKeyId"),
        ("another region", Access { region: "us-east-1".into(), ..access(&store, "mail/one") }, "AuthorizationQueryParametersError"),
        ("no secret", Access { secret_file: "/nowhere/secret".into(), ..access(&store, "mail/one") }, "cannot be read"),
    ];
    for (what, access, says) in wrong {
        let other = Bodies::in_bucket(&access).expect("an address");
        for name in [&there, &none] {
            let Err(Error::Bodies(why)) = other.read(name).await else { panic!("{what}: read something or nothing") };
            assert!(why.contains(says) && !why.contains(SECRET), "{what}: {why}");
        }
        assert!(matches!(other.put(&none, &Bytes::from_static(b"x")).await, Err(Error::Bodies(_))), "{what}");
        assert!(matches!(other.remove(&there).await, Err(Error::Bodies(_))), "{what}");
        assert!(other.each(|_| {}).await.is_err() && other.sweep(|_| false, Duration::ZERO).await.is_err(), "{what}");
        assert!(matches!(other.look().await, Some(Err(Error::Bodies(_)))), "{what}");
        assert_eq!(other.lacks().await.len(), 4, "{what}");
    }
    assert_eq!(bodies.read(&there).await, Ok(Some(Bytes::from_static(b"one"))), "nobody took it");
    assert_eq!(bodies.read(&none).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_swept_by_its_owner_alone() {
    let Some((store, bodies)) = bucket() else { return };
    let body = name(1 << 41);
    bodies.put(&body, &Bytes::from_static(b"one")).await.expect("puts");
    assert_eq!(bodies.owned_by().await, Ok(None));
    assert!(bodies.sweep(|_| false, Duration::ZERO).await.is_err(), "nobody has taken it");
    assert_eq!(bodies.claim("us").await, Ok(true));
    assert_eq!(bodies.claim("us").await, Ok(true), "twice");
    let [twin, other] = [(); 2].map(|()| Bodies::in_bucket(&access(&store, "mail/one")).expect("an address"));
    assert_eq!((twin.claim("us").await, other.claim("them").await), (Ok(true), Ok(false)), "another node, and another installation");
    assert_eq!(other.owned_by().await, Ok(Some("us".into())));
    let Err(Error::Bodies(why)) = other.sweep(|_| false, Duration::ZERO).await else { panic!("it swept what is another's") };
    assert!(why.contains("gatepost-owner"), "{why}");
    assert_eq!(bodies.read(&body).await, Ok(Some(Bytes::from_static(b"one"))));
    let beside = Bodies::in_bucket(&access(&store, "mail/two")).expect("an address");
    assert_eq!(beside.claim("them").await, Ok(true), "another folder is free");
    store.faults("GET");
    assert!(bodies.sweep(|_| false, Duration::ZERO).await.is_err(), "who cannot know does not sweep");
    store.faults("");
    assert_eq!(bodies.sweep(|_| false, Duration::ZERO).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_lacks_is_named_and_seen_until_it_is_given() {
    let Some((store, bodies)) = bucket() else { return };
    let there = name(1 << 41);
    bodies.put(&there, &Bytes::from_static(b"one")).await.expect("puts");
    assert_eq!(bodies.lacks().await, vec![]);
    for (words, right) in [("PUT", Right::Put), ("GET", Right::Get), ("LIST", Right::List), ("DELETE", Right::Delete)] {
        store.faults(words);
        let denied = Wrong::Refused { status: 403, code: "AccessDenied".into() };
        assert_eq!(bodies.lacks().await, vec![(right, denied)], "{words}");
        let failed = match right {
            Right::Put => bodies.put(&there, &Bytes::from_static(b"two")).await.is_err(),
            Right::Get => bodies.read(&there).await.is_err(),
            Right::List => bodies.each(|_| {}).await.is_err(),
            Right::Delete => bodies.remove(&there).await.is_err(),
        };
        assert!(failed && bodies.is_suspect(), "{words}");
        assert!(bodies.look().await.is_some_and(|looked| looked.is_err()), "{words}: seen while it lasts");
        store.faults("");
        assert_eq!(bodies.look().await, Some(Ok(())), "{words}");
        assert!(!bodies.is_suspect(), "{words}: and no longer");
    }
    assert_eq!(bodies.read(&there).await, Ok(Some(Bytes::from_static(b"one"))));
    assert_eq!(bodies.claim("us").await, Ok(true));
    bodies.sweep(|_| true, Duration::ZERO).await.expect("trials that could not be removed go");
    assert_eq!(Bodies::open(tempfile::TempDir::new().expect("a folder").path()).expect("opens").look().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_waited_for_and_what_is_torn_is_refused() {
    let Some((store, bodies)) = bucket() else { return };
    let told = Arc::new([const { AtomicU32::new(0) }; 2]);
    let counts = told.clone();
    bodies.watch(move |used| {
        assert!(matches!(used.act, Act::Put | Act::Read));
        counts[usize::from(used.is_done)].fetch_add(1, Ordering::Relaxed);
    });
    let there = name(1 << 41);
    store.faults("BUSY:2");
    bodies.put(&there, &Bytes::from_static(b"one")).await.expect("puts at the third try");
    store.faults("TORN");
    let Err(Error::Bodies(why)) = bodies.read(&there).await else { panic!("another body was taken for ours") };
    assert!(why.contains("digest"), "{why}");
    store.faults("GONE");
    assert!(matches!(bodies.read(&there).await, Err(Error::Bodies(_))));
    assert!(matches!(bodies.put(&there, &Bytes::from_static(b"two")).await, Err(Error::Bodies(_))));
    store.faults("");
    assert_eq!(bodies.read(&there).await, Ok(Some(Bytes::from_static(b"one"))));
    assert_eq!([&told[0], &told[1]].map(|count| count.load(Ordering::Relaxed)), [3, 2], "failed and done");
    let port = store.port;
    drop(store);
    let Err(Error::Bodies(why)) = bodies.read(&there).await else { panic!("nobody listens") };
    assert!(why.contains(&port.to_string()) && why.contains("no answer"), "{why}");
}
