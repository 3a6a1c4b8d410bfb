//! The network side: addresses to listen on, who holds their ports, resolvers.

use super::{Case, Finding, two};
use gateway::connection::settings::{Place, Servers};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

const DNS_WAIT: Duration = Duration::from_secs(2);
const DNS_TRIES: u16 = 2;
/// Resolvers of /etc/resolv.conf that are looked at, as the C library does.
const SYSTEM_SERVERS_MAX: usize = 3;
/// How long a program on a port may take to greet.
const GREETING_WAIT: Duration = Duration::from_secs(2);
const GREETING_OCTETS_MAX: u64 = 512;
/// Process 1 holds sockets that it hands over.
const SERVICE_MANAGER: u32 = 1;

pub fn look(case: &Case) -> Vec<Finding> {
    let mut found = match case.knows("listen") {
        true => ports(case),
        false => vec![case.unknown("listen.port", "listen")],
    };
    match case.knows("dns") {
        true => found.extend(resolvers(case)),
        false => found.push(case.unknown("dns.server", "dns")),
    }
    found
}

fn ports(case: &Case) -> Vec<Finding> {
    let listen = &case.chosen.settings.listen;
    let roles = [
        ("smtp", &listen.smtp),
        ("submission", &listen.submission),
        ("submission_tls", &listen.submission_tls),
        ("rspamd", &listen.rspamd),
        ("web", &listen.web),
        ("status", &listen.status),
    ];
    let named = roles.iter().flat_map(|(role, addresses)| addresses.0.iter().map(move |address| (*role, *address)));
    let tcp = |place: &Place| match place {
        Place::Tcp(address) => Some(*address),
        Place::Unix(_) => None,
    };
    let places = [("milter", &listen.milter), ("spamd", &listen.spamd)];
    let beside = places.iter().flat_map(|(role, places)| places.0.iter().filter_map(tcp).map(move |address| (*role, address)));
    let mut before: HashMap<SocketAddr, &str> = HashMap::new();
    let mut found = Vec::new();
    for (role, address) in named.chain(beside) {
        let shown = format!("[listen] {role} = {address}");
        if let Some(other) = before.insert(address, role).filter(|_| address.port() != 0) {
            let said = two(format!("[listen] {other} has the same address."), format!("与 [listen] {other} 的地址相同。"));
            found.push(Finding::problem("listen.twice", shown, said, two("Give one of them another port.", "请为其中一个换一个端口。")));
            continue;
        }
        found.push(port(case, shown, address));
    }
    found
}

fn port(case: &Case, shown: String, address: SocketAddr) -> Finding {
    let why = match TcpListener::bind(address) {
        Ok(_) => return Finding::ok("listen.port", shown, two("Free to listen on.", "端口空闲，可以监听。")),
        Err(why) => why,
    };
    match why.kind() {
        ErrorKind::AddrInUse => taken(case, shown, address),
        ErrorKind::AddrNotAvailable => {
            let said = two("This machine does not have that address.", "这台机器没有该地址。");
            let todo = two(
                "Correct the address in the settings, or give it to an interface of this machine.",
                "请更正设置中的地址，或把它配置到本机的网卡上。",
            );
            Finding::problem("listen.address", shown, said, todo).seen(why)
        }
        ErrorKind::PermissionDenied => {
            let said = two("This account may not listen on a port below 1024.", "当前账户无权监听 1024 以下的端口。");
            let todo = two(
                "Let the service do so (AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit), or run this check as root.",
                "请允许服务监听（在 systemd 单元中设置 AmbientCapabilities=CAP_NET_BIND_SERVICE），或以 root 执行本检查。",
            );
            Finding::problem("listen.permission", shown, said, todo).seen(why)
        }
        _ => {
            let said = two("The address cannot be listened on.", "无法监听该地址。");
            Finding::problem("listen.port", shown, said, two("Correct it in the settings.", "请在设置中更正。")).seen(why)
        }
    }
}

