//! From a person's side: can this machine reach what a mail program needs, is its clock right, does somebody open the encryption on the way.
//!
//! In: names of servers. Out: findings in plain words. Nothing is signed in to, nothing is sent; every wait has a limit. Needs neither settings
//! nor data: it runs on any machine.

use super::{Finding, Text, two};
use anyhow::Context;
use gateway::delivery::Tls;
use gateway::delivery::certificate::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub const SUBMISSION_PORT: u16 = 587;
pub const SUBMISSION_TLS_PORT: u16 = 465;
pub const IMAP_PORT: u16 = 993;
pub const WEB_PORT: u16 = 443;

const LOOKUP_WITHIN: Duration = Duration::from_secs(6);
const CONNECT_WITHIN: Duration = Duration::from_secs(8);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
const ANSWER_OCTETS_MAX: usize = 16 << 10;
/// Farther off than this, certificates and codes go wrong.
const OFF_MAX_MS: i64 = 60_000;
const SEEN_CHARS_MAX: usize = 200;

/// One server at one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: u16,
}

/// What is looked at; `None` is left out.
#[derive(Debug, Clone)]
pub struct Wish {
    pub submission: Option<Place>,
    pub submission_tls: Option<Place>,
    pub imap: Option<Place>,
    pub web: Option<Place>,
    /// Part of the name of who should have signed; '' is anybody public.
    pub issuer: String,
    /// Roots besides the public ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// Unix milliseconds.
    pub now_ms: fn() -> i64,
}

impl Place {
    /// `host`, `host:port` or `[v6]:port`.
    /// # Errors
    /// It names no host.
    pub fn read(text: &str, port: u16) -> anyhow::Result<Place> {
        let text = text.trim();
        let bare = text.trim_start_matches("https://").trim_end_matches('/');
        if let Ok(address) = bare.parse::<SocketAddr>() {
            return Ok(Place { host: address.ip().to_string(), port: address.port() });
        }
        let (host, port) = match bare.rsplit_once(':') {
            Some((host, given)) if bare.parse::<IpAddr>().is_err() => {
                (host, given.parse().with_context(|| format!("“{given}” is not a port"))?)
            }
            _ => (bare, port),
        };
        let host = host.trim_matches(['[', ']']);
        anyhow::ensure!(
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@?#".contains(c)),
            "“{text}” names no server"
        );
        Ok(Place { host: host.to_string(), port })
    }

    fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Certificates of a PEM file.
/// # Errors
/// It cannot be read, or holds none.
pub fn roots(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).with_context(|| format!("reading {}", file.display()))?;
    let roots: Vec<CertificateDer<'static>> = read.collect::<Result<_, _>>().with_context(|| format!("reading {}", file.display()))?;
    anyhow::ensure!(!roots.is_empty(), "{} holds no certificate", file.display());
    Ok(roots)
}

/// Looks at everything and calls `tell` with each finding as it comes.
/// # Errors
/// A root is not a certificate.
pub async fn examine(wish: &Wish, mut tell: impl FnMut(&Finding)) -> anyhow::Result<Vec<Finding>> {
    let tls = Tls::new(&wish.roots).context("--root")?;
    let mut all: Vec<Finding> = Vec::new();
    let services = [
        (Service::Submission, &wish.submission),
        (Service::SubmissionTls, &wish.submission_tls),
        (Service::Imap, &wish.imap),
        (Service::Web, &wish.web),
    ];
    let mut looked_up: Vec<(String, Vec<IpAddr>)> = Vec::new();
    for (service, place) in services.into_iter().filter_map(|(service, place)| Some((service, place.as_ref()?))) {
        if !looked_up.iter().any(|(host, _)| *host == place.host) {
            let (found, addresses) = lookup(&place.host).await;
            tell(&found);
            all.push(found);
            looked_up.push((place.host.clone(), addresses));
        }
        let addresses = looked_up.iter().find(|(host, _)| *host == place.host).map(|(_, ips)| ips.clone()).unwrap_or_default();
        if addresses.is_empty() {
            continue; // said already
        }
        let talk = Talk { wish, tls: &tls, service, place, addresses: &addresses };
        for found in talk.look().await {
            tell(&found);
            all.push(found);
        }
    }
    Ok(all)
}

async fn lookup(host: &str) -> (Finding, Vec<IpAddr>) {
    let id = "client.dns";
    let todo = two("Check how the name is written, and whether this machine has a network.", "请检查名称是否写对，以及本机是否联网。");
    let found = match timeout(LOOKUP_WITHIN, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).take(ADDRESSES_MAX).collect::<Vec<_>>(),
        Ok(Err(why)) => {
            let said = two("The name of the server is not found.", "找不到该服务器名称。");
            return (Finding::problem(id, host, said, todo).seen(why), Vec::new());
        }
        Err(_) => {
            let said = two("Nobody answers what the address of the server is.", "查询服务器地址没有应答。");
            return (Finding::problem(id, host, said, todo), Vec::new());
        }
    };
    let seen = found.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    (Finding::ok(id, host, two("The server is found.", "找到了服务器。")).seen(seen), found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Submission,
    SubmissionTls,
    Imap,
    Web,
}

