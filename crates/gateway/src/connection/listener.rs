//! Listeners: accept connections, turn away what is too much, hand the rest to [`session::serve`].
//!
//! In: `[listen]`, `[limits]`, who decides ([`Host`]), and when to stop. Out: sessions, one task each. Invariants: an accept loop
//! never ends before it is told to; a session that panics takes nobody along; what is turned away is told why with 421.

use super::limits::{Admission, Guesses, Memory, Permit, Refusal, is_near};
use super::prompt::Prompt;
use super::proxy;
use super::settings::{LimitSettings, ListenSettings};
use super::stop::{Stop, Stopper, stop};
use super::tls::Keys;
use crate::session::{self, Host, Port, Role, Stage};
use crate::settings::Networks;
use futures_util::FutureExt;
use mail::Peer;
use mail::dns::Dns;
use mail::smtp::Reply;
use mail::smtp::proxy::Proxied;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Connections that the system holds for us until we accept them.
const BACKLOG: i32 = 1_024;
/// Pause after accept failed (no file descriptors left, no memory): others may finish meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The same failure is logged this often at most.
const ACCEPT_WARN_EVERY: Duration = Duration::from_secs(30);

/// Why we cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{address} is in use by another program; stop that program or change [listen] {setting}")]
    InUse { address: SocketAddr, setting: &'static str },
    #[error("ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; {address} comes from [listen] {setting}")]
    NotAllowed { address: SocketAddr, setting: &'static str },
    #[error("{address} is not an address of this machine; correct [listen] {setting}")]
    NotOurs { address: SocketAddr, setting: &'static str },
    #[error("listening on {address} ([listen] {setting})")]
    Other { address: SocketAddr, setting: &'static str, source: io::Error },
    #[error("the socket {path} cannot be made; [listen] {setting} names it")]
    Socket { path: std::path::PathBuf, setting: &'static str, source: io::Error },
    #[error("[listen] submission_tls needs a certificate, but [tls] off is set")]
    NoTls,
}

/// What listeners need beside the host.
pub struct Setup {
    pub listen: ListenSettings,
    pub limits: LimitSettings,
    /// `None`: no TLS.
    pub keys: Option<Arc<Keys>>,
    pub dns: Arc<dyn Dns>,
}

/// Listeners at work.
pub struct Running {
    addresses: Vec<(Role, SocketAddr)>,
    admission: Arc<Admission>,
    memory: Arc<Memory>,
    stop: Stop,
    stop_within: Duration,
    /// Drops the sessions that do not end in time.
    ender: Stopper,
    /// Closed when the last task is gone.
    alive: mpsc::Receiver<()>,
}

/// What the accept loop of one address knows.
struct Door {
    port: Arc<Port>,
    tls_first: bool,
    admission: Arc<Admission>,
    proxy: Networks,
    stop: Stop,
    ended: Stop,
    alive: mpsc::Sender<()>,
}

/// Our name: the setting, or the name of this machine.
pub fn own_name(listen: &ListenSettings) -> String {
    if !listen.name.is_empty() {
        return listen.name.clone();
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    mail::address::domain_to_ascii(name.trim()).unwrap_or_else(|| "localhost".to_string())
}

/// Opens all listeners for mail and starts serving. Comes back at once; see [`Running::finished`].
/// # Errors
/// One address cannot be opened; none is left open then.
pub async fn listen(setup: Setup, host: Arc<dyn Host>, stop: Stop) -> Result<Running, ListenError> {
    let sockets = open_all(&setup)?;
    let (ender, ended) = self::stop();
    let (alive, gone) = mpsc::channel(1);
    let (admission, memory) = (Admission::new(&setup.limits), Memory::new(setup.limits.messages_in_memory_octets_max));
    let guesses = Guesses::new(&setup.limits);
    let (limits, name): (Arc<LimitSettings>, Arc<str>) = (Arc::new(setup.limits), own_name(&setup.listen).into());
    if let Some(keys) = &setup.keys {
        tokio::spawn(Keys::watch(Arc::downgrade(keys)));
    }
    let mut addresses = Vec::new();
    for (socket, role, tls_first) in sockets {
        let address = socket.local_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
        addresses.push((role, address));
        let port = Port {
            role,
            name: name.clone(),
            host: host.clone(),
            limits: limits.clone(),
            memory: memory.clone(),
            guesses: guesses.clone(),
            keys: setup.keys.clone(),
            dns: setup.dns.clone(),
            xclient: setup.listen.xclient.clone(),
            xforward: setup.listen.xforward.clone(),
            greeting_delay: setup.listen.greeting_delay.duration(),
        };
        let door = Door {
            port: Arc::new(port),
            tls_first,
            admission: admission.clone(),
            proxy: setup.listen.proxy.clone(),
            stop: stop.clone(),
            ended: ended.clone(),
            alive: alive.clone(),
        };
        tokio::spawn(Arc::new(door).accept_all(socket));
    }
    Ok(Running { addresses, admission, memory, stop, stop_within: setup.listen.stop_within.duration(), ender, alive: gone })
}

impl Running {
    /// Where we listen; ports as the system gave them when a setting says 0.
    pub fn addresses(&self) -> &[(Role, SocketAddr)] {
        &self.addresses
    }

    /// Connections open now.
    pub fn open_sessions(&self) -> usize {
        self.admission.open()
    }

    /// Tells how many are open as long as it is kept.
    pub fn sessions(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let admission = self.admission.clone();
        move || admission.open()
    }

    /// Octets of messages being received now.
    pub fn octets_under_way(&self) -> u64 {
        self.memory.used()
    }

    /// Waits until we are told to stop and the sessions have ended, or their time is up.
    pub async fn finished(mut self) {
        self.stop.reached().await;
        if tokio::time::timeout(self.stop_within, self.alive.recv()).await.is_err() {
            tracing::warn!(sessions = self.admission.open(), "sessions did not end in time and are dropped");
            self.ender.stop();
            let _ = self.alive.recv().await;
        }
    }
}

fn open_all(setup: &Setup) -> Result<Vec<(TcpListener, Role, bool)>, ListenError> {
    let listen = &setup.listen;
    if setup.keys.is_none() && !listen.submission_tls.0.is_empty() {
        return Err(ListenError::NoTls);
    }
    let kinds = [
        ("smtp", &listen.smtp, Role::Smtp, false),
        ("submission", &listen.submission, Role::Submission, false),
        ("submission_tls", &listen.submission_tls, Role::Submission, true),
    ];
    let mut sockets = Vec::new();
    for (setting, addresses, role, tls_first) in kinds {
        for address in &addresses.0 {
            sockets.push((open(*address, setting)?, role, tls_first));
        }
    }
    Ok(sockets)
}

/// Opens one address, or takes it over from the service manager; also for listeners that are not ours (`web`), so that errors read alike.
/// # Errors
/// It is in use, not ours, or not allowed. Wants a runtime.
pub fn open(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ListenError> {
    let listened = open_std(address, setting)?;
    TcpListener::from_std(listened).map_err(|source| ListenError::Other { address, setting, source })
}

/// As [`open`], for a listener with a thread of its own. The socket does not block.
/// # Errors
/// As [`open`].
pub fn open_std(address: SocketAddr, setting: &'static str) -> Result<std::net::TcpListener, ListenError> {
    let opened = || -> io::Result<std::net::TcpListener> {
        if let Some(socket) = super::handed::take(address) {
            socket.set_nonblocking(true)?;
            return Ok(socket);
        }
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?; // "0.0.0.0:25" and "[::]:25" side by side mean what they say
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    opened().map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => ListenError::InUse { address, setting },
        ErrorKind::PermissionDenied => ListenError::NotAllowed { address, setting },
        ErrorKind::AddrNotAvailable => ListenError::NotOurs { address, setting },
        _ => ListenError::Other { address, setting, source },
    })
}

impl Door {
    async fn accept_all(self: Arc<Door>, socket: TcpListener) {
        let mut stop = self.stop.clone();
        let mut stopped = std::pin::pin!(stop.reached());
        let mut warned: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => self.welcome(stream, from),
                // The peer left before we looked (accept(2)); the next one is unharmed.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
                Err(error) => {
                    if warned.is_none_or(|at| at.elapsed() >= ACCEPT_WARN_EVERY) {
                        tracing::warn!(%error, "cannot accept connections for the moment");
                        warned = Some(Instant::now());
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(self: &Arc<Door>, stream: TcpStream, from: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let peer = new_peer(from, local);
        if self.proxy.contains(peer.ip) {
            tokio::spawn(self.clone().contained(self.clone().serve_proxied(stream, peer)));
            return;
        }
        match self.admission.enter(peer.ip, Instant::now()) {
            Ok(permit) => {
                tokio::spawn(self.clone().contained(self.clone().serve(stream, peer, permit)));
            }
            Err(refusal) => self.turn_away(&stream, &peer, refusal),
        }
    }

    /// Runs a session; a panic ends it and is logged, nothing else.
    async fn contained(self: Arc<Door>, session: impl Future<Output = ()> + Send) {
        let (_alive, mut ended) = (self.alive.clone(), self.ended.clone());
        let session = AssertUnwindSafe(session).catch_unwind();
        tokio::select! {
            outcome = session => {
                if outcome.is_err() {
                    tracing::error!("a session failed by a fault of ours and was closed");
                }
            }
            () = ended.reached() => {}
        }
    }

    async fn serve(self: Arc<Door>, stream: TcpStream, peer: Peer, _permit: Permit) {
        let delay = if is_near(peer.ip) { Duration::ZERO } else { self.port.greeting_delay };
        let start = session::Start { tls_first: self.tls_first, delay };
        session::serve(self.port.clone(), Prompt::new(stream), peer, start, self.stop.clone()).await;
    }

    /// The connection is a load balancer's; the peer is whom its header names, and counts as such.
    async fn serve_proxied(self: Arc<Door>, mut stream: TcpStream, peer: Peer) {
        let peer = match proxy::read_header(&mut stream).await {
            Ok(Proxied::Client { client, local }) => new_peer(client, local),
            Ok(Proxied::Itself) => peer,
            Err(error) => {
                tracing::warn!(from = %peer.ip, %error, "a connection from [listen] proxy without a usable PROXY header");
                let mut reply = Reply::new(554, (5, 5, 1), "A PROXY header was expected");
                self.port.host.refused(&peer, None, Stage::Connect, &mut reply);
                return;
            }
        };
        match self.admission.enter(peer.ip, Instant::now()) {
            Ok(permit) => self.serve(stream, peer, permit).await,
            Err(refusal) => self.turn_away(&stream, &peer, refusal),
        }
    }

    /// Says why and hangs up, without waiting for anything.
    fn turn_away(&self, stream: &TcpStream, peer: &Peer, refusal: Refusal) {
        let mut reply = match refusal {
            Refusal::Full => Reply::new(421, (4, 3, 2), "All connections are in use, try again later"),
            Refusal::AddressFull => Reply::new(421, (4, 7, 0), "Too many connections from your address"),
            Refusal::TooFast => Reply::new(421, (4, 7, 0), "Too many new connections from your address, try again later"),
        };
        self.port.host.refused(peer, None, Stage::Connect, &mut reply);
        if !self.tls_first {
            let mut octets = Vec::new();
            reply.write_to(&mut octets);
            let _ = stream.try_write(&octets);
        }
    }
}

fn new_peer(from: SocketAddr, local: SocketAddr) -> Peer {
    Peer {
        ip: from.ip().to_canonical(),
        port: from.port(),
        local: SocketAddr::new(local.ip().to_canonical(), local.port()),
        reverse: Default::default(),
        helo: String::new(),
        esmtp: false,
        tls: None,
        authenticated: None,
        via: None,
    }
}
