//! Mail flow rules through the real port: what a rule says happens to real mail, and the receipt says which rule it was.

use crate::server::{Server, free_port, message, send};
use std::path::Path;

/// An organisation whose mail lands in a folder, with these rules.
fn server(rules: &str) -> Server {
    let folder = tempfile::TempDir::new().expect("a folder").keep();
    let settings = format!(
        "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\n[[connector]]\nname = \"box\"\nprotocol = \"folder\"\n\
         folder = \"{0}\"\n[[connector]]\nname = \"other\"\nprotocol = \"folder\"\nfolder = \"{0}/other\"\n[[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n{rules}",
        folder.display()
    );
    Server::start_in(tempfile::TempDir::new().expect("a folder"), free_port(), &settings, &[])
}

/// Every message in the folders below the one that settings name, as text.
fn delivered(server: &Server) -> Vec<(String, String)> {
    let settings = std::fs::read_to_string(server.data.path().join("gatepost.toml")).expect("settings");
    let folder = settings.lines().find_map(|line| line.strip_prefix("folder = \"")).expect("a folder").trim_end_matches('"').to_string();
    let mut found = Vec::new();
    let mut open = vec![Path::new(&folder).to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => open.push(path),
                false if path.display().to_string().contains("/new/") => {
                    found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap_or_default()));
                }
                false => {}
            }
        }
    }
    found
}

fn body(subject: &str) -> String {
    message(subject, "ann@partner.example", "Best regards, Ann")
}

