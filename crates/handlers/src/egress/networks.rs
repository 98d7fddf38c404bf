//! To which network does an address belong, and may hooks go there?
//!
//! Every address belongs to exactly one row of [`NETWORKS`]: the narrowest one around it. The
//! rows are IANA's special-purpose registries (RFC 6890 and its updates), multicast, and the
//! addresses at which clouds hand credentials to whoever asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What a hook may do in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// Go there.
    Open,
    /// Go there once the allow list names a network around the address, however wide.
    Private,
    /// Go there once the allow list names this network or a part of it. `0.0.0.0/0` and
    /// `10.0.0.0/8` do not open loopback, nor does `fc00::/7` open the metadata service within.
    Forbidden,
}

/// A network, and what it is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) net: IpNet,
    pub(super) tier: Tier,
    pub(super) purpose: &'static str,
}

/// The networks that are this machine.
pub(super) const LOOPBACK: [IpNet; 2] = [v4([127, 0, 0, 0], 8), v6([0, 0, 0, 0, 0, 0, 0, 1], 128)];

#[rustfmt::skip]
static NETWORKS: &[Network] = &[
    open(v4([0, 0, 0, 0], 0), "public IPv4"),
    forbidden(v4([0, 0, 0, 0], 8), "this network, which Linux routes to loopback"),
    private(v4([10, 0, 0, 0], 8), "private"),
    private(v4([100, 64, 0, 0], 10), "shared by carriers (CGNAT)"),
    forbidden(v4([100, 100, 100, 200], 32), "the metadata service of Alibaba Cloud"),
    forbidden(LOOPBACK[0], "loopback"),
    forbidden(v4([168, 63, 129, 16], 32), "the WireServer of Azure"),
    forbidden(v4([169, 254, 0, 0], 16), "link-local, with the metadata services of clouds"),
    private(v4([172, 16, 0, 0], 12), "private"),
    forbidden(v4([192, 0, 0, 0], 24), "protocol assignments"),
    forbidden(v4([192, 0, 2, 0], 24), "documentation"),
    forbidden(v4([192, 88, 99, 0], 24), "6to4 relays, retired"),
    private(v4([192, 168, 0, 0], 16), "private"),
    forbidden(v4([198, 18, 0, 0], 15), "benchmarks"),
    forbidden(v4([198, 51, 100, 0], 24), "documentation"),
    forbidden(v4([203, 0, 113, 0], 24), "documentation"),
    forbidden(v4([224, 0, 0, 0], 4), "multicast"),
    forbidden(v4([240, 0, 0, 0], 4), "reserved, with broadcast"),

    forbidden(v6([0; 8], 0), "not global unicast"),
    forbidden(v6([0; 8], 96), "unspecified, or an IPv4 address in a form long retired"),
    forbidden(LOOPBACK[1], "loopback"),
    forbidden(v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "an IPv4 address in disguise (mapped)"),
    forbidden(v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "an IPv4 address in disguise (SIIT)"),
    forbidden(v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "local NAT64"),
    forbidden(v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "a black hole"),
    open(v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), "public IPv6"),
    forbidden(v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments, with Teredo"),
    forbidden(v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    forbidden(v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4, retired"),
    forbidden(v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), "6bone, retired"),
    forbidden(v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
    private(v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private (ULA)"),
    forbidden(v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), "the metadata services of AWS"),
    forbidden(v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 64), "the metadata service of Google Cloud"),
    forbidden(v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    forbidden(v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local, retired"),
    forbidden(v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

/// Where NAT64 gateways put IPv4 addresses (RFC 6052). AWS' DNS64 answers with these in subnets
/// that have no IPv4: who refuses them all delivers nothing there.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// The network of an address.
pub(super) fn network_of(address: IpAddr) -> &'static Network {
    NETWORKS
        .iter()
        .filter(|it| it.net.contains(&address))
        .max_by_key(|it| it.net.prefix_len())
        .expect("one row is around every IPv4 address, and one around every IPv6 address")
}

/// The address that a packet for this one arrives at: behind a NAT64 gateway, the IPv4 address
/// that it carries.
pub(super) fn behind_nat64(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    }
}

const fn open(net: IpNet, purpose: &'static str) -> Network {
    Network { net, tier: Tier::Open, purpose }
}

const fn private(net: IpNet, purpose: &'static str) -> Network {
    Network { net, tier: Tier::Private, purpose }
}

const fn forbidden(net: IpNet, purpose: &'static str) -> Network {
    Network { net, tier: Tier::Forbidden, purpose }
}

const fn v4(octets: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), prefix))
}

const fn v6(segments: [u16; 8], prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks_are_written_without_host_bits_and_none_twice() {
        for (index, row) in NETWORKS.iter().enumerate() {
            assert_eq!(row.net, row.net.trunc(), "{}", row.purpose);
            assert!(NETWORKS[..index].iter().all(|it| it.net != row.net), "{} twice", row.net);
        }
    }

    #[test]
    fn a_closed_network_ends_where_its_registry_says() {
        for (last_closed, first_open) in [
            ("0.255.255.255", "1.0.0.0"),
            ("10.255.255.255", "11.0.0.0"),
            ("100.127.255.255", "100.128.0.0"),
            ("127.255.255.255", "128.0.0.0"),
            ("168.63.129.16", "168.63.129.17"),
            ("169.254.255.255", "169.255.0.0"),
            ("172.31.255.255", "172.32.0.0"),
            ("192.0.0.255", "192.0.1.0"),
            ("192.168.255.255", "192.169.0.0"),
            ("198.19.255.255", "198.20.0.0"),
            ("203.0.113.255", "203.0.114.0"),
            ("224.0.0.0", "223.255.255.255"),
            ("1fff:ffff::", "2000::"),
            ("2001:1ff:ffff::", "2001:200::"),
            ("2001:db8:ffff::", "2001:db9::"),
            ("2002:ffff::", "2003::"),
            ("3fff:fff:ffff::", "3fff:1000::"),
            ("4000::", "3fff:ffff::"),
        ] {
            let tier = |address: &str| network_of(address.parse().unwrap()).tier;
            assert_ne!(tier(last_closed), Tier::Open, "{last_closed}");
            assert_eq!(tier(first_open), Tier::Open, "{first_open}");
        }
    }

    proptest! {
        #[test]
        fn every_address_has_a_network(v4: u32, v6: u128) {
            network_of(IpAddr::V4(v4.into()));
            network_of(behind_nat64(IpAddr::V6(v6.into())));
        }
    }
}
