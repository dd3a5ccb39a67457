//! The providers that are loaded, those that could not be, and which one answers now.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use firstlight_core::lifecycle::StepCx;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::chat::{ChatProvider, ProviderMeta};
use super::config::{ProviderConfig, ProviderDefaults};
use super::edit::Edited;
use super::error::{Deadline, ProviderError};
use super::kinds;

/// How long one provider may take to end.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// All configured chat providers, in the order of the configuration.
///
/// One that failed or is disabled stays listed, with its error, so that it can be repaired.
pub struct Registry {
    defaults: ProviderDefaults,
    /// Where each provider shows as an item, when the registry belongs to a runtime.
    timeline: Option<StepCx>,
    entries: RwLock<Vec<Entry>>,
    /// Replaced by a newer one while they were answering; they end once they are done, at the next
    /// change, and in any case with the registry.
    replaced: Mutex<Vec<Arc<dyn ChatProvider>>>,
}

struct Entry {
    record: ProviderRecord,
    provider: Option<Arc<dyn ChatProvider>>,
}

/// What is known about one configured provider.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProviderRecord {
    /// The id in the configuration.
    pub id: String,
    /// The adapter.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub provider_type: String,
    /// The model it asks by default.
    pub model: String,
    /// Whether it can be asked, and if not, why.
    #[serde(flatten)]
    pub status: ProviderStatus,
}

/// Whether a provider can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "status", content = "error", rename_all = "snake_case")]
pub enum ProviderStatus {
    /// It can.
    Loaded,
    /// The operator switched it off.
    Disabled,
    /// It could not be loaded.
    Failed(String),
}

/// Who asked for which provider, strongest wish first. Ids that name nothing loaded are passed
/// over with a warning.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// Named by the message itself.
    pub explicit: Option<&'a str>,
    /// Kept for the session.
    pub session: Option<&'a str>,
    /// The default of the configuration profile.
    pub profile: Option<&'a str>,
}

impl Registry {
    /// A registry that holds nothing yet.
    pub fn new(defaults: ProviderDefaults) -> Self {
        Self { defaults, timeline: None, entries: RwLock::default(), replaced: Mutex::default() }
    }

    /// The same, with each provider an item of this component.
    pub fn in_component(defaults: ProviderDefaults, cx: StepCx) -> Self {
        Self { timeline: Some(cx), ..Self::new(defaults) }
    }

    /// What counts for every provider.
    pub fn defaults(&self) -> &ProviderDefaults {
        &self.defaults
    }

    /// Loads or reloads one provider. The new one stands before the old one is asked to end, and the
    /// old one may finish its answers; when the new one cannot be made or is disabled, the old one
    /// ends at once and the record says why.
    pub async fn load(&self, config: &ProviderConfig) -> Result<ProviderMeta, ProviderError> {
        let made = if config.enabled { Some(kinds::build(config, &self.defaults)) } else { None };
        let status = match &made {
            None => ProviderStatus::Disabled,
            Some(Ok(_)) => ProviderStatus::Loaded,
            Some(Err(error)) => ProviderStatus::Failed(error.to_string()),
        };
        let record = ProviderRecord {
            id: config.id.clone(),
            kind: config.kind.clone(),
            provider_type: config.provider_type.clone(),
            model: config.model.clone(),
            status,
        };
        match made {
            None => {
                self.put(Entry { record, provider: None }).await;
                Ok(kinds::described(config))
            }
            Some(Err(error)) => {
                self.put(Entry { record, provider: None }).await;
                Err(error)
            }
            Some(Ok(provider)) => {
                let meta = provider.meta().clone();
                self.put(Entry { record, provider: Some(provider) }).await;
                Ok(meta)
            }
        }
    }

    /// Follows a changed document: ends what is gone, loads again what changed. The answer names
    /// what could not be loaded; it stays listed with its error.
    pub async fn follow(&self, edited: &Edited) -> Vec<(String, ProviderError)> {
        for id in &edited.removed {
            self.remove(id).await;
        }
        let mut failed = Vec::new();
        for id in &edited.reload {
            let found = ProviderConfig::find(&edited.document, id, &self.defaults.folder);
            let error = match found {
                None => continue,
                Some(Ok(config)) => self.load(&config).await.err(),
                Some(Err(error)) => {
                    self.record_failure(id, &error).await;
                    Some(error)
                }
            };
            failed.extend(error.map(|error| (id.clone(), error)));
        }
        failed
    }

    /// Lists a provider whose configuration could not even be read.
    pub async fn record_failure(&self, id: &str, error: &ProviderError) {
        let record = ProviderRecord {
            id: id.to_owned(),
            kind: String::new(),
            provider_type: "chat_completion".to_owned(),
            model: String::new(),
            status: ProviderStatus::Failed(error.to_string()),
        };
        self.put(Entry { record, provider: None }).await;
    }

