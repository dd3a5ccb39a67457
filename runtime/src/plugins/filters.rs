//! Filters that plugins in a lane answer themselves. They are asked before it is decided who takes
//! a message, all at the same time and briefly: who does not answer does not take it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::model::MessageEvent;
use firstlight_plugins_api::wire::GuestCall;
use firstlight_plugins_api::{Filter, PluginError};

use super::convert;
use super::dispatch::PluginScope;
use super::live::LivePlugin;
use super::registry::Plugins;

/// How long a filter may take.
const FILTER_LIMIT: Duration = Duration::from_millis(250);

/// What filters answered, by plugin and name.
#[derive(Debug, Default)]
pub(crate) struct Filtered(HashMap<(String, String), bool>);

impl Filtered {
    /// What a filter of a plugin in a lane answered; `None`: it was not asked.
    pub(super) fn answer(&self, plugin: &str, filter: &str) -> Option<bool> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(plugin.to_owned(), filter.to_owned())).copied()
    }
}

impl Plugins {
    /// Asks the filters of plugins in a lane about a message.
    pub(crate) async fn ask_filters(&self, event: &MessageEvent, scope: &PluginScope) -> Filtered {
        let state = self.state();
        if state.filters.is_empty() {
            return Filtered::default();
        }
        let event = convert::event(event, scope.profile.language);
        let asked = state
            .filters
            .iter()
            .filter(|(live, _)| state.admits(&live.manifest.name, &scope.profile, &scope.rule));
        let asked = asked.map(|(live, name)| {
            let event = Box::new(event.clone());
            async move {
                let key = (live.manifest.name.clone(), name.clone());
                (key, ask(live, GuestCall::Predicate { name: name.clone(), event }).await)
            }
        });
        Filtered(futures_util::future::join_all(asked).await.into_iter().collect())
    }
}

async fn ask(live: &LivePlugin, call: GuestCall) -> bool {
    let Some(lane) = &live.lane else { return false };
    let asked = async {
        let answer = lane.call(&call).await?;
        serde_json::from_str(&answer).map_err(|error| PluginError::Fault(error.to_string()))
    };
    live.call("predicate", FILTER_LIMIT, asked).await.unwrap_or_else(|error| {
        tracing::warn!(plugin = %live.manifest.name, %error, "a filter failed");
        false
    })
}

/// The filters that a plugin in a lane answers itself.
pub(super) fn own_filters(live: &Arc<LivePlugin>) -> Vec<(Arc<LivePlugin>, String)> {
    if live.lane.is_none() {
        return Vec::new();
    }
    let mut names = Vec::new();
    for handler in &live.handlers {
        collect(&handler.filter, &mut names);
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| (Arc::clone(live), name)).collect()
}

fn collect(filter: &Filter, names: &mut Vec<String>) {
    match filter {
        Filter::Custom(name) => names.push(name.clone()),
        Filter::All(filters) | Filter::OneOf(filters) => {
            for filter in filters {
                collect(filter, names);
            }
        }
        Filter::Not(filter) => collect(filter, names),
        Filter::Any
        | Filter::Regex(_)
        | Filter::Kind(_)
        | Filter::Platform(_)
        | Filter::Admin
        | Filter::Addressed
        | Filter::OnlyAddressed => {}
    }
}
