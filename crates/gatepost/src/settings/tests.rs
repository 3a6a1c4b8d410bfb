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
