//! A loaded plugin: what it declared, and the one way to call it.

use std::sync::Arc;
use std::time::Duration;

use firstlight_plugins_api::{Handler, Hook, Manifest, PluginError};
use jiff::Timestamp;
use metrics::{counter, histogram};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::call::{PluginCallError, bounded};
use super::erased::ErasedPlugin;
use super::health::Health;
use super::host::Terms;
use super::lanes::Lane;

/// How long calls that are under way are waited for when a plugin goes. They are at most as long as
/// their own deadlines; a component that has to stop is not held up by them.
const DRAIN_LIMIT: Duration = Duration::from_mins(2);
/// How long a plugin may take to unload.
const UNLOAD_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct LivePlugin {
    pub(super) manifest: Manifest,
    pub(super) plugin: Arc<dyn ErasedPlugin>,
    /// What it declared when it was loaded.
    pub(super) handlers: Vec<Handler>,
    pub(super) hooks: Vec<Hook>,
    pub(super) loaded_at: Timestamp,
    pub(super) terms: Arc<Terms>,
    pub(super) health: Health,
    /// Where it lives, when it is not part of this program.
    pub(super) lane: Option<Arc<dyn Lane>>,
    /// What it declared and was not granted, for the operator.
    pub(super) withheld: Vec<String>,
    /// The calls that are under way.
    pub(super) calls: TaskTracker,
}

/// Whether the calls under way are waited for when a plugin goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// They are: another instance has taken over.
    Drain,
    /// They are not: the runtime goes, and has ended them.
    AtOnce,
}

/// A call on its way. Dropped before it is decided, it says nothing about the plugin.
struct Undecided<'a>(Option<&'a Health>);

impl LivePlugin {
    /// Awaits a call under its deadline, when the plugin does not rest, and notes how it went.
    pub(super) async fn call<T>(
        &self,
        call: &'static str,
        limit: Duration,
        future: impl Future<Output = Result<T, PluginError>>,
    ) -> Result<T, PluginCallError> {
        let _under_way = self.calls.token();
        self.health.admit().map_err(|resting| PluginCallError::Resting {
            reason: resting.reason,
            remaining: resting.remaining,
        })?;
        let undecided = Undecided(Some(&self.health));
        let limit = limit.min(self.terms.budgets.deadline);
        let begun = Instant::now();
        let result = bounded(call, limit, future).await;
        undecided.decide();
        self.count(call, begun.elapsed(), &result);
        match &result {
            Err(PluginCallError::Deadline { .. }) => {
                if let Some(lane) = &self.lane {
                    lane.overran(call);
                }
                self.faulted(&result);
            }
            Err(PluginCallError::Fault { .. } | PluginCallError::Panicked { .. }) => {
                self.faulted(&result);
            }
            Ok(_) | Err(_) => self.health.worked(),
        }
        result
    }

    fn count<T>(&self, call: &'static str, took: Duration, result: &Result<T, PluginCallError>) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(PluginCallError::Plugin(_)) => "error",
            Err(PluginCallError::Deadline { .. }) => "deadline",
            Err(_) => "fault",
        };
        let plugin = &self.manifest.name;
        counter!(
            "firstlight_plugin_calls_total",
            "plugin" => plugin.clone(), "call" => call, "outcome" => outcome
        )
        .increment(1);
        histogram!("firstlight_plugin_call_seconds", "plugin" => plugin.clone()).record(took);
    }

    fn faulted<T>(&self, result: &Result<T, PluginCallError>) {
        if let Err(error) = result {
            self.health.faulted(&error.to_string());
        }
    }

    /// Tells the plugin to go, once nothing calls it any more, and takes its lane down.
    pub(super) async fn unload(&self, farewell: Farewell) {
        let plugin = &*self.manifest.name;
        self.calls.close();
        if farewell == Farewell::Drain
            && tokio::time::timeout(DRAIN_LIMIT, self.calls.wait()).await.is_err()
        {
            tracing::warn!(plugin, "calls of a plugin that goes did not end");
        }
        if let Err(error) = bounded("unload", UNLOAD_LIMIT, self.plugin.unload()).await {
            tracing::warn!(plugin, %error, "a plugin did not unload cleanly");
        }
        if let Some(lane) = &self.lane {
            lane.end().await;
        }
    }
}

impl Undecided<'_> {
    fn decide(mut self) {
        self.0 = None;
    }
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        if let Some(health) = self.0 {
            health.abandoned();
        }
    }
}
