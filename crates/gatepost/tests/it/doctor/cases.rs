//! Broken installations: name, the ids that must be found (all of them, and no other), and how it is broken.

use super::world::{World, certificate};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

pub type Case = (&'static str, &'static [&'static str], fn(&mut World));

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
}

pub const CASES: &[Case] = &[
    // Settings.
    ("an unknown key", &["settings.file"], |world| world.edit("[limits]\n", "[limits]\nconections_max = 5\n")),
    ("no TOML", &["settings.file"], |world| world.edit("[limits]\n", "[limits\n")),
    ("a wrong value", &["settings.file"], |world| world.edit("[dns]\nservers = \"", "[dns]\nservers = \"resolver.example ")),
    ("no settings file", &["settings.file"], |world| std::fs::remove_file(world.path().join("gatepost.toml")).expect("removed")),
    ("a domain of nobody", &["settings.fit"], |world| world.add("[[domain]]\nname = \"b.example\"\norganisation = \"nobody\"\n")),
    ("a domain named twice", &["settings.twice"], |world| world.add("[[domain]]\nname = \"Demo.example\"\nrecipients = \"any\"\n")),
    ("passwords for everybody", &["settings.mode"], |world| mode(&world.path().join("gatepost.toml"), 0o644)),
    // Folders and files.
    ("no data folder", &["data.folder"], |world| std::fs::rename(world.data(), world.path().join("elsewhere")).expect("moved")),
    ("a data folder closed to its owner", &["data.folder"], |world| mode(&world.data(), 0o500)),
    ("a data folder open to everybody", &["data.folder"], |world| mode(&world.data(), 0o777)),
    ("files of root in the service's folder", &["data.owner"], |world| {
        match chown(world.data().join("seal.key"), Some(54_321), Some(54_321)) {
            Ok(()) => {}
            Err(_) => world.is_skipped = true,
        }
    }),
    ("a data folder of another account", &["data.owner"], |world| {
        world.is_skipped = chown(world.data(), Some(54_321), Some(54_321)).is_err();
    }),
    ("a disk that became read-only", &["data.writable", "database.mode"], |world| {
        if let Some(data) = world.on_small_disk("size=160m,nr_inodes=100000") {
            world.is_skipped = !Command::new("mount").args(["-o", "remount,ro"]).arg(data).status().is_ok_and(|status| status.success());
        }
    }),
    ("a seal others can read", &["seal.mode"], |world| mode(&world.data().join("seal.key"), 0o644)),
    ("no seal", &["seal.file"], |world| std::fs::remove_file(world.data().join("seal.key")).expect("removed")),
    ("a seal that is no key", &["seal.file"], |world| std::fs::write(world.data().join("seal.key"), "oops\n").expect("written")),
    ("the seal of another installation", &["seal.fits"], |world| {
        std::fs::write(world.data().join("seal.key"), "ab".repeat(32)).expect("written");
    }),
    ("no folder of bodies", &["bodies.files", "bodies.folder"], |world| {
        std::fs::remove_dir_all(world.data().join("bodies")).expect("removed")
    }),
    ("a body is gone", &["bodies.files"], |world| {
        std::fs::remove_file(world.data().join("bodies/1/00/0000000000000001")).expect("removed")
    }),
    // Room.
    ("a full disk", &["data.writable", "disk.space"], |world| {
        if let Some(data) = world.on_small_disk("size=160m,nr_inodes=100000") {
            let _ = Command::new("dd").args(["if=/dev/zero", "bs=1M"]).arg(format!("of={}", data.join("ballast").display())).output();
        }
    }),
    ("no inodes", &["disk.inodes"], |world| {
        world.on_small_disk("size=160m,nr_inodes=100");
    }),
    ("few open files", &["limit.descriptors"], |world| world.descriptors = Some(64)),
    // The network.
    ("a port taken", &["listen.port"], |world| world.guards.push(Box::new(TcpListener::bind(("127.0.0.1", world.port)).expect("free")))),
    ("an address of another machine", &["listen.address"], |world| world.edit("smtp = \"127.0.0.1:", "smtp = \"192.0.2.1:")),
    ("one address twice", &["listen.twice"], |world| world.edit("web = \"127.0.0.1:0\"", &format!("web = \"127.0.0.1:{}\"", world.port))),
    ("a resolver that is silent", &["dns.server"], |world| world.edit("[dns]\nservers = \"127.0.0.1:", "[dns]\nservers = \"127.0.0.2:")),
    // The certificate.
    ("no certificate", &["tls.certificate"], |world| std::fs::remove_file(world.path().join("cert.pem")).expect("removed")),
    ("half a pair", &["tls.certificate"], |world| world.edit(&format!("key = \"{}/key.pem\"", world.path().display()), "")),
    ("a key of another certificate", &["tls.pair"], |world| {
        certificate(world.path(), "other-", "gate.test", (2025, 2100));
        std::fs::rename(world.path().join("other-key.pem"), world.path().join("key.pem")).expect("moved");
    }),
    ("a key that cannot be read", &["tls.certificate"], |world| {
        let key = world.path().join("key.pem");
        std::fs::remove_file(&key).expect("removed");
        std::fs::create_dir(&key).expect("made");
    }),
    ("a certificate of next century", &["tls.start"], |world| certificate(world.path(), "", "gate.test", (2090, 2100))),
    ("an expired certificate", &["tls.expiry"], |world| certificate(world.path(), "", "gate.test", (2020, 2021))),
    ("a certificate for another name", &["tls.name"], |world| certificate(world.path(), "", "www.test", (2025, 2100))),
    ("a private key for everybody", &["tls.key-mode"], |world| mode(&world.path().join("key.pem"), 0o644)),
    // The bucket of the status pages.
    ("a bucket that nobody serves", &["status.bucket"], |world| {
        world.add("[health.bucket]\nurl = \"http://127.0.0.1:1/pages\"\nkey_id = \"key\"\nsecret = \"of nobody\"\n")
    }),
    ("a bucket whose secret is gone", &["status.bucket"], |world| {
        world.add("[health.bucket]\nurl = \"http://127.0.0.1:1/pages\"\nkey_id = \"key\"\nsecret_file = \"/nowhere/secret\"\n")
    }),
    // The bucket of large messages.
    ("a bucket of messages that nobody serves", &["bodies.bucket"], |world| {
        world.add(
            "[store]\nbodies = \"s3:mail\"\n[store.bucket]\nendpoint = \"http://127.0.0.1:1\"\nkey_id = \"key\"\nsecret = \"of nobody\"\n",
        )
    }),
    ("a bucket of messages whose secret is gone", &["bodies.bucket"], |world| {
        world.add(
            "[store]\nbodies = \"s3:mail\"\n[store.bucket]\nendpoint = \"http://127.0.0.1:1\"\nkey_id = \"key\"\nsecret_file = \"/nowhere/secret\"\n",
        )
    }),
    // The clock.
    ("a clock that was ahead", &["clock.files"], |world| {
        let file = std::fs::File::create(world.data().join("samples-sent")).expect("made");
        file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).expect("set");
    }),
    ("mail of the future", &["clock.rows"], |world| {
        let ahead = SystemTime::now() + Duration::from_secs(7 * 86_400);
        let ahead_ms = ahead.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
        mail(world, gateway::trace::first_id_at(ahead_ms).0);
    }),
    ("a clock that differs from a server's", &["clock.server"], |world| {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        world.arguments = vec!["--ask-time".into(), server.local_addr().expect("an address").to_string()];
        std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("asked");
            let _ = stream.read(&mut [0; 1_024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n");
        });
    }),
    // Engines.
    ("a rule that is none", &["engine.signatures"], |world| {
        let folder = world.path().join("rules");
        std::fs::create_dir(&folder).expect("made");
        std::fs::write(folder.join("a.yar"), "rule broken { condition: }").expect("written");
        world.add("[detect.signatures]\nfolder = \"FOLDER/rules\"\n");
    }),
    ("a list that is gone", &["engine.hashes"], |world| world.add("[detect.hashes]\nfiles = [\"FOLDER/none.txt\"]\n")),
    ("clamd is down", &["engine.clamd"], |world| world.add("[detect.clamd]\naddress = \"127.0.0.1:1\"\n")),
    ("something else answers for clamd", &["engine.clamd"], |world| {
        let other = TcpListener::bind("127.0.0.1:0").expect("a port");
        world.add(&format!("[detect.clamd]\naddress = \"{}\"\n", other.local_addr().expect("an address")));
        std::thread::spawn(move || {
            let (mut stream, _) = other.accept().expect("asked");
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"220 smtp.example ESMTP\r\n");
        });
    }),
    ("ICAP is down", &["engine.icap"], |world| world.add("[detect.icap]\naddress = \"icap://127.0.0.1:1/avscan\"\n")),
    // The database.
    ("no database", &["database.opens"], |world| std::fs::remove_file(world.data().join("gatepost.db")).expect("removed")),
    ("a file that is no database", &["database.whole"], |world| {
        std::fs::write(world.data().join("gatepost.db"), "this is no database ".repeat(1_000)).expect("written");
    }),
    ("a damaged database", &["database.whole"], |world| {
        let path = world.data().join("gatepost.db");
        let mut file = std::fs::OpenOptions::new().write(true).open(path).expect("the file");
        // Pages after the first few: the schema stays readable.
        let length = file.metadata().expect("its size").len();
        file.seek(SeekFrom::Start(length / 2 / 4_096 * 4_096)).expect("inside");
        file.write_all(&[0x5a; 40 * 4_096]).expect("written");
    }),
    ("a locked database", &["database.lock"], |world| {
        let holder = world.database();
        holder.execute_batch("BEGIN IMMEDIATE").expect("locked");
        world.guards.push(Box::new(holder));
    }),
    ("a log of the database that cannot be opened", &["database.mode"], |world| {
        let log = world.data().join("gatepost.db-wal");
        let _ = std::fs::remove_file(&log);
        std::fs::create_dir(&log).expect("made");
    }),
    ("a row of the queue that cannot be read", &["queue.rows"], |world| {
        mail(world, 2);
        let row = "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply) \
                   VALUES (2, 0, 1, 'li@demo.example', 'li@demo.example', 'queued', '{}', 'no JSON', 'box', 0, 0, 0, 0, '')";
        world.database().execute(row, []).expect("written");
    }),
    ("a database its owner may not write", &["database.mode"], |world| mode(&world.data().join("gatepost.db"), 0o444)),
    ("a database of a newer version", &["database.steps"], |world| {
        let step = "INSERT INTO migration (number, name, checksum, at_ms) VALUES (9999, 'future', 'x', 0)";
        world.database().execute(step, []).expect("written");
    }),
    ("a step that was edited", &["database.steps"], |world| {
        world.database().execute("UPDATE migration SET checksum = 'x' WHERE number = 1", []).expect("written");
    }),
    ("a missing migration", &["database.steps"], older),
    // Two at once are both named.
    ("two faults", &["seal.mode", "tls.expiry"], |world| {
        mode(&world.data().join("seal.key"), 0o644);
        certificate(world.path(), "", "gate.test", (2020, 2021));
    }),
];

