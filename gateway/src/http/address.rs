//! Where a request comes from, also behind proxies.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{Error, FromRequest, HttpRequest, web};
use firstlight_core::settings::Network;

use super::describe::Input;
use crate::app::App;

/// The address of the client, and whether it speaks TLS as far as we can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    pub address: IpAddr,
    pub secure: bool,
}

impl ClientAddress {
    /// Reads the address of the peer, or what trusted proxies say about who is behind them.
    ///
    /// `X-Forwarded-For` is read from its end: each trusted proxy vouches for the entry before its
    /// own, and the first address that is no trusted proxy is the client. Anything further left
    /// was written by the client itself.
    pub fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        if !is_proxy(peer) {
            return Self { address: peer, secure: false };
        }
        let mut address = peer;
        let forwarded = headers.get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
        let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
        for hop in hops.iter().rev() {
            let Ok(hop) = hop.parse::<IpAddr>() else { break };
            address = hop;
            if !is_proxy(hop) {
                break;
            }
        }
        let proto = headers.get("x-forwarded-proto");
        let secure = proto.is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        Self { address, secure }
    }
}

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusted =
            req.app_data::<web::Data<App>>().map(|app| app.settings.trusted_proxies.as_slice());
        let peer = req.peer_addr().map(|peer| peer.ip());
        ready(Ok(Self::of(peer, req.headers(), trusted.unwrap_or_default())))
    }
}

impl Input for ClientAddress {}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn check(peer: &str, forwarded: &[&'static str], expected: &str) {
        let trusted: [Network; 1] = serde_json::from_str(r#"["10.0.0.0/8"]"#).unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_static(line));
        }
        let found = ClientAddress::of(Some(peer.parse().unwrap()), &headers, &trusted);
        assert_eq!(found.address.to_string(), expected, "{peer} {forwarded:?}");
    }

    #[test]
    fn only_what_trusted_proxies_vouch_for_is_believed() {
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.3"], "10.0.0.3");
    }
}
