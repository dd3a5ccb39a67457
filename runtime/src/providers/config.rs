//! One provider's configuration: its source, overlaid by the provider itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firstlight_core::config::{Profile, Secret, SecretError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::error::ProviderError;

/// The parts of the configuration that belong to no provider but count for each.
#[derive(Clone)]
pub struct ProviderDefaults {
    /// Used by providers without a proxy of their own.
    pub proxy: Option<String>,
    /// Reached without any proxy.
    pub no_proxy: Vec<String>,
    /// How often one request is tried in all, before the first piece of its answer.
    pub max_attempts: usize,
    /// The data folder, from which relative paths of secrets are taken.
    pub folder: PathBuf,
}

/// The limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Connecting, TLS included. `connect_timeout`, default 10 s.
    pub connect: Duration,
    /// From sending to the first piece of the answer. `timeout`, default 120 s.
    pub first_token: Duration,
    /// Between two pieces. `idle_timeout`, default 60 s.
    pub idle: Duration,
    /// The whole call with its retries. `total_timeout`, default 900 s.
    pub whole: Duration,
}

/// A provider as its adapter wants it.
#[derive(Clone)]
pub struct ProviderConfig {
    /// The provider's own id, never the source's.
    pub id: String,
    /// The adapter, for example `openai_chat_completion`.
    pub kind: String,
    /// `chat_completion`, `embedding`, …
    pub provider_type: String,
    /// The brand behind the address.
    pub brand: String,
    /// Disabled providers are listed and not loaded.
    pub enabled: bool,
    /// The model it asks by default.
    pub model: String,
    /// Every key that may be used; none for servers that want none.
    pub keys: Vec<SecretString>,
    /// The references that could not be followed.
    pub missing_secrets: Vec<SecretError>,
    /// Address of the API, without the path of a call.
    pub api_base: String,
    /// Its own proxy.
    pub proxy: Option<String>,
    /// Sent with each request.
    pub custom_headers: BTreeMap<String, String>,
    /// Laid over each request body.
    pub custom_extra_body: Map<String, Value>,
    /// What the model takes (`text`, `image`, …); empty means everything.
    pub modalities: Vec<String>,
    /// How often one request is tried in all; `None` takes the general setting.
    pub max_attempts: Option<usize>,
    /// 0 means: look it up in the model metadata.
    pub max_context_tokens: u64,
    /// Limits of one call.
    pub deadlines: Deadlines,
    /// The whole merged document, for keys that one adapter alone knows.
    pub raw: Map<String, Value>,
}

impl Default for ProviderDefaults {
    fn default() -> Self {
        Self { proxy: None, no_proxy: Vec::new(), max_attempts: 5, folder: PathBuf::new() }
    }
}

impl ProviderDefaults {
    /// What the default profile says.
    pub fn of(profile: &Profile, folder: &Path) -> Self {
        let attempts = usize::try_from(profile.provider_settings.request_max_retries);
        Self {
            proxy: non_empty(profile.http_proxy.trim().to_owned()),
            no_proxy: profile.no_proxy.clone(),
            max_attempts: attempts.unwrap_or(usize::MAX).max(1),
            folder: folder.to_owned(),
        }
    }
}

