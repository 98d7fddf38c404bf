//! Networks, as a list in one text.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// Networks, separated by commas. An address is a network of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(pub Vec<IpNet>);

/// A part of a list that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no network: write 10.0.0.0/8 or 10.1.2.3")]
pub struct NotANetwork(String);

impl FromStr for Networks {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = |text: &str| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| NotANetwork(text.to_owned()))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_a_list_that_may_be_empty() {
        for (name, text, expected) in [
            ("none", "", Some(0)),
            ("one", "10.0.0.0/8", Some(1)),
            ("an address is a network of one", "10.1.2.3", Some(1)),
            ("both families, with spaces", "127.0.0.0/8, ::1/128", Some(2)),
            ("a name is none", "localhost", None),
            ("a prefix too long", "10.0.0.0/33", None),
        ] {
            let networks = text.parse::<Networks>().ok().map(|it| it.0.len());
            assert_eq!(networks, expected, "{name}");
        }
    }
}
