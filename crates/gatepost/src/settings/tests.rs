use super::*;

fn complaint(text: &str) -> String {
    parse("gatepost.toml", text).map(|_| String::new()).unwrap_or_else(|why| why.0)
}

#[test]
fn mistakes_name_file_line_key_and_what_was_meant() {
    for (text, want) in [
        ("[listen]\nsmpt = \"127.0.0.1:25\"\n", "gatepost.toml:2: unknown key “smpt”; did you mean “smtp”?"),
        ("\n[lisen]\n", "gatepost.toml:2: unknown key “lisen”; did you mean “listen”?"),
        ("[queue]\ngive_up = \"5d\"\n", "gatepost.toml:2: unknown key “give_up”"),
        ("[[domain]]\nname = \"a.example\"\nkind = \"authorative\"\n", "gatepost.toml:3: unknown variant `authorative`"),
        ("[store]\nnode = 40\n", "gatepost.toml: [store] node: 40 is not between 1 and 31"),
        ("[store]\nurl = \"mysql://x\"\n", "gatepost.toml: [store] url: write"),
        ("[store]\nbodies = \"ftp:x\"\n", "gatepost.toml: [store] bodies: write \"file:PATH\" or \"s3:BUCKET/FOLDER\""),
        ("[store]\nbodies = \"s3:\"\n", "[store] bodies: write bucket and folder"),
        ("[store]\nbodies = \"s3:ma il/x\"\n", "[store] bodies: write bucket and folder"),
        ("[store]\nbodies = \"s3:mail/../x\"\n", "[store] bodies: write bucket and folder"),
        ("[store]\nbodies = \"s3:mail\"\n[store.bucket]\nendpoint = \"s3.example.net\"\n", "[store.bucket] endpoint: the address"),
        ("[store]\nbodies = \"s3:mail\"\n[store.bucket]\nkey_id = \"AK\"\n", "[store.bucket] secret_file: it is needed beside key_id"),
        ("[store]\nbodies = \"s3:mail\"\n[store.bucket]\nsecret = \"s\"\n", "[store.bucket] key_id: it is needed beside the secret"),
        ("[store]\nbodies = \"s3:mail\"\n[store.bucket]\nregion = \"\"\n", "[store.bucket] region: write"),
        ("[store.bucket]\nendpoint = \"https://s3.example.net\"\n", "[store.bucket]: it is used with bodies"),
        (
            "[store]\nbodies = \"s3:mail\"\n[limits]\nmessage_octets_max = 600000000\n",
            "[limits] message_octets_max: at most 535822336 while",
        ),
        ("[[organisation]]\nname = \"a\"\nconnector = \"b\"\n", "there is no [[connector]] named “b”"),
        ("[[policy]]\nname = \"p\"\nspam = \"redirect\"\n", "redirect_to “” is not an address"),
        ("[intake]\nrefused_url = \"mail.example.com/refused\"\n", "gatepost.toml: [intake] refused_url: write"),
        ("[listen]\nmilter = \"/run/milter\"\n", "is no place to listen"),
        (
            "[beside]\norganisation = \"b\"\n[[organisation]]\nname = \"a\"\n",
            "[beside] organisation: there is no [[organisation]] named “b”",
        ),
        ("[beside]\nconnections_max = 0\n", "[beside] connections_max: 0 is not between"),
        ("[listen\n", "gatepost.toml:1:"),
    ] {
        let got = complaint(text);
        assert!(got.contains(want), "{text:?}\n  wanted {want}\n  got    {got}");
    }
}

#[test]
fn bodies_lie_where_the_settings_say() {
    let access = |endpoint: &str, path: &str| store::s3::Access {
        endpoint: endpoint.into(),
        path: path.into(),
        region: "eu-west-1".into(),
        key_id: "AK".into(),
        secret: "s3cret".into(),
        ..Default::default()
    };
    let key = "[store.bucket]\nregion = \"eu-west-1\"\nkey_id = \"AK\"\nsecret = \"s3cret\"\n";
    for (text, want) in [
        (String::new(), BodiesPlace::Folder("/data/bodies".into())),
        ("[store]\nbodies = \"file:/mnt/mail\"\n".into(), BodiesPlace::Folder("/mnt/mail".into())),
        (
            format!("[store]\nbodies = \"s3:mail/one\"\n{key}"),
            BodiesPlace::Bucket(access("https://s3.eu-west-1.amazonaws.com", "mail/one")),
        ),
        (
            format!("[store]\nbodies = \"s3:mail\"\n{key}endpoint = \"http://127.0.0.1:9000\"\n"),
            BodiesPlace::Bucket(access("http://127.0.0.1:9000", "mail")),
        ),
    ] {
        let settings = parse("gatepost.toml", &text).expect("right settings");
        assert!(!format!("{settings:?}").contains("s3cret"), "nothing of it is printed");
        assert_eq!(Chosen { settings, data: "/data".into() }.bodies(), want, "{text}");
    }
    assert_eq!(complaint("[store]\nbodies = \"s3:mail\"\n"), "", "the key may stand in the environment");
}

#[test]
fn the_defaults_and_the_printed_reference_are_settings() {
    assert_eq!(complaint(""), "");
    let reference = reference::print();
    let uncommented: String = reference
        .lines()
        .filter_map(|line| {
            line.strip_prefix("# ").filter(|l| l.contains(" = ") && !l.starts_with('#')).or(line.starts_with('[').then_some(line))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(reference.contains("[listen]"), "{reference}");
    assert!(!uncommented.is_empty());
}

#[test]
fn every_setting_is_documented() {
    let undocumented = reference::undocumented();
    assert!(undocumented.is_empty(), "no comment in the source for: {undocumented:?}");
}
