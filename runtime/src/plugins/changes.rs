//! Installing, updating, enabling and removing plugins, with a runtime and without one.

use firstlight_core::db::{DbError, InstalledPlugin, RemovedData};
use firstlight_plugins_api::Capabilities;
use serde_json::json;

use super::budgets::AskedBudgets;
use super::catalogue::Entry;
use super::live::Farewell;
use super::packages::{InstallTerms, Installed, PackageError, PackageSource, Staged, VersionCheck};
use super::preparing::prepare;
use super::progress::Stage;
use super::registry::{Plugins, ReloadError};
use super::sources::PluginSources;

/// Why a plugin was not installed, updated or removed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It did not load. What ran before still runs, and is what is installed.
    #[error(transparent)]
    Load(#[from] ReloadError),
    /// It is part of the program.
    #[error("the plugin {name:?} is part of the gateway: it cannot be installed over or removed")]
    Reserved {
        /// The plugin.
        name: String,
    },
    /// There is none of that name.
    #[error("there is no plugin called {name:?}")]
    Unknown {
        /// As asked for.
        name: String,
    },
    /// Others need it.
    #[error("{} needs the plugin {name:?}: disable or uninstall that first", by.join(", "))]
    Needed {
        /// The plugin.
        name: String,
        /// Who needs it.
        by: Vec<String>,
    },
    /// Nobody knows where a newer version may be had.
    #[error(
        "the plugin {name:?} was uploaded, so there is nowhere to update it from: install the new version over it"
    )]
    NoOrigin {
        /// The plugin.
        name: String,
    },
    /// The database said no.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl PluginSources {
    /// Takes a package in and looks at it. Nothing is installed yet.
    pub async fn stage(&self, source: PackageSource) -> Result<Staged, ChangeError> {
        let staged = self.packages().stage(source).await?;
        let name = &staged.manifest().name;
        if self.catalogue().is_compiled_in(name) {
            let name = name.clone();
            staged.discard().await;
            return Err(ChangeError::Reserved { name });
        }
        Ok(staged)
    }

    /// Installs a package; the next start loads it. The one before keeps its folder until
    /// [`Self::retire`].
    pub(super) async fn switch(
        &self,
        staged: Staged,
        terms: InstallTerms,
    ) -> Result<Installed, ChangeError> {
        let name = staged.manifest().name.clone();
        self.progress().at(&name, Stage::Preparing);
        let shared = std::sync::Arc::clone(self.shared());
        let switched = self.packages().switch(staged, terms, |folder, manifest| {
            Box::pin(async move { prepare(&shared, &folder, &manifest).await })
        });
        let installed = switched.await?;
        self.refresh(&name).await?;
        Ok(installed)
    }

    /// Installs a package while there is no runtime.
    pub async fn install_idle(
        &self,
        staged: Staged,
        terms: InstallTerms,
    ) -> Result<Installed, ChangeError> {
        let name = staged.manifest().name.clone();
        let installed = self.switch(staged, terms).await;
        self.progress().done(&name, installed.as_ref().err().map(ToString::to_string));
        let installed = installed?;
        if let Some(former) = &installed.former {
            self.packages().retire(former).await;
        }
        self.forget_failure(&name);
        Ok(installed)
    }

    /// Removes an installed plugin that is not running.
    pub async fn uninstall_idle(&self, name: &str, data: RemovedData) -> Result<(), ChangeError> {
        if self.catalogue().is_compiled_in(name) {
            return Err(ChangeError::Reserved { name: name.to_owned() });
        }
        self.packages().remove(name, data).await.map_err(|error| match error {
            PackageError::Unknown { name } => ChangeError::Unknown { name },
            other => other.into(),
        })?;
        self.catalogue().remove(name);
        self.shared().forget_form(name);
        if data == RemovedData::Deleted {
            self.shared().waits.forget_plugin(name);
        }
        self.forget_failure(name);
        self.set_aside(name, false).await?;
        tracing::info!(plugin = name, "plugin uninstalled");
        Ok(())
    }

    /// Reads an installed package anew.
    pub(super) async fn refresh(&self, name: &str) -> Result<(), ChangeError> {
        let Some(package) = self.packages().find(name).await? else {
            self.catalogue().remove(name);
            return Ok(());
        };
        let entry = tokio::task::spawn_blocking(move || Entry::of(package)).await;
        let entry = entry.map_err(|e| PackageError::Preparation(e.to_string()))?;
        let before = self.catalogue().entry(name);
        self.adopt(&entry);
        self.migrate_settings(&entry, before.as_ref()).await;
        self.catalogue().put(entry);
        Ok(())
    }

    /// Who needs this plugin, of those that are to be loaded.
    fn needed_by(&self, name: &str) -> Vec<String> {
        let active = self.active().into_iter();
        let needs = active.filter(|other| other.manifest.dependencies.contains_key(name));
        needs.map(|other| other.manifest.name).collect()
    }

    fn check_not_needed(&self, name: &str) -> Result<(), ChangeError> {
        let by = self.needed_by(name);
        if by.is_empty() { Ok(()) } else { Err(ChangeError::Needed { name: name.to_owned(), by }) }
    }

    /// The terms of an update: nothing is granted that was not before.
    fn update_terms(staged: &Staged) -> InstallTerms {
        InstallTerms {
            grants: Capabilities::default(),
            source: staged.origin().clone(),
            version_check: VersionCheck::Required,
        }
    }
}

