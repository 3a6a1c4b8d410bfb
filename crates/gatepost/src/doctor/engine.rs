//! Engines beside us: signature rules compile, lists can be read, clamd and ICAP answer.

use super::{Case, Finding, two};
use detect::Detector;
use detect::inspect::DetectError;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(3);
const ANSWER_OCTETS_MAX: usize = 4_096;
const ICAP_PORT: u16 = 1344;

pub fn look(case: &Case) -> Vec<Finding> {
    if !case.knows("detect") {
        return vec![case.unknown("engine.signatures", "detect")];
    }
    let settings = &case.chosen.settings.detect;
    let mut found = vec![own(settings)];
    if let Some(clamd) = &settings.clamd {
        found.push(clamd_answers(&clamd.address));
    }
    if let Some(icap) = &settings.icap {
        found.push(icap_answers(&icap.address));
    }
    found
}

/// What the service itself reads at its start.
fn own(settings: &detect::DetectSettings) -> Finding {
    let folder = settings.signatures.folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_else(|| "built-in".into());
    let why = match Detector::new(settings) {
        Ok(_) => return Finding::ok("engine.signatures", folder, two("Rules and lists can be used.", "规则和列表均可使用。")),
        Err(why) => why,
    };
    let (id, todo) = match &why {
        DetectError::Folder { .. } | DetectError::Rules { .. } => (
            "engine.signatures",
            two(
                "Correct or remove the file that is named; the service does not start with it.",
                "请更正或移走下列文件；有它在，服务无法启动。",
            ),
        ),
        DetectError::List { .. } => {
            ("engine.hashes", two("Correct the file, or take it out of [detect.hashes].", "请更正该文件，或从 [detect.hashes] 中去掉。"))
        }
        DetectError::Address { .. } => ("engine.icap", two("Correct [detect.icap] address.", "请更正 [detect.icap] address。")),
        DetectError::UnknownCheck { .. } => ("engine.checks", two("Correct [detect] checks_off.", "请更正 [detect] checks_off。")),
    };
    let cause = std::error::Error::source(&why).map(ToString::to_string);
    let found = Finding::problem(id, folder, two("Inspections cannot be set up.", "无法建立检测引擎。"), todo).seen(&why);
    cause.into_iter().fold(found, Finding::seen)
}

fn clamd_answers(address: &str) -> Finding {
    let answered = match address.starts_with('/') {
        true => UnixStream::connect(address).and_then(|stream| {
            stream.set_read_timeout(Some(WAIT))?;
            stream.set_write_timeout(Some(WAIT))?;
            exchange(stream, b"zPING\0", 0)
        }),
        false => connect(address, None).and_then(|stream| exchange(stream, b"zPING\0", 0)),
    };
    let is_there = |answer: &str| answer.trim_end_matches('\0').trim() == "PONG";
    answer("engine.clamd", address, answered, is_there)
}

fn icap_answers(address: &str) -> Finding {
    let place = address.split_once("://").map(|(_, rest)| rest).unwrap_or(address);
    let host = place.split('/').next().unwrap_or_default();
    let question = format!("OPTIONS {address} ICAP/1.0\r\nHost: {host}\r\nEncapsulated: null-body=0\r\n\r\n");
    let answered = connect(host, Some(ICAP_PORT)).and_then(|stream| exchange(stream, question.as_bytes(), b'\n'));
    answer("engine.icap", address, answered, |answer| answer.starts_with("ICAP/1.0 200"))
}

fn answer(id: &'static str, address: &str, answered: std::io::Result<String>, is_right: impl Fn(&str) -> bool) -> Finding {
    let todo = two(
        "Start it, or correct its address in [detect]; meanwhile mail is not looked at by it.",
        "请启动它，或更正 [detect] 中的地址；在此期间它不会检查邮件。",
    );
    match answered {
        Ok(text) if is_right(&text) => {
            Finding::ok(id, address, two("It answers.", "有应答。")).seen(text.lines().next().unwrap_or_default().trim_end_matches('\0'))
        }
        Ok(text) => {
            let said = two("Something else answers there.", "该地址上的不是它。");
            Finding::problem(id, address, said, todo).seen(crate::output::printable(text.lines().next().unwrap_or_default()))
        }
        Err(why) => Finding::problem(id, address, two("It does not answer.", "没有应答。"), todo).seen(why),
    }
}

/// The first address that can be reached.
pub fn connect(host: &str, default_port: Option<u16>) -> std::io::Result<TcpStream> {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let named = match default_port.filter(|_| !has_port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    let mut failed = std::io::Error::other("the name has no address");
    for address in named.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, WAIT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(WAIT))?;
                stream.set_write_timeout(Some(WAIT))?;
                return Ok(stream);
            }
            Err(why) => failed = why,
        }
    }
    Err(failed)
}

/// Sends the question and reads until `end`, the peer's end, or enough.
pub fn exchange(mut stream: impl Read + Write, question: &[u8], end: u8) -> std::io::Result<String> {
    stream.write_all(question)?;
    let (mut answer, mut octets) = (Vec::new(), [0; 512]);
    while answer.len() < ANSWER_OCTETS_MAX && !answer.contains(&end) {
        match stream.read(&mut octets)? {
            0 => break,
            length => answer.extend_from_slice(&octets[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
