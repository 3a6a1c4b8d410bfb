//! Gatepost beside real mail servers and the programs that ask it: Postfix, sendmail, rspamc, spamc.

mod dialogues;
mod filter;
mod hostile;
mod milter;
mod rspamc;
mod sendmail;
mod spamc;

use crate::server::{Server, free_port, message};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// One organisation; what is released goes to the server at the port.
fn settings(next: u16, more: &str) -> String {
    format!(
        "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"next\"\noutbound_connector = \"next\"\nrelay_from = [\"127.0.0.1\"]\n\
         [[connector]]\nname = \"next\"\nhosts = [\"127.0.0.1:{next}\"]\ntls = \"off\"\nallow_private = true\n\
         [[domain]]\nname = \"demo.example\"\nrecipients = \"listed\"\n[[recipient]]\naddress = \"li@demo.example\"\n[[recipient]]\naddress = \"bo@demo.example\"\n{more}"
    )
}

/// A server with these lines in `[listen]`.
fn start(listen: &str, settings: &str) -> Server {
    let listen = format!("web = \"\"\nstatus = \"\"\n{listen}\n");
    Server::start_with(TempDir::new().expect("a folder"), (free_port(), &listen), settings, &[])
}

fn gtube() -> String {
    ["XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"].concat()
}

fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// A message with a file.
fn with_file(subject: &str, name: &str, content: &str) -> String {
    let plain = message(subject, "ann@partner.example", "");
    let (header, _) = plain.split_once("\n\n").expect("a header");
    format!(
        "{header}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee the file\n--b\n\
         Content-Type: application/octet-stream\nContent-Disposition: attachment; filename={name}\n\n{content}\n--b--\n"
    )
}

/// Everyday words.
fn plain(subject: &str) -> String {
    message(subject, "ann@partner.example", "Shall we meet on Tuesday at ten to go through the plan for the office?")
}

/// Runs a neighbour's client with a message on its standard input; `None` where it is not installed, which CI does not allow.
fn client(program: &str, arguments: &[&str], input: &str) -> Option<Output> {
    use std::io::Write;
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "CI needs {program}");
        return None;
    };
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes()); // PING reads nothing
    Some(child.wait_with_output().expect("it ends"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The recorded mail of this subject.
fn row(server: &Server, subject: &str) -> serde_json::Value {
    let rows = server.rows(&["trace", "list", "--json"]);
    rows.iter().find(|row| row["subject"] == subject).cloned().unwrap_or_else(|| panic!("{subject} is not in {rows:?}"))
}

/// Kinds of the events of a mail.
fn events(server: &Server, subject: &str) -> Vec<String> {
    let id = row(server, subject)["mail"].as_str().expect("an id").to_string();
    let shown = server.told(&["trace", "show", &id, "--json"]);
    let all = serde_json::Deserializer::from_str(&shown).into_iter::<serde_json::Value>().map(|value| value.expect("JSON"));
    all.flat_map(|value| value["events"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
        .filter_map(|event| event["kind"].as_str().map(str::to_string))
        .collect()
}

fn adds_up(server: &Server) {
    let balance = server.rows(&["trace", "balance", "--json"]).remove(0);
    assert_eq!(balance["adds_up"], true, "{balance}");
}
