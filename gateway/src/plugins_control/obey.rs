//! Doing what is asked.

use firstlight_core::config::{ConfigError, ConfigStore, DocumentId};
use firstlight_core::db::RemovedData;
use firstlight_core::lifecycle::Lease;
use firstlight_runtime::plugins::{
    BreakerState, ChangeError, InstallTerms, Installed, PluginOverview, PluginSources, Staged,
    VersionCheck,
};
use firstlight_runtime::plugins_api::{Capabilities, Version};
use serde_json::{Value, json};

use super::answers::{Changed, Doctored, Listed, Log, Looked, names};
use super::asked::{Asked, Source};
use super::errors;
use crate::Rt;
use crate::exit::{Exit, Problem};

/// Who the log and the history name when a command did it.
const BY: &str = "the command line";

/// Where it is done.
pub(crate) struct Place {
    pub(crate) plugins: PluginSources,
    pub(crate) config: ConfigStore,
    /// The runtime, while there is one.
    pub(crate) runtime: Option<Lease<Rt>>,
}

/// Does what is asked.
pub(crate) async fn obey(place: Place, asked: Asked) -> Result<Value, Problem> {
    if place.runtime.is_none() {
        place.plugins.read_installed().await.map_err(|error| errors::package(&error))?;
    }
    Ok(match asked {
        Asked::List => json!(place.list()),
        Asked::Look { source } => json!(place.look(source).await?),
        Asked::Install { source, digest, grants, any_version } => {
            let staged = place.stage(source).await?;
            if staged.digest() != digest {
                staged.discard().await;
                let advice = "look at it again, and install that";
                let what = "the package is not any more what was looked at";
                return Err(Problem::new(Exit::Plugin, what, advice));
            }
            json!(place.install(staged, grants, any_version).await?)
        }
        Asked::Remove { name, settings, data } => json!(place.remove(name, settings, data).await?),
        Asked::Enable { name } => {
            match &place.runtime {
                Some(runtime) => runtime.plugins.enable(&name).await,
                None => place.plugins.enable_idle(&name).await,
            }
            .map_err(|error| errors::change(&error))?;
            json!(place.changed(name))
        }
        Asked::Disable { name } => {
            match &place.runtime {
                Some(runtime) => runtime.plugins.disable(&name).await,
                None => place.plugins.disable_idle(&name).await,
            }
            .map_err(|error| errors::change(&error))?;
            json!(place.changed(name))
        }
        Asked::Logs { name } => json!(place.log(name)?),
        Asked::Examine => json!(place.examine().await?),
    })
}

impl Place {
    fn overviews(&self) -> Vec<PluginOverview> {
        self.runtime
            .as_ref()
            .map_or_else(|| self.plugins.overviews(), |runtime| runtime.plugins.overviews())
    }

    fn list(&self) -> Vec<Listed> {
        let failed = self.plugins.failed();
        let one = |plugin: PluginOverview| {
            let health = plugin.loaded.as_ref().map(|loaded| &loaded.health);
            let open = health.filter(|health| health.breaker != BreakerState::Closed);
            let rests = open.map(|health| health.last_fault.clone().unwrap_or_default());
            let failed = failed.get(&plugin.manifest.name);
            Listed::of(plugin, failed, rests)
        };
        self.overviews().into_iter().map(one).collect()
    }

    async fn stage(&self, source: Source) -> Result<Staged, Problem> {
        let source = source.package().map_err(|error| errors::package(&error))?;
        self.plugins.stage(source).await.map_err(|error| errors::change(&error))
    }

    async fn look(&self, source: Source) -> Result<Looked, Problem> {
        let staged = self.stage(source).await?;
        let manifest = staged.manifest().manifest();
        let ours = Version::parse(env!("CARGO_PKG_VERSION")).ok();
        let checked = ours.map(|ours| manifest.check(&ours));
        let incompatible = checked.and_then(Result::err).map(|error| error.to_string());
        let looked = Looked::of(&staged, self.before(&manifest.name), incompatible);
        staged.discard().await;
        Ok(looked)
    }

