//! A running `gatepost serve` of its own, and a plain SMTP client.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
pub use testkit::port::free as free_port;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_gatepost");
const START_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    pub data: TempDir,
    pub smtp: SocketAddr,
}

impl Server {
    /// Starts with these settings below `[listen]`; `more` are further arguments.
    pub fn start(settings: &str, more: &[&str]) -> Server {
        Server::start_in(TempDir::new().expect("a folder"), free_port(), settings, more)
    }

    pub fn start_in(data: TempDir, port: u16, settings: &str, more: &[&str]) -> Server {
        Server::start_with(data, (port, "web = \"\"\nstatus = \"\"\n"), settings, more)
    }

    /// `listen` is the SMTP port and what else stands in `[listen]`.
    pub fn start_with(data: TempDir, listen: (u16, &str), settings: &str, more: &[&str]) -> Server {
        let file = data.path().join("gatepost.toml");
        let (port, others) = listen;
        let listen = format!("[listen]\nname = \"gate.test\"\nsmtp = \"127.0.0.1:{port}\"\n{others}");
        std::fs::write(&file, format!("{listen}{settings}")).expect("settings are written");
        let child = command(data.path()).arg("serve").args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut server = Server { child, data, smtp: SocketAddr::from(([127, 0, 0, 1], port)) };
        server.wait_for_greeting();
        server
    }

    fn wait_for_greeting(&mut self) {
        let started = Instant::now();
        while started.elapsed() < START_MAX {
            assert!(self.child.try_wait().expect("it can be asked").is_none(), "the server ended while it started");
            if TcpStream::connect(self.smtp).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no greeting within {START_MAX:?}");
    }

    /// A command beside this server.
    pub fn run(&self, arguments: &[&str]) -> Output {
        command(self.data.path()).args(arguments).output().expect("it runs")
    }

    /// Standard output of a command that must succeed (exit code 0 or 1).
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// JSON lines of a command.
    pub fn rows(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        self.told(arguments).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    pub fn kill(mut self) -> (TempDir, u16) {
        self.child.kill().expect("it can be killed"); // SIGKILL
        self.child.wait().expect("it ends");
        let port = self.smtp.port();
        let data = std::mem::replace(&mut self.data, TempDir::new().expect("a folder"));
        (data, port)
    }

    /// Waits until the condition holds, or fails with what it is called.
    pub fn eventually(&self, what: &str, mut condition: impl FnMut(&Server) -> bool) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if condition(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("not within a minute: {what}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let traced = self.run(&["trace", "list", "--json"]);
            eprintln!("The trace of the server:\n{}{}", String::from_utf8_lossy(&traced.stdout), String::from_utf8_lossy(&traced.stderr));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `gatepost` with the data folder and settings of `data`.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--data").arg(data.join("data")).arg("--config").arg(data.join("gatepost.toml")).env("LANG", "C");
    command
}

/// Sends one message (LF line ends) and returns the last reply: the first that refuses, or the one to the message.
pub fn send(to: SocketAddr, sender: &str, recipient: &str, message: &str) -> std::io::Result<String> {
    let wire = message.replace('\n', "\r\n").replace("\r\n.", "\r\n..");
    let mut stream = BufReader::new(TcpStream::connect(to)?);
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reply = read(&mut stream)?;
    for line in [
        "EHLO client.test".to_string(),
        format!("MAIL FROM:<{sender}>"),
        format!("RCPT TO:<{recipient}>"),
        "DATA".into(),
        format!("{wire}\r\n."),
    ] {
        if !reply.starts_with(['2', '3']) {
            break;
        }
        stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        reply = read(&mut stream)?;
    }
    let _ = stream.get_mut().write_all(b"QUIT\r\n");
    Ok(reply.trim_end().to_string())
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line);
        }
    }
}

/// This moment, as a header has it.
pub fn written_now() -> String {
    gateway::intake::date(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as i64)
}

/// A plain message, written now: how old a mail is counts.
pub fn message(subject: &str, from: &str, body: &str) -> String {
    let date = written_now();
    format!("From: <{from}>\nTo: <li@demo.example>\nSubject: {subject}\nDate: {date}\nMessage-ID: <{subject}@test.example>\n\n{body}\n")
}