/// A mail on record, owed to nobody.
fn mail(world: &World, id: i64) {
    let row = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
               VALUES (?1, 1, 'inbound', '192.0.2.1', '', 'a@a.example', '', '', 0, 0, 'clean', '{}', '{}')";
    world.database().execute(row, [id]).expect("written");
}

/// The database as an earlier version left it.
fn older(world: &mut World) {
    let file = world.data().join("gatepost.db");
    for name in ["gatepost.db", "gatepost.db-wal", "gatepost.db-shm"] {
        let _ = std::fs::remove_file(world.data().join(name));
    }
    let mut steps = web::migrations();
    steps.sort_by_key(|step| step.number);
    steps.truncate(steps.len() - 2);
    let settings = store::DbSettings { url: format!("sqlite:{}", file.display()), ..Default::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { store::Db::open(&settings, &steps).await.expect("opens").close() });
}

pub const REPAIRS: &[(&str, &str, fn(&mut World))] = &[
    ("a seal others can read", "seal.mode", |world| mode(&world.data().join("seal.key"), 0o644)),
    ("a data folder open to everybody", "data.folder", |world| mode(&world.data(), 0o777)),
    ("passwords for everybody", "settings.mode", |world| mode(&world.path().join("gatepost.toml"), 0o644)),
    ("a private key for everybody", "tls.key-mode", |world| mode(&world.path().join("key.pem"), 0o644)),
    ("a database its owner may not write", "database.mode", |world| mode(&world.data().join("gatepost.db"), 0o444)),
    ("files of another account", "data.owner", |world| {
        world.is_skipped = chown(world.data().join("seal.key"), Some(54_321), Some(54_321)).is_err();
    }),
    ("a missing migration", "database.steps", older),
];

