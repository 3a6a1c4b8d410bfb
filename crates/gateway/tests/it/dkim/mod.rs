//! Foreign verifiers: OpenDKIM and dkimpy, as Debian ships them, over real mail.
//!
//! The keys that signed the mails of the corpus are gone from DNS. What can be compared without them is: whether the body is the one that
//! was signed; and, for mails that we sign ourselves, everything. Every name that is asked for has a key here, ours or a wrong one.

use futures_util::future::{BoxFuture, ready};
use gateway::dkim::{KeyState, Seal, Wish, context, make};
use mail::auth::{AuthSettings, DkimResult, KeyKind, Signer, authenticate};
use mail::dns::{Answer, Dns, DnsError, Record, RecordType};
use mail::{Envelope, Mail, Message, OrgId, Peer};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MAILS: usize = 1_000;
const DOMAIN: &str = "signer.example";
/// Files named to one run of OpenDKIM: an argument holds 128 KiB.
const FILES_MAX: usize = 200;

/// A signer and the record of its key.
struct Made {
    signer: Signer,
    selector: String,
    record: String,
}

fn made(kind: KeyKind, id: i64) -> Made {
    let seal = Seal::new(&[7; 32]).expect("a key");
    let key = make(&Wish { org: OrgId(1), domain: DOMAIN.into(), kind, rotate_days: 0 }, &seal, id, 0).expect("a key is made");
    assert_eq!(key.state, KeyState::Made);
    let pem = seal.open(&key.sealed, &context(DOMAIN, &key.selector)).expect("it opens");
    let signer = Signer::new(DOMAIN, &key.selector, &pem).expect("a signer");
    let record = signer.record().expect("a record");
    Made { signer, selector: key.selector, record }
}

/// Answers each question for a key.
struct Keys(HashMap<String, String>);

impl Dns for Keys {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        let found = (kind == RecordType::Txt && name.contains("._domainkey.")).then(|| self.0.get(name).unwrap_or(&self.0["*"]));
        let answer = found.map(|record| [Record::Txt(record.as_bytes().to_vec())].into());
        Box::pin(ready(answer.ok_or_else(|| DnsError::NoSuchName(name.to_string()))))
    }
}

/// What we say of each signature: pass, body, header, other.
async fn ours(raw: &[u8], keys: &Keys) -> Vec<&'static str> {
    let message = Message::parse(raw.to_vec().into(), &Default::default());
    let (peer, envelope) = (Peer::at([192, 0, 2, 1].into()), Envelope::empty());
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: 1_795_000_000_000 };
    let settings = AuthSettings {
        authserv_id: "mx.example".into(),
        trusted_sealers: Vec::new(),
        dkim_signatures_max: 20,
        dns_lookups_max: 100,
        own_domains: Default::default(),
    };
    let found = authenticate(mail, keys, &settings).await.dkim;
    let word = |one: &mail::auth::Dkim| match (one.result, one.why.as_str()) {
        (DkimResult::Pass, _) => "pass",
        (DkimResult::Fail, "the body was changed") => "body",
        (DkimResult::Fail, "the signature does not match the header") => "header",
        _ => "other",
    };
    found.iter().map(word).collect()
}

/// Real mails, evenly taken, with CRLF.
fn mails() -> Option<Vec<Vec<u8>>> {
    let folder = testkit::shared::corpora()?;
    let labels = std::fs::read_to_string(folder.join("labels.tsv")).expect("labels");
    let paths: Vec<&str> =
        labels.lines().filter(|line| line.split('\t').nth(1) == Some("lists_modern")).filter_map(|line| line.split('\t').next()).collect();
    let step = (paths.len() / (MAILS + MAILS / 20)).max(1);
    let read = |path: &&str| {
        let raw = std::fs::read(folder.join(path)).expect("a mail");
        let plain: Vec<u8> = raw.into_iter().filter(|octet| *octet != b'\r').collect();
        let mut lines = Vec::with_capacity(plain.len() + plain.len() / 40);
        plain.iter().for_each(|octet| lines.extend_from_slice(if *octet == b'\n' { b"\r\n" } else { std::slice::from_ref(octet) }));
        lines
    };
    let found: Vec<Vec<u8>> = paths.iter().step_by(step).map(read).filter(|raw| !raw.contains(&0)).take(MAILS).collect();
    assert_eq!(found.len(), MAILS, "the corpus has enough mails");
    Some(found)
}

/// One octet of the body is another.
fn changed(raw: &[u8]) -> Option<Vec<u8>> {
    let body = raw.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut other = raw.to_vec();
    let at = (body..raw.len()).find(|at| raw[*at].is_ascii_alphanumeric())?;
    other[at] = if raw[at] == b'x' { b'y' } else { b'x' };
    Some(other)
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    let there =
        Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CI").is_none(), "CI needs {program}: scripts/need tests");
    if !there {
        eprintln!("skipped: {program} is not there (scripts/need tests)");
    }
    there
}

