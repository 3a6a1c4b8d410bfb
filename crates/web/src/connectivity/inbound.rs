//! Can mail reach a domain: its mail servers by name, then each of them from connecting to RCPT.

use super::{AskedTest, Branch, NAME_CHARS_MAX, Step, Test, Way, domain, millis};
use crate::App;
use crate::diagnostics::check::CheckResult::{self, Advice, CannotTell, Ok as Fine, Problem};
use crate::page::Say;
use crate::page::fault::Wrong;
use crate::page::words::{self, Lang};
use gateway::delivery::validate::{self, MAIL_PORTS, StepResult};
use gateway::delivery::{Hop, is_public};
use gateway::directory::ConnectorSettings;
use mail::Address;
use mail::dns::{DnsError, Record, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Mail servers of a domain that are tried, and addresses of each.
const EXCHANGES_MAX: usize = 5;
const ADDRESSES_MAX: usize = 2;
/// MX records read.
const RECORDS_MAX: usize = 20;
/// Connections of one test.
const HOPS_MAX: usize = 6;
const NAMES_WITHIN: Duration = Duration::from_secs(8);
const SMTP_PORT: u16 = 25;

/// What is to be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// As it is shown: a domain, or `host:port`.
    target: String,
    host: Host,
    /// The address that RCPT asks about.
    recipient: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// A domain with MX records, or the implicit one.
    Domain(String),
    /// One host at one port.
    Named(String, u16),
    Literal(IpAddr, u16),
}

impl Wish {
    /// # Errors
    /// What cannot be tested, by field.
    pub fn read(asked: &AskedTest, may_private: bool) -> Result<Wish, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let typed = asked.target.trim();
        let host = host(typed.rsplit('@').next().unwrap_or_default());
        match &host {
            None => wrong.push(Wrong::new("target", "connectivity-wrong-target")),
            Some(Host::Named(_, port) | Host::Literal(_, port)) if !may_private && !MAIL_PORTS.contains(port) => {
                wrong.push(Wrong::new("target", "connectivity-wrong-port"));
            }
            Some(Host::Literal(ip, _)) if !may_private && !is_public(*ip) => {
                wrong.push(Wrong::new("target", "connectivity-wrong-private"));
            }
            Some(_) => {}
        }
        // The address of a person was given: it is what RCPT asks about.
        let wanted = match asked.recipient.trim() {
            "" if typed.contains('@') => typed,
            wanted => wanted,
        };
        let recipient = match (wanted, &host) {
            ("", Some(Host::Domain(domain))) => Address::parse(&format!("postmaster@{domain}")).ok(),
            ("", _) => None,
            (wanted, _) => {
                let parsed = Address::parse(wanted).ok();
                if parsed.is_none() {
                    wrong.push(Wrong::new("recipient", "connectivity-wrong-recipient"));
                }
                parsed
            }
        };
        match (host, wrong.is_empty()) {
            (Some(host), true) => Ok(Wish { target: host.shown(), host, recipient }),
            _ => Err(wrong),
        }
    }
}

fn host(typed: &str) -> Option<Host> {
    if typed.is_empty() || typed.len() > NAME_CHARS_MAX {
        return None;
    }
    if let Ok(address) = typed.parse::<SocketAddr>() {
        return Some(Host::Literal(address.ip().to_canonical(), address.port()));
    }
    if let Ok(ip) = typed.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Host::Literal(ip.to_canonical(), SMTP_PORT));
    }
    match typed.rsplit_once(':') {
        Some((name, port)) => Some(Host::Named(domain(name)?, port.parse().ok().filter(|port| *port != 0)?)),
        None => domain(typed).map(Host::Domain),
    }
}

impl Host {
    fn shown(&self) -> String {
        match self {
            Host::Domain(domain) => domain.clone(),
            Host::Named(name, port) => format!("{name}:{port}"),
            Host::Literal(ip, port) => SocketAddr::new(*ip, *port).to_string(),
        }
    }
}

/// Never fails: what went wrong is in the steps.
pub async fn test(app: &App, wish: &Wish) -> Test {
    let started = Instant::now();
    let (names, hops) = found(app, wish).await;
    let tried = validate::Wish {
        connector: ConnectorSettings { name: super::KIND.into(), ..ConnectorSettings::default() },
        recipient: wish.recipient.clone(),
        send: false,
        manners: None,
        subject: String::new(),
        text: String::new(),
        now_ms: app.now_ms(),
    };
    let hosts = validate::try_hops(&app.courier, &tried, &hops).await;
    let branches = std::iter::once(names).chain(hosts.into_iter().map(branch)).collect();
    Test { way: Way::Inbound, target: wish.target.clone(), at_ms: app.now_ms(), ms: millis(started), branches }
}