fn taken(case: &Case, shown: String, address: SocketAddr) -> Finding {
    let id = "listen.port";
    let holders = holders(address);
    if let Some(holder) = holders.iter().find(|holder| is_ours(case, holder)) {
        let said = two("The service itself is running and listens here.", "服务正在运行，并在此监听。");
        return Finding::ok(id, shown, said).seen(holder.shown());
    }
    if let [holder] = holders.as_slice()
        && holder.pid == SERVICE_MANAGER
    {
        let said = two("systemd listens here for the service (gatepost.socket).", "systemd 正代服务监听此地址（gatepost.socket）。");
        return Finding::ok(id, shown, said).seen(holder.shown());
    }
    if holders.is_empty() {
        return unseen(case, shown, address);
    }
    let said = two("Another program listens there; the service cannot start.", "另一个程序占用了该端口，服务无法启动。");
    let todo = two("Stop that program, or give one of the two another port.", "请停止该程序，或为其中一方换一个端口。");
    let seen: Vec<String> = holders.iter().map(Holder::shown).collect();
    Finding::problem(id, shown, said, todo).seen(seen.join(", "))
}

/// The process is another account's, or has capabilities that we have not. Its greeting can tell.
fn unseen(case: &Case, shown: String, address: SocketAddr) -> Finding {
    let greeting = greeting(address).unwrap_or_default();
    let ours = format!("220 {} ESMTP Gatepost", gateway::connection::own_name(&case.chosen.settings.listen));
    if greeting.trim_end() == ours {
        return Finding::ok("listen.port", shown, two("The service itself is running and listens here.", "服务正在运行，并在此监听。"))
            .seen(greeting);
    }
    let said = two(
        "A program listens there that this account cannot see. While the service runs, that is the service; run this check as root to be told.",
        "有程序在此监听，但当前账户看不到它。如果服务正在运行，那就是服务本身；以 root 执行本检查即可确认。",
    );
    Finding::cannot_tell("listen.port", shown, said).seen(greeting)
}

fn greeting(address: SocketAddr) -> Option<String> {
    let to = match address.ip().is_unspecified() {
        true if address.is_ipv4() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        true => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, address.port())),
        false => address,
    };
    let stream = std::net::TcpStream::connect_timeout(&to, GREETING_WAIT).ok()?;
    stream.set_read_timeout(Some(GREETING_WAIT)).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(GREETING_OCTETS_MAX)).read_line(&mut line).ok()?;
    Some(crate::output::printable_line(line.trim_end()))
}

/// A process that holds a port.
struct Holder {
    pid: u32,
    name: String,
    arguments: Vec<String>,
}

impl Holder {
    fn shown(&self) -> String {
        format!("process {} ({})", self.pid, self.name)
    }
}

/// It is `gatepost serve` on the same data folder: it has our database open, or names our data folder.
fn is_ours(case: &Case, holder: &Holder) -> bool {
    let file = case.chosen.store_url().strip_prefix("sqlite:").and_then(|file| Path::new(file).canonicalize().ok());
    let holds = |path: &Path| {
        let files = std::fs::read_dir(format!("/proc/{}/fd", holder.pid)).into_iter().flatten().flatten();
        files.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|open| open == path)
    };
    match file {
        Some(file) => holds(&file),
        None => {
            let data = case.chosen.data.display().to_string();
            holder.name.starts_with("gatepost") && holder.arguments.contains(&data)
        }
    }
}

/// Who listens on the address, from /proc: one that opened it, and those it was handed to.
fn holders(address: SocketAddr) -> Vec<Holder> {
    let wanted = inodes(address);
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found = Vec::new();
    for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = files.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        if links.any(|link| link.to_str().is_some_and(|link| wanted.iter().any(|inode| *inode == link))) {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_string();
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let arguments = line.split(|octet| *octet == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            found.push(Holder { pid, name, arguments });
        }
    }
    found
}

