//! Sockets that the service manager opened for us (systemd socket activation, sd_listen_fds(3)).
//!
//! No setting names them: an address in `[listen]` that was handed over already is taken as it is, every other one is opened. So the
//! service needs no privilege for port 25, and connections that come while it restarts wait instead of being refused.

use std::net::{SocketAddr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Sockets that are looked at; a unit with more than this is none of ours.
const HANDED_MAX: usize = 64;

static HANDED: LazyLock<Mutex<Vec<TcpListener>>> = LazyLock::new(|| {
    let mut handed = listenfd::ListenFd::from_env();
    let sockets = (0..handed.len().min(HANDED_MAX)).filter_map(|at| match handed.take_tcp_listener(at) {
        Ok(socket) => socket,
        Err(why) => {
            tracing::warn!(%why, "socket {at} of the service manager is no listener for TCP and is left alone");
            None
        }
    });
    Mutex::new(sockets.collect())
});

/// The socket for this address, if it was handed over and nobody took it yet.
pub(super) fn take(address: SocketAddr) -> Option<TcpListener> {
    let mut handed = HANDED.lock().unwrap_or_else(PoisonError::into_inner);
    let at = handed.iter().position(|socket| socket.local_addr().is_ok_and(|own| own == address))?;
    Some(handed.swap_remove(at))
}

/// Addresses that were handed over and that no setting names: connections there would wait for ever.
pub fn left() -> Vec<SocketAddr> {
    let handed = HANDED.lock().unwrap_or_else(PoisonError::into_inner);
    handed.iter().filter_map(|socket| socket.local_addr().ok()).collect()
}
