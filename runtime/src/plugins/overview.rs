//! All that is known of a plugin, for the operator.

use firstlight_plugins_api::{Capabilities, Level, Manifest};
use serde_json::Value;

use super::budgets::{AskedBudgets, LaneKind};
use super::catalogue::{Entry, level};
use super::erased::Registration;
use super::health::HealthReport;
use super::lanes::LaneUsage;
use super::live::LivePlugin;
use super::packages::{PackageDocuments, PackagePage};
use super::registry::{PluginInformation, Plugins};
use super::sources::PluginSources;

/// A plugin that there is: loaded, failed, or set aside.
#[derive(Debug, Clone)]
pub struct PluginOverview {
    /// Who it is.
    pub manifest: Manifest,
    /// Whether it is to be loaded.
    pub active: bool,
    /// What it does, when it is loaded.
    pub loaded: Option<LoadedPlugin>,
    /// What was installed; `None`: it is part of the program.
    pub installed: Option<InstalledOverview>,
}

/// What a loaded plugin does.
#[derive(Debug, Clone)]
pub struct LoadedPlugin {
    /// What it declared.
    pub information: PluginInformation,
    /// How it is doing.
    pub health: HealthReport,
    /// What it uses, when it is not part of this program.
    pub usage: Option<LaneUsage>,
    /// What it declared and was not granted.
    pub withheld: Vec<String>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// How many lines were dropped because they came too fast.
    pub log_dropped: u64,
}

/// What was installed.
#[derive(Debug, Clone)]
pub struct InstalledOverview {
    /// Where it lives.
    pub lane: LaneKind,
    /// What it may, of what it asks for.
    pub granted: Capabilities,
    /// What it asks to use, and what the operator gave it instead.
    pub budgets: AskedBudgets,
    /// See [`Self::budgets`].
    pub given_budgets: AskedBudgets,
    /// What is worth a line of its log; `None`: what is worth one of the gateway's.
    pub log_level: Option<Level>,
    /// The pages that it brings.
    pub pages: Vec<PackagePage>,
    /// What it brings to read.
    pub documents: PackageDocuments,
    /// Where it came from.
    pub origin: Value,
    /// The SHA-256 of its package.
    pub digest: String,
    /// When it was installed, in milliseconds since 1970 UTC.
    pub installed_at: i64,
    /// When it, or what it may, was changed last.
    pub updated_at: i64,
}

/// What a lane cannot keep a plugin from, for whoever is asked to allow it.
pub fn unenforced(lane: LaneKind) -> &'static [&'static str] {
    match lane {
        LaneKind::Component => &[],
        LaneKind::Process => &[
            "It is a program of its own: it can open files and network connections as the user that \
             runs the gateway may, whatever it is granted here.",
            "It can start other programs. They are ended with it, except one that leaves its process \
             group.",
            "Its memory and processor time are looked at four times a second, so that it may use \
             more than its budget for a moment.",
        ],
    }
}

impl PluginSources {
    /// What is installed of a plugin.
    pub fn installed(&self, name: &str) -> Option<InstalledOverview> {
        self.catalogue().entry(name).and_then(|entry| InstalledOverview::of(&entry))
    }

    /// The form of a plugin's settings as its author wrote it, when it brings one.
    pub fn settings_form(&self, name: &str) -> Option<Value> {
        let form = self.catalogue().entry(name)?.form?;
        Some(form.metadata().clone())
    }

    /// The settings of a plugin that nobody has saved any of yet.
    pub fn default_settings(&self, name: &str) -> Option<Value> {
        Some(self.catalogue().entry(name)?.form?.defaults())
    }

    /// A file of a page that a plugin brings, as it is on the disk; `None`: there is none, or the
    /// plugin may not show pages.
    pub fn page_file(&self, plugin: &str, page: &str, file: &str) -> Option<std::path::PathBuf> {
        let entry = self.catalogue().entry(plugin)?;
        let installed = InstalledOverview::of(&entry)?;
        if !installed.granted.pages || self.is_aside(plugin) {
            return None;
        }
        let page = installed.pages.iter().find(|found| found.name == page)?;
        let path = super::packages::PackagePath::parse(file).ok()?;
        let file = path.below(&page.path.below(&entry.package.folder));
        file.is_file().then_some(file)
    }

    /// All plugins, those that are not loaded too.
    fn all(&self) -> Vec<Registration> {
        let mut all = self.catalogue().all();
        all.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        all
    }

