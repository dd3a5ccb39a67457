//! Lists of plugins that can be had: an index file behind a web address, kept for when it is away.

use std::path::PathBuf;
use std::time::Duration;

use firstlight_core::db::{Database, DbError};
use firstlight_plugins_api::VersionReq;
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::market_cache::{self, CachedList};
use super::web::{Web, WebError, whole};
use crate::plugins::sources::running_version;

/// The largest list, in bytes.
const LIST_LIMIT: u64 = 4 << 20;
/// The largest file that says the MD5 of a list.
const MD5_LIMIT: u64 = 4096;
/// How long a list may take, with the look at its MD5.
const DEADLINE: Duration = Duration::from_secs(10);
/// Where the operator's list of lists is kept (reference 5.2).
const SOURCES: (&str, &str, &str) = ("global", "global", "custom_plugin_sources");
/// How many lists the operator may have.
const SOURCES_LIMIT: usize = 100;
/// Said in place of plugins when there is no list at all.
const NO_SOURCE: &str =
    "No list of plugins is set. Add the https address of an index file as a plugin source.";

/// Lists of plugins that can be had.
pub struct Market {
    /// Where lists are kept.
    folder: PathBuf,
    database: Database,
    web: Web,
    /// Asked, one after the other, when no list is named.
    defaults: Vec<String>,
}

/// A list of plugins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketAnswer {
    /// What is said of each, by name.
    pub plugins: Map<String, Value>,
    /// How up to date it is.
    pub state: MarketState,
    /// What the operator should know.
    pub message: Option<String>,
}

/// How up to date a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarketState {
    /// It was fetched now.
    Fetched,
    /// It was fetched before, and nothing has changed.
    Unchanged,
    /// It was fetched before, and cannot be reached now.
    Stale,
    /// There is no list.
    NoSource,
}

/// Why there is no list to show.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// It could not be fetched, and never was before.
    #[error("the list of plugins could not be fetched: {0}")]
    Web(#[from] WebError),
    /// What is there is no list.
    #[error("what is at the address is no list of plugins, which is a JSON object by name")]
    Form,
    /// The list of lists is not what it should be.
    #[error("there may be {SOURCES_LIMIT} plugin sources")]
    TooManySources,
    /// The database said no.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Whether a range of versions fits the Firstlight that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compatibility {
    /// Whether it does.
    pub compatible: bool,
    /// Why not; empty when it does.
    pub message: String,
}

/// Whether a range such as `>=0.1, <2` fits the Firstlight that runs. An empty one fits all.
pub fn compatibility(range: &str) -> Compatibility {
    let range = range.trim();
    let running = running_version();
    let message = match VersionReq::parse(range) {
        _ if range.is_empty() => String::new(),
        Ok(wanted) if wanted.matches(&running) => String::new(),
        Ok(wanted) => format!("the plugin needs Firstlight {wanted}, this is {running}"),
        Err(error) => format!("{range:?} is no range of versions: {error}"),
    };
    Compatibility { compatible: message.is_empty(), message }
}

impl Market {
    /// The market whose lists are kept in a folder, `data/plugins/.market`. `defaults` are asked
    /// when no list is named; `private_hosts` may be asked though they are private.
    pub fn new(
        folder: PathBuf,
        database: Database,
        defaults: Vec<String>,
        private_hosts: Vec<String>,
    ) -> Self {
        Self { folder, database, web: Web::new(private_hosts), defaults }
    }