/// What dkimpy says of each signature of each file.
fn dkimpy(folder: &Path, keys: &Keys, files: &[PathBuf]) -> Vec<Vec<String>> {
    let lines: String = keys.0.iter().map(|(name, record)| format!("{name}\t{record}\n")).collect();
    std::fs::write(folder.join("keys.tsv"), lines).expect("written");
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    std::fs::write(folder.join("list"), list).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/dkim/dkimpy.py");
    let list = std::fs::File::open(folder.join("list")).expect("there");
    let ran = Command::new("/usr/bin/python3").arg(script).arg(folder.join("keys.tsv")).stdin(list).output().expect("python3 runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let words =
        |line: &str| line.rsplit('\t').next().unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(str::to_string).collect();
    String::from_utf8_lossy(&ran.stdout).lines().map(words).collect()
}

/// Whether OpenDKIM takes the signature of each file.
fn opendkim(folder: &Path, keys: &Keys, files: &[PathBuf]) -> Vec<bool> {
    let (names, config) = (folder.join("opendkim.keys"), folder.join("opendkim.conf"));
    let lines: String = keys.0.iter().filter(|(name, _)| *name != "*").map(|(name, record)| format!("{name} {record}\n")).collect();
    std::fs::write(&names, lines).expect("written");
    std::fs::write(&config, format!("TestPublicKeys {}\nMode v\n", names.display())).expect("written");
    let mut found = Vec::new();
    for some in files.chunks(FILES_MAX) {
        let list: Vec<String> = some.iter().map(|file| file.display().to_string()).collect();
        let ran = Command::new("opendkim").arg("-x").arg(&config).arg("-t").arg(list.join(",")).output().expect("opendkim runs");
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let is_taken = |file: &String| said.lines().any(|line| line.contains(&format!("{file}: ")) && line.ends_with("succeeded"));
        found.extend(list.iter().map(is_taken));
    }
    found
}

fn write(folder: &Path, name: &str, octets: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::File::create(&path).and_then(|mut file| file.write_all(octets)).expect("written");
    path
}

#[tokio::test]
async fn what_we_sign_is_taken_by_opendkim_and_dkimpy_and_what_was_changed_is_not() {
    if !is_there("opendkim", &["-V"]) || !is_there("/usr/bin/python3", &["-c", "import dkim"]) {
        return;
    }
    let Some(mails) = mails() else { return };
    let all = [made(KeyKind::Rsa2048, 1), made(KeyKind::Ed25519, 2)];
    let name = |made: &Made| format!("{}._domainkey.{DOMAIN}", made.selector);
    let mut keys = Keys(all.iter().map(|made| (name(made), made.record.clone())).collect());
    keys.0.insert("*".into(), made(KeyKind::Rsa2048, 3).record);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut files, mut wants, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for (n, raw) in mails.iter().enumerate() {
        for (kind, made) in ["rsa", "ed25519"].into_iter().zip(&all) {
            let signed = [made.signer.sign_at(raw, 1_790_000_000_000).as_bytes(), raw].concat();
            let other = changed(&signed).filter(|_| n % 4 == 0);
            for (word, octets, want) in [("whole", Some(signed), "pass"), ("changed", other, "body")] {
                let Some(octets) = octets else { continue };
                said.push(ours(&octets, &keys).await);
                files.push(write(folder.path(), &format!("{n}.{kind}.{word}.eml"), &octets));
                wants.push(want);
            }
        }
    }
    let (theirs, taken) = (dkimpy(folder.path(), &keys, &files), opendkim(folder.path(), &keys, &files));
    let (mut wrong, mut compared, mut other) = (Vec::new(), 0, 0);
    for (at, want) in wants.iter().enumerate() {
        let (ours, dkimpy) = (&said[at], &theirs[at]);
        let first = (ours.first().copied().unwrap_or_default(), dkimpy.first().map(String::as_str).unwrap_or_default());
        if first != (*want, *want) || taken[at] != (*want == "pass") {
            wrong.push(format!("{}: we {}, dkimpy {}, opendkim {}", files[at].display(), first.0, first.1, taken[at]));
        }
        // The signatures that the mail came with.
        for (ours, theirs) in ours.iter().zip(dkimpy).skip(1) {
            let is_comparable = *ours != "other" && theirs != "other";
            (compared, other) = (compared + usize::from(is_comparable), other + usize::from(!is_comparable));
            if is_comparable && ours != theirs {
                wrong.push(format!("{}: of an old signature we say {ours}, dkimpy {theirs}", files[at].display()));
            }
        }
    }
    let (pass, changed) = (wants.iter().filter(|want| **want == "pass").count(), wants.iter().filter(|want| **want == "body").count());
    println!(
        "{} mails: {pass} signed whole, {changed} changed; {compared} older signatures compared, {other} that one side does not judge",
        mails.len()
    );
    assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), wants.len(), &wrong[..wrong.len().min(20)]);
    assert!(compared > other, "most older signatures can be compared");
}
