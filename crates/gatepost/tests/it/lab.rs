//! What stands beside a server in the fault lab: parts that can be stopped, slowed, and made to fail now and then; and how a test waits.
//!
//! Without GATEPOST_LAB_DEFAULTS times are scaled by `[health]`: looks every 200 ms instead of 5 s, shown after 400 ms instead of 10 s,
//! restored after 1.2 s instead of 30 s. With it, the intervals are those that people get.

use crate::server::{Server, free_port, written_now};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SCALED: &str = "every = \"200ms\"\nenter_after = \"400ms\"\nleave_after = \"1200ms\"\nprobe_every = \"300ms\"\n";
/// What is promised, with the defaults; the scaled lab is given as long, as a machine that compiles for others is slow.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);
const RESTORED_WITHIN: Duration = Duration::from_secs(120);

pub fn with_defaults() -> bool {
    std::env::var_os("GATEPOST_LAB_DEFAULTS").is_some()
}

/// `[health]` with more lines in it.
pub fn health(more: &str) -> String {
    format!("[health]\n{}{more}", if with_defaults() { "" } else { SCALED })
}

/// A part that answers until it is stopped, and again on the same port.
pub struct Beside {
    pub port: u16,
    /// How many of a hundred are not answered.
    noise: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// The same sequence every time: looks random, and has its share.
fn is_noise(percent: &AtomicU32, nth: u32) -> bool {
    (nth.wrapping_mul(2_654_435_761) >> 7) % 100 < percent.load(Ordering::Relaxed)
}

impl Beside {
    fn new(port: u16, work: impl FnOnce(Arc<AtomicBool>, Arc<AtomicU32>) + Send + 'static) -> Beside {
        let (stop, noise) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stopped, percent) = (stop.clone(), noise.clone());
        Beside { port, noise, stop, thread: Some(std::thread::spawn(move || work(stopped, percent))) }
    }

    pub fn tcp(port: u16, talk: fn(TcpStream)) -> Beside {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        listener.set_nonblocking(true).expect("it can be asked");
        let port = listener.local_addr().expect("an address").port();
        Beside::new(port, move |stopped, percent| {
            let mut nth = 0;
            while !stopped.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        nth += 1;
                        if is_noise(&percent, nth) {
                            continue; // closed without a word
                        }
                        let _ = stream.set_nonblocking(false);
                        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                        std::thread::spawn(move || talk(stream));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        })
    }

    /// DNS that knows no name.
    pub fn dns(port: u16) -> Beside {
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("the port is free");
        let port = socket.local_addr().expect("an address").port();
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("it can be asked");
        Beside::new(port, move |stopped, percent| {
            let (mut octets, mut nth) = ([0; 1_500], 0);
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut octets) else { continue };
                nth += 1;
                if is_noise(&percent, nth) {
                    continue;
                }
                // QR, RD and RA; NXDOMAIN; the question alone (RFC 1035 §4.1.1).
                (octets[2], octets[3]) = (0x81, 0x83);
                octets[6..12].fill(0);
                let mut end = 12;
                while end < length && octets[end] != 0 {
                    end += usize::from(octets[end]) + 1;
                }
                let _ = socket.send_to(&octets[..(end + 5).min(length)], from);
            }
        })
    }

    pub fn fails(&self, percent: u32) {
        self.noise.store(percent, Ordering::Relaxed);
    }

    pub fn stop(mut self) -> u16 {
        self.end();
        self.port
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.end();
    }
}

/// Takes whatever mail comes.
pub fn next_hop(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let say = |stream: &mut BufReader<TcpStream>, text: &str| stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).is_ok();
    let _ = say(&mut reader, "220 next.test ESMTP");
    let (mut line, mut in_data) = (String::new(), false);
    while reader.read_line(&mut line).is_ok_and(|octets| octets > 0) {
        let reply = match (in_data, line.trim_end()) {
            (true, ".") => {
                in_data = false;
                "250 2.0.0 taken"
            }
            (true, _) => "",
            (false, command) if command.eq_ignore_ascii_case("DATA") => {
                in_data = true;
                "354 go on"
            }
            (false, command) if command.to_ascii_uppercase().starts_with("QUIT") => "221 2.0.0 bye",
            _ => "250 next.test",
        };
        if !reply.is_empty() && !say(&mut reader, reply) {
            return;
        }
        line.clear();
    }
}

