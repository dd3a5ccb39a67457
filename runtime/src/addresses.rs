//! Which addresses a stranger's message may make the gateway connect to: public ones only.
//!
//! The check is on the address that is connected to, after the name was looked up, and is made again
//! at each redirect (reference 7.1 S9).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// IPv4 networks that are not public: this host, private and shared ones, link-local, test and
/// documentation, multicast, reserved (RFC 6890 and its successors).
const CLOSED_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
];

/// The only IPv6 network with public addresses, and what is not public in it.
const OPEN_V6: &str = "2000::/3";
const CLOSED_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

static V4: LazyLock<Vec<Ipv4Net>> =
    LazyLock::new(|| CLOSED_V4.iter().filter_map(|net| net.parse().ok()).collect());
static V6: LazyLock<Vec<Ipv6Net>> =
    LazyLock::new(|| CLOSED_V6.iter().filter_map(|net| net.parse().ok()).collect());
static OPEN: LazyLock<Option<Ipv6Net>> = LazyLock::new(|| OPEN_V6.parse().ok());

/// Whether the address is one of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !V4.iter().any(|net| net.contains(&address))
}

/// An address that carries an IPv4 address is outside of what is open, so it is refused whatever it
/// carries.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let open = OPEN.as_ref().is_some_and(|net| net.contains(&address));
    open && !V6.iter().any(|net| net.contains(&address))
}

/// Whether the host is written as an address that is not public. Names are looked at when they are
/// looked up.
pub(crate) fn is_closed_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public_v4(address),
        Some(Host::Ipv6(address)) => !is_public_v6(address),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

/// Looks names up and leaves out what is not public, so that nothing else can be connected to.
#[derive(Debug)]
pub(crate) struct PublicOnly;

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
pub(crate) struct NoPublicAddress;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let public: Addrs = Box::new(public.into_iter());
            Ok(public)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_only_public_addresses_are_open() {
        for closed in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
        for open in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111"] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
    }

    #[test]
    fn s9_an_address_is_known_in_every_spelling() {
        for spelling in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "[::1]"] {
            let url = Url::parse(&format!("http://{spelling}/secret")).unwrap();
            assert!(is_closed_literal(&url), "{spelling}");
        }
        assert!(!is_closed_literal(&Url::parse("https://example.org/a.png").unwrap()));
    }

    #[tokio::test]
    async fn s9_a_name_that_leads_to_a_private_address_leads_nowhere() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
    }
}
