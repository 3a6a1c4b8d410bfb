//! Which addresses mail may go to without a connector saying so: public ones, whatever form they hide in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address belongs to the public Internet (IANA special-purpose registries, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (0 | 10 | 127, _, _) => false,
        (100, 64..=127, _) => false, // shared address space
        (169, 254, _) => false,      // link-local, cloud metadata
        (172, 16..=31, _) => false,
        (192, 0, 0 | 2) => false, // protocol assignments, documentation
        (192, 88, 99) => false,   // 6to4 relays
        (192, 168, _) => false,
        (198, 18 | 19, _) => false, // benchmarks
        (198, 51, 100) => false,    // documentation
        (203, 0, 113) => false,     // documentation
        (224..=255, _, _) => false, // multicast, reserved, broadcast
        _ => true,
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),      // IPv4-mapped
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),   // NAT64, RFC 6052
        [0x2002, high, low, ..] => v4(high, low),                 // 6to4
        [0x2001, 0x0db8, ..] | [0x2001, 0..=0x01ff, ..] => false, // documentation, Teredo and other assignments
        [0x3fff, 0..=0x0fff, ..] => false,                        // documentation
        // Only 2000::/3 is global unicast: loopback, unique local, link-local, multicast and the rest are not.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for public in
            ["8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
        {
            assert!(is_public(public.parse().expect(public)), "{public}");
        }
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(inside.parse().expect(inside)), "{inside}");
        }
    }
}
