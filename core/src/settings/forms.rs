//! Values that have a form of their own: lengths of time, networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time, written `90s`, `5m`, `1h 30m` or `PT90S`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Period(Duration);

impl Period {
    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    /// So many hours.
    pub const fn hours(count: u64) -> Self {
        Self(Duration::from_secs(count * 3600))
    }

    /// As the standard library writes it.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let signed: jiff::SignedDuration = text.parse().map_err(|_| InvalidPeriod)?;
        Duration::try_from(signed).map(Self).map_err(|_| InvalidPeriod)
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(signed) => write!(f, "{signed:#}"),
            Err(_) => write!(f, "{}s", self.0.as_secs()),
        }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a length of time such as 90s, 5m or 1h 30m")]
pub struct InvalidPeriod;

/// An address or a network of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Network(ipnet::IpNet);

impl Network {
    /// Whether the address lies in it. A v4 address that was mapped into v6 counts as v4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => ipnet::IpNet::from(address),
            Err(_) => text.parse().map_err(|_| InvalidNetwork)?,
        };
        Ok(Self(net))
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

/// A text is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a network such as 10.0.0.0/8")]
pub struct InvalidNetwork;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_people_write_them() {
        let check = |text: &str, seconds: u64| {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.duration(), Duration::from_secs(seconds), "{text}");
            assert_eq!(period.to_string().parse(), Ok(period), "{text} came back as {period}");
        };
        check("90s", 90);
        check("5m", 300);
        check("1h 30m", 5400);
        check("PT90S", 90);
        check("168h", 168 * 3600);
        assert_eq!("-5s".parse::<Period>(), Err(InvalidPeriod));
        assert_eq!("soon".parse::<Period>(), Err(InvalidPeriod));
    }

    #[test]
    fn a_network_is_one_address_or_many() {
        let net = |text: &str| Network::try_from(text.to_owned()).unwrap();
        assert!(net("10.0.0.0/8").contains("10.1.2.3".parse().unwrap()));
        assert!(net("10.0.0.0/8").contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(net("::1").contains("::1".parse().unwrap()));
        assert!(!net("192.168.0.1").contains("192.168.0.2".parse().unwrap()));
        assert_eq!(Network::try_from("proxy.local".to_owned()), Err(InvalidNetwork));
    }
}
