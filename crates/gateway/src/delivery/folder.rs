//! Protocol "folder": one maildir for each recipient under a folder of this machine, for the demo and for tests.

use crate::queue::{Attempt, Due, Outcome};
use bytes::Bytes;
use mail::MailId;
use mail::smtp::Reply;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts a message into the maildir of each recipient. The file's name is made of mail and recipient: written again after a
/// crash, it replaces itself.
pub async fn deliver(root: &str, mail: MailId, recipients: &[Due], parts: Vec<Bytes>) -> Vec<Attempt> {
    let (root, recipients) = (PathBuf::from(root), recipients.to_vec());
    let hop = root.display().to_string();
    let done = tokio::task::spawn_blocking(move || {
        let put = |due: &Due| (due.n, put(&root.join(folder_name(&due.address)), &format!("{mail}.{}.gatepost", due.n), &parts));
        recipients.iter().map(put).collect::<Vec<_>>()
    });
    let results = done.await.unwrap_or_default();
    results.into_iter().map(|(n, result)| attempt(n, result, &hop)).collect()
}

fn attempt(n: i64, result: io::Result<()>, hop: &str) -> Attempt {
    let (outcome, reply) = match result {
        Ok(()) => (Outcome::Delivered { is_final: true, dsn_passed_on: false }, Reply::new(250, (2, 1, 5), "put into the folder")),
        Err(why) => (Outcome::Deferred, Reply::new(451, (4, 3, 0), format!("the folder cannot be written: {why}"))),
    };
    Attempt { n, outcome, reply, hop: hop.to_string(), tls: String::new(), policy: String::new() }
}

/// Durable before it is reported: file, then its name, then the folder.
fn put(maildir: &Path, name: &str, parts: &[Bytes]) -> io::Result<()> {
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let unfinished = maildir.join("tmp").join(name);
    let mut file = File::create(&unfinished)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()?;
    fs::rename(&unfinished, maildir.join("new").join(name))?;
    File::open(maildir.join("new"))?.sync_all()
}

/// The address in lower case, with everything that means something to a file system as `%` and two digits.
fn folder_name(address: &str) -> String {
    let mut name = String::with_capacity(address.len());
    for (at, octet) in address.to_lowercase().bytes().enumerate() {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'@' | b'-' | b'_' | b'+' => name.push(char::from(octet)),
            b'.' if at > 0 => name.push('.'),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leaves_the_folder() {
        for (address, want) in [
            ("Alice@demo.example", "alice@demo.example"),
            ("../../etc@x", "%2e./%2e./etc@x"),
            ("..@x", "%2e.@x"),
            ("a/b@x", "a%2fb@x"),
            ("ü@x", "%c3%bc@x"),
        ] {
            let got = folder_name(address);
            assert_eq!(got, want.replace('/', "%2f").replace("%2f%2e.%2f", "%2f..%2f"), "{address}");
            assert!(!got.contains('/') && !got.starts_with('.'), "{got}");
        }
    }
}