impl Service {
    fn id(self) -> &'static str {
        match self {
            Service::Submission | Service::SubmissionTls => "client.submission",
            Service::Imap => "client.imap",
            Service::Web => "client.web",
        }
    }

    fn good(self) -> Text {
        match self {
            Service::Submission | Service::SubmissionTls => two("Mail can be handed in here.", "可以从这里发信。"),
            Service::Imap => two("Mail can be read here.", "可以从这里收信。"),
            Service::Web => two("The sign-in page answers.", "登录页面可以访问。"),
        }
    }
}

/// One service that is looked at.
struct Talk<'a> {
    wish: &'a Wish,
    tls: &'a Tls,
    service: Service,
    place: &'a Place,
    addresses: &'a [IpAddr],
}

/// What one conversation came to.
#[derive(Default)]
struct Heard {
    /// Certificates, the server's own first.
    chain: Vec<CertificateDer<'static>>,
    version: String,
    /// The first line, or the head of an HTTP answer.
    said: String,
    ms: u128,
}

/// Why a conversation did not come about.
enum Failed {
    /// Nobody there, or a firewall.
    Unreachable(String),
    /// There, but not what was wanted.
    Odd(Text, String),
}

impl Talk<'_> {
    async fn look(&self) -> Vec<Finding> {
        let (id, shown) = (self.service.id(), self.place.shown());
        match timeout(ANSWER_WITHIN + CONNECT_WITHIN, self.talk()).await {
            Ok(Ok(heard)) => {
                let mut found = vec![
                    Finding::ok(id, &shown, self.service.good())
                        .seen(first_line(&heard.said))
                        .seen(format!("{}, {} ms", heard.version, heard.ms)),
                ];
                found.push(self.certificate(&heard));
                if self.service == Service::Web {
                    found.push(self.clock(&heard));
                }
                found
            }
            Ok(Err(Failed::Odd(said, seen))) => {
                let todo = two(
                    "Something else than the mail server may answer: a hotel's sign-in page, a proxy, or a wrong port. Try another network.",
                    "应答的可能不是邮件服务器，而是酒店的登录页、代理，或端口有误。请换一个网络试试。",
                );
                vec![Finding::problem(id, shown, said, todo).seen(seen)]
            }
            Ok(Err(Failed::Unreachable(why))) => vec![self.unreachable(&shown, why)],
            Err(_) => vec![self.unreachable(&shown, "no answer in time".into())],
        }
    }

    fn unreachable(&self, shown: &str, why: String) -> Finding {
        let said = two("The server cannot be reached at this port from here.", "从本机无法连接该服务器的这个端口。");
        let todo = two(
            "Try from another network, such as a mobile phone's. If it works there, the firewall here blocks the port; if not, the server is down.",
            "请换一个网络（例如手机热点）再试。如果可以，说明当前网络的防火墙封锁了该端口；如果仍不行，说明服务器有故障。",
        );
        Finding::problem(self.service.id(), shown, said, todo).seen(why)
    }

    async fn talk(&self) -> Result<Heard, Failed> {
        let started = Instant::now();
        let mut stream = self.connect().await?;
        if self.service == Service::Submission {
            start_tls(&mut stream).await?;
        }
        let name = ServerName::try_from(self.place.host.clone()).map_err(|why| Failed::Unreachable(why.to_string()))?;
        let mut stream = match timeout(ANSWER_WITHIN, self.tls.unverified.connect(name, stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(Failed::Odd(two("Encryption does not come about.", "无法建立加密连接。"), why.to_string())),
            Err(_) => return Err(Failed::Unreachable("no TLS handshake in time".into())),
        };
        let mut heard = Heard::default();
        {
            let (_, session) = stream.get_ref();
            heard.chain = session.peer_certificates().unwrap_or_default().iter().map(|one| one.clone().into_owned()).collect();
            heard.version = session.protocol_version().map(|version| format!("{version:?}")).unwrap_or_default();
        }
        heard.said = self.greet(&mut stream).await?;
        heard.ms = started.elapsed().as_millis();
        Ok(heard)
    }

    async fn connect(&self) -> Result<TcpStream, Failed> {
        let mut last = String::from("no address");
        for ip in self.addresses {
            match timeout(CONNECT_WITHIN, TcpStream::connect(SocketAddr::new(*ip, self.place.port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(why)) => last = format!("{ip}: {why}"),
                Err(_) => last = format!("{ip}: no answer"),
            }
        }
        Err(Failed::Unreachable(last))
    }

    /// The first words under encryption.
    async fn greet<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S) -> Result<String, Failed> {
        let odd = |said: String| Failed::Odd(two("Something else answers than was expected.", "应答的不是预期的服务。"), first_line(&said));
        match self.service {
            Service::Submission => {
                say(stream, "EHLO gatepost-doctor.invalid\r\n").await?;
                let said = hear(stream, is_smtp_end).await?;
                say(stream, "QUIT\r\n").await?;
                if said.starts_with("250") { Ok(said) } else { Err(odd(said)) }
            }
            Service::SubmissionTls => {
                let said = hear(stream, is_smtp_end).await?;
                say(stream, "QUIT\r\n").await?;
                if said.starts_with("220") { Ok(said) } else { Err(odd(said)) }
            }
            Service::Imap => {
                let said = hear(stream, |text| text.contains("\r\n")).await?;
                say(stream, "a LOGOUT\r\n").await?;
                // RFC 9051 §7.1: OK, or PREAUTH.
                if said.starts_with("* OK") || said.starts_with("* PREAUTH") { Ok(said) } else { Err(odd(said)) }
            }
            Service::Web => {
                let host = &self.place.host;
                say(stream, &format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: gatepost-doctor\r\n\r\n"))
                    .await?;
                let said = hear(stream, |text| text.contains("\r\n\r\n")).await?;
                if said.starts_with("HTTP/") { Ok(said) } else { Err(odd(said)) }
            }
        }
    }

    /// Who signed, and whether somebody may stand between.
    fn certificate(&self, heard: &Heard) -> Finding {
        let (id, shown) = ("client.tls", self.place.shown());
        let own = heard.chain.first().map(|der| Certificate::read(der)).unwrap_or_default();
        let name = ServerName::try_from(self.place.host.clone());
        let judged = name.map_err(|why| why.to_string()).and_then(|name| self.judged(heard, &name));
        let seen = |found: Finding| found.seen(format!("issuer: {}", own.issuer)).seen(format!("SHA-256: {}", own.sha256));
        let wanted = self.wish.issuer.to_lowercase();
        match judged {
            Err(why) => seen(self.untrusted(&shown, &own, why)),
            Ok(()) if !own.issuer.to_lowercase().contains(&wanted) => {
                let said = two(
                    format!(
                        "The certificate is signed by “{}”, not by “{}”: somebody may open the encryption on the way.",
                        own.issuer, self.wish.issuer
                    ),
                    format!("证书由“{}”签发，而不是“{}”：加密可能在中途被解开。", own.issuer, self.wish.issuer),
                );
                seen(Finding::problem(id, shown, said, ask_administrator()))
            }
            Ok(()) => seen(Finding::ok(
                id,
                shown,
                two("The encryption reaches to the server; nobody stands between.", "加密直达服务器，中途没有被截断。"),
            )),
        }
    }

    fn judged(&self, heard: &Heard, name: &ServerName<'_>) -> Result<(), String> {
        self.tls.judge(&heard.chain, name, (self.wish.now_ms)()).map_err(|why| why.to_string())
    }

    fn untrusted(&self, shown: &str, own: &Certificate, why: String) -> Finding {
        let (id, now_ms) = ("client.tls", (self.wish.now_ms)());
        if own.until_ms != 0 && now_ms > own.until_ms || now_ms < own.from_ms {
            let said = two("The certificate is not valid at this time.", "证书目前不在有效期内。");
            let todo = two(
                "Check the clock of this machine first. If it is right, the certificate of the server has to be renewed.",
                "请先检查本机时钟。如果时钟准确，则服务器的证书需要续期。",
            );
            return Finding::problem(id, shown, said, todo).seen(why);
        }
        if !why.contains("UnknownIssuer") {
            let said = two("The certificate does not fit the server.", "证书与服务器不符。");
            return Finding::problem(id, shown, said, ask_administrator()).seen(why);
        }
        let said = two(
            format!(
                "The certificate is signed by “{}”, which is no public authority: the server has a root of its own, or somebody opens the encryption on the way.",
                own.issuer
            ),
            format!("证书由“{}”签发，它不是公共机构：要么服务器使用自己的根证书，要么加密在中途被解开。", own.issuer),
        );
        Finding::problem(id, shown, said, ask_administrator()).seen(why)
    }

    fn clock(&self, heard: &Heard) -> Finding {
        let (id, shown, ours_ms) = ("client.clock", self.place.shown(), (self.wish.now_ms)());
        let Some(theirs_ms) = super::clock::date_of(&heard.said) else {
            return Finding::cannot_tell(id, shown, two("The server does not say what time it is.", "服务器没有给出时间。"));
        };
        let off_ms = ours_ms - theirs_ms;
        let seen = format!("here {}, there {}", crate::output::time(ours_ms), crate::output::time(theirs_ms));
        if off_ms.abs() <= OFF_MAX_MS {
            return Finding::ok(id, shown, two("The clock of this machine is right.", "本机时钟准确。")).seen(seen);
        }
        let seconds = off_ms.abs() / 1000;
        let said = two(format!("The clock of this machine is {seconds} s off."), format!("本机时钟相差 {seconds} 秒。"));
        let todo = two("Set the clock, and let the system keep it.", "请校准时钟，并开启自动同步。");
        Finding::problem(id, shown, said, todo).seen(seen)
    }
}

fn ask_administrator() -> Text {
    two(
        "Do not enter your password yet. Ask your administrator whether this fingerprint is right; try another network; look whether a virus scanner or proxy inspects encrypted connections.",
        "请先不要输入密码。请向管理员核对该指纹；换一个网络试试；并检查是否有杀毒软件或代理在检查加密连接。",
    )
}

/// RFC 3207, up to where TLS begins.
async fn start_tls(stream: &mut TcpStream) -> Result<(), Failed> {
    let odd =
        |said: &str| Failed::Odd(two("This is no server that takes mail from people.", "这不是供用户发信的服务器。"), first_line(said));
    let greeting = hear(stream, is_smtp_end).await?;
    if !greeting.starts_with("220") {
        return Err(odd(&greeting));
    }
    say(stream, "EHLO gatepost-doctor.invalid\r\n").await?;
    let known = hear(stream, is_smtp_end).await?;
    if !known.to_ascii_uppercase().contains("STARTTLS") {
        let said = two(
            "The server does not offer encryption here: something on the way may take it out.",
            "服务器在此没有提供加密：可能在中途被去除。",
        );
        return Err(Failed::Odd(said, first_line(&known)));
    }
    say(stream, "STARTTLS\r\n").await?;
    let answer = hear(stream, is_smtp_end).await?;
    if answer.starts_with("220") { Ok(()) } else { Err(odd(&answer)) }
}

/// RFC 5321 §4.2.1: the last line of a reply has a space behind its code.
fn is_smtp_end(text: &str) -> bool {
    text.ends_with("\r\n") && text.lines().last().is_some_and(|line| line.len() >= 3 && line.as_bytes().get(3).is_none_or(|c| *c == b' '))
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> Result<(), Failed> {
    let done = timeout(ANSWER_WITHIN, async {
        stream.write_all(text.as_bytes()).await?;
        stream.flush().await
    });
    match done.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Failed::Unreachable(why.to_string())),
        Err(_) => Err(Failed::Unreachable("no answer in time".into())),
    }
}