/// `socket:[N]` of the listening sockets that stand in the way of the address.
fn inodes(address: SocketAddr) -> Vec<String> {
    const LISTENING: &str = "0A";
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(&LISTENING), Some(inode)) = (words.get(1), words.get(3), words.get(9)) else { continue };
            let Some((host, port)) = local.rsplit_once(':') else { continue };
            if u16::from_str_radix(port, 16) == Ok(address.port()) && is_in_the_way(host, address.ip()) {
                found.push(format!("socket:[{inode}]"));
            }
        }
    }
    found
}

/// The kernel prints addresses as words in the byte order of the machine.
fn is_in_the_way(host: &str, ours: IpAddr) -> bool {
    let is_any = host.bytes().all(|digit| digit == b'0');
    let word = |octets: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(octets));
    let (plain, mapped) = match ours {
        IpAddr::V4(ip) => {
            let (plain, prefix) = (word(ip.octets()), word([0, 0, 0xff, 0xff]));
            let mapped = format!("0000000000000000{prefix}{plain}");
            (plain, mapped)
        }
        IpAddr::V6(ip) => {
            let octets = ip.octets();
            let words = octets.chunks_exact(4).map(|four| word([four[0], four[1], four[2], four[3]]));
            (words.collect(), String::new())
        }
    };
    is_any || ours.is_unspecified() || host == plain || host == mapped
}

fn resolvers(case: &Case) -> Vec<Finding> {
    let id = "dns.server";
    let servers = match &case.chosen.settings.dns.servers {
        Servers::Off => {
            let said =
                two("DNS is switched off in the settings: senders cannot be authenticated.", "设置中关闭了 DNS，因此无法验证发件人身份。");
            return vec![Finding::ok(id, "[dns] servers = off", said)];
        }
        Servers::These(servers) => servers.clone(),
        Servers::System => system_servers(),
    };
    if servers.is_empty() {
        let said = two("/etc/resolv.conf names no resolver.", "/etc/resolv.conf 中没有任何 DNS 服务器。");
        let todo = two("Name one there, or with [dns] servers in the settings.", "请在其中填写，或在设置的 [dns] servers 中指定。");
        return vec![Finding::problem(id, "/etc/resolv.conf", said, todo)];
    }
    servers.into_iter().map(resolver).collect()
}

fn system_servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).filter_map(|rest| rest.trim().parse().ok());
    named.map(|ip| SocketAddr::new(ip, 53)).take(SYSTEM_SERVERS_MAX).collect()
}

fn resolver(server: SocketAddr) -> Finding {
    let id = "dns.server";
    match (0..DNS_TRIES).map(|turn| ask(server, turn)).find_map(Result::ok) {
        Some(ms) => Finding::ok(id, server, two("The resolver answers.", "DNS 服务器有应答。")).seen(format!("{ms} ms")),
        None => {
            let said = two("The resolver does not answer.", "DNS 服务器没有应答。");
            let todo = two(
                "Start it, let UDP and TCP port 53 through the firewall, or name another one ([dns] servers).",
                "请启动它、在防火墙中放行 UDP 和 TCP 53 端口，或指定其他服务器（[dns] servers）。",
            );
            Finding::problem(id, server, said, todo).seen(format!("no answer to {DNS_TRIES} questions of {} s each", DNS_WAIT.as_secs()))
        }
    }
}

/// Asks for the name servers of the root (RFC 1035 §4.1.1); any answer to our question will do. Milliseconds it took.
fn ask(server: SocketAddr, turn: u16) -> std::io::Result<u128> {
    let own = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(own)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(DNS_WAIT))?;
    let [high, low] = (std::process::id() as u16 ^ turn.rotate_left(8)).to_be_bytes();
    let question = [high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    let began = std::time::Instant::now();
    socket.send(&question)?;
    let mut answer = [0; 1_500];
    let length = socket.recv(&mut answer)?;
    let is_answer = length >= 12 && answer[..2] == question[..2] && answer[2] & 0x80 != 0;
    if is_answer { Ok(began.elapsed().as_millis()) } else { Err(ErrorKind::InvalidData.into()) }
}
