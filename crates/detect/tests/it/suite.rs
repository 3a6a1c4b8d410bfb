//! The attachment suites: what each file is, by its name, is what is found in it.

use crate::scene::{attached, inspect};
use detect::Detector;
use detect::verdict::{Class, Thresholds, judge};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nothing may take longer, even in a build without optimisation on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);

/// What is found in files whose path contains the words, in the order of the list; the first line that fits counts.
/// "-" stands for nothing that weighs.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("eicar_fire1ce/eicar-zip", "malware.signature", "the test file in archives"),
    ("eicar_fire1ce/eicar-adobe", "malware.signature", "in and by PDF"),
    ("eicar_fire1ce/eicar-", "malware.signature", "plain, in macros, by DDE and actions"),
    ("spamscanner/eicar", "malware.signature", "the test file as text"),
    ("spamscanner/executable.eml", "attachment.blocked-type", "a program in a message"),
    ("spamscanner/phishing.eml", "link.text-mismatch", "a link that leads elsewhere"),
    ("encrypted", "attachment.encrypted", "a password is needed"),
    ("encrypt-standardpassword", "attachment.encrypted", "a password is needed, even a standard one"),
    ("excel4-macros/", "attachment.macro", "Excel 4 macros"),
    ("msodde/dde-test-from", "attachment.encrypted", "archives with a password"),
    ("msodde/dde-in-csv", "malware.signature", "DDE in a table"),
    ("msodde/dde-test.", "malware.signature", "DDE in documents"),
    ("msodde/harmless", "-", "clean"),
    ("ooxml/harmless", "-", "clean"),
    ("external_link/", "malware.suspicious", "an object from the internet"),
    ("sample_with_lnk_file", "attachment.embedded-program", "a shortcut in a document"),
    ("oleobj/embedded-simple-2007.docm", "attachment.blocked-type", "named as a document with macros"),
    ("oleobj/embedded-", "attachment.embedded-file", "a text in a document"),
    ("rtfobj/issue_251", "malware.suspicious", "an object that loads by itself"),
    ("rtfobj/issue_185", "attachment.encrypted", "an archive with a password"),
    ("zipbomb/42.zip", "attachment.encrypted", "42.zip of this suite is locked"),
    ("aes_archive.zip", "attachment.encrypted", "AES"),
    ("ignore_encryption_flag.zip", "attachment.encrypted", "said to be locked"),
    ("chinese.zip", "-", "Chinese names"),
    ("symlink.zip", "-", "a link, which is a small text"),
    ("xz.zip", "-", "packed with xz"),
    ("ntfs.zip", "attachment.embedded-file", "starts as OpenDocument does"),
    ("non_utf8.zip", "-", "names in GBK"),
    ("data_descriptor.zip", "-", "sizes after the data"),
    ("files_and_dirs.zip", "-", "folders"),
    ("linux-7z.zip", "-", "made by 7-Zip"),
    ("windows-7zip.zip", "-", "made by 7-Zip"),
    ("zip64_demo.zip", "-", "64-bit sizes"),
    ("lin-ub_iwd", "-", "two thousand small files"),
    ("extended_timestamp.zip", "attachment.embedded-file", "starts as OpenDocument does"),
    ("ppmd.zip", "mime.broken-archive", "a packing that is not undone"),
    ("deflate64_issue_25.zip", "mime.broken-archive", "a packing that is not undone"),
    ("raw_deflate64", "mime.broken-archive", "broken"),
    ("legacy/implode.zip", "mime.broken-archive", "a packing that is not undone"),
    ("legacy/reduce.zip", "mime.broken-archive", "a packing that is not undone"),
    ("legacy/shrink.zip", "mime.broken-archive", "a packing that is not undone"),
    ("misaligned_comment.zip", "mime.broken-archive", "no table of contents"),
    ("invalid_offset", "mime.broken-archive", "offsets that lead nowhere"),
    ("zip64_magic_in_filename", "", "names with the marks of ZIP: read, whatever is said"),
    ("invalid_cde", "", "counts that are wrong: read, whatever is said"),
    ("zip2/", "", "odd archives: read, whatever is said"),
    ("other/presentation.xps", "-", "clean"),
    ("spamscanner/sample.doc", "-", "clean"),
    ("spamscanner/", "", "mails, which other inspections judge"),
    ("", "-", "texts"),
];

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the suites") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// Findings about the attachment that weigh or name something, as "check: evidence".
fn findings(detector: &Detector, name: &str, content: &[u8]) -> (Vec<String>, Class) {
    let message = attached(name, content);
    let start = Instant::now();
    let seen = inspect(detector, &message);
    assert!(start.elapsed() < SLOWEST, "{name} took {:?}", start.elapsed());
    let class = judge(&seen.findings, 0.0, 0.0, 0, &Thresholds::default()).class;
    let of_attachments = |check: &str| ["attachment.", "malware.", "mime.", "link."].iter().any(|start| check.starts_with(start));
    let findings = seen.findings.iter().filter(|finding| of_attachments(&finding.check));
    (findings.map(|finding| format!("{}: {}", finding.check, finding.evidence)).collect(), class)
}