#[test]
fn rules_refuse_redirect_mark_and_add_a_disclaimer() {
    let server = server(
        "[[rule]]\nname = \"refuse\"\nconditions = [{ kind = \"subject-words\", values = [\"refuse-me\"] }]\n\
         actions = [{ kind = \"reject\", text = \"Not in this house\", status = \"5.7.999\" }]\n\
         [[rule]]\nname = \"redirect\"\npriority = 1\nconditions = [{ kind = \"subject-words\", values = [\"redirect-me\"] }]\n\
         actions = [{ kind = \"redirect\", to = [\"archive@demo.example\"] }, { kind = \"bcc\", to = [\"copy@demo.example\"] }]\n\
         [[rule]]\nname = \"watch\"\npriority = 2\nmode = \"audit\"\nactions = [{ kind = \"delete\" }]\n\
         [[rule]]\nname = \"outside\"\npriority = 3\nconditions = [{ kind = \"sender-scope\", values = [\"outside\"] }]\n\
         exceptions = [{ kind = \"sender-domain\", values = [\"friend.example\"] }]\n\
         actions = [{ kind = \"prepend-subject\", text = \"[outside]\" }, { kind = \"set-header\", header = \"X-Seen\", value = \"yes\" }, \
         { kind = \"disclaimer\", text = \"Mind the gap\" }]\n",
    );
    let refused = send(server.smtp, "ann@partner.example", "li@demo.example", &body("refuse-me")).expect("an answer");
    assert!(refused.starts_with("550 5.7.999 Not in this house"), "{refused}");
    for subject in ["redirect-me", "plain"] {
        let taken = send(server.smtp, "ann@partner.example", "li@demo.example", &body(subject)).expect("an answer");
        assert!(taken.starts_with("250"), "{taken}");
    }
    let friend = message("of-a-friend", "bo@friend.example", "Hello");
    assert!(send(server.smtp, "bo@friend.example", "li@demo.example", &friend).expect("an answer").starts_with("250"));
    server.eventually("four copies are delivered", |server| delivered(server).len() == 4);
    let mails = delivered(&server);
    let of = |address: &str, subject: &str| {
        let found = mails.iter().filter(|(path, text)| path.contains(address) && text.contains(subject));
        found.map(|(_, text)| text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("li@", "redirect-me").len(), 0, "it went somewhere else");
    assert_eq!((of("archive@", "redirect-me").len(), of("copy@", "redirect-me").len()), (1, 1));
    let plain = of("li@", "plain").remove(0);
    for part in ["Subject: [outside] plain", "X-Seen: yes", "Mind the gap", "Best regards, Ann"] {
        assert!(plain.contains(part), "{part} in\n{plain}");
    }
    let friends = of("li@", "of-a-friend").remove(0);
    assert!(!friends.contains("[outside]") && !friends.contains("Mind the gap"), "{friends}");
    receipts_say_which_rule(&server);
    server.eventually("the balance adds up", |server| server.rows(&["trace", "balance", "--json"])[0]["adds_up"] == true);
}

fn receipts_say_which_rule(server: &Server) {
    let rows = server.rows(&["trace", "list", "--json"]);
    let plain = rows.iter().find(|row| row["subject"] == "plain").expect("it is in the trace");
    let mail = plain["mail"].as_str().expect("an id");
    let tried = server.rows(&["rule", "test", "outside", "--mail", mail, "--json"]).remove(0);
    assert_eq!((&tried["outcome"], &tried["tests"][0]["holds"]), (&"matched".into(), &true.into()), "{tried}");
    let replayed = server.run(&["replay", "--since", "1d", "--policy", "/dev/null", "--json"]);
    assert!(replayed.status.code().is_some_and(|code| code < 3), "receipts with rules can be replayed: {replayed:?}");
    let listed = server.rows(&["rule", "list", "--json"]);
    let names: Vec<&str> = listed.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(names, ["refuse", "redirect", "watch", "outside"]);
}

#[test]
fn rules_hold_delete_split_and_take_another_way() {
    let server = server(
        "[[rule]]\nname = \"hold\"\nconditions = [{ kind = \"recipient\", values = [\"held@demo.example\"] }]\nactions = [{ kind = \"quarantine\" }]\n\
         [[rule]]\nname = \"drop\"\nconditions = [{ kind = \"subject-words\", values = [\"drop-me\"] }]\nactions = [{ kind = \"delete\" }]\n\
         [[rule]]\nname = \"way\"\nconditions = [{ kind = \"recipient\", values = [\"way@demo.example\"] }]\n\
         actions = [{ kind = \"connector\", connector = \"other\" }, { kind = \"prepend-subject\", text = \"[way]\" }]\n\
         [[rule]]\nname = \"ask\"\nconditions = [{ kind = \"subject-words\", values = [\"ask-first\"] }]\n\
         actions = [{ kind = \"moderate\", to = [\"boss@demo.example\"] }]\n",
    );
    for (recipient, subject) in [("held@demo.example", "hold-me"), ("li@demo.example", "drop-me"), ("li@demo.example", "ask-first")] {
        let taken = send(server.smtp, "ann@partner.example", recipient, &body(subject)).expect("an answer");
        assert!(taken.starts_with("250"), "{taken}");
    }
    let two = two_recipients(&server, "both");
    assert!(two.starts_with("250"), "{two}");
    server.eventually("both shapes and the letter to the boss are delivered", |server| delivered(server).len() == 3);
    let mails = delivered(&server);
    let by_way = mails.iter().find(|(path, _)| path.contains("/other/")).expect("by the other connector");
    assert!(by_way.1.contains("Subject: [way] both"), "{}", by_way.1);
    let usual = mails.iter().find(|(path, text)| path.contains("li@") && text.contains("both")).expect("by the usual one");
    assert!(usual.1.contains("Subject: both"), "{}", usual.1);
    assert!(mails.iter().any(|(path, text)| path.contains("boss@") && text.contains("ask-first")), "the boss is asked");
    let held = server.rows(&["quarantine", "list", "--json"]);
    let mut subjects: Vec<&str> = held.iter().filter_map(|row| row["subject"].as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["ask-first", "hold-me"]);
    server.eventually("the balance adds up", |server| server.rows(&["trace", "balance", "--json"])[0]["adds_up"] == true);
}

/// One transaction for two recipients who get different shapes of the message.
fn two_recipients(server: &Server, subject: &str) -> String {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = BufReader::new(std::net::TcpStream::connect(server.smtp).expect("it listens"));
    let mut reply = String::new();
    let wire = body(subject).replace('\n', "\r\n");
    let lines = [
        "EHLO client.test".to_string(),
        "MAIL FROM:<ann@partner.example>".into(),
        "RCPT TO:<li@demo.example>".into(),
        "RCPT TO:<way@demo.example>".into(),
        "DATA".into(),
        format!("{wire}\r\n."),
    ];
    for line in [String::new()].iter().chain(&lines) {
        if !line.is_empty() {
            stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        }
        loop {
            reply.clear();
            stream.read_line(&mut reply).expect("an answer");
            if reply.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
    }
    reply
}

#[test]
fn rules_are_put_moved_switched_and_deleted_by_command() {
    let server = server("[[rule]]\nname = \"of-file\"\nstop = false\nactions = [{ kind = \"require-tls\" }]\n");
    let put = |text: &str| {
        let file = server.data.path().join("rule.toml");
        std::fs::write(&file, text).expect("written");
        server.run(&["rule", "put", &file.display().to_string()])
    };
    for name in ["a", "b"] {
        let done = put(&format!("name = \"{name}\"\nactions = [{{ kind = \"quarantine\" }}]\n"));
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let wrong =
        put("name = \"c\"\nactions = [{ kind = \"quarantine\" }]\nconditions = [{ kind = \"subject-patterns\", values = [\"(\"] }]\n");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("condition 1, values"), "{}", String::from_utf8_lossy(&wrong.stderr));
    let names = || -> Vec<String> {
        server.rows(&["rule", "list", "--json"]).iter().map(|rule| rule["name"].as_str().unwrap_or_default().to_string()).collect()
    };
    assert_eq!(names(), ["of-file", "a", "b"]);
    assert_eq!(server.run(&["rule", "move", "b", "0"]).status.code(), Some(0));
    assert_eq!(names(), ["of-file", "b", "a"]);
    assert_eq!(server.run(&["rule", "move", "of-file", "1"]).status.code(), Some(2), "its place is in the file");
    assert_eq!(server.run(&["rule", "disable", "a"]).status.code(), Some(0));
    assert_eq!(server.rows(&["rule", "show", "a", "--json"])[0]["enabled"], false);
    assert_eq!(server.run(&["rule", "delete", "of-file"]).status.code(), Some(2));
    assert_eq!(server.run(&["rule", "delete", "b"]).status.code(), Some(0));
    assert_eq!(names(), ["of-file", "a"]);
    assert_eq!(server.run(&["rule", "show", "b"]).status.code(), Some(2));
    assert_eq!(server.run(&["rule", "enable", "a"]).status.code(), Some(0));
    server.eventually("the running server holds mail by the new rule", |server| {
        let _ = send(server.smtp, "ann@partner.example", "li@demo.example", &body("x"));
        !server.rows(&["quarantine", "list", "--json"]).is_empty()
    });
    let held = server.rows(&["quarantine", "list", "--json"])[0]["mail"].as_str().expect("an identifier").to_string();
    assert_eq!(server.run(&["quarantine", "release", &held]).status.code(), Some(0));
    assert_eq!(server.run(&["recipient", "add", "new@demo.example"]).status.code(), Some(0));
    assert_eq!(server.run(&["recipient", "remove", "new@demo.example"]).status.code(), Some(0));
    let told = audited(&server);
    let want = ["rules.add", "rules.add", "rules.move", "rules.change", "rules.delete", "rules.change", "quarantine.release"];
    assert_eq!(told[..want.len()], want, "what was refused left no line");
    assert_eq!(told[want.len()..], ["domain.recipients", "domain.recipients"]);
}

/// What the audit log says, oldest first.
fn audited(server: &Server) -> Vec<String> {
    let file = server.data.path().join("data/gatepost.db");
    let log = rusqlite::Connection::open(file).expect("the database opens");
    let mut lines = log.prepare("SELECT action FROM audit WHERE who LIKE '%command line' ORDER BY id").expect("a statement");
    let lines = lines.query_map([], |row| row.get(0)).expect("rows");
    lines.map(|line| line.expect("a line")).collect()
}
