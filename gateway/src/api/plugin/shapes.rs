//! How plugins are shown: the contract's members, and ours beside them.

use firstlight_runtime::plugins::{
    AskedBudgets, CommandRow, FailedPlugin, HealthReport, LaneKind, LaneUsage, PluginInformation,
    PluginOverview, unenforced,
};
use firstlight_runtime::plugins_api::{Capabilities, Level, Manifest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::files::FileLinks;

/// A plugin.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    name: String,
    repo: String,
    author: String,
    desc: String,
    version: String,
    reserved: bool,
    activated: bool,
    /// The contract spells it so.
    online_vesion: String,
    handlers: Vec<Value>,
    display_name: String,
    /// Where its picture is.
    logo: Option<String>,
    support_platforms: Vec<String>,
    /// The Firstlight versions it works with; the contract's name for it.
    astrbot_version: String,
    installed_at: Option<String>,
    /// When what it is, or may, was changed last.
    updated_at: Option<String>,
    /// When it was loaded.
    loaded_at: Option<String>,
    /// `component`, `process`, or `compiled-in`.
    lane: String,
    capabilities: Allowed,
    budgets: ShownBudgets,
    /// How it is doing; null when it is not loaded.
    health: Option<Health>,
    /// What it uses; null when it is not loaded, or part of the program.
    usage: Option<Usage>,
    /// What is worth a line of its log; null: what is worth one of the gateway's.
    log_level: Option<String>,
    /// Lines of its log that were dropped because they came too fast.
    log_dropped: u64,
    /// Pages that it brings, when it may show any.
    pages: Vec<Page>,
    /// Where it came from; null when it is part of the program.
    origin: Option<Value>,
    /// The SHA-256 of its package.
    digest: Option<String>,
    /// What its lane cannot keep it from, whatever it is granted.
    limits: Vec<String>,
}

/// What a plugin asks for and what it has.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginCapabilities")]
pub struct Allowed {
    #[schemars(with = "Value")]
    asked: Capabilities,
    #[schemars(with = "Value")]
    granted: Capabilities,
    /// What it declared and was not granted, in words.
    withheld: Vec<String>,
}

/// What a plugin asks to use, and what the operator gave it instead.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginBudgets")]
pub struct ShownBudgets {
    asked: AskedBudgets,
    given: AskedBudgets,
}

/// How a plugin is doing.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginHealth")]
pub struct Health {
    /// `closed`: calls go through; `open`: they are refused; `half_open`: one call decides.
    breaker: String,
    /// How long calls are still refused, in milliseconds.
    rests_ms: Option<u64>,
    calls: u64,
    faults: u64,
    last_fault: Option<String>,
}

/// What a plugin uses.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginUsage")]
pub struct Usage {
    /// Instances, or processes.
    instances: usize,
    /// In bytes.
    memory: u64,
    cpu_ms: u64,
}

/// A page of a plugin.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginPage")]
pub struct Page {
    name: String,
    title: String,
}

/// A plugin that failed to load.
#[derive(Serialize, JsonSchema)]
pub struct Failed {
    name: String,
    error: String,
    traceback: String,
    reserved: bool,
    author: String,
    desc: String,
    version: String,
    repo: String,
    display_name: String,
    support_platforms: Vec<String>,
    astrbot_version: String,
    failed_at: String,
    /// What to do about it.
    hint: String,
    /// The last lines that it wrote to its log.
    log: Vec<String>,
}

impl Listed {
    /// `commands` are all commands there are; `links` makes the link to its picture.
    pub(super) fn of(plugin: PluginOverview, commands: &[CommandRow], links: &FileLinks) -> Self {
        let PluginOverview { manifest, active, loaded, installed } = plugin;
        let lane = installed.as_ref().map(|installed| installed.lane);
        let logo = installed.as_ref().and_then(|i| links.picture(i.documents.icon.as_deref()?));
        let granted = match &installed {
            Some(installed) => installed.granted.clone(),
            None => Capabilities::all(),
        };
        let pages = installed.iter().filter(|i| i.granted.pages).flat_map(|i| &i.pages);
        let pages = pages.map(|page| Page { name: page.name.clone(), title: page.title.clone() });
        let handlers = loaded.as_ref().map(|loaded| handlers(&loaded.information, commands));
        let withheld = loaded.as_ref().map(|loaded| loaded.withheld.clone()).unwrap_or_default();
        Self {
            activated: active && loaded.is_some(),
            online_vesion: String::new(),
            handlers: handlers.unwrap_or_default(),
            display_name: display_name(&manifest),
            logo: logo.map(|token| format!("/api/file/{token}")),
            astrbot_version: range(&manifest),
            installed_at: installed.as_ref().and_then(|i| iso(i.installed_at)),
            updated_at: installed.as_ref().and_then(|i| iso(i.updated_at)),
            loaded_at: loaded.as_ref().map(|loaded| loaded.information.loaded_at.to_string()),
            lane: lane_name(lane).to_owned(),
            capabilities: Allowed { asked: manifest.capabilities, granted, withheld },
            budgets: ShownBudgets {
                asked: installed.as_ref().map(|i| i.budgets).unwrap_or_default(),
                given: installed.as_ref().map(|i| i.given_budgets).unwrap_or_default(),
            },
            health: loaded.as_ref().map(|loaded| Health::of(&loaded.health)),
            usage: loaded.as_ref().and_then(|loaded| loaded.usage).map(Usage::of),
            log_level: installed.as_ref().and_then(|i| i.log_level).map(level_name),
            log_dropped: loaded.as_ref().map(|loaded| loaded.log_dropped).unwrap_or_default(),
            pages: pages.collect(),
            digest: installed.as_ref().map(|i| i.digest.clone()),
            limits: lane.map(limits).unwrap_or_default(),
            origin: installed.map(|i| i.origin),
            version: manifest.version.to_string(),
            name: manifest.name,
            repo: manifest.repository,
            author: manifest.author,
            desc: manifest.description,
            reserved: manifest.reserved,
            support_platforms: manifest.platforms,
        }
    }
}