#[test]
fn every_file_of_the_suites_gets_what_its_name_says() {
    let Some(suites) = testkit::shared::suites() else { return };
    let mut paths = Vec::new();
    files(&suites.join("C_attach"), &mut paths);
    assert!(paths.len() >= 140, "{} files", paths.len());
    paths.sort();
    let detector = Detector::built_in();
    let mut wrong = Vec::new();
    for path in paths {
        let shown = path.strip_prefix(suites).expect("it lies there").display().to_string();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let (seen, _) = findings(&detector, &name, &std::fs::read(&path).expect("readable"));
        let (_, want, why) = EXPECTED.iter().find(|(words, ..)| shown.contains(words)).expect("the last line fits all");
        let is_right = match *want {
            "" => true,
            // Links in the texts of an archive say nothing about the archive.
            "-" => seen.iter().all(|finding| finding.starts_with("link.")),
            check => seen.iter().any(|finding| finding.starts_with(&format!("{check}: "))),
        };
        if !is_right {
            wrong.push(format!("{shown}: {want} ({why}) expected, found {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Debian's clamav-testfiles: one harmless program, packed in every way. With the rule for that program, a container that is
/// undone gives malware; programs that unpack themselves are held as programs.
#[test]
fn the_test_files_of_clamav_are_recognised_without_clamd() {
    let folder = Path::new("/usr/share/clamav-testfiles");
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "CI needs clamav-testfiles");
        eprintln!("skipped: clamav-testfiles is not installed");
        return;
    }
    /// Packed programs, and packings that are not undone: held, by type or as not fully inspected.
    const HELD: &[&str] = &[
        "clam.arj",
        "clam-aspack.exe",
        "clam-fsg.exe",
        "clam-mew.exe",
        "clam-nsis.exe",
        "clam-pespin.exe",
        "clam-petite.exe",
        "clam-upack.exe",
        "clam-upx.exe",
        "clam-wwpack.exe",
        "clam-yc.exe",
        "clam.d64.zip",
        "clam.ea05.exe",
        "clam.ea06.exe",
        "clam.impl.zip",
        "clam_IScab_ext.exe",
        "clam_IScab_int.exe",
        "clam_ISmsi_ext.exe",
        "clam_ISmsi_int.exe",
        "clam_cache_emax.tgz",
    ];
    /// A help file, whose pages are packed, weighs as one; a package of Symbian is passed as unknown octets.
    const OTHER: &[(&str, &str)] = &[("clam.chm", "attachment.script"), ("clam.sis", "")];
    let detector = Detector::built_in();
    let mut paths = Vec::new();
    files(folder, &mut paths);
    assert!(paths.len() >= 40, "{} files", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let (seen, class) = findings(&detector, &name, &std::fs::read(&path).expect("readable"));
        let other = OTHER.iter().find(|(known, _)| *known == name);
        let is_right = match other {
            Some((_, check)) => seen.iter().any(|finding| finding.starts_with(check)) || check.is_empty(),
            None if HELD.contains(&name.as_str()) => matches!(class, Class::Malware | Class::BlockedType | Class::Uninspectable),
            None => class == Class::Malware,
        };
        if !is_right {
            wrong.push(format!("{name}: {class:?} {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