impl Plugins {
    /// Installs a package and puts it to work. When it does not load, what ran before still runs and
    /// is what is installed; a plugin that is new stays, as a failed one.
    pub async fn install(
        &self,
        staged: Staged,
        terms: InstallTerms,
    ) -> Result<Installed, ChangeError> {
        let name = staged.manifest().name.clone();
        let installed = self.install_inner(staged, terms).await;
        let error = installed.as_ref().err().map(ToString::to_string);
        self.sources().progress().done(&name, error);
        installed
    }

    async fn install_inner(
        &self,
        staged: Staged,
        terms: InstallTerms,
    ) -> Result<Installed, ChangeError> {
        let (sources, name) = (self.sources(), staged.manifest().name.clone());
        let installed = sources.switch(staged, terms).await?;
        sources.set_aside(&name, false).await?;
        sources.progress().at(&name, Stage::Loading);
        let loaded = self.reload(&name).await;
        match (&installed.former, loaded) {
            (former, Ok(())) => {
                if let Some(former) = former {
                    sources.packages().retire(former).await;
                }
                Ok(installed)
            }
            (None, Err(error)) => Err(error.into()),
            (Some(former), Err(error)) => {
                let former: &InstalledPlugin = former;
                sources.packages().revert(&installed.row, former).await?;
                sources.refresh(&name).await?;
                // The one before runs; what did not load was never put to work.
                sources.forget_failure(&name);
                Err(error.into())
            }
        }
    }

    /// Fetches a plugin anew from where it came from.
    pub async fn update(&self, name: &str) -> Result<Installed, ChangeError> {
        let sources = self.sources();
        sources.progress().at(name, Stage::Fetching);
        let fetched = async {
            let source = sources.origin(name)?;
            let staged = sources.stage(source).await?;
            let found = &staged.manifest().name;
            if found != name {
                let text = format!("what is there now is the plugin {found:?}");
                return Err(ChangeError::Package(PackageError::Preparation(text)));
            }
            Ok(staged)
        };
        match fetched.await {
            Ok(staged) => {
                let terms = PluginSources::update_terms(&staged);
                self.install(staged, terms).await
            }
            Err(error) => {
                sources.progress().done(name, Some(error.to_string()));
                Err(error)
            }
        }
    }

    /// Takes a plugin out of work and removes it.
    pub async fn uninstall(&self, name: &str, data: RemovedData) -> Result<(), ChangeError> {
        let sources = self.sources();
        if sources.catalogue().is_compiled_in(name) {
            return Err(ChangeError::Reserved { name: name.to_owned() });
        }
        if sources.catalogue().entry(name).is_none() {
            return Err(ChangeError::Unknown { name: name.to_owned() });
        }
        sources.check_not_needed(name)?;
        let _one_at_a_time = self.changing().lock().await;
        self.take_down(name).await;
        sources.uninstall_idle(name, data).await
    }

