//! May a hook go there?
//!
//! Pure judgement of ports, names and addresses, in this order:
//! * a **port** that belongs to another protocol is refused;
//! * an **address** is refused when its network is closed and the allow list does not open it;
//! * **`localhost`** and names below it are loopback, and judged as such;
//! * an **inner name** (one label, `.internal`, `.local` and their kin) is refused while the
//!   allow list names nothing beyond loopback. After that it may lead to addresses on the list
//!   and to no others, not even public ones;
//! * any **other name** is judged by all addresses that it leads to: one that is refused refuses
//!   the whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hooks::target_url::TargetUrl;
use ipnet::IpNet;
use url::Host;

use super::{
    names::{Kind, kind_of},
    networks::{LOOPBACK, Network, Tier, behind_nat64, network_of},
};

/// Where hooks may go: nowhere but to public addresses, and to the networks of the allow list.
#[derive(Debug, Clone)]
pub struct Policy {
    allow: Vec<IpNet>,
}

/// A target was refused. What it says to callers is always the same; which rule it was is for
/// the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("target not allowed")]
pub struct Refusal {
    host: String,
    rule: Rule,
}

/// The rule that a target was refused by, worded for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A port that browsers would not connect to either.
    #[error("port {0} belongs to another protocol")]
    Port(u16),
    /// Nothing, or nothing that could be looked up.
    #[error("the host's name is malformed")]
    Name,
    /// A name that means something else in every network.
    #[error("only an inner network knows this name, and egress_allow names none")]
    InnerName,
    /// An inner name that leads elsewhere.
    #[error("this inner network's name leads to {0}, which is not in egress_allow")]
    InnerNameLeadsTo(IpAddr),
    /// An address in a closed network.
    #[error("{address} is in {net}: {purpose}")]
    Address {
        /// The address that would have been dialled.
        address: IpAddr,
        /// Its network, as the allow list would have to name it.
        net: IpNet,
        /// What that network is for.
        purpose: &'static str,
    },
}

impl Refusal {
    /// The host that was asked for.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The rule that refused it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

impl Policy {
    /// A policy that opens these networks.
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self { allow: allow.into_iter().map(|net| net.trunc()).collect() }
    }

    /// Judges what can be judged without looking anything up.
    pub fn judge(&self, target: &TargetUrl) -> Result<(), Refusal> {
        let url = target.as_url();
        let judged = judge_port(url.port_or_known_default()).and_then(|()| match url.host() {
            Some(Host::Ipv4(address)) => self.judge_address(address.into()),
            Some(Host::Ipv6(address)) => self.judge_address(address.into()),
            Some(Host::Domain(name)) => self.judge_name(name),
            None => Err(Rule::Name),
        });
        let host = url.host_str().unwrap_or_default();
        judged.map_err(|rule| Refusal { host: host.to_owned(), rule })
    }

    /// Judges all that a name leads to: one refused address refuses the name.
    pub fn judge_resolved(&self, name: &str, addresses: &[SocketAddr]) -> Result<(), Refusal> {
        let inner = kind_of(name) == Kind::Inner;
        let judge = |address: IpAddr| match self.judge_address(address) {
            Ok(()) if inner && !self.names(behind_nat64(address)) => {
                Err(Rule::InnerNameLeadsTo(address))
            }
            judged => judged,
        };
        addresses
            .iter()
            .try_for_each(|address| judge(address.ip()))
            .map_err(|rule| Refusal { host: name.to_owned(), rule })
    }

    /// Where `localhost` and the names below it lead, as far as the allow list opens it; `None`
    /// for any other name.
    pub(super) fn localhost(&self, name: &str) -> Option<Vec<SocketAddr>> {
        (kind_of(name) == Kind::Loopback).then(|| {
            let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            let open = both.into_iter().filter(|address| self.judge_address(*address).is_ok());
            open.map(|address| SocketAddr::new(address, 0)).collect()
        })
    }

    fn judge_name(&self, name: &str) -> Result<(), Rule> {
        match kind_of(name) {
            Kind::Public => Ok(()),
            Kind::Malformed => Err(Rule::Name),
            Kind::Inner if self.names_more_than_loopback() => Ok(()),
            Kind::Inner => Err(Rule::InnerName),
            Kind::Loopback => self
                .judge_address(Ipv4Addr::LOCALHOST.into())
                .or_else(|rule| self.judge_address(Ipv6Addr::LOCALHOST.into()).map_err(|_| rule)),
        }
    }

    fn judge_address(&self, address: IpAddr) -> Result<(), Rule> {
        let arrives_at = behind_nat64(address);
        let network = network_of(arrives_at);
        if self.opens(network, arrives_at) {
            return Ok(());
        }
        Err(Rule::Address { address, net: network.net, purpose: network.purpose })
    }

    fn opens(&self, network: &Network, address: IpAddr) -> bool {
        let around = |net: &&IpNet| net.contains(&address);
        match network.tier {
            Tier::Open => true,
            Tier::Private => self.names(address),
            Tier::Forbidden => {
                self.allow.iter().filter(around).any(|net| network.net.contains(net))
            }
        }
    }

    fn names(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&address))
    }

    fn names_more_than_loopback(&self) -> bool {
        self.allow.iter().any(|net| !LOOPBACK.iter().any(|loopback| loopback.contains(net)))
    }
}

fn judge_port(port: Option<u16>) -> Result<(), Rule> {
    match port {
        Some(port) if !OTHER_PROTOCOLS.contains(&port) => Ok(()),
        port => Err(Rule::Port(port.unwrap_or(0))),
    }
}

/// The "bad ports" of the WHATWG Fetch standard: to what listens there, a request could look
/// like a command in its own protocol.
#[rustfmt::skip]
const OTHER_PROTOCOLS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

#[cfg(test)]
mod tests;