impl ProviderConfig {
    /// Overlays the source by the provider. Only the id is required here; each adapter asks for
    /// what it needs.
    ///
    /// References to secrets are followed here, so that a changed variable or file counts with the
    /// next load; relative paths are taken from `folder`, the data folder.
    pub fn merged(
        source: Option<&Value>,
        provider: &Value,
        folder: &Path,
    ) -> Result<Self, ProviderError> {
        let own = provider.as_object().ok_or_else(|| invalid("it is not an object"))?;
        let mut raw = source.and_then(Value::as_object).cloned().unwrap_or_default();
        raw.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        let id = text(own, "id");
        if id.is_empty() {
            return Err(invalid("it has no id"));
        }
        let mut secrets = Secrets { folder, missing: Vec::new() };
        let keys = listed_keys(&raw).iter().filter_map(|key| secrets.resolve(key)).collect();
        let headers = headers(raw.get("custom_headers")).into_iter();
        let custom_headers =
            headers.filter_map(|(name, value)| Some((name, secrets.plain(&value)?))).collect();
        let proxy = secrets.plain(&text(&raw, "proxy"));
        Ok(Self {
            keys,
            custom_headers,
            proxy,
            missing_secrets: secrets.missing,
            kind: text(&raw, "type"),
            provider_type: non_empty(text(&raw, "provider_type"))
                .unwrap_or_else(|| "chat_completion".to_owned()),
            brand: text(&raw, "provider"),
            enabled: raw.get("enable").and_then(Value::as_bool).unwrap_or(true),
            model: model(&raw),
            api_base: text(&raw, "api_base"),
            custom_extra_body: object(raw.get("custom_extra_body")),
            modalities: strings(raw.get("modalities")),
            max_attempts: raw
                .get("request_max_retries")
                .and_then(whole)
                .and_then(|attempts| usize::try_from(attempts).ok()),
            max_context_tokens: raw.get("max_context_tokens").and_then(whole).unwrap_or(0),
            deadlines: Deadlines::read(&raw),
            raw,
            id,
        })
    }

    /// One provider of the document: for trying out what is not loaded.
    pub fn find(document: &Value, id: &str, folder: &Path) -> Option<Result<Self, ProviderError>> {
        let own = Self::all(document, folder).into_iter().find(|(own, _)| own == id);
        own.map(|(_, config)| config)
    }

    /// A source as if it were a provider, to ask it for its models.
    pub fn of_source(
        document: &Value,
        id: &str,
        folder: &Path,
    ) -> Option<Result<Self, ProviderError>> {
        let sources = document.get("provider_sources").and_then(Value::as_array);
        let has_id = |source: &&Value| source.get("id").and_then(Value::as_str) == Some(id);
        Some(Self::merged(None, sources?.iter().find(has_id)?, folder))
    }

    /// Reads the `providers` document: each provider with its source, in the order of the document.
    /// A broken entry is an error of its own and spoils no other; its id is kept where it has one.
    pub fn all(document: &Value, folder: &Path) -> Vec<(String, Result<Self, ProviderError>)> {
        let sources = document.get("provider_sources").and_then(Value::as_array);
        let find = |id: &str| {
            sources?.iter().find(|source| source.get("id").and_then(Value::as_str) == Some(id))
        };
        let providers = document.get("provider").and_then(Value::as_array);
        providers
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, provider)| {
                let id = provider.get("id").and_then(Value::as_str).unwrap_or_default();
                let id = non_empty(id.to_owned()).unwrap_or_else(|| format!("#{index}"));
                let wanted = provider.get("provider_source_id").and_then(Value::as_str);
                let merged = match wanted.filter(|wanted| !wanted.is_empty()) {
                    None => Self::merged(None, provider, folder),
                    Some(wanted) => match find(wanted) {
                        Some(source) => Self::merged(Some(source), provider, folder),
                        None => Err(invalid(&format!("its source {wanted:?} does not exist"))),
                    },
                };
                (id, merged)
            })
            .collect()
    }
}

impl fmt::Debug for ProviderDefaults {
    /// The proxy's address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = self.proxy.as_ref().map_or("none", |_| "some");
        write!(f, "ProviderDefaults(proxy: {proxy}, {} attempts)", self.max_attempts)
    }
}

impl fmt::Debug for ProviderConfig {
    /// Headers, bodies, proxies and the raw document may all hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, model, enabled, keys, .. } = self;
        write!(f, "ProviderConfig({id}, {kind}, {model}, enabled: {enabled}, {} keys)", keys.len())
    }
}

impl Deadlines {
    fn read(raw: &Map<String, Value>) -> Self {
        let seconds = |key: &str, default: f64| {
            let given = raw.get(key).and_then(number).filter(|given| *given > 0.0);
            Duration::try_from_secs_f64(given.unwrap_or(default)).unwrap_or(Duration::MAX)
        };
        Self {
            connect: seconds("connect_timeout", 10.0),
            first_token: seconds("timeout", 120.0),
            idle: seconds("idle_timeout", 60.0),
            whole: seconds("total_timeout", 900.0),
        }
    }
}