    /// Adds a provider that was made elsewhere: by a custom gateway, or by a test.
    pub async fn add(&self, provider: Arc<dyn ChatProvider>) {
        let meta = provider.meta().clone();
        let record = ProviderRecord {
            id: meta.id,
            kind: meta.kind,
            provider_type: meta.provider_type,
            model: meta.model,
            status: ProviderStatus::Loaded,
        };
        self.put(Entry { record, provider: Some(provider) }).await;
    }

    /// Forgets a provider and asks it to end. Says whether there was one.
    pub async fn remove(&self, id: &str) -> bool {
        let removed = {
            let mut entries = self.write();
            let at = entries.iter().position(|entry| entry.record.id == id);
            at.map(|at| entries.remove(at))
        };
        let known = removed.is_some();
        if let Some(item) = self.timeline.as_ref().filter(|_| known).map(|cx| cx.item(id)) {
            item.remove();
        }
        if let Some(provider) = removed.and_then(|entry| entry.provider) {
            close(provider).await;
        }
        known
    }

    /// A loaded provider by its id.
    pub fn chat(&self, id: &str) -> Option<Arc<dyn ChatProvider>> {
        let entries = self.read();
        entries.iter().find(|entry| entry.record.id == id)?.provider.clone()
    }

    /// The provider that answers now: the strongest wish that names a loaded one, else the first
    /// loaded one.
    pub fn current(&self, choice: Choice<'_>) -> Option<Arc<dyn ChatProvider>> {
        let wishes = [choice.explicit, choice.session, choice.profile];
        for id in wishes.into_iter().flatten().filter(|id| !id.is_empty()) {
            if let Some(provider) = self.chat(id) {
                return Some(provider);
            }
            tracing::warn!(
                provider = id,
                "the chosen provider is not loaded, taking the next choice"
            );
        }
        self.read().iter().find_map(|entry| entry.provider.clone())
    }

    /// Everything that is configured, loaded or not.
    pub fn records(&self) -> Vec<ProviderRecord> {
        self.read().iter().map(|entry| entry.record.clone()).collect()
    }

    /// Asks every loaded provider to end, each exactly once, also when another fails, panics or
    /// hangs. The registry is empty before the first is asked.
    pub async fn close_all(&self) -> Vec<(String, ProviderError)> {
        let entries = std::mem::take(&mut *self.write());
        let current = entries.into_iter().filter_map(|entry| entry.provider);
        let all: Vec<_> = current.chain(self.take_replaced(|_| true)).collect();
        join_all(all.into_iter().map(close)).await.into_iter().flatten().collect()
    }

    async fn put(&self, entry: Entry) {
        if let Some(item) = self.timeline.as_ref().map(|cx| cx.item(&entry.record.id)) {
            item.start();
            match &entry.record.status {
                ProviderStatus::Loaded => item.finish(),
                ProviderStatus::Disabled => item.stop(),
                ProviderStatus::Failed(error) => item.fail(error),
            }
        }
        let succeeded = entry.provider.is_some();
        let old = {
            let mut entries = self.write();
            let place = entries.iter_mut().find(|old| old.record.id == entry.record.id);
            if let Some(place) = place {
                std::mem::replace(place, entry).provider
            } else {
                entries.push(entry);
                None
            }
        };
        if let Some(old) = old {
            if succeeded && old.is_busy() {
                self.lock_replaced().push(old);
            } else {
                close(old).await;
            }
        }
        join_all(self.take_replaced(|old| !old.is_busy()).into_iter().map(close)).await;
    }

    fn take_replaced(
        &self,
        which: impl Fn(&dyn ChatProvider) -> bool,
    ) -> Vec<Arc<dyn ChatProvider>> {
        self.lock_replaced().extract_if(.., |old| which(old.as_ref())).collect()
    }

    fn lock_replaced(&self) -> MutexGuard<'_, Vec<Arc<dyn ChatProvider>>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Each change under the lock is one whole step, so a poisoned lock holds a sound value.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks one provider to end; whatever it does, this ends too.
async fn close(provider: Arc<dyn ChatProvider>) -> Option<(String, ProviderError)> {
    let id = provider.meta().id.clone();
    let error = contained(CLOSE_LIMIT, Deadline::Close, provider.close()).await.err()?;
    tracing::warn!(provider = id, %error, "a provider did not end cleanly");
    Some((id, error))
}

/// Runs foreign code under a deadline and catches its panics.
pub(super) async fn contained<T>(
    limit: Duration,
    deadline: Deadline,
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(ProviderError::Panicked),
        Err(_elapsed) => Err(ProviderError::Timeout { deadline, after: limit }),
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