    /// The list behind an address, or the default one. `force` fetches it although the one that is
    /// kept is still the same.
    pub async fn list(
        &self,
        registry: Option<&str>,
        force: bool,
    ) -> Result<MarketAnswer, MarketError> {
        let registry = registry.map(str::trim).filter(|registry| !registry.is_empty());
        let urls: Vec<&str> = match registry {
            Some(registry) => vec![registry],
            None => self.defaults.iter().map(String::as_str).collect(),
        };
        let mut failed = None;
        for url in &urls {
            match self.fetch(url, force).await {
                Ok(answer) => return Ok(answer),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let Some(error) = failed else {
            let message = Some(NO_SOURCE.to_owned());
            return Ok(MarketAnswer { plugins: Map::new(), state: MarketState::NoSource, message });
        };
        for url in urls {
            if let Some(kept) = self.kept(url).await {
                let message = Some(format!("This list was fetched before. Now {error}."));
                let (plugins, state) = (kept.plugins, MarketState::Stale);
                return Ok(MarketAnswer { plugins, state, message });
            }
        }
        Err(error)
    }

    async fn fetch(&self, url: &str, force: bool) -> Result<MarketAnswer, MarketError> {
        let kept = if force { None } else { self.kept(url).await };
        let fetched = async {
            let md5 = self.md5(url).await;
            match kept {
                Some(kept) if md5.is_some() && kept.md5 == md5 => {
                    Ok((kept, MarketState::Unchanged))
                }
                kept => self.ask(url, md5, kept).await,
            }
        };
        let too_slow = || Err(WebError::TooSlow(DEADLINE.as_secs()).into());
        let fetched: Result<_, MarketError> =
            timeout(DEADLINE, fetched).await.unwrap_or_else(|_| too_slow());
        let (list, state) = fetched?;
        let plugins = list.plugins.clone();
        if state == MarketState::Fetched {
            self.keep(list).await;
        }
        Ok(MarketAnswer { plugins, state, message: None })
    }

    /// The MD5 that the list's host says it has, in a file beside it, if it does. It says only
    /// whether the list is another one; nothing is trusted because of it.
    async fn md5(&self, url: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Beside {
            md5: String,
        }
        let beside = format!("{}-md5.json", url.strip_suffix(".json")?);
        let response = self.web.ask(&beside, &HeaderMap::new()).await.ok()?;
        let bytes = whole(response, MD5_LIMIT).await.ok()?;
        serde_json::from_slice::<Beside>(&bytes).ok().map(|beside| beside.md5)
    }

    async fn ask(
        &self,
        url: &str,
        md5: Option<String>,
        kept: Option<CachedList>,
    ) -> Result<(CachedList, MarketState), MarketError> {
        let mut headers = HeaderMap::new();
        let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let response = self.web.ask(url, &headers).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            // Only who was told of an ETag says so.
            let kept = kept.ok_or(WebError::Status(StatusCode::NOT_MODIFIED.as_u16()))?;
            return Ok((kept, MarketState::Unchanged));
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.map(str::to_owned);
        let bytes = whole(response, LIST_LIMIT).await?;
        let plugins = plugins(&bytes)?;
        Ok((CachedList { url: url.to_owned(), etag, md5, plugins }, MarketState::Fetched))
    }

    async fn kept(&self, url: &str) -> Option<CachedList> {
        let (folder, url) = (self.folder.clone(), url.to_owned());
        spawn_blocking(move || market_cache::read(&folder, &url)).await.ok().flatten()
    }

    async fn keep(&self, list: CachedList) {
        let folder = self.folder.clone();
        let kept = spawn_blocking(move || market_cache::write(&folder, &list)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "a list of plugins cannot be kept");
        }
    }

    /// The lists that the operator added, as they were saved.
    pub async fn sources(&self) -> Result<Vec<Value>, MarketError> {
        let (scope, scope_id, key) = SOURCES;
        let stored = self.database.preferences().load(scope, scope_id, key).await?;
        Ok(stored.as_ref().and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Saves the lists that the operator added.
    pub async fn save_sources(&self, sources: Vec<Value>) -> Result<(), MarketError> {
        if sources.len() > SOURCES_LIMIT {
            return Err(MarketError::TooManySources);
        }
        let (scope, scope_id, key) = SOURCES;
        Ok(self.database.preferences().store(scope, scope_id, key, sources.into()).await?)
    }
}

/// The plugins of an index file. What begins with `$` is about the file.
fn plugins(bytes: &[u8]) -> Result<Map<String, Value>, MarketError> {
    let Ok(Value::Object(mut plugins)) = serde_json::from_slice(bytes) else {
        return Err(MarketError::Form);
    };
    plugins.retain(|name, about| !name.starts_with('$') && about.is_object());
    Ok(plugins)
}
