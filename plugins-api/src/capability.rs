//! What a plugin asks to be allowed, and what the operator allowed it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a plugin may do only when the operator allowed it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to hosts that the list names.
    Hosts,
    /// The key-value store.
    Kv,
    /// Timers, and waiting for somebody's reply.
    Timers,
    /// Sending what nobody asked for.
    Send,
    /// Asking models, which costs tokens.
    Model,
    /// Reading and changing conversations, session names and variables.
    Conversations,
    /// Reading personas.
    Personas,
    /// Files in the plugin's own folder.
    Files,
    /// Tools offered to the model.
    Tools,
    /// Web routes below `/api/plug/<name>/`.
    Routes,
    /// Pages shown in the dashboard.
    Pages,
    /// Hearing every message, not only its own commands.
    Messages,
    /// Changing questions to the model, its answers, and what is sent.
    Hooks,
}

/// A set of capabilities: what a plugin asks for in its `plugin.toml`, or what it was granted.
/// Nothing is in it unless it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line of plugin.toml")]
pub struct Capabilities {
    /// Hosts it may send requests to: `api.example.org`, `*.example.org` for all below it, or `*`
    /// for every public one. Private and link-local addresses are never among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Hosts that may have private addresses, each by its exact name or address, with `:port`
    /// where only that port is meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub private_hosts: Vec<String>,
    /// See [`Capability::Kv`].
    pub kv: bool,
    /// See [`Capability::Timers`].
    pub timers: bool,
    /// See [`Capability::Send`].
    pub send: bool,
    /// See [`Capability::Model`].
    pub model: bool,
    /// See [`Capability::Conversations`].
    pub conversations: bool,
    /// See [`Capability::Personas`].
    pub personas: bool,
    /// See [`Capability::Files`].
    pub files: bool,
    /// See [`Capability::Tools`].
    pub tools: bool,
    /// See [`Capability::Routes`].
    pub routes: bool,
    /// See [`Capability::Pages`].
    pub pages: bool,
    /// See [`Capability::Messages`].
    pub messages: bool,
    /// See [`Capability::Hooks`].
    pub hooks: bool,
}

