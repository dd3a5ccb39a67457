//! Making a package ready before it is installed: its component is encoded and compiled, and it is
//! asked who it is. Nothing of the plugin that runs is touched.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use firstlight_plugins_api::wire::{Description, GuestCall};
use firstlight_plugins_api::{Capabilities, Host, PluginError};

use super::call::bounded;
use super::catalogue::{SCHEMA_FILE, form_of};
use super::host::{PluginHost, Shared, Terms};
use super::installed::{Installed, Place};
use super::lanes::HostLine;
use super::lanes::component::encode;
use super::packages::{Lane, PackageDocuments, PackageError, PackageManifest};

/// How long it may take to say who it is.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(30);

/// Makes the package in this folder ready.
pub(super) async fn prepare(
    shared: &Arc<Shared>,
    folder: &Path,
    manifest: &PackageManifest,
) -> Result<(), PackageError> {
    let failed = |reason: String| PackageError::Preparation(reason);
    let documents = PackageDocuments::read(folder);
    form_of(&documents).map_err(failed)?;
    if let Lane::Component { file } = &manifest.lane {
        let file = file.below(folder);
        let encoded = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
            let component = encode(&bytes).map_err(|error| error.to_string())?;
            std::fs::write(&file, component).map_err(|error| error.to_string())
        });
        encoded.await.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
    }
    let description =
        describe(shared, folder, manifest).await.map_err(|e| failed(e.to_string()))?;
    check(&description, manifest)?;
    if let Some(schema) = description.settings_schema.filter(|_| documents.settings.is_none()) {
        let written = std::fs::write(folder.join(SCHEMA_FILE), schema.to_string());
        written.map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// Asks the plugin who it is, in its lane and with nothing granted.
async fn describe(
    shared: &Arc<Shared>,
    folder: &Path,
    manifest: &PackageManifest,
) -> Result<Description, super::PluginCallError> {
    let budgets = manifest.budgets.with(&<_>::default(), manifest.lane_kind());
    let installed = Installed {
        folder: folder.to_owned(),
        place: match &manifest.lane {
            Lane::Component { file } => Place::Component(file.below(folder)),
            Lane::Process { command } => Place::Process(command.clone()),
        },
        grants: Capabilities::default(),
        budgets,
        level: None,
    };
    let terms = Terms::new(&manifest.name, Capabilities::default(), budgets, None);
    let host = PluginHost::new(&manifest.name, Arc::clone(shared), Arc::clone(&terms));
    let host = HostLine::new(Host::new(Arc::new(host)), terms);
    let lane = installed.open(&manifest.name, shared, host).await?;
    let asking = async {
        let answer = lane.call(&GuestCall::Describe).await?;
        serde_json::from_str(&answer).map_err(|error| {
            PluginError::Fault(format!("what it says of itself cannot be read: {error}"))
        })
    };
    let described = bounded("describe", DESCRIBE_LIMIT, asking).await;
    lane.end().await;
    described
}

/// What it says of itself must be what its file says of it.
fn check(said: &Description, manifest: &PackageManifest) -> Result<(), PackageError> {
    let differs = |what: &str, said: &str, written: &str| {
        let text = format!(
            "its code says the {what} is {said:?}, its plugin.toml {written:?}: build it again, \
             or correct one of the two"
        );
        Err(PackageError::Preparation(text))
    };
    let version = manifest.version.to_string();
    if said.name != manifest.name {
        return differs("name", &said.name, &manifest.name);
    }
    if said.version != version {
        return differs("version", &said.version, &version);
    }
    Ok(())
}
