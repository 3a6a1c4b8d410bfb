//! Dialogues with real neighbours, as the docs show them: a test writes down what was said, and fails where the docs say something else.
//!
//! In: what was said, and the packages whose programs said it. Out: nothing, or a panic with both texts. What differs between two runs
//! (our numbers, ports, dates, figures of the model) is masked first. Another version of a neighbour may say something else: then the text
//! is printed and nothing compared. `GATEPOST_DIALOGUES=write` writes the files under `docs/dialogues`.

use regex::Regex;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Pattern and what stands there instead.
static MASKS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\b([abemr])[0-9][0-9a-hjkmnp-tv-z]{12}\b", "$1…"),
        (r"(queued as|SMTP id|id=<) ?[0-9A-F]{8,}", "$1 …"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:…"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), +\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}( \(\w+\))?", "(date)"),
        (r"\b\d{1,2}-\w{3}-\d{4}\b", "(date)"),
        (r"(UIDVALIDITY|COPYUID) \d+", "$1 …"),
        (r"\b(spam|phish)=\d\.\d+", "$1=…"),
        // Of a clean mail it is no more than such a figure.
        (r"(verdict=clean; scl)=\d", "$1=…"),
        (r"(Score:) -?[\d.]+", "$1 …"),
        (r"-?\b\d+\.\d+/5\.0", "…/5.0"),
        (r"\(-?\d+\.\d+( seconds)?\)", "(…$1)"),
        (r"\(\d+ seconds\)", "(… seconds)"),
        (r"scan_time = [\d.]+", "scan_time = …"),
        (r"(PLAIN|LOGIN) [A-Za-z0-9+/=]{8,}", "$1 (name and password)"),
        (r"(Authorization: Basic) \S+", "$1 (name and password)"),
        (r"\{\d+(\+?)\}", "{…$1}"),
        (r"(?i)(message-id:) <\d{14}[^>]*>", "$1 <…>"),
        (r"(qtime|etime)=[\d.]+", "$1=…"),
        (r"\bfd=\d+", "fd=…"),
        (r"\bconn=\d+", "conn=…"),
        (r"[0-9]+ ms\b", "… ms"),
        (r"session=<[^>]*>", "session=<…>"),
        (r"\(\d[\d. +]* secs\)", "(…)"),
        (r"> \S+ Saved\b", "> … Saved"),
        (r"(with LMTP\n(?:S: )?\s+id) \S+", "$1 …"),
        // sendmail greets with the time, and knows the machine by a name.
        (r"(ESMTP Sendmail) [^\n]*", "$1 …"),
        (r"Hello \S+ \[127\.0\.0\.1\]", "Hello localhost [127.0.0.1]"),
        (r"\b[0-9A-Za-z]{14} (Message accepted)", "… $1"),
        // Dovecot greets by the name of the machine.
        (r"220 \S+ Dovecot", "220 host Dovecot"),
        (r"(C: LHLO [^\n]*\nS: 250-)\S+", "${1}host"),
        (r"\bby \S+ with LMTP\b", "by host with LMTP"),
    ]
    .map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), instead))
    .into()
});

/// Compares what was said with `docs/dialogues/NAME.txt`.
///
/// # Panics
/// The docs say something else, of the same versions; or there is no such file.
pub fn check(name: &str, packages: &[&str], said: &str) {
    check_as(name, &versions(packages), said);
}

/// The same, of a neighbour that says its version itself.
///
/// # Panics
/// As [`check`].
pub fn check_as(name: &str, versions: &str, said: &str) {
    let text = format!("# {versions}\n\n{}\n", masked(said).trim_end());
    let path = folder().join(format!("{name}.txt"));
    if std::env::var_os("GATEPOST_DIALOGUES").is_some_and(|wish| wish == "write") {
        std::fs::create_dir_all(folder()).expect("the folder of dialogues");
        std::fs::write(&path, &text).expect("the dialogue is written");
        return;
    }
    let shown =
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}; GATEPOST_DIALOGUES=write writes it", path.display()));
    if shown.lines().next() != text.lines().next() {
        println!("{name}: the docs show another version; here it is:\n{text}");
        return;
    }
    assert!(
        shown == text,
        "docs/dialogues/{name}.txt is not what is said now; GATEPOST_DIALOGUES=write writes it anew.\nDocs:\n{shown}\nNow:\n{text}"
    );
}

/// The text without what differs between two runs.
pub fn masked(text: &str) -> String {
    MASKS.iter().fold(text.replace('\r', ""), |text, (pattern, instead)| pattern.replace_all(&text, *instead).into_owned())
}

/// "postfix 3.7.11-0+deb12u1"; a package that is not there has no version.
fn versions(packages: &[&str]) -> String {
    let of = |package: &&str| {
        let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", package]).output();
        let version =
            asked.ok().filter(|output| output.status.success()).map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        format!("{package} {}", version.unwrap_or_else(|| "of no known version".into()))
    };
    packages.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialogues")
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn what_differs_between_runs_is_masked_and_nothing_else() {
        for (text, want) in [
            ("250 2.0.0 Ok: queued as 55146A087EF", "250 2.0.0 Ok: queued as …"),
            ("550 5.4.1 Access denied (e38h1m6jkj2000)", "550 5.4.1 Access denied (e…)"),
            ("X-Gatepost-Report: id=m38h1m6jg02000; spam=0.0683; phish=0.3440;", "X-Gatepost-Report: id=m…; spam=…; phish=…;"),
            ("S: * OK [COPYUID 1795857486 3 2] Moved UIDs.", "S: * OK [COPYUID … 3 2] Moved UIDs."),
            ("C: g3 UID SEARCH SINCE 27-Nov-2026 HEADER", "C: g3 UID SEARCH SINCE (date) HEADER"),
            ("Date: Sat, 28 Nov 2026 11:51:07 +0000 (UTC)", "Date: (date)"),
            ("S: g3 OK Search completed (0.001 + 0.000 secs).", "S: g3 OK Search completed (…)."),
            ("C: LHLO gate.test\nS: 250-box7\nS: 250-8BITMIME", "C: LHLO gate.test\nS: 250-host\nS: 250-8BITMIME"),
            ("S: 220 send.test ESMTP Sendmail 8.17; Sat, 28 Nov 2026 15:27:11 GMT\nC: x", "S: 220 send.test ESMTP Sendmail …\nC: x"),
            ("S: 250 2.0.0 4ASFRB5L012345 Message accepted for delivery", "S: 250 2.0.0 … Message accepted for delivery"),
            ("by mx.example with 250 octets", "by mx.example with 250 octets"),
            ("C: Authorization: Basic Z2F0ZTpwdw==\nC: Accept: */*", "C: Authorization: Basic (name and password)\nC: Accept: */*"),
            ("release message", "release message"),
        ] {
            assert_eq!(masked(text), want);
        }
    }
}
