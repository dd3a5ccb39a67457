//! Telling the live runtime what has changed.
//!
//! What is applied is always the newest saved state. When two changes cross, the one that applied
//! last sees that its state is an old one and applies the newest again, so that what runs is in
//! the end what is saved.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use firstlight_core::config::{ConfigSnapshot, DocumentId};
use firstlight_core::lifecycle::{Lease, Live};
use firstlight_runtime::providers::ProviderConfig;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::entries::{find, id, list, text};
use crate::Rt;
use crate::app::App;

/// What the runtime could not take over, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct NotApplied {
    /// The provider, platform, MCP server or plugin.
    id: String,
    error: String,
}

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.error)
    }
}

/// What a document has become, for the runtime.
struct Applied {
    document: DocumentId,
    ids: BTreeSet<String>,
}

/// Applies a document that was saved. `again` is loaded again even where nothing of it changed.
///
/// Without a runtime there is nothing to do: the next one reads what is saved. A runtime that is
/// just starting may have read the document already, so it is told once it is up.
pub(super) async fn apply(
    app: &Arc<App>,
    document: &DocumentId,
    before: Option<&Value>,
    after: &Value,
    again: Vec<String>,
) -> Vec<NotApplied> {
    let mut ids = changed(document, before, after);
    ids.extend(again);
    let applied = Applied { document: document.clone(), ids };
    if applied.ids.is_empty() {
        return Vec::new();
    }
    let snapshot = app.control.snapshot();
    if let Some(live) = snapshot.state.live() {
        return applied.to(app, &live.lease()).await;
    }
    if !snapshot.state.is_settled() {
        let (later, app) = (Arc::clone(app), app);
        app.background.spawn("config.apply", async move { applied.when_settled(&later).await });
    }
    Vec::new()
}

impl Applied {
    async fn when_settled(self, app: &App) {
        let mut states = app.control.subscribe();
        let ending = app.background.token();
        let settled = ending.run_until_cancelled(states.wait_for(|now| now.state.is_settled()));
        let Some(Ok(snapshot)) = settled.await.map(|found| found.map(|now| now.clone())) else {
            return;
        };
        let Some(lease) = snapshot.state.live().map(Live::lease) else { return };
        for failed in self.to(app, &lease).await {
            tracing::warn!(document = %self.document, %failed, "a saved change was not taken over");
        }
    }

    async fn to(&self, app: &App, lease: &Lease<Rt>) -> Vec<NotApplied> {
        loop {
            let snapshot = app.config.snapshot();
            if lease.is_gone() {
                return Vec::new();
            }
            let failed = match &self.document {
                DocumentId::Providers => self.providers(app, lease, &snapshot).await,
                DocumentId::Platforms => self.platforms(lease, &snapshot).await,
                DocumentId::Mcp => self.mcp(lease, &snapshot).await,
                DocumentId::Plugin(name) => plugin(lease, name).await,
                // Each message reads its profile anew.
                DocumentId::Profile(_) | DocumentId::Routing => Vec::new(),
            };
            if revision(&snapshot, &self.document)
                == revision(&app.config.snapshot(), &self.document)
            {
                return failed;
            }
        }
    }

    async fn providers(
        &self,
        app: &App,
        lease: &Lease<Rt>,
        snapshot: &ConfigSnapshot,
    ) -> Vec<NotApplied> {
        let Some(document) = snapshot.document(&DocumentId::Providers) else { return Vec::new() };
        let configured = ProviderConfig::all(&document.value, &app.settings.data_dir);
        let mut configured: BTreeMap<String, _> = configured.into_iter().collect();
        let mut failed = Vec::new();
        for id in &self.ids {
            let loaded = match configured.remove(id) {
                Some(Ok(config)) => lease.providers.load(&config).await.map(drop),
                Some(Err(error)) => {
                    lease.providers.record_failure(id, &error).await;
                    Err(error)
                }
                None => {
                    lease.providers.remove(id).await;
                    Ok(())
                }
            };
            failed.extend(loaded.err().map(|error| NotApplied::new(id, &error)));
        }
        failed
    }

