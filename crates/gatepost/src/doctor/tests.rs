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
