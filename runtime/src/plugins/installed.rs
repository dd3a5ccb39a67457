//! An installed plugin: where its package is, what it may, and how it is brought to life.

use std::path::PathBuf;
use std::sync::Arc;

use firstlight_plugins_api::wire::{API_VERSION, Declarations, Introduction};
use firstlight_plugins_api::{
    Capabilities, Capability, Hook, HookKind, Level, PluginError, Trigger,
};

use super::budgets::{AskedBudgets, Budgets, LaneKind};
use super::erased::Loaded;
use super::host::{Shared, Terms};
use super::lanes::process::{ProcessLane, Program};
use super::lanes::{HostLine, Lane, RemotePlugin};

/// An installed plugin.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    /// The folder of its package.
    pub(super) folder: PathBuf,
    pub(super) place: Place,
    /// What the operator allowed.
    pub(super) grants: Capabilities,
    pub(super) budgets: Budgets,
    pub(super) level: Option<Level>,
}

/// Where a plugin lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the sandbox: the component's file.
    Component(PathBuf),
    /// In a program of its own: its command, run in the package's folder.
    Process(Vec<String>),
}

impl Installed {
    pub(super) fn terms(&self, plugin: &str) -> Arc<Terms> {
        Terms::new(plugin, self.grants.clone(), self.budgets, self.level)
    }

    /// Brings its lane up. The plugin is not loaded yet.
    pub(super) async fn open(
        &self,
        plugin: &str,
        shared: &Shared,
        line: HostLine,
    ) -> Result<Arc<dyn Lane>, PluginError> {
        match &self.place {
            Place::Component(file) => {
                let opened = shared.components.lane(file, line).await;
                Ok(Arc::new(opened.map_err(PluginError::failed)?))
            }
            Place::Process(command) => {
                let program = Program {
                    plugin: plugin.to_owned(),
                    command: command.clone(),
                    folder: self.folder.clone(),
                    data: shared.data_folder(plugin),
                };
                Ok(ProcessLane::start(program, line, &shared.watch)?)
            }
        }
    }

    /// Loads the plugin in its lane, and leaves out what it declares and was not granted.
    pub(super) async fn load(
        lane: Arc<dyn Lane>,
        settings: serde_json::Value,
        granted: &Capabilities,
    ) -> Result<Loaded, PluginError> {
        let introduction = Introduction { api: API_VERSION.to_owned(), settings };
        let plugin = match RemotePlugin::load(Arc::clone(&lane), introduction).await {
            Ok(plugin) => plugin,
            Err(error) => {
                lane.end().await;
                return Err(error);
            }
        };
        let mut withheld = Vec::new();
        plugin.withhold(|declared| withheld = withhold(declared, granted));
        Ok(Loaded { plugin: Arc::new(plugin), lane: Some(lane), withheld })
    }
}

/// What compiled-in plugins may use: what is usual.
pub(super) fn usual_budgets() -> Budgets {
    AskedBudgets::default().with(&AskedBudgets::default(), LaneKind::Component)
}

/// Takes out what was not granted, and says what that is.
fn withhold(declared: &mut Declarations, granted: &Capabilities) -> Vec<String> {
    let mut withheld = Vec::new();
    let mut note = |count: usize, what: &str, capability: Capability| {
        if count > 0 {
            withheld.push(format!("{count} {what}: {capability} is not granted"));
        }
    };
    if !granted.messages {
        let before = declared.handlers.len();
        declared.handlers.retain(|handler| !matches!(handler.trigger, Trigger::Message));
        note(before - declared.handlers.len(), "listeners", Capability::Messages);
    }
    if !granted.hooks {
        let before = declared.hooks.len();
        declared.hooks.retain(|hook| !sees_messages(*hook));
        note(before - declared.hooks.len(), "hooks", Capability::Hooks);
    }
    if !granted.tools {
        note(std::mem::take(&mut declared.tools).len(), "tools", Capability::Tools);
    }
    if !granted.routes {
        note(std::mem::take(&mut declared.routes).len(), "web routes", Capability::Routes);
    }
    withheld
}

/// Hooks of the gateway's own life tell nothing of what people say.
fn sees_messages(hook: Hook) -> bool {
    match hook.kind {
        HookKind::PlatformsLoaded | HookKind::PluginLoaded | HookKind::PluginUnloaded => false,
        HookKind::PluginError
        | HookKind::WaitingForModel
        | HookKind::ModelRequest
        | HookKind::ModelResponse
        | HookKind::Decorating
        | HookKind::AfterSent => true,
    }
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::{Filter, Handler, Tool, WebRoute};

    use super::*;

    #[test]
    fn what_is_declared_and_not_granted_is_left_out_and_named() {
        let declared = || Declarations {
            handlers: vec![Handler::command("roll"), Handler::message("all", Filter::Any)],
            hooks: vec![Hook::new(HookKind::Decorating), Hook::new(HookKind::PluginLoaded)],
            routes: vec![WebRoute::get("/x", "")],
            tools: vec![Tool::without_arguments("t", "")],
        };
        let mut all = declared();
        assert!(withhold(&mut all, &Capabilities::all()).is_empty());
        assert_eq!(all, declared());
        let mut none = declared();
        let withheld = withhold(&mut none, &Capabilities::default());
        assert_eq!(withheld.len(), 4);
        assert_eq!(withheld[0], "1 listeners: messages is not granted");
        assert_eq!((none.handlers.len(), none.hooks.len()), (1, 1));
        assert!(none.routes.is_empty() && none.tools.is_empty());
    }
}