/// Says its version and that everything is clean.
pub fn clamd(mut stream: TcpStream) {
    let mut octets = [0; 64];
    let _ = stream.read(&mut octets);
    // With signatures of this hour, as a server that is kept has them.
    let now = written_now();
    let [weekday, day, month, year, time, _] = now.split([' ', ',']).filter(|part| !part.is_empty()).collect::<Vec<_>>()[..] else {
        return;
    };
    let _ = stream.write_all(format!("ClamAV 1.4.6/27500/{weekday} {month} {day} {time} {year}\0").as_bytes());
}

/// An organisation with a connector and a domain of its name.
pub fn organisation(name: &str, port: u16) -> String {
    format!(
        "[[organisation]]\nname = \"{name}\"\nconnector = \"{name}\"\n[[connector]]\nname = \"{name}\"\norganisation = \"{name}\"\nhosts = [\"127.0.0.1:{port}\"]\n\
         tls = \"off\"\nallow_private = true\n[[domain]]\nname = \"{name}.example\"\norganisation = \"{name}\"\nrecipients = \"any\"\n"
    )
}

pub fn organisations(one: u16, two: u16) -> String {
    organisation("one", one) + &organisation("two", two)
}

/// A server with a status listener.
pub fn lab(settings: &str) -> (Server, SocketAddr) {
    let port = free_port();
    let listen = format!("web = \"\"\nstatus = \"127.0.0.1:{port}\"\n");
    let server = Server::start_with(TempDir::new().expect("a folder"), (free_port(), &listen), settings, &[]);
    (server, SocketAddr::from(([127, 0, 0, 1], port)))
}

pub fn get(from: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(from).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: status.test\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_string())
}

/// The JSON of the status site, whose answer may come in chunks.
pub fn summary(from: SocketAddr) -> Value {
    let text = get(from, "/status/summary.json").unwrap_or_default();
    let json = text.find('{').zip(text.rfind('}')).map(|(begin, end)| &text[begin..=end]);
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// What is measured as not well: "service status cause/what@org".
pub fn states(server: &Server) -> Vec<String> {
    let rows = server.rows(&["health", "list", "--json"]);
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_string();
    rows.iter()
        .map(|row| format!("{} {} {}/{}@{}", text(row, "service"), text(row, "status"), text(row, "cause"), text(row, "what"), row["org"]))
        .collect()
}

/// Waits until something is shown; how long that took.
pub fn shown(what: &str, holds: impl FnMut() -> bool) -> Duration {
    within(SHOWN_WITHIN, what, holds)
}

pub fn restored(what: &str, holds: impl FnMut() -> bool) -> Duration {
    within(RESTORED_WITHIN, what, holds)
}

fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let thread = std::thread::current();
    eprintln!("{:>6.1} s  {what} ({})", begun.elapsed().as_secs_f32(), thread.name().unwrap_or_default());
    begun.elapsed()
}

/// A server that has looked around for a while and found nothing.
pub fn quiet_lab(settings: &str) -> (Server, SocketAddr) {
    let (server, status) = lab(settings);
    shown("the watcher looks", || summary(status)["page"]["updated_at"].is_string());
    std::thread::sleep(Duration::from_secs(if with_defaults() { 20 } else { 1 }));
    assert!(states(&server).is_empty(), "all is well: {:?}", states(&server));
    (server, status)
}

/// Hands on to another port what comes in, each piece this many milliseconds late.
pub fn late(to: String) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, late_ms) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicU32::new(0)));
    let delay = late_ms.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(behind) = TcpStream::connect(&to) else { continue };
            let pairs = [(stream.try_clone(), behind.try_clone()), (Ok(behind), Ok(stream))];
            for (from, to) in pairs {
                let (Ok(mut from), Ok(mut to), delay) = (from, to, delay.clone()) else { continue };
                std::thread::spawn(move || {
                    let mut octets = [0; 64 << 10];
                    while let Ok(length) = from.read(&mut octets) {
                        std::thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed).into()));
                        if length == 0 || to.write_all(&octets[..length]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    (port, late_ms)
}