fn url(world: &World, url: &str) {
    world.add(&format!("[store]\nurl = \"{url}\"\n"));
}

pub const POSTGRES_CASES: &[Case] = &[
    ("a server that is down", &["database.opens"], |world| url(world, "postgres://gp:secret@127.0.0.1:1/none")),
    ("a database that is not there", &["database.sign-in"], |world| match testkit::postgres::postgres() {
        Some(database) => url(world, &format!("{}-none", database.url)),
        None => world.is_skipped = true,
    }),
    ("no seal for what a server holds", &["seal.file"], |world| match testkit::postgres::postgres() {
        Some(database) => {
            filled(&database.url, web::migrations());
            std::fs::remove_dir_all(world.data()).expect("removed");
            std::fs::create_dir(world.data()).expect("made");
            url(world, &database.url);
        }
        None => world.is_skipped = true,
    }),
    ("a newer version's", &["database.steps"], |world| match testkit::postgres::postgres() {
        Some(database) => {
            let mut steps = web::migrations();
            steps.push(store::Migration { number: 9_999, name: "future", sql: "CREATE TABLE future (a BIGINT)" });
            filled(&database.url, steps);
            url(world, &database.url);
        }
        None => world.is_skipped = true,
    }),
];

/// A database with these steps and one sealed DKIM key.
fn filled(url: &str, steps: Vec<store::Migration>) {
    const KEY: &str = "INSERT INTO dkim_key (id, org, domain, selector, kind, state, record, sealed, made_ms, state_ms, rotate_days) \
                       VALUES (1, 1, 'demo.example', 's1', 'ed25519', 'active', 'v=DKIM1', 'AAAA', 0, 0, 0)";
    let settings = store::DbSettings { url: url.into(), ..Default::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let db = store::Db::open(&settings, &steps).await.expect("opens");
        db.tx::<_, store::Error, _>(|tx| Box::pin(async move { tx.run(KEY, vec![]).await })).await.expect("written");
        db.close();
    });
}
