//! The settings themselves, with their defaults.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything an operator can set before the process starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The folder that holds the database and all files. Relative to the working directory.
    pub data_dir: PathBuf,
    /// Where the HTTP server listens.
    pub listen: SocketAddr,
    /// The database file. Relative to the data folder.
    pub database: PathBuf,
    /// Origins of other sites whose pages may call the API. Empty means same origin only.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed: addresses or networks (`10.0.0.0/8`).
    pub trusted_proxies: Vec<Network>,
    /// Logging.
    pub log: Log,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// How the runtime starts.
    pub bootstrap: Bootstrap,
    /// Log-in sessions.
    pub auth: Auth,
    /// The durable queues.
    pub bus: Bus,
    /// The Prometheus endpoint.
    pub metrics: Metrics,
    /// The catalogue of models.
    pub model_metadata: ModelMetadata,
    /// What a request may cost.
    pub limits: Limits,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Log {
    /// A level, or directives such as `info,firstlight_runtime=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
    /// How many lines the dashboard can look back.
    pub history: usize,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the process and the runtime end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shutdown {
    /// How long running requests and turns may take to finish.
    pub drain: Period,
    /// How long one component may take to stop before its tasks are aborted.
    pub component: Period,
}

/// How the runtime starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bootstrap {
    /// Whether to try again by itself after a failure. A retry by hand is always there.
    pub auto_retry: bool,
    /// The wait before the first automatic attempt; it doubles with each.
    pub retry_initial: Period,
    /// The longest wait between automatic attempts.
    pub retry_max: Period,
}

/// Log-in sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Auth {
    /// How long a log-in lasts.
    pub session_lifetime: Period,
}

/// The durable queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bus {
    /// How many messages of one platform may wait before it is told that we are busy.
    pub max_pending: u32,
    /// How long finished rows are kept.
    pub keep_done: Period,
    /// How long a message id is remembered to recognise a duplicate.
    pub keep_keys: Period,
}

/// The Prometheus endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Metrics {
    /// An address of its own, where no log-in is needed. Without one, `/metrics` is an ordinary
    /// route that needs a session or a key.
    pub listen: Option<SocketAddr>,
}

/// The catalogue of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ModelMetadata {
    /// Where to fetch it. Off when absent.
    pub url: Option<String>,
    /// How often to fetch it.
    pub interval: Period,
    /// The largest answer that is read, in bytes.
    pub max_bytes: usize,
}

/// What a request may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// The largest body of an ordinary request, in bytes.
    pub body_bytes: usize,
    /// The largest upload, in bytes.
    pub upload_bytes: usize,
    /// The largest WebSocket message, in bytes.
    pub socket_message_bytes: usize,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Period,
    /// How long an ordinary request may take in all.
    pub request_timeout: Period,
    /// How long a reader of a stream may stop reading before it is cut off.
    pub slow_reader: Period,
    /// Threads that serve HTTP; 0 means one per processor.
    pub workers: usize,
    /// How many connections may be open at once.
    pub connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 6185)),
            database: PathBuf::from("firstlight.db"),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            log: Log::default(),
            shutdown: Shutdown::default(),
            bootstrap: Bootstrap::default(),
            auth: Auth::default(),
            bus: Bus::default(),
            metrics: Metrics::default(),
            model_metadata: ModelMetadata::default(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// The database file, inside the data folder unless it is absolute.
    pub fn database_path(&self) -> PathBuf {
        self.data_dir.join(&self.database)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text, history: 500 }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain: Period::seconds(10), component: Period::seconds(5) }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            auto_retry: false,
            retry_initial: Period::seconds(5),
            retry_max: Period::seconds(300),
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { session_lifetime: Period::hours(24 * 7) }
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self { max_pending: 10_000, keep_done: Period::hours(24), keep_keys: Period::hours(24 * 7) }
    }
}

impl Default for ModelMetadata {
    fn default() -> Self {
        Self { url: None, interval: Period::hours(24), max_bytes: 8 << 20 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            upload_bytes: 64 << 20,
            socket_message_bytes: 1 << 20,
            header_timeout: Period::seconds(10),
            request_timeout: Period::seconds(60),
            slow_reader: Period::seconds(30),
            workers: 0,
            connections: 10_000,
        }
    }
}

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