    async fn mcp(&self, lease: &Lease<Rt>, snapshot: &ConfigSnapshot) -> Vec<NotApplied> {
        let Some(mcp) = &lease.mcp else { return Vec::new() };
        let document = snapshot.document(&DocumentId::Mcp);
        let servers = document.and_then(|document| document.value.get("mcpServers"));
        let mut failed = Vec::new();
        for id in &self.ids {
            match servers.and_then(|servers| servers.get(id)) {
                Some(entry) => {
                    let applied = mcp.apply(id, entry).await;
                    failed.extend(applied.err().map(|error| NotApplied::new(id, &error)));
                }
                None => mcp.remove(id).await,
            }
        }
        failed
    }

    async fn platforms(&self, lease: &Lease<Rt>, snapshot: &ConfigSnapshot) -> Vec<NotApplied> {
        let Ok(configured) = snapshot.platforms() else { return Vec::new() };
        let mut failed = Vec::new();
        for id in &self.ids {
            match configured.platform.iter().find(|entry| entry.id == *id) {
                Some(entry) => {
                    let applied = lease.platforms.apply(entry).await;
                    failed.extend(applied.err().map(|error| NotApplied::new(id, &error)));
                }
                None => lease.platforms.remove(id).await,
            }
        }
        failed
    }
}

impl NotApplied {
    fn new(id: &str, error: &dyn fmt::Display) -> Self {
        Self { id: id.to_owned(), error: error.to_string() }
    }
}

async fn plugin(lease: &Lease<Rt>, name: &str) -> Vec<NotApplied> {
    if lease.plugins.sources().is_disabled(name) {
        // It reads them when it is enabled.
        return Vec::new();
    }
    let reloaded = lease.plugins.settings_changed(name).await;
    reloaded.err().map(|error| NotApplied::new(name, &error)).into_iter().collect()
}

fn revision(snapshot: &ConfigSnapshot, document: &DocumentId) -> Option<i64> {
    snapshot.document(document).map(|document| document.revision)
}

/// The entries that are not what they were.
fn changed(document: &DocumentId, before: Option<&Value>, after: &Value) -> BTreeSet<String> {
    let parts: fn(&Value) -> Parts = match document {
        DocumentId::Providers => |value| effective(value).into_iter().collect(),
        DocumentId::Platforms => |value| {
            let entries = list(value, "platform").iter();
            entries
                .filter_map(|entry| Some((id(entry).to_owned(), entry.as_object()?.clone())))
                .collect()
        },
        DocumentId::Mcp => |value| {
            let servers = value.get("mcpServers").and_then(Value::as_object).into_iter().flatten();
            servers
                .filter_map(|(name, entry)| Some((name.clone(), entry.as_object()?.clone())))
                .collect()
        },
        DocumentId::Plugin(name) => {
            let same = before == Some(after);
            return (!same).then(|| name.clone()).into_iter().collect();
        }
        DocumentId::Profile(_) | DocumentId::Routing => return BTreeSet::new(),
    };
    let (before, after) = (before.map(parts).unwrap_or_default(), parts(after));
    let all = before.keys().chain(after.keys());
    all.filter(|id| before.get(*id) != after.get(*id)).cloned().collect()
}

type Parts = BTreeMap<String, Map<String, Value>>;

/// Every provider of a `providers` document as it counts: its source, overlaid by itself.
pub(super) fn effective(document: &Value) -> Vec<(String, Map<String, Value>)> {
    let sources = list(document, "provider_sources");
    list(document, "provider")
        .iter()
        .filter_map(|provider| {
            let source = find(sources, text(provider, "provider_source_id"));
            let mut merged = source.and_then(Value::as_object).cloned().unwrap_or_default();
            merged.extend(provider.as_object()?.clone());
            Some((id(provider).to_owned(), merged))
        })
        .collect()
}
