use super::redact::{Redactor, Secrets};

#[test]
fn secrets_are_found_wherever_they_stand() {
    for (settings, secret) in [
        ("[[connector]]\npassword = \"s3cret!\"\n", "s3cret!"),
        ("[store]\nurl = \"postgres://gp:hunter22@db/gp\"\n", "hunter22"),
        ("[[intake.login]]\nhash = '$argon2id$v=19$abc'\n", "$argon2id$v=19$abc"),
        ("[broken\npassword = \"s3cret!\"\n", "s3cret!"),
        ("connector = [{ name = \"a\", password = \"in-line\" }]\n", "in-line"),
        ("[store]\nurl = \"postgres://gp:p@ss@db/gp\"\n", "p@ss"),
    ] {
        let hidden = Secrets::of(settings).hide(&format!("it says {secret} here"));
        assert!(!hidden.contains(secret), "{settings}: {hidden}");
    }
    assert!(Secrets::of("[store]\nurl = \"postgres://gp@db/gp\"\n").is_empty());
}

#[test]
fn addresses_are_hashed_unless_allowed() {
    let hashing = Redactor::new(Secrets::default(), false);
    let showing = Redactor::new(Secrets::default(), true);
    for (text, gone) in [
        ("from=<li@demo.example> to=bo@demo.example", "li@demo.example"),
        ("peer 192.0.2.7:25 said no", "192.0.2.7"),
        ("peer [2001:db8::1]:25.", "2001:db8::1"),
        ("李伟@例子.中国 wrote", "李伟@例子.中国"),
        ("recipient=li@demo.example", "li@demo"),
        ("bounce+li=demo.example@list.example", "bounce+li"),
        ("peer=192.0.2.7", "192.0.2.7"),
        ("at 2001:db8::", "2001:db8"),
        ("at ::ffff:192.0.2.7", "192.0.2.7"),
        ("\"o'hara@demo.example\"", "o'hara@demo.example"),
    ] {
        let hashed = hashing.text(text);
        assert!(!hashed.contains(gone), "{text}: {hashed}");
        assert_eq!(showing.text(text), text);
    }
    for kept in ["listening on 127.0.0.1:2525", "at 12:30:59 version 1.2.3", "[::1]:25", "gatepost@"] {
        assert_eq!(hashing.text(kept), kept);
    }
    let twice = hashing.text("Li@demo.example li@demo.example");
    let words: Vec<&str> = twice.split(' ').collect();
    assert_eq!(words[0], words[1], "one address has one hash");
}

/// Identifiers of findings as the sources write them.
fn ids(text: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_word = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c == b'-');
        parts.len() == 2 && parts.iter().all(|part| is_word(part)) && !["toml", "txt", "json"].contains(&parts[1])
    };
    text.split('"').skip(1).step_by(2).filter(is_id).map(str::to_string).collect()
}

#[test]
fn every_finding_has_its_article() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
    let (mut seen, mut missing) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("sources").flatten().filter(|entry| entry.file_name() != "tests.rs") {
        for id in ids(&std::fs::read_to_string(entry.path()).expect("UTF-8")) {
            seen += 1;
            if web::doctor::registry::find(&id).is_none() {
                missing.push(format!("{id} in {}", entry.path().display()));
            }
        }
    }
    assert!(seen > 40, "the sources are not read as they are written: {seen}");
    assert!(missing.is_empty(), "write these in web::doctor::registry: {missing:#?}");
}
