//! kill -9 in the middle of a load: every mail answered 250 is delivered, held or queued afterwards.

use crate::server::{Server, free_port, message, send};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const SENDERS: usize = 8;
const KILLS: usize = 5;
/// Mails taken before each kill, in the middle of a load that goes on.
const TAKEN_A_ROUND: usize = 400;

/// Sends mail from several threads until told to stop; subjects of those answered 250.
fn load(
    to: std::net::SocketAddr,
    round: usize,
    taken: &Arc<Mutex<HashSet<String>>>,
    stop: &Arc<AtomicBool>,
) -> Vec<std::thread::JoinHandle<()>> {
    let sender = |thread: usize| {
        let (taken, stop) = (taken.clone(), stop.clone());
        std::thread::spawn(move || {
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let subject = format!("r{round}t{thread}n{n}");
                match send(
                    to,
                    "ann@partner.example",
                    "li@demo.example",
                    &message(&subject, "ann@partner.example", "The minutes are below."),
                ) {
                    Ok(reply) if reply.starts_with("250") => {
                        taken.lock().expect("no panic elsewhere").insert(subject);
                    }
                    _ => std::thread::sleep(std::time::Duration::from_millis(5)), // it is being killed
                }
            }
        })
    };
    (0..SENDERS).map(sender).collect()
}

/// Subjects in the mailbox, with how often each lies there.
fn delivered(mailbox: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(mailbox).into_iter().flatten().flatten();
    let subject = |text: String| text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_string));
    files.filter_map(|file| subject(std::fs::read_to_string(file.path()).unwrap_or_default())).collect()
}

fn nothing_is_lost(store: &str) {
    let boxes = TempDir::new().expect("a folder");
    let settings = format!(
        "{store}[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\n[[connector]]\nname = \"box\"\nprotocol = \"folder\"\n\
         folder = \"{}\"\n[[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n",
        boxes.path().display()
    );
    let (mut data, port) = (TempDir::new().expect("a folder"), free_port());
    let taken = Arc::new(Mutex::new(HashSet::new()));
    for round in 0..KILLS {
        let server = Server::start_in(data, port, &settings, &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let before = taken.lock().expect("no panic elsewhere").len();
        let threads = load(server.smtp, round, &taken, &stop);
        server.eventually("the load is in full swing", |_| taken.lock().expect("no panic elsewhere").len() >= before + TAKEN_A_ROUND);
        (data, _) = server.kill();
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().expect("a sender does not panic"));
    }
    let server = Server::start_in(data, port, &settings, &[]);
    let taken = taken.lock().expect("no panic elsewhere").clone();
    let mailbox = boxes.path().join("li@demo.example/new");
    server.eventually("everything answered 250 is delivered", |_| {
        let there: HashSet<String> = delivered(&mailbox).into_iter().collect();
        taken.is_subset(&there)
    });
    server.eventually("nothing is queued", |server| {
        server.rows(&["trace", "list", "--json", "--state", "queued", "--limit", "1"]).is_empty()
    });
    let balance = server.run(&["trace", "balance"]);
    assert_eq!(balance.status.code(), Some(0), "{}", String::from_utf8_lossy(&balance.stdout));
    let all = delivered(&mailbox);
    let once: HashSet<&String> = all.iter().collect();
    println!("{} answered 250, {} delivered, {} of them twice", taken.len(), once.len(), all.len() - once.len());
}

#[test]
fn killed_on_sqlite() {
    nothing_is_lost("");
}

#[test]
fn killed_on_postgresql() {
    let Some(database) = testkit::postgres::postgres() else { return };
    nothing_is_lost(&format!("[store]\nurl = \"{}\"\n", database.url));
}