    /// Disables a plugin: it is taken out of work and not loaded any more.
    pub async fn disable(&self, name: &str) -> Result<(), ChangeError> {
        let sources = self.sources();
        let found = sources.catalogue().find(name);
        let found = found.ok_or_else(|| ChangeError::Unknown { name: name.to_owned() })?;
        if found.manifest.reserved {
            return Err(ChangeError::Reserved { name: name.to_owned() });
        }
        sources.check_not_needed(name)?;
        let _one_at_a_time = self.changing().lock().await;
        sources.set_aside(name, true).await?;
        sources.forget_failure(name);
        self.take_down(name).await;
        Ok(())
    }

    /// Enables a plugin and loads it.
    pub async fn enable(&self, name: &str) -> Result<(), ChangeError> {
        let sources = self.sources();
        if sources.catalogue().find(name).is_none() {
            return Err(ChangeError::Unknown { name: name.to_owned() });
        }
        sources.set_aside(name, false).await?;
        Ok(self.reload(name).await?)
    }

    /// Sets what a plugin is allowed, of what it asks for, and loads it again.
    pub async fn grant(&self, name: &str, grants: Capabilities) -> Result<(), ChangeError> {
        self.sources().grant_idle(name, grants).await?;
        Ok(self.reload(name).await?)
    }

    /// Sets what a plugin may use, and loads it again.
    pub async fn budget(&self, name: &str, budgets: AskedBudgets) -> Result<(), ChangeError> {
        self.sources().budget_idle(name, budgets).await?;
        Ok(self.reload(name).await?)
    }

    async fn take_down(&self, name: &str) {
        if let Some(live) = self.remove(name) {
            self.rebuild();
            self.forget_item(name);
            live.unload(Farewell::Drain).await;
            self.tell_unloaded(&live.manifest).await;
        }
    }
}

impl PluginSources {
    /// Sets what a plugin is allowed, of what it asks for; it counts from its next load on.
    pub async fn grant_idle(&self, name: &str, grants: Capabilities) -> Result<(), ChangeError> {
        let unknown = || ChangeError::Unknown { name: name.to_owned() };
        let entry = self.catalogue().entry(name).ok_or_else(unknown)?;
        let kept = grants.within(&entry.registration.manifest.capabilities);
        let rows = self.shared().database().installed_plugins();
        if !rows.set_grants(name, json!(kept)).await? {
            return Err(unknown());
        }
        self.refresh(name).await
    }

    /// Sets what a plugin may use; it counts from its next load on.
    pub async fn budget_idle(&self, name: &str, budgets: AskedBudgets) -> Result<(), ChangeError> {
        let rows = self.shared().database().installed_plugins();
        if !rows.set_budgets(name, json!(budgets)).await? {
            return Err(ChangeError::Unknown { name: name.to_owned() });
        }
        self.refresh(name).await
    }

    /// Where a plugin may be fetched from anew.
    fn origin(&self, name: &str) -> Result<PackageSource, ChangeError> {
        let entry = self.catalogue().entry(name);
        let entry = entry.ok_or_else(|| ChangeError::Unknown { name: name.to_owned() })?;
        let stored = entry.package.row.source.clone();
        let origin: Option<super::packages::PackageOrigin> = serde_json::from_value(stored).ok();
        let source = origin.and_then(|origin| origin.again());
        source.ok_or_else(|| ChangeError::NoOrigin { name: name.to_owned() })
    }

    /// Settings that were saved for the version before are made to fit this one.
    async fn migrate_settings(&self, entry: &Entry, before: Option<&Entry>) {
        let Some(form) = &entry.form else { return };
        let name = &entry.registration.manifest.name;
        let id = firstlight_core::config::DocumentId::Plugin(name.clone());
        let config = self.shared().config();
        let snapshot = config.snapshot();
        let Some(document) = snapshot.document(&id) else { return };
        let previous = before.and_then(|before| before.form.as_deref());
        let migration = form.migrate(&document.value, previous);
        if migration.value == document.value {
            return;
        }
        for change in &migration.changes {
            tracing::info!(plugin = name, %change, "a setting of a plugin was brought up to date");
        }
        let author = format!("{name} {}", entry.registration.manifest.version);
        let saved = config.save(&id, document.revision, migration.value, &author).await;
        if let Err(error) = saved {
            tracing::warn!(plugin = name, %error, "the settings of a plugin are those of before");
        }
    }
}