    fn overview(&self, registration: Registration, live: Option<&LivePlugin>) -> PluginOverview {
        let name = registration.manifest.name.clone();
        let mut manifest = live.map_or(registration.manifest, |live| live.manifest.clone());
        if let Some(package) = self.catalogue().entry(&name).map(|entry| entry.package) {
            // Where the operator waived the versions that it says, they are still shown.
            let said = package.manifest.as_ref().and_then(|said| said.firstlight.clone());
            manifest.firstlight = manifest.firstlight.or(said);
        }
        PluginOverview {
            active: !self.is_aside(&name),
            loaded: live.map(LoadedPlugin::of),
            installed: self.installed(&name),
            manifest,
        }
    }

    /// One plugin while nothing runs.
    pub fn overview_of(&self, name: &str) -> Option<PluginOverview> {
        Some(self.overview(self.catalogue().find(name)?, None))
    }

    /// Whether the operator disabled a plugin.
    pub fn is_disabled(&self, name: &str) -> bool {
        self.is_aside(name)
    }

    /// All plugins while nothing runs.
    pub fn overviews(&self) -> Vec<PluginOverview> {
        self.all().into_iter().map(|registration| self.overview(registration, None)).collect()
    }

    /// Sets what is worth a line of a plugin's log, from its next load on.
    pub async fn store_log_level(
        &self,
        name: &str,
        least: Option<Level>,
    ) -> Result<(), super::ChangeError> {
        let written = least.and_then(|least| serde_json::to_value(least).ok());
        let written = written.as_ref().and_then(Value::as_str);
        let rows = self.shared().database().installed_plugins();
        if !rows.set_log_level(name, written).await? {
            return Err(super::ChangeError::Unknown { name: name.to_owned() });
        }
        self.refresh(name).await
    }
}

impl Plugins {
    /// All plugins, by name.
    pub fn overviews(&self) -> Vec<PluginOverview> {
        let all = self.sources().all().into_iter();
        let overview = |registration: Registration| {
            let live = self.find(&registration.manifest.name);
            self.sources().overview(registration, live.as_deref())
        };
        all.map(overview).collect()
    }

    /// One plugin.
    pub fn overview_of(&self, name: &str) -> Option<PluginOverview> {
        let registration = self.sources().catalogue().find(name)?;
        Some(self.sources().overview(registration, self.find(name).as_deref()))
    }

    /// Sets what is worth a line of a plugin's log, from now on.
    pub async fn set_log_level(
        &self,
        name: &str,
        least: Option<Level>,
    ) -> Result<(), super::ChangeError> {
        self.sources().store_log_level(name, least).await?;
        if let Some(live) = self.find(name) {
            live.terms.log.set_level(least);
        }
        Ok(())
    }

    /// The last lines of a plugin's log.
    pub fn log_of(&self, name: &str) -> Option<Vec<String>> {
        Some(self.find(name)?.terms.log.tail().lines())
    }
}

impl LoadedPlugin {
    fn of(live: &LivePlugin) -> Self {
        Self {
            information: live.information(),
            health: live.health.report(),
            usage: live.lane.as_ref().map(|lane| lane.usage()),
            withheld: live.withheld.clone(),
            log: live.terms.log.tail().lines(),
            log_dropped: live.terms.log.dropped(),
        }
    }
}

impl InstalledOverview {
    fn of(entry: &Entry) -> Option<Self> {
        let package = &entry.package;
        let row = &package.row;
        let lane = match row.lane.as_str() {
            "component" => LaneKind::Component,
            "process" => LaneKind::Process,
            _ => return None,
        };
        let read = |value: &Value| serde_json::from_value(value.clone()).ok();
        Some(Self {
            lane,
            granted: read(&row.grants).unwrap_or_default(),
            budgets: package.manifest.as_ref().map(|m| m.budgets).unwrap_or_default(),
            given_budgets: serde_json::from_value(row.budgets.clone()).unwrap_or_default(),
            log_level: row.log_level.as_deref().and_then(level),
            pages: package.manifest.as_ref().map(|m| m.pages.clone()).unwrap_or_default(),
            documents: package.documents.clone(),
            origin: row.source.clone(),
            digest: row.digest.clone(),
            installed_at: row.installed_at,
            updated_at: row.updated_at,
        })
    }
}
