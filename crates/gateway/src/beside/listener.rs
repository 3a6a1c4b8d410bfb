//! Listeners for neighbours: accept, look who it is, hand the connection to the protocol.

use super::settings::BesideSettings;
use super::{Shared, milter, rspamd, spamd};
use crate::connection::limits::Memory;
use crate::connection::settings::{LimitSettings, ListenSettings, Place};
use crate::connection::stop::Stop;
use crate::connection::{self, ListenError, Prompt};
use crate::intake::Gate;
use futures_util::FutureExt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Pause after accept failed (no file descriptors left, no memory): others may finish meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Sessions under way may end within this time after we were told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// The socket's own group may write to it: put the mail server into it.
const SOCKET_MODE: u32 = 0o660;

/// A connection, over whichever way.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Milter,
    Spamd,
}

/// Listeners at work.
pub struct Running {
    /// Which setting, and where.
    pub addresses: Vec<(&'static str, String)>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Comes back once every listener and its sessions have ended, or their time is up.
    pub async fn finished(self) {
        for task in self.tasks {
            let _ = task.await;
        }
    }

    /// Ports taken on this machine.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.addresses.iter().filter_map(|(_, shown)| shown.parse::<SocketAddr>().ok()).map(|address| address.port())
    }
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Opens what `[listen]` names for neighbours and serves it until `stop`.
/// # Errors
/// One place cannot be opened.
pub async fn listen(
    listen: &ListenSettings,
    limits: LimitSettings,
    settings: BesideSettings,
    gate: Arc<Gate>,
    stop: Stop,
) -> Result<Running, ListenError> {
    let memory = Memory::new(limits.messages_in_memory_octets_max);
    let shared = Arc::new(Shared { gate, settings, limits, memory });
    let mut running = Running { addresses: Vec::new(), tasks: Vec::new() };
    for (setting, places, speaks) in [("milter", &listen.milter, Speaks::Milter), ("spamd", &listen.spamd, Speaks::Spamd)] {
        let seats = Arc::new(Semaphore::new(shared.settings.connections_max));
        for place in &places.0 {
            let socket = match place {
                Place::Tcp(address) => Socket::Tcp(connection::open(*address, setting)?),
                Place::Unix(path) => Socket::Unix(open_socket(path, setting)?),
            };
            running.addresses.push((setting, socket.shown(place)));
            let door = Door { shared: shared.clone(), speaks, seats: seats.clone(), stop: stop.clone() };
            running.tasks.push(tokio::spawn(door.accept_all(socket)));
        }
    }
    for address in &listen.rspamd.0 {
        let socket = connection::open(*address, "rspamd")?;
        running.addresses.push(("rspamd", socket.local_addr().unwrap_or(*address).to_string()));
        running.tasks.push(tokio::spawn(rspamd::serve(shared.clone(), socket, stop.clone())));
    }
    Ok(running)
}

/// A socket in the file system. One that a server left behind is replaced, anything else is not.
fn open_socket(path: &Path, setting: &'static str) -> Result<UnixListener, ListenError> {
    let opened = || -> io::Result<UnixListener> {
        let is_left_behind = || std::os::unix::net::UnixStream::connect(path).is_err();
        if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) && is_left_behind() {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(listener)
    };
    opened().map_err(|source| ListenError::Socket { path: path.into(), setting, source })
}

impl Socket {
    fn shown(&self, place: &Place) -> String {
        match self {
            Socket::Tcp(listener) => listener.local_addr().map(|address| address.to_string()).unwrap_or_else(|_| place.to_string()),
            Socket::Unix(_) => place.to_string(),
        }
    }

    /// The next connection and whose it is; on this machine: ours.
    async fn accept(&self) -> io::Result<(Box<dyn Wire>, IpAddr)> {
        match self {
            Socket::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Box::new(Prompt::new(stream)), from.ip().to_canonical()))
            }
            Socket::Unix(listener) => Ok((Box::new(listener.accept().await?.0), Ipv4Addr::LOCALHOST.into())),
        }
    }
}

struct Door {
    shared: Arc<Shared>,
    speaks: Speaks,
    seats: Arc<Semaphore>,
    stop: Stop,
}

impl Door {
    async fn accept_all(self, socket: Socket) {
        let is_socket = matches!(socket, Socket::Unix(_));
        let mut stop = self.stop.clone();
        let mut stopped = std::pin::pin!(stop.reached());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((_, from)) if !is_socket && !self.shared.may_connect(from) => {
                    tracing::warn!(%from, speaks = ?self.speaks, "turned away: [beside] from does not name this address");
                }
                Ok((stream, from)) => self.welcome(stream, from),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections of neighbours for the moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let all = u32::try_from(self.shared.settings.connections_max).unwrap_or(u32::MAX);
        if tokio::time::timeout(STOP_WITHIN, self.seats.acquire_many(all)).await.is_err() {
            tracing::warn!("sessions with neighbours did not end in time and are dropped");
        }
    }

    /// A neighbour for whom there is no seat is closed at once: it says so to its client, or asks another of us.
    fn welcome(&self, stream: Box<dyn Wire>, from: IpAddr) {
        let Ok(seat) = self.seats.clone().try_acquire_owned() else {
            tracing::warn!(%from, "too many connections of neighbours; [beside] connections_max");
            return;
        };
        let (shared, speaks, stop) = (self.shared.clone(), self.speaks, self.stop.clone());
        tokio::spawn(async move {
            let session = async {
                match speaks {
                    Speaks::Milter => milter::serve(shared, stream, from, stop).await,
                    Speaks::Spamd => spamd::serve(shared, stream).await,
                }
            };
            if AssertUnwindSafe(session).catch_unwind().await.is_err() {
                tracing::error!("a session with a neighbour failed by a fault of ours and was closed");
            }
            drop(seat);
        });
    }
}