impl Capability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 13] = [
        Self::Hosts,
        Self::Kv,
        Self::Timers,
        Self::Send,
        Self::Model,
        Self::Conversations,
        Self::Personas,
        Self::Files,
        Self::Tools,
        Self::Routes,
        Self::Pages,
        Self::Messages,
        Self::Hooks,
    ];

    /// Its name in `plugin.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Kv => "kv",
            Self::Timers => "timers",
            Self::Send => "send",
            Self::Model => "model",
            Self::Conversations => "conversations",
            Self::Personas => "personas",
            Self::Files => "files",
            Self::Tools => "tools",
            Self::Routes => "routes",
            Self::Pages => "pages",
            Self::Messages => "messages",
            Self::Hooks => "hooks",
        }
    }

    /// The capability of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// What it lets a plugin do, in one sentence for the operator.
    pub fn about(self) -> &'static str {
        match self {
            Self::Hosts => "Send requests to the hosts named.",
            Self::Kv => "Store values of its own.",
            Self::Timers => "Act later, and wait for replies.",
            Self::Send => "Send messages that nobody asked for.",
            Self::Model => "Ask models, which costs tokens.",
            Self::Conversations => "Read and change conversations, names and variables.",
            Self::Personas => "Read personas.",
            Self::Files => "Keep files in a folder of its own.",
            Self::Tools => "Offer tools to the model.",
            Self::Routes => "Serve web routes to whoever is logged in.",
            Self::Pages => "Show pages in the dashboard.",
            Self::Messages => "Hear every message, not only its own commands.",
            Self::Hooks => "Change questions to the model, its answers, and what is sent.",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Capabilities {
    /// Everything but requests: what a compiled-in plugin has, which is part of the program.
    pub fn all() -> Self {
        let mut all = Self { hosts: vec!["*".to_owned()], ..Self::default() };
        for capability in Capability::ALL {
            if let Some(flag) = all.flag(capability) {
                *flag = true;
            }
        }
        all
    }

    /// Whether it holds this one; for hosts, whether it names any.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Hosts => !self.hosts.is_empty() || !self.private_hosts.is_empty(),
            Capability::Kv => self.kv,
            Capability::Timers => self.timers,
            Capability::Send => self.send,
            Capability::Model => self.model,
            Capability::Conversations => self.conversations,
            Capability::Personas => self.personas,
            Capability::Files => self.files,
            Capability::Tools => self.tools,
            Capability::Routes => self.routes,
            Capability::Pages => self.pages,
            Capability::Messages => self.messages,
            Capability::Hooks => self.hooks,
        }
    }

    /// Those that it holds, in the order in which they are shown.
    pub fn held(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.has(*capability)).collect()
    }

    /// The part of it that is asked for as well. Hosts are compared as they are written.
    #[must_use]
    pub fn within(&self, asked: &Self) -> Self {
        let both = |ours: &[String], theirs: &[String]| {
            ours.iter().filter(|host| theirs.contains(host)).cloned().collect()
        };
        let mut kept = Self {
            hosts: both(&self.hosts, &asked.hosts),
            private_hosts: both(&self.private_hosts, &asked.private_hosts),
            ..Self::default()
        };
        for capability in Capability::ALL {
            let held = self.has(capability) && asked.has(capability);
            if let Some(flag) = kept.flag(capability) {
                *flag = held;
            }
        }
        kept
    }

    /// What it holds and the other does not. Hosts are compared as they are written.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let left = |ours: &[String], theirs: &[String]| {
            ours.iter().filter(|host| !theirs.contains(host)).cloned().collect()
        };
        let mut kept = Self {
            hosts: left(&self.hosts, &other.hosts),
            private_hosts: left(&self.private_hosts, &other.private_hosts),
            ..Self::default()
        };
        for capability in Capability::ALL {
            let held = self.has(capability) && !other.has(capability);
            if let Some(flag) = kept.flag(capability) {
                *flag = held;
            }
        }
        kept
    }

    fn flag(&mut self, capability: Capability) -> Option<&mut bool> {
        Some(match capability {
            Capability::Hosts => return None,
            Capability::Kv => &mut self.kv,
            Capability::Timers => &mut self.timers,
            Capability::Send => &mut self.send,
            Capability::Model => &mut self.model,
            Capability::Conversations => &mut self.conversations,
            Capability::Personas => &mut self.personas,
            Capability::Files => &mut self.files,
            Capability::Tools => &mut self.tools,
            Capability::Routes => &mut self.routes,
            Capability::Pages => &mut self.pages,
            Capability::Messages => &mut self.messages,
            Capability::Hooks => &mut self.hooks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_a_name_of_its_own_and_is_one_line_of_the_file() {
        for capability in Capability::ALL {
            assert_eq!(Capability::named(capability.name()), Some(capability));
            let written = match capability {
                Capability::Hosts => serde_json::json!({ "hosts": ["a.example"] }),
                other => serde_json::json!({ other.name(): true }),
            };
            let read: Capabilities = serde_json::from_value(written).unwrap();
            assert_eq!(read.held(), [capability]);
            let named = serde_json::to_value(capability).unwrap();
            assert_eq!(named, capability.name());
        }
        assert_eq!(Capabilities::all().held(), Capability::ALL);
        assert!(serde_json::from_str::<Capabilities>(r#"{"root": true}"#).is_err());
    }

    #[test]
    fn no_more_is_granted_than_was_asked_for() {
        let asked = Capabilities { hosts: vec!["a".into()], kv: true, ..Capabilities::default() };
        let kept = Capabilities { hosts: vec!["a".into(), "b".into()], ..Capabilities::all() };
        assert_eq!(kept.within(&asked), asked);
        assert_eq!(Capabilities::default().within(&asked), Capabilities::default());
    }

    #[test]
    fn what_was_not_granted_is_told_by_itself() {
        let hosts = || vec!["a".to_owned(), "b".to_owned()];
        let asked = Capabilities { hosts: hosts(), kv: true, send: true, ..<_>::default() };
        let granted = Capabilities { hosts: vec!["a".into()], kv: true, ..<_>::default() };
        let left = Capabilities { hosts: vec!["b".into()], send: true, ..<_>::default() };
        assert_eq!(asked.without(&granted), left);
        assert_eq!(granted.without(&asked), Capabilities::default());
    }
}