    /// What is installed of a plugin, and what it is allowed.
    fn before(&self, name: &str) -> Option<(String, Capabilities)> {
        let installed = self.plugins.installed(name)?;
        let all = self.plugins.overviews();
        let overview = all.into_iter().find(|plugin| plugin.manifest.name == name)?;
        Some((overview.manifest.version.to_string(), installed.granted))
    }

    async fn install(
        &self,
        staged: Staged,
        grants: Option<Capabilities>,
        any_version: bool,
    ) -> Result<Changed, Problem> {
        let terms = InstallTerms {
            grants: grants.clone().unwrap_or_default(),
            source: staged.origin().clone(),
            version_check: if any_version { VersionCheck::Waived } else { VersionCheck::Required },
        };
        let installed = match &self.runtime {
            Some(runtime) => runtime.plugins.install(staged, terms).await,
            None => self.plugins.install_idle(staged, terms).await,
        };
        let installed = installed.map_err(|error| errors::change(&error))?;
        let Installed { row, former, .. } = installed;
        // The terms of an update change no grants, so that what was said here is set behind it.
        if let Some(grants) = grants.filter(|_| former.is_some()) {
            match &self.runtime {
                Some(runtime) => runtime.plugins.grant(&row.name, grants).await,
                None => self.plugins.grant_idle(&row.name, grants).await,
            }
            .map_err(|error| errors::change(&error))?;
        }
        tracing::info!(plugin = row.name, version = row.version, by = BY, "a plugin was installed");
        Ok(self.changed(row.name))
    }

    async fn remove(&self, name: String, settings: bool, data: bool) -> Result<Changed, Problem> {
        let removed = if data { RemovedData::Deleted } else { RemovedData::Kept };
        let done = match &self.runtime {
            Some(runtime) => runtime.plugins.uninstall(&name, removed).await,
            None => self.plugins.uninstall_idle(&name, removed).await,
        };
        done.map_err(|error| errors::change(&error))?;
        if settings {
            match self.config.delete(&DocumentId::Plugin(name.clone()), BY).await {
                // A plugin without settings has nothing to forget.
                Ok(()) | Err(ConfigError::Missing { .. }) => {}
                Err(error) => return Err(errors::settings(&error)),
            }
        }
        tracing::info!(plugin = name, settings, data, by = BY, "a plugin was removed");
        Ok(self.changed(name))
    }

    fn log(&self, name: String) -> Result<Log, Problem> {
        let unknown = || errors::change(&ChangeError::Unknown { name: name.clone() });
        let all = self.overviews();
        let found = all.into_iter().find(|plugin| plugin.manifest.name == name);
        let loaded = found.ok_or_else(unknown)?.loaded;
        let (lines, dropped) = match (loaded, self.plugins.failed().remove(&name)) {
            (Some(loaded), _) => (loaded.log, loaded.log_dropped),
            (None, Some(failed)) => (failed.log, 0),
            (None, None) => (Vec::new(), 0),
        };
        Ok(Log { name, lines, dropped })
    }

    async fn examine(&self) -> Result<Vec<Doctored>, Problem> {
        let conditions = self.plugins.conditions().await;
        let conditions = conditions.map_err(|error| errors::change(&error))?;
        let failed = self.plugins.failed();
        let look = conditions.iter().map(|one| Doctored::of(one, failed.get(&one.name)));
        Ok(look.collect())
    }

    fn changed(&self, name: String) -> Changed {
        let all = self.overviews();
        let found = all.into_iter().find(|plugin| plugin.manifest.name == name);
        let granted = found.as_ref().and_then(|plugin| plugin.installed.clone());
        let not_granted = found.as_ref().zip(granted).map(|(plugin, installed)| {
            names(&plugin.manifest.capabilities.without(&installed.granted))
        });
        Changed {
            version: found.map(|plugin| plugin.manifest.version.to_string()),
            in_force: self.runtime.is_some(),
            not_granted: not_granted.unwrap_or_default(),
            name,
        }
    }
}