/// The branch of names, and whom to connect to: what was looked up here and nothing else.
async fn found(app: &App, wish: &Wish) -> (Branch, Vec<Hop>) {
    let started = Instant::now();
    let mut names = Names { app, steps: Vec::new(), hops: Vec::new() };
    let asked = match &wish.host {
        Host::Domain(domain) => tokio::time::timeout(NAMES_WITHIN, names.of_domain(domain)).await,
        Host::Named(name, port) => tokio::time::timeout(NAMES_WITHIN, names.of_host(name, *port)).await,
        Host::Literal(ip, port) => {
            names.hops.push(Hop { name: format!("[{ip}]"), address: SocketAddr::new(*ip, *port) });
            names.steps.push(Step::new("address", Fine, "connectivity-address-literal").seen(ip.to_string()));
            Ok(())
        }
    };
    if asked.is_err() {
        names.steps.push(Step::new("address", CannotTell, "connectivity-dns-late"));
    }
    names.hops.truncate(HOPS_MAX);
    let branch = Branch { kind: "names".into(), name: wish.target.clone(), ms: millis(started), steps: names.steps, ..Branch::default() };
    (branch, names.hops)
}

struct Names<'a> {
    app: &'a App,
    steps: Vec<Step>,
    hops: Vec<Hop>,
}

impl Names<'_> {
    async fn of_domain(&mut self, domain: &str) {
        for host in self.exchanges(domain).await.into_iter().take(EXCHANGES_MAX) {
            self.of_host(&host, SMTP_PORT).await;
        }
    }

    /// Hosts by preference (RFC 5321 §5.1), without regard to whether we are one of them.
    async fn exchanges(&mut self, domain: &str) -> Vec<String> {
        let started = Instant::now();
        let (step, hosts) = match self.app.dns.lookup(domain, RecordType::Mx).await {
            Ok(records) => exchanges(domain, &records),
            Err(DnsError::Temporary { why, .. }) => (Step::new("mx", CannotTell, "connectivity-dns-silent").seen(why), Vec::new()),
            Err(why) => {
                let fix = Say::new("connectivity-do-domain").with("what", domain);
                (Step::new("mx", Problem, "connectivity-mx-no-domain").seen(why.to_string()).fixed_by(fix), Vec::new())
            }
        };
        self.steps.push(step.took(started));
        hosts
    }

    async fn of_host(&mut self, host: &str, port: u16) {
        let started = Instant::now();
        let dns = self.app.dns.as_ref();
        let (v4, v6) = tokio::join!(dns.lookup(host, RecordType::A), dns.lookup(host, RecordType::Aaaa));
        let all: Vec<IpAddr> = [&v4, &v6].into_iter().flatten().flat_map(|records| records.iter()).filter_map(address).collect();
        let (usable, inside): (Vec<IpAddr>, Vec<IpAddr>) =
            all.into_iter().partition(|ip| self.app.settings.private_targets || is_public(*ip));
        let shown = |ips: &[IpAddr]| format!("{host}: {}", ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", "));
        let is_silent = [&v4, &v6].iter().any(|answer| matches!(answer, Err(DnsError::Temporary { .. })));
        let fix = |key| Say::new(key).with("what", host);
        let step = match (usable.is_empty(), inside.is_empty()) {
            (false, _) => Step::new("address", Fine, "connectivity-address-ok").seen(shown(&usable)),
            (true, false) => {
                Step::new("address", Problem, "connectivity-address-private").seen(shown(&inside)).fixed_by(fix("connectivity-do-private"))
            }
            (true, true) if is_silent => Step::new("address", CannotTell, "connectivity-dns-silent").seen(host),
            (true, true) => Step::new("address", Problem, "connectivity-address-none").seen(host).fixed_by(fix("connectivity-do-address")),
        };
        self.steps.push(step.took(started));
        let hop = |ip: IpAddr| Hop { name: host.to_string(), address: SocketAddr::new(ip, port) };
        self.hops.extend(usable.into_iter().take(ADDRESSES_MAX).map(hop));
    }
}

fn exchanges(domain: &str, records: &[Record]) -> (Step, Vec<String>) {
    let mut found: Vec<(u16, String)> = records
        .iter()
        .filter_map(|record| match record {
            Record::Mx { preference, exchange } => Some((*preference, exchange.trim_end_matches('.').to_ascii_lowercase())),
            _ => None,
        })
        .take(RECORDS_MAX)
        .collect();
    found.sort();
    let shown = found.iter().map(|(preference, host)| format!("{preference} {}", if host.is_empty() { "." } else { host }));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let fix = |key| Say::new(key).with("what", domain);
    if found.is_empty() {
        // RFC 5321 §5.1: the implicit MX.
        let step = Step::new("mx", Advice, "connectivity-mx-implicit").seen(domain).fixed_by(fix("connectivity-do-mx"));
        return (step, vec![domain.to_string()]);
    }
    if found.iter().all(|(_, host)| host.is_empty()) {
        // RFC 7505 §3.
        return (Step::new("mx", Problem, "connectivity-mx-null").seen(shown).fixed_by(fix("connectivity-do-mx-null")), Vec::new());
    }
    if let Some((_, literal)) = found.iter().find(|(_, host)| host.parse::<IpAddr>().is_ok()) {
        // RFC 5321 §2.3.5: a name, never an address.
        let fix = Say::new("connectivity-do-mx-address").with("what", literal.as_str());
        let step = Step::new("mx", Problem, "connectivity-mx-address").seen(shown).fixed_by(fix);
        return (step, found.into_iter().map(|(_, host)| host).filter(|host| host.parse::<IpAddr>().is_err()).collect());
    }
    (
        Step::new("mx", Fine, "connectivity-mx-ok").seen(shown),
        found.into_iter().map(|(_, host)| host).filter(|host| !host.is_empty()).collect(),
    )
}

