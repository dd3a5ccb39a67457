//! The keys of a OneBot platform, and what they must be together.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use firstlight_core::config::{Secret, SecretError};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

/// The keys as they stand in the document.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Keys {
    /// Let clients connect to us.
    pub(super) ws_reverse_enable: bool,
    /// The address to listen on. Anything but the loopback needs a token.
    pub(super) ws_reverse_host: String,
    /// The port to listen on; 0 takes any free one.
    pub(super) ws_reverse_port: u16,
    /// The access token that clients must show.
    pub(super) ws_reverse_token: Secret,
    /// Take events by HTTP callback, on the same address and port.
    pub(super) http_callback_enable: bool,
    /// The path of the callback.
    pub(super) http_callback_path: String,
    /// The secret with which callbacks are signed (`X-Signature`).
    pub(super) http_callback_secret: Secret,
    /// The address of the client's HTTP API, for sending without a WebSocket.
    pub(super) http_api_url: String,
    /// The access token of the client's HTTP API.
    pub(super) http_api_token: Secret,
    /// The address of the client's WebSocket server, for connecting to it.
    pub(super) ws_url: String,
    /// The access token of the client's WebSocket server.
    pub(super) ws_token: Secret,
    /// How many seconds an answer to a call may take.
    pub(super) api_timeout: u64,
    /// How many characters a message may have; a longer one is split.
    pub(super) text_limit: usize,
    /// How many messages may be on their way at once, each to another session.
    pub(super) concurrent_sends: u32,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            ws_reverse_enable: true,
            ws_reverse_host: "127.0.0.1".into(),
            ws_reverse_port: 6199,
            ws_reverse_token: Secret::default(),
            http_callback_enable: false,
            http_callback_path: "/".into(),
            http_callback_secret: Secret::default(),
            http_api_url: String::new(),
            http_api_token: Secret::default(),
            ws_url: String::new(),
            ws_token: Secret::default(),
            api_timeout: 60,
            text_limit: 4_000,
            concurrent_sends: 32,
        }
    }
}

/// The keys, checked and with their secrets.
pub(super) struct Settings {
    pub(super) listen: Option<Listen>,
    pub(super) forward: Option<Remote>,
    pub(super) http_api: Option<Remote>,
    pub(super) api_timeout: Duration,
    pub(super) text_limit: usize,
    pub(super) concurrent_sends: u32,
}

/// Our port, and what is served there.
pub(super) struct Listen {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) reverse: Option<Reverse>,
    pub(super) callback: Option<Callback>,
}

/// Who may connect.
pub(super) struct Reverse {
    /// None only on the loopback.
    pub(super) token: Option<SecretString>,
}

/// Whose events are believed.
pub(super) struct Callback {
    pub(super) path: String,
    /// None only on the loopback.
    pub(super) secret: Option<SecretString>,
}

/// Where a client serves.
pub(super) struct Remote {
    pub(super) url: Url,
    pub(super) token: Option<SecretString>,
}

/// Why the keys make no platform. No text repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum OneBotError {
    /// A key has the wrong type or an unknown value.
    #[error("a key is not valid: {0}")]
    Keys(String),
    /// A secret cannot be found.
    #[error("{key}: {source}")]
    Secret {
        /// The key.
        key: &'static str,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Others could connect without proving anything.
    #[error(
        "{key} must be set, because {host:?} can be reached from other machines: set it here and \
         in the OneBot client, or listen on 127.0.0.1"
    )]
    Unprotected {
        /// The key that is missing.
        key: &'static str,
        /// The address that is listened on.
        host: String,
    },
    /// An address is not of the kind that is needed.
    #[error("{key} must be an address that begins with {expected}")]
    Address {
        /// The key.
        key: &'static str,
        /// The schemes.
        expected: &'static str,
    },
    /// Nothing is switched on.
    #[error(
        "nothing would receive messages: switch ws_reverse_enable or http_callback_enable on, or \
         set ws_url"
    )]
    Deaf,
    /// The callback path is not a path, or one of the WebSocket paths.
    #[error("http_callback_path must begin with / and not be a WebSocket path")]
    CallbackPath,
    /// Callbacks alone cannot send anything.
    #[error("http_api_url must be set when events come by HTTP callback alone")]
    Mute,
    /// A number is out of its range.
    #[error("{key} must be between {least} and {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// The smallest value.
        least: u64,
        /// The largest value.
        most: u64,
    },
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] crate::http_client::ClientError),
}

