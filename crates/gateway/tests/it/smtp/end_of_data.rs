//! SMTP smuggling (CVE-2023-51764, -51765, -51766): nothing but CRLF . CRLF ends a message, however it is cut into segments.

use super::gate::{Gate, Kind, Script};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Everything that some program once took for the end of a message.
const NOT_AN_END: [(&str, &str); 12] = [
    (r"\n.\n", "LF . LF"),
    (r"\n.\r", "LF . CR"),
    (r"\r.\n", "CR . LF"),
    (r"\r.\r", "CR . CR"),
    (r"\n.\r\n", "LF . CRLF"),
    (r"\r.\r\n", "CR . CRLF"),
    (r"\r\n.\n", "CRLF . LF"),
    (r"\r\n.\r", "CRLF . CR"),
    (r"\r\n\0.\r\n", "CRLF NUL . CRLF"),
    (r"\r\n.\0\r\n", "CRLF . NUL CRLF"),
    (r"\r\n.\r\r\n", "CRLF . CR CRLF"),
    (r"\r\r\n.\r\r\n", "CR CRLF . CR CRLF"),
];

const HEAD: &str =
    "< 220\n> EHLO client.example\n< 250\n> MAIL FROM:<ann@client.example>\n< 250\n> RCPT TO:<bo@gate.example>\n< 250\n> DATA\n< 354\n";

/// What a smuggler puts behind: a second mail.
const SMUGGLED: &str = r"MAIL FROM:<evil@gate.example>\r\nRCPT TO:<bo@gate.example>\r\nDATA\r\nevil\r\n.\r\n";

/// One message with `variant` inside, sent as `first` octets and the rest.
fn text(variant: &str, first: usize) -> String {
    let whole = testkit::dialogue::unescape(&format!(r"a: b\r\n\r\nlure{variant}{SMUGGLED}")).expect("escapes");
    let (one, two) = whole.split_at(first.min(whole.len()));
    let sent = |octets: &[u8]| octets.iter().map(|octet| format!("\\x{octet:02x}")).collect::<String>();
    let pieces = [one, two].iter().filter(|piece| !piece.is_empty()).map(|piece| format!("= {}\npause\n", sent(piece))).collect::<String>();
    format!("{HEAD}{pieces}< 550 5.6.11\n> RCPT TO:<bo@gate.example>\n< 503 5.5.1\n> QUIT\n< 221\nclose\n")
}

async fn check(address: SocketAddr, variant: &'static str, name: &'static str, first: usize) {
    if let Err(failure) = testkit::dialogue::run(&text(variant, first), address).await {
        panic!("{name} cut after {first} octets: {failure}");
    }
}

fn assert_nothing_came(script: &Arc<Script>) {
    let mails = script.mails.lock().expect("no panic while held");
    assert!(mails.is_empty(), "taken as mail: {:?}", mails.iter().map(|(_, envelope, _)| &envelope.sender).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_else_ends_a_message_whole_or_cut_at_every_octet() {
    let gate = Gate::start(Kind::Plain).await;
    for (variant, name) in NOT_AN_END {
        let octets = testkit::dialogue::unescape(variant).expect("escapes").len();
        let (before, after) = ("a: b\r\n\r\nlure".len(), 4);
        let mut cuts = JoinSet::new();
        cuts.spawn(check(gate.address, variant, name, 0));
        for first in before - 2..=before + octets + after {
            cuts.spawn(check(gate.address, variant, name, first));
        }
        while let Some(done) = cuts.join_next().await {
            done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
    }
    assert_nothing_came(&gate.stop().await);
}

#[tokio::test]
async fn nothing_else_ends_a_message_octet_by_octet() {
    let gate = Gate::start(Kind::Plain).await;
    let mut runs = JoinSet::new();
    for (variant, name) in NOT_AN_END {
        let address = gate.address;
        runs.spawn(async move {
            let text = text(variant, 0).replacen("\n= ", "\nsplit 1\n= ", 1).replacen("\npause\n", "\nsplit 0\n", 1);
            if let Err(failure) = testkit::dialogue::run(&text, address).await {
                panic!("{name} octet by octet: {failure}");
            }
        });
    }
    while let Some(done) = runs.join_next().await {
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    assert_nothing_came(&gate.stop().await);
}

#[tokio::test]
async fn the_true_end_is_found_wherever_it_is_cut() {
    let gate = Gate::start(Kind::Plain).await;
    let whole = "x\r\n.\r\n";
    for first in 1..whole.len() {
        let (one, two) = whole.split_at(first);
        let escaped = |text: &str| text.replace('\r', "\\r").replace('\n', "\\n");
        let text = format!("{HEAD}= {}\npause\n= {}\n< 250 2.0.0 3 octets\n> QUIT\n< 221\nclose\n", escaped(one), escaped(two));
        if let Err(failure) = testkit::dialogue::run(&text, gate.address).await {
            panic!("cut after {first} octets: {failure}");
        }
    }
    assert_eq!(gate.stop().await.mails.lock().expect("no panic while held").len(), whole.len() - 1);
}
