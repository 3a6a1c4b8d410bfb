//! Ports for servers that a test starts: from below those that the kernel hands out (32768 on, `ip_local_port_range`), so that no connection
//! and no test that binds to port 0 takes one between looking and starting.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;
/// Ports that are looked at before giving up.
const TRIES: u32 = 2_000;

/// Where this process looks next; test programs that run at the same time begin far from each other.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port of 127.0.0.1, for TCP and UDP, that nobody listens on and that this process was not given before.
///
/// # Panics
/// There is none among the 2,000 that are looked at.
pub fn free() -> u16 {
    let start = std::process::id().wrapping_mul(7_919) % COUNT;
    for _ in 0..TRIES {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + (start + step) % COUNT).expect("a port");
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
    panic!("no free port among {TRIES}");
}

#[cfg(test)]
mod tests {
    use super::free;

    #[test]
    fn each_is_given_once_and_below_those_of_the_kernel() {
        let mut given: Vec<u16> = (0..50).map(|_| free()).collect();
        given.sort_unstable();
        given.dedup();
        assert!(given.len() == 50 && given.iter().all(|port| (12_000..32_000).contains(port)), "{given:?}");
    }
}