fn address(record: &Record) -> Option<IpAddr> {
    match record {
        Record::A(ip) => Some(IpAddr::V4(*ip)),
        Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    }
}

fn branch(host: validate::Host) -> Branch {
    let is_v6 = host.address.starts_with('[');
    let steps = host.steps.iter().map(|step| of_step(step, is_v6)).collect();
    Branch { kind: "host".into(), name: host.name, address: host.address, ms: host.ms, steps, lines: host.lines, tls: host.tls }
}

fn of_step(step: &validate::Step, is_v6: bool) -> Step {
    // A machine without IPv6 says nothing about whether others reach the server.
    if is_v6 && step.result == StepResult::Problem && ["os error 101", "os error 99"].iter().any(|why| step.detail.contains(why)) {
        return Step { ms: step.ms, ..Step::new(step.what.name(), CannotTell, "connectivity-no-ipv6") };
    }
    let result = match step.result {
        StepResult::Ok => Fine,
        StepResult::Advice => Advice,
        // Greylisting is no fault: servers come again by themselves.
        StepResult::Problem if matches!(step.why.as_str(), "later" | "greylists") => Advice,
        StepResult::Problem => Problem,
        StepResult::CannotTell => CannotTell,
    };
    let key = format!("connector-why-{}-{}", step.what.name(), step.why);
    let key = if words::has(Lang::English, &key) { key } else { format!("connectivity-step-{}", step.what.name()) };
    let fix = |key| Some(Say::new(key)).filter(|_| result == CheckResult::Problem);
    let fix = match step.what {
        validate::What::Connect => fix("connectivity-do-connect"),
        validate::What::Tls | validate::What::Certificate => fix("connectivity-do-tls"),
        validate::What::Sender | validate::What::Recipient => fix("connectivity-do-refused"),
        _ => fix("connectivity-do-smtp"),
    };
    Step {
        id: step.what.name().into(),
        result,
        say: Say { key: key.into(), args: Vec::new() },
        detail: step.detail.clone(),
        ms: step.ms,
        fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_domain_or_a_host_with_a_port_of_mail() {
        for (target, recipient, want) in [
            ("a.example", "", Ok(("a.example", Some("postmaster@a.example")))),
            ("Li@A.example", "", Ok(("a.example", Some("Li@a.example")))),
            ("a.example", "bo@a.example", Ok(("a.example", Some("bo@a.example")))),
            ("mx.a.example:587", "", Ok(("mx.a.example:587", None))),
            ("8.8.8.8", "", Ok(("8.8.8.8:25", None))),
            ("[2606:4700::1111]:25", "", Ok(("[2606:4700::1111]:25", None))),
            ("例子.example", "", Ok(("xn--fsqu00a.example", Some("postmaster@xn--fsqu00a.example")))),
            ("mx.a.example:22", "", Err(vec!["target"])),
            ("127.0.0.1", "", Err(vec!["target"])),
            ("10.0.0.1:25", "", Err(vec!["target"])),
            ("localhost", "", Err(vec!["target"])),
            ("", "", Err(vec!["target"])),
            ("a b.example", "nobody", Err(vec!["target", "recipient"])),
        ] {
            let asked = AskedTest { target: target.into(), recipient: recipient.into(), ..AskedTest::default() };
            let found = Wish::read(&asked, false);
            let shown = match &found {
                Ok(wish) => Ok((wish.target.as_str(), wish.recipient.as_ref().map(ToString::to_string))),
                Err(wrong) => Err(wrong.iter().map(|wrong| wrong.field).collect::<Vec<_>>()),
            };
            let want = want.map(|(target, recipient)| (target, recipient.map(str::to_string)));
            assert_eq!(shown, want, "{target}");
        }
    }

    #[test]
    fn mail_servers_are_read_in_their_order() {
        let mx = |preference, exchange: &str| Record::Mx { preference, exchange: exchange.into() };
        for (records, want, hosts) in [
            (vec![mx(20, "b.example."), mx(10, "A.example")], "connectivity-mx-ok", vec!["a.example", "b.example"]),
            (vec![], "connectivity-mx-implicit", vec!["d.example"]),
            (vec![mx(0, ".")], "connectivity-mx-null", vec![]),
            (vec![mx(10, "192.0.2.1"), mx(20, "b.example")], "connectivity-mx-address", vec!["b.example"]),
        ] {
            let (step, found) = exchanges("d.example", &records);
            assert_eq!((step.say.key.as_ref(), found.iter().map(String::as_str).collect::<Vec<_>>()), (want, hosts));
        }
    }
}