/// Reads until it is whole; what ends early is given as it is.
async fn hear<S: AsyncRead + Unpin>(stream: &mut S, is_whole: impl Fn(&str) -> bool) -> Result<String, Failed> {
    let mut octets = Vec::new();
    let mut some = [0; 2_048];
    let reading = timeout(ANSWER_WITHIN, async {
        while octets.len() < ANSWER_OCTETS_MAX && !is_whole(&String::from_utf8_lossy(&octets)) {
            match stream.read(&mut some).await {
                Ok(0) => break,
                Ok(count) => octets.extend_from_slice(&some[..count]),
                Err(why) if octets.is_empty() => return Err(Failed::Unreachable(why.to_string())),
                Err(_) => break,
            }
        }
        Ok(())
    })
    .await;
    match reading {
        Ok(done) => done?,
        Err(_) if octets.is_empty() => return Err(Failed::Unreachable("connected, but nothing was said".into())),
        Err(_) => {}
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(SEEN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        for (text, want) in [
            ("mail.a.example", Some(("mail.a.example", 993))),
            ("mail.a.example:1993", Some(("mail.a.example", 1993))),
            ("https://mail.a.example/", Some(("mail.a.example", 993))),
            ("127.0.0.1:7", Some(("127.0.0.1", 7))),
            ("2001:db8::1", Some(("2001:db8::1", 993))),
            ("[2001:db8::1]:7", Some(("2001:db8::1", 7))),
            ("", None),
            ("a b", None),
            ("a.example:port", None),
            ("user@a.example", None),
        ] {
            let found = Place::read(text, IMAP_PORT).ok();
            assert_eq!(found.as_ref().map(|place| (place.host.as_str(), place.port)), want, "{text}");
        }
    }

    #[test]
    fn replies_end_where_smtp_says() {
        for (text, want) in
            [("220 hi\r\n", true), ("250-a\r\n250 b\r\n", true), ("250-a\r\n", false), ("250", false), ("250\r\n", true), ("", false)]
        {
            assert_eq!(is_smtp_end(text), want, "{text:?}");
        }
    }
}
