//! What the loaded plugins declare, put together for quick look-ups. It is made anew whenever a
//! plugin comes or goes or the operator changes a command, and never changes itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use firstlight_core::config::Profile;
use firstlight_core::db::SessionRule;
use firstlight_plugins_api::matching::{CommandEntry, Facts, Index, usage};
use firstlight_plugins_api::{Argument, CommandInfo, Event, HookKind, MessageKind, Trigger};
use parking_lot::RwLock;

use super::commands::Commands;
use super::filters::own_filters;
use super::live::LivePlugin;

/// The prefix of commands where the profile names none. Without one, an ordinary word of a private
/// chat would be a command.
pub(super) const FALLBACK_PREFIX: &str = "/";

/// The declarations as they are now.
#[derive(Default)]
pub(crate) struct Current(RwLock<Arc<State>>);

/// The declarations of all loaded plugins.
#[derive(Default)]
pub(super) struct State {
    pub(super) index: Index,
    pub(super) plugins: BTreeMap<String, Arc<LivePlugin>>,
    hooks: HashMap<HookKind, Vec<Arc<LivePlugin>>>,
    /// The filters of plugins in a lane.
    pub(super) filters: Vec<(Arc<LivePlugin>, String)>,
}

impl Current {
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.read())
    }

    pub(super) fn replace(&self, state: State) {
        *self.0.write() = Arc::new(state);
    }
}

impl State {
    pub(super) fn new(plugins: BTreeMap<String, Arc<LivePlugin>>, commands: &Commands) -> Self {
        let handlers = plugins.iter().flat_map(|(name, live)| {
            let name: Arc<str> = Arc::from(name.as_str());
            live.handlers.iter().map(move |handler| {
                let (handler, enabled) = commands.applied(&name, handler);
                (Arc::clone(&name), handler, enabled)
            })
        });
        let index = Index::new(handlers);
        let mut ranked: HashMap<HookKind, Vec<(i32, Arc<LivePlugin>)>> = HashMap::new();
        for live in plugins.values() {
            for hook in &live.hooks {
                ranked.entry(hook.kind).or_default().push((hook.priority, Arc::clone(live)));
            }
        }
        let hooks = ranked.into_iter().map(|(kind, mut all)| {
            all.sort_by_key(|(priority, _)| -i64::from(*priority));
            (kind, all.into_iter().map(|(_, live)| live).collect())
        });
        let filters = plugins.values().flat_map(own_filters).collect();
        Self { index, hooks: hooks.collect(), filters, plugins }
    }

    /// The plugins that declare a hook, in order.
    pub(super) fn hooked(&self, kind: HookKind) -> &[Arc<LivePlugin>] {
        self.hooks.get(&kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a plugin takes part where this profile and this rule count. Those of the gateway
    /// always do.
    pub(super) fn admits(&self, plugin: &str, profile: &Profile, rule: &SessionRule) -> bool {
        let Some(live) = self.plugins.get(plugin) else { return false };
        let named = |names: &[String], wanted: &str| names.iter().any(|name| name == wanted);
        let listed = named(&profile.plugin_set, "*") || named(&profile.plugin_set, plugin);
        live.manifest.reserved || (listed && !named(&rule.disabled_plugins, plugin))
    }

    /// Whether a handler may take messages there.
    pub(super) fn allows(
        &self,
        entry: &CommandEntry,
        profile: &Profile,
        rule: &SessionRule,
    ) -> bool {
        if !self.admits(&entry.plugin, profile, rule) {
            return false;
        }
        let built_in = self.plugins.get(&*entry.plugin).is_some_and(|live| live.manifest.reserved);
        !(built_in && profile.disable_builtin_commands && entry.handler.naming().is_some())
    }

    /// The commands that the sender of a message may use there, by their words.
    pub(super) fn usable(
        &self,
        event: &Event,
        profile: &Profile,
        rule: &SessionRule,
    ) -> Vec<CommandInfo> {
        let facts = Facts {
            text: "",
            kind: event.kind,
            platform_type: &event.platform_type,
            role: event.role,
            addressed: true,
            only_addressed: false,
            shared: shared(event.kind, profile),
        };
        let prefix = prefix(profile);
        let usable = self.index.entries().iter().filter(|entry| {
            entry.enabled
                && entry.handler.naming().is_some()
                && facts.may(entry.handler.permission)
                && self.allows(entry, profile, rule)
        });
        let mut infos: Vec<CommandInfo> = usable.map(|entry| self.info(entry, prefix)).collect();
        infos.sort_by(|a, b| a.path.cmp(&b.path));
        infos
    }

    fn info(&self, entry: &CommandEntry, prefix: &str) -> CommandInfo {
        let arguments = arguments(entry);
        CommandInfo {
            plugin: entry.plugin.to_string(),
            path: entry.path.clone(),
            usage: usage(prefix, &entry.path, arguments),
            about: entry.handler.about.clone(),
            arguments: arguments.iter().map(|a| (a.name.clone(), a.about.clone())).collect(),
            group: matches!(entry.handler.trigger, Trigger::Group { .. }),
            reserved: self.plugins.get(&*entry.plugin).is_some_and(|live| live.manifest.reserved),
        }
    }
}

/// What a command takes.
pub(super) fn arguments(entry: &CommandEntry) -> &[Argument] {
    match &entry.handler.trigger {
        Trigger::Command { arguments, .. } => arguments,
        Trigger::Group { .. } | Trigger::Message => &[],
    }
}

/// The prefix that commands are shown with.
pub(super) fn prefix(profile: &Profile) -> &str {
    let mut prefixes = profile.wake_prefix.iter().filter(|prefix| !prefix.is_empty());
    prefixes.next().map_or(FALLBACK_PREFIX, String::as_str)
}

/// Whether several people share one conversation there.
pub(super) fn shared(kind: MessageKind, profile: &Profile) -> bool {
    kind == MessageKind::Group && !profile.platform_settings.unique_session
}