impl Settings {
    /// Reads and checks the keys. References to secrets are followed from `folder`.
    pub(super) fn read(rest: &Map<String, Value>, folder: &Path) -> Result<Self, OneBotError> {
        let keys: Keys = serde_json::from_value(Value::Object(rest.clone()))
            .map_err(|error| OneBotError::Keys(without_value(&error)))?;
        let secret = |key, secret: &Secret| resolve(key, secret, folder);
        let listen = listen(&keys, &secret)?;
        let forward = remote("ws_url", &keys.ws_url, "ws:// or wss://", &["ws", "wss"])?;
        let http_api =
            remote("http_api_url", &keys.http_api_url, "http:// or https://", &["http", "https"])?;
        if listen.is_none() && forward.is_none() {
            return Err(OneBotError::Deaf);
        }
        let calls = forward.is_some() || http_api.is_some();
        if !calls && listen.as_ref().is_some_and(|listen| listen.reverse.is_none()) {
            return Err(OneBotError::Mute);
        }
        let api_timeout = range("api_timeout", keys.api_timeout, 1, 150)?;
        let text_limit = range("text_limit", keys.text_limit as u64, 100, 100_000)?;
        let concurrent = range("concurrent_sends", keys.concurrent_sends.into(), 1, 256)?;
        Ok(Self {
            listen,
            forward: forward
                .map(|url| {
                    Ok::<_, OneBotError>(Remote { url, token: secret("ws_token", &keys.ws_token)? })
                })
                .transpose()?,
            http_api: http_api
                .map(|url| {
                    let token = secret("http_api_token", &keys.http_api_token)?;
                    Ok::<_, OneBotError>(Remote { url, token })
                })
                .transpose()?,
            api_timeout: Duration::from_secs(api_timeout),
            text_limit: usize::try_from(text_limit).unwrap_or(usize::MAX),
            concurrent_sends: u32::try_from(concurrent).unwrap_or(u32::MAX),
        })
    }
}

type Resolve<'a> = dyn Fn(&'static str, &Secret) -> Result<Option<SecretString>, OneBotError> + 'a;

fn listen(keys: &Keys, secret: &Resolve<'_>) -> Result<Option<Listen>, OneBotError> {
    if !keys.ws_reverse_enable && !keys.http_callback_enable {
        return Ok(None);
    }
    let host = keys.ws_reverse_host.trim().to_owned();
    let protected = |key, value: Option<SecretString>| match value {
        None if !is_loopback(&host) => Err(OneBotError::Unprotected { key, host: host.clone() }),
        value => Ok(value),
    };
    let reverse = if keys.ws_reverse_enable {
        let token = secret("ws_reverse_token", &keys.ws_reverse_token)?;
        Some(Reverse { token: protected("ws_reverse_token", token)? })
    } else {
        None
    };
    let callback = if keys.http_callback_enable {
        let path = keys.http_callback_path.clone();
        let reserved = path == "/ws" || path.starts_with("/ws/");
        if !path.starts_with('/') || reserved || path.contains(['?', '#']) {
            return Err(OneBotError::CallbackPath);
        }
        let found = secret("http_callback_secret", &keys.http_callback_secret)?;
        Some(Callback { path, secret: protected("http_callback_secret", found)? })
    } else {
        None
    };
    Ok(Some(Listen { host, port: keys.ws_reverse_port, reverse, callback }))
}

/// Whether only this machine can connect to an address.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn remote(
    key: &'static str,
    address: &str,
    expected: &'static str,
    schemes: &[&str],
) -> Result<Option<Url>, OneBotError> {
    if address.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || OneBotError::Address { key, expected };
    let url = Url::parse(address.trim()).map_err(|_| wrong())?;
    if schemes.contains(&url.scheme()) && url.has_host() { Ok(Some(url)) } else { Err(wrong()) }
}

fn resolve(
    key: &'static str,
    secret: &Secret,
    folder: &Path,
) -> Result<Option<SecretString>, OneBotError> {
    if secret.is_empty() {
        return Ok(None);
    }
    let value = secret.resolve(folder).map_err(|source| OneBotError::Secret { key, source })?;
    Ok(Some(value).filter(|value| !value.expose_secret().is_empty()))
}

fn range(key: &'static str, value: u64, least: u64, most: u64) -> Result<u64, OneBotError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(OneBotError::Range { key, least, most })
}

/// What is wrong, without the value that is: it may be a secret in the wrong place.
fn without_value(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(", expected")
        .map_or_else(|| "wrong type".to_owned(), |(_, expected)| format!("expected{expected}"))
}
