//! What is answered.

use firstlight_runtime::plugins::{
    Condition, FailedPlugin, LaneKind, PluginCondition, PluginOverview, Staged, unenforced,
};
use firstlight_runtime::plugins_api::{Capabilities, Capability};
use serde::{Deserialize, Serialize};

/// A plugin in the list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// `component`, `process`, or `built-in`: it is part of the program.
    pub(crate) lane: String,
    pub(crate) state: State,
    /// Why it failed or rests.
    pub(crate) reason: Option<String>,
    /// What to do about that.
    pub(crate) hint: Option<String>,
    /// What it is allowed, of what it asks for.
    pub(crate) granted: Vec<String>,
    /// What it asks for and is not allowed.
    pub(crate) not_granted: Vec<String>,
}

/// What a plugin does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It works.
    Loaded,
    /// It works and is refused calls for a while, because it broke again and again.
    Resting,
    /// It could not be loaded.
    Failed,
    /// The operator set it aside.
    Disabled,
    /// Nothing runs, or not yet.
    Idle,
}

/// What a package is, and asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Looked {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) author: String,
    pub(crate) lane: LaneKind,
    /// The SHA-256 of its files with their names.
    pub(crate) digest: String,
    /// The version that is installed now.
    pub(crate) installed: Option<String>,
    /// What that one is allowed.
    pub(crate) granted: Option<Capabilities>,
    /// What it asks for, each with what it means.
    pub(crate) asks: Vec<Asks>,
    /// The same, as it is granted.
    pub(crate) capabilities: Capabilities,
    /// What its lane cannot keep it from.
    pub(crate) unenforced: Vec<String>,
    /// Why it is not for this version, when it is not.
    pub(crate) incompatible: Option<String>,
}

/// Something that a package asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asks {
    pub(crate) capability: String,
    pub(crate) about: String,
    /// Which hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hosts: Vec<String>,
}

/// What was changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Whether a running gateway did it, so that it is in force already.
    pub(crate) in_force: bool,
    /// What it asks for and is not allowed.
    #[serde(default)]
    pub(crate) not_granted: Vec<String>,
}

/// The last lines of a plugin's log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
    /// How many lines were dropped because they came too fast.
    pub(crate) dropped: u64,
}

/// What is seen of an installed plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Doctored {
    pub(crate) name: String,
    pub(crate) lane: Option<LaneKind>,
    /// Why its package is not whole.
    pub(crate) broken: Option<String>,
    /// The program that it is started with.
    pub(crate) program: Option<String>,
    /// Whether its component is compiled.
    pub(crate) compiled: Option<bool>,
    pub(crate) active: bool,
    pub(crate) not_granted: Vec<String>,
    /// Why it failed, and what to do about it.
    pub(crate) failed: Option<(String, String)>,
    /// What its lane cannot keep it from.
    pub(crate) unenforced: Vec<String>,
}

/// The names of capabilities.
pub(super) fn names(capabilities: &Capabilities) -> Vec<String> {
    capabilities.held().into_iter().map(|capability| capability.name().to_owned()).collect()
}

fn not_enforced(lane: LaneKind) -> Vec<String> {
    unenforced(lane).iter().map(|text| (*text).to_owned()).collect()
}

impl Listed {
    pub(super) fn of(
        plugin: PluginOverview,
        failed: Option<&FailedPlugin>,
        rests: Option<String>,
    ) -> Self {
        let granted = plugin.installed.as_ref().map(|installed| installed.granted.clone());
        let lane = match plugin.installed.as_ref().map(|installed| installed.lane) {
            Some(LaneKind::Component) => "component",
            Some(LaneKind::Process) => "process",
            None => "built-in",
        };
        let state = match (&plugin.loaded, failed) {
            (Some(_), _) if rests.is_some() => State::Resting,
            (Some(_), _) => State::Loaded,
            (None, _) if !plugin.active => State::Disabled,
            (None, Some(_)) => State::Failed,
            (None, None) => State::Idle,
        };
        let failed = failed.filter(|_| state == State::Failed);
        Self {
            name: plugin.manifest.name,
            version: plugin.manifest.version.to_string(),
            description: plugin.manifest.description,
            lane: lane.to_owned(),
            state,
            reason: failed.map(|failed| failed.error.clone()).or(rests),
            hint: failed.map(|failed| failed.hint.to_owned()),
            not_granted: granted.as_ref().map_or_else(Vec::new, |granted| {
                names(&plugin.manifest.capabilities.without(granted))
            }),
            granted: granted.as_ref().map(names).unwrap_or_default(),
        }
    }
}

impl Looked {
    pub(super) fn of(
        staged: &Staged,
        before: Option<(String, Capabilities)>,
        incompatible: Option<String>,
    ) -> Self {
        let manifest = staged.manifest();
        let capabilities = manifest.capabilities.clone();
        let (installed, granted) = before.unzip();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            description: manifest.description.clone(),
            author: manifest.author.clone(),
            lane: manifest.lane_kind(),
            digest: staged.digest().to_owned(),
            installed,
            granted,
            asks: Asks::of(&capabilities),
            capabilities,
            unenforced: not_enforced(manifest.lane_kind()),
            incompatible,
        }
    }
}

impl Asks {
    /// What a package asks for, in the order in which it is shown.
    pub(crate) fn of(capabilities: &Capabilities) -> Vec<Self> {
        let one = |capability: Capability| Self {
            capability: capability.name().to_owned(),
            about: capability.about().to_owned(),
            hosts: if capability == Capability::Hosts {
                let private = capabilities.private_hosts.iter();
                let private = private.map(|host| format!("{host} (may be private)"));
                capabilities.hosts.iter().cloned().chain(private).collect()
            } else {
                Vec::new()
            },
        };
        capabilities.held().into_iter().map(one).collect()
    }
}

impl Doctored {
    pub(super) fn of(plugin: &PluginCondition, failed: Option<&FailedPlugin>) -> Self {
        use firstlight_runtime::plugins::packages::Lane;

        let program = plugin.manifest.as_ref().and_then(|manifest| match &manifest.lane {
            Lane::Process { command } => command.first().cloned(),
            Lane::Component { .. } => None,
        });
        Self {
            name: plugin.name.clone(),
            lane: plugin.lane(),
            broken: match &plugin.condition {
                Condition::Whole => None,
                Condition::Broken(reason) => Some(reason.clone()),
            },
            program,
            compiled: plugin.compiled,
            active: plugin.active,
            not_granted: names(&plugin.not_granted()),
            failed: failed.map(|failed| (failed.error.clone(), failed.hint.to_owned())),
            unenforced: plugin.lane().map(not_enforced).unwrap_or_default(),
        }
    }
}