fn invalid(reason: &str) -> ProviderError {
    ProviderError::Misconfigured { reason: reason.to_owned() }
}

fn text(from: &Map<String, Value>, key: &str) -> String {
    from.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Older documents keep the model one level deeper.
fn model(raw: &Map<String, Value>) -> String {
    non_empty(text(raw, "model")).unwrap_or_else(|| {
        let nested = raw.get("model_config").and_then(Value::as_object);
        nested.map(|nested| text(nested, "model")).unwrap_or_default()
    })
}

/// Numbers are also accepted as text, as forms send them.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n| n.is_finite())
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Values that are not text are written as JSON, since headers know nothing else.
fn headers(value: Option<&Value>) -> BTreeMap<String, String> {
    let given = object(value).into_iter();
    given
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect()
}

fn listed_keys(raw: &Map<String, Value>) -> Vec<String> {
    match raw.get("key") {
        Some(Value::String(one)) => vec![one.clone()],
        other => strings(other),
    }
}

/// Follows references (`env:NAME`, `file:PATH`, …). What cannot be followed is left out, with why.
struct Secrets<'a> {
    folder: &'a Path,
    missing: Vec<SecretError>,
}

impl Secrets<'_> {
    fn resolve(&mut self, text: &str) -> Option<SecretString> {
        match Secret::from(text.trim().to_owned()).resolve(self.folder) {
            Ok(secret) => Some(secret).filter(|secret| !secret.expose_secret().is_empty()),
            Err(error) => {
                self.missing.push(error);
                None
            }
        }
    }

    fn plain(&mut self, text: &str) -> Option<String> {
        self.resolve(text).map(|secret| secret.expose_secret().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_provider_wins_over_its_source_and_keeps_its_own_id() {
        let document = json!({
            "provider_sources": [{"id": "src", "type": "openai_chat_completion", "key": ["k1", "k2"],
                "timeout": "30", "api_base": "https://a/v1", "custom_headers": {"X": 5}}],
            "provider": [{"id": "p", "provider_source_id": "src", "model": "m", "timeout": 7}],
        });
        let mut all = ProviderConfig::all(&document, Path::new(""));
        let (id, config) = all.remove(0);
        let config = config.unwrap();
        assert_eq!((id.as_str(), config.id.as_str()), ("p", "p"));
        assert_eq!(config.deadlines.first_token, Duration::from_secs(7));
        assert_eq!(config.keys.len(), 2);
        assert_eq!(config.custom_headers.get("X").unwrap(), "5");
        assert!(config.enabled);
    }

    #[test]
    fn a_broken_entry_spoils_no_other() {
        let document = json!({"provider": [
            {"id": "lost", "provider_source_id": "nowhere"}, 7, {"id": "fine", "type": "x"}]});
        let all = ProviderConfig::all(&document, Path::new(""));
        let fine: Vec<_> = all.iter().map(|(id, made)| (id.as_str(), made.is_ok())).collect();
        assert_eq!(fine, [("lost", false), ("#1", false), ("fine", true)]);
    }

    #[test]
    fn keys_come_from_text_files_and_the_environment_and_absent_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "from-file\n").unwrap();
        let raw = json!({"id": "p", "key": [
            "plain", "file:key", "env:CARGO_PKG_NAME",
            "${CARGO_PKG_NAME}", "$CARGO_PKG_NAME", "env:FIRSTLIGHT_NO_SUCH_NAME", ""]});
        let config = ProviderConfig::merged(None, &raw, folder.path()).unwrap();
        let keys: Vec<_> = config.keys.iter().map(|key| key.expose_secret().to_owned()).collect();
        let name = "firstlight-runtime";
        assert_eq!(keys, ["plain", "from-file", name, name, name]);
        assert_eq!(config.missing_secrets.len(), 1);
        assert!(!format!("{:?} {config:?}", config.keys).contains("plain"));
    }
}
