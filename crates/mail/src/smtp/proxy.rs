//! PROXY protocol, versions 1 and 2: a load balancer names the client before the greeting.
//!
//! In: the first octets of a connection from an address we trust. Out: the two ends of the real connection, or that there is
//! none to name. Nothing is taken that is not exactly the format: the header decides who the peer is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Version 1: the longest line, with CRLF.
pub const V1_OCTETS_MAX: usize = 107;
/// Version 2: addresses and the TLVs we pass over.
pub const V2_OCTETS_MAX: usize = 16 + 2_048;

const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxied {
    /// `client` connected to `local` on the proxy.
    Client { client: SocketAddr, local: SocketAddr },
    /// LOCAL or UNKNOWN: the proxy speaks for itself (health checks).
    Itself,
}

/// The connection does not begin as a proxy begins it; it must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error("the connection does not begin with a PROXY protocol header")]
    NotAHeader,
    #[error("the PROXY protocol header is too long")]
    TooLong,
    #[error("the PROXY protocol header is malformed")]
    Malformed,
}

/// Reads the header at the start of `octets`: how many octets it takes and what it says, or `None` while more must arrive.
pub fn parse(octets: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    let starts_as = |magic: &[u8]| octets.iter().zip(magic).all(|(found, want)| found == want);
    match octets.first() {
        None => Ok(None),
        Some(b'\r') if starts_as(V2_SIGNATURE) => parse_v2(octets),
        Some(b'P') if starts_as(b"PROXY ") => parse_v1(octets),
        Some(_) => Err(ProxyError::NotAHeader),
    }
}

fn parse_v1(octets: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    let head = &octets[..octets.len().min(V1_OCTETS_MAX)];
    let Some(end) = memchr::memmem::find(head, b"\r\n") else {
        return if octets.len() >= V1_OCTETS_MAX { Err(ProxyError::TooLong) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&head[..end]).map_err(|_| ProxyError::Malformed)?;
    let mut words = line.split(' ').skip(1);
    let proxied = match words.next() {
        Some("UNKNOWN") => Proxied::Itself,
        Some(family @ ("TCP4" | "TCP6")) => {
            let mut next = || words.next().ok_or(ProxyError::Malformed);
            let (client, local) = (address_v1(family, next()?)?, address_v1(family, next()?)?);
            let (client, local) = (SocketAddr::new(client, port_v1(next()?)?), SocketAddr::new(local, port_v1(next()?)?));
            if words.next().is_some() {
                return Err(ProxyError::Malformed);
            }
            Proxied::Client { client, local }
        }
        _ => return Err(ProxyError::Malformed),
    };
    Ok(Some((end + 2, proxied)))
}

fn address_v1(family: &str, text: &str) -> Result<IpAddr, ProxyError> {
    let ip: IpAddr = text.parse().map_err(|_| ProxyError::Malformed)?;
    if ip.is_ipv4() == (family == "TCP4") { Ok(ip) } else { Err(ProxyError::Malformed) }
}

fn port_v1(text: &str) -> Result<u16, ProxyError> {
    let is_canonical = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_canonical).ok_or(ProxyError::Malformed)
}

fn parse_v2(octets: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    let Some((head, rest)) = octets.split_at_checked(16) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if 16 + length > V2_OCTETS_MAX {
        return Err(ProxyError::TooLong);
    }
    if head[12] >> 4 != 2 || head[12] & 15 > 1 {
        return Err(ProxyError::Malformed);
    }
    let Some(block) = rest.get(..length) else { return Ok(None) };
    let is_local = head[12] & 15 == 0;
    let proxied = match head[13] {
        _ if is_local => Proxied::Itself,
        // TCP over IPv4 and IPv6; UDP and sockets of the same machine cannot carry SMTP to us.
        0x11 => client_v2::<4>(block)?,
        0x21 => client_v2::<16>(block)?,
        0x00 => Proxied::Itself,
        _ => return Err(ProxyError::Malformed),
    };
    Ok(Some((16 + length, proxied)))
}

fn client_v2<const N: usize>(block: &[u8]) -> Result<Proxied, ProxyError> {
    let block = block.get(..2 * N + 4).ok_or(ProxyError::Malformed)?;
    let (addresses, ports) = block.split_at(2 * N);
    let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
    let (client, local) = (address_v2(&addresses[..N])?, address_v2(&addresses[N..])?);
    Ok(Proxied::Client { client: SocketAddr::new(client, port(0)), local: SocketAddr::new(local, port(2)) })
}

fn address_v2(octets: &[u8]) -> Result<IpAddr, ProxyError> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Ok(Ipv4Addr::from(four).into());
    }
    let sixteen = <[u8; 16]>::try_from(octets).map_err(|_| ProxyError::Malformed)?;
    Ok(Ipv6Addr::from(sixteen).into())
}