/// What a lane cannot keep a plugin from.
pub(super) fn limits(lane: LaneKind) -> Vec<String> {
    unenforced(lane).iter().map(|text| (*text).to_owned()).collect()
}

/// The name of a lane; no lane is that of the program itself.
pub(super) fn lane_name(lane: Option<LaneKind>) -> &'static str {
    match lane {
        None => "compiled-in",
        Some(LaneKind::Component) => "component",
        Some(LaneKind::Process) => "process",
    }
}

fn level_name(level: Level) -> String {
    json!(level).as_str().unwrap_or_default().to_owned()
}

fn iso(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|at| at.to_string())
}

/// What a plugin declares, one entry for each.
fn handlers(plugin: &PluginInformation, commands: &[CommandRow]) -> Vec<Value> {
    let name = &plugin.manifest.name;
    let handler = |kind: &str, handler: &str, about: &str| {
        json!({
            "event_type": kind,
            "event_type_h": kind,
            "handler_full_name": format!("{name}.{handler}"),
            "desc": about,
            "handler_name": handler,
            "cmd": "",
            "type": kind,
        })
    };
    let taken = plugin.handlers.iter().map(|(kind, of, about)| {
        let mut shown = handler(kind, of, about);
        let command = commands.iter().find(|c| c.plugin == *name && c.handler == *of);
        let Some(members) = shown.as_object_mut() else { return shown };
        let admins = command.is_some_and(|command| command.admins_only);
        members.insert("has_admin".to_owned(), admins.into());
        if let Some(command) = command {
            members.insert("cmd".to_owned(), command.path.clone().into());
            if command.group {
                let below = commands.iter().filter(|c| c.plugin == *name);
                let below = below.filter(|c| c.parent.as_deref() == Some(of));
                let below: Vec<&str> = below.map(|c| c.path.as_str()).collect();
                members.insert("sub_command".to_owned(), json!(below));
            }
        }
        shown
    });
    let hooks = plugin.hooks.iter().map(|hook| {
        let kind = json!(hook);
        handler("hook", kind.as_str().unwrap_or_default(), "")
    });
    let tools = plugin.tools.iter().map(|tool| handler("tool", tool, ""));
    let routes = plugin.routes.iter().map(|route| handler("web", route, ""));
    taken.chain(hooks).chain(tools).chain(routes).collect()
}

impl Health {
    fn of(report: &HealthReport) -> Self {
        let rests = report.rests.map(|rests| rests.as_millis());
        Self {
            breaker: report.breaker.name().to_owned(),
            rests_ms: rests.map(|rests| u64::try_from(rests).unwrap_or(u64::MAX)),
            calls: report.calls,
            faults: report.faults,
            last_fault: report.last_fault.clone(),
        }
    }
}

impl Usage {
    fn of(usage: LaneUsage) -> Self {
        let LaneUsage { instances, cpu_ms, memory } = usage;
        Self { instances, memory, cpu_ms }
    }
}

impl Failed {
    pub(super) fn of(failed: FailedPlugin) -> Self {
        let manifest = failed.manifest;
        let mut traceback = vec![failed.error.clone()];
        traceback.extend(failed.log.iter().cloned());
        Self {
            display_name: display_name(&manifest),
            astrbot_version: range(&manifest),
            version: manifest.version.to_string(),
            name: manifest.name,
            traceback: traceback.join("\n"),
            error: failed.error,
            reserved: manifest.reserved,
            author: manifest.author,
            desc: manifest.description,
            repo: manifest.repository,
            support_platforms: manifest.platforms,
            failed_at: failed.at.to_string(),
            hint: failed.hint.to_owned(),
            log: failed.log,
        }
    }
}

fn display_name(manifest: &Manifest) -> String {
    let shown = Some(&manifest.display_name).filter(|name| !name.is_empty());
    shown.unwrap_or(&manifest.name).clone()
}

fn range(manifest: &Manifest) -> String {
    manifest.firstlight.as_ref().map(ToString::to_string).unwrap_or_default()
}
