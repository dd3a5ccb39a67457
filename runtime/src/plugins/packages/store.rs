//! The installed packages: one takes the place of another by the write of a row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use firstlight_core::db::{Database, InstalledPlugin, NewInstalledPlugin, RemovedData};
use firstlight_core::failpoint::Point;
use firstlight_plugins_api::Capabilities;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::address::PackageSource;
use super::error::PackageError;
use super::files::{self, at, blocking};
use super::folders::is_package_folder;
use super::git::Repositories;
use super::locks::NameLocks;
use super::manifest::PackageManifest;
use super::staging::{self, Staged, read_manifest};
use super::terms::{
    InstallTerms, Installed, InstalledPackage, PackageContent, VersionCheck, granted, new_row,
};
use super::web::Web;
use crate::plugins::sources::running_version;

/// The folder beside that of the plugins, in which each has a folder for its own files.
const DATA_FOLDER: &str = "plugin_data";
/// Where packages are on their way in. Each process has a folder of its own in it.
pub(super) const STAGING: &str = ".staging";
/// The installed packages; cheap to clone.
#[derive(Clone)]
pub struct PackageStore(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// What this process has on its way in.
    staging: PathBuf,
    database: Database,
    web: Web,
    repositories: Repositories,
    locks: NameLocks,
    /// Held for each change, and alone by the sweep: what it sees is then not half done.
    changes: tokio::sync::RwLock<()>,
}

/// What is out of the ordinary about a store.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// Hosts that packages may be downloaded from though they are private, each a host or
    /// `host:port`. They need no TLS.
    pub private_hosts: Vec<String>,
    /// Which repositories may be cloned.
    pub repositories: Repositories,
}

impl PackageStore {
    /// The store in `data/plugins`. Nothing is made or looked at until it is used: a folder that is
    /// not usable is no reason not to start.
    pub fn new(folder: PathBuf, database: Database, options: StoreOptions) -> Self {
        let staging = folder.join(STAGING).join(uuid::Uuid::new_v4().to_string());
        let StoreOptions { private_hosts, repositories } = options;
        Self(Arc::new(Inner {
            folder,
            staging,
            database,
            web: Web::new(private_hosts),
            repositories,
            locks: NameLocks::default(),
            changes: tokio::sync::RwLock::default(),
        }))
    }

    /// Makes the folders that are missing.
    pub(super) async fn make_folders(&self) -> Result<(), PackageError> {
        let made = self.0.staging.clone();
        blocking(move || files::make_private(&made).map_err(at(&made))).await
    }

    /// Takes a package in beside the installed ones, and looks at it. Nothing is installed yet.
    pub async fn stage(&self, source: PackageSource) -> Result<Staged, PackageError> {
        self.make_folders().await?;
        staging::stage(source, &self.0.staging, &self.0.web, self.0.repositories).await
    }

    /// Installs a package: [`Self::switch`], then [`Self::retire`] for the one before.
    pub async fn install<P>(
        &self,
        staged: Staged,
        terms: InstallTerms,
        prepare: P,
    ) -> Result<Installed, PackageError>
    where
        P: FnOnce(PathBuf, PackageManifest) -> BoxFuture<'static, Result<(), PackageError>>,
    {
        let installed = self.switch(staged, terms, prepare).await?;
        if let Some(former) = &installed.former {
            self.retire(former).await;
        }
        Ok(installed)
    }

    /// Puts a package in the place of the one of its name, if there is one, whose folder stays: it
    /// may still be running. `prepare` makes it ready while it is staged, and may add files.
    pub async fn switch<P>(
        &self,
        staged: Staged,
        terms: InstallTerms,
        prepare: P,
    ) -> Result<Installed, PackageError>
    where
        P: FnOnce(PathBuf, PackageManifest) -> BoxFuture<'static, Result<(), PackageError>>,
    {
        let manifest = staged.manifest().clone();
        if terms.version_check == VersionCheck::Required {
            manifest.manifest().check(&running_version()).map_err(PackageError::Incompatible)?;
        }
        let _one_at_a_time = self.0.locks.hold(&manifest.name).await;
        let _no_sweep = self.0.changes.read().await;
        prepare(staged.folder(), manifest.clone()).await?;
        self.clear_data(&manifest.name).await?;
        let new = new_row(&staged, &terms);
        let folder = self.move_in(staged, &new.folder).await?;
        let former = self.write_row(new, terms.grants, manifest.capabilities.clone()).await;
        let (row, former) = match former {
            Ok(rows) => rows,
            Err(error) => return Err(self.take_back(&manifest.name, folder, error).await),
        };
        Point::PluginRowWritten.pass();
        let not_granted = manifest.capabilities.without(&granted(&row.grants));
        Ok(Installed { row, folder, former, not_granted })
    }

    /// Puts a package back in the place of the one that took its place and turned out not to work.
    pub async fn revert(
        &self,
        failed: &InstalledPlugin,
        former: &InstalledPlugin,
    ) -> Result<(), PackageError> {
        let _one_at_a_time = self.0.locks.hold(&former.name).await;
        let _no_sweep = self.0.changes.read().await;
        let row = NewInstalledPlugin {
            name: former.name.clone(),
            folder: former.folder.clone(),
            version: former.version.clone(),
            lane: former.lane.clone(),
            digest: former.digest.clone(),
            source: former.source.clone(),
        };
        let grants = former.grants.clone();
        self.0.database.installed_plugins().put(row, move |_| grants).await?;
        self.remove_folder(&failed.folder).await;
        Ok(())
    }

    /// Removes the folder of a package that another took the place of. What stays is swept at the
    /// next start.
    pub async fn retire(&self, former: &InstalledPlugin) {
        self.remove_folder(&former.folder).await;
        Point::PluginOldRemoved.pass();
    }

    /// Removes a plugin: its row, then its folder, and what it stored where that is wished. It must
    /// not be running.
    pub async fn remove(
        &self,
        name: &str,
        data: RemovedData,
    ) -> Result<InstalledPlugin, PackageError> {
        let _one_at_a_time = self.0.locks.hold(name).await;
        let _no_sweep = self.0.changes.read().await;
        let removed = self.0.database.installed_plugins().remove(name, data).await?;
        let removed = removed.ok_or_else(|| PackageError::Unknown { name: name.to_owned() })?;
        Point::PluginRowRemoved.pass();
        self.remove_folder(&removed.folder).await;
        if data == RemovedData::Deleted
            && let Err(error) = self.clear_data(name).await
        {
            tracing::warn!(plugin = name, %error, "the data of a plugin is left to the next start");
        }
        Ok(removed)
    }

    /// All installed packages, by name.
    pub async fn list(&self) -> Result<Vec<InstalledPackage>, PackageError> {
        let rows = self.0.database.installed_plugins().all().await?;
        let store = self.clone();
        blocking(move || Ok(rows.into_iter().map(|row| store.package(row)).collect())).await
    }

    /// An installed package.
    pub async fn find(&self, name: &str) -> Result<Option<InstalledPackage>, PackageError> {
        let Some(row) = self.0.database.installed_plugins().find(name).await? else {
            return Ok(None);
        };
        let store = self.clone();
        blocking(move || Ok(Some(store.package(row)))).await
    }

    /// The folder in which a plugin keeps its own files; it may not be there yet.
    pub fn data_folder(&self, name: &str) -> PathBuf {
        self.0.folder.with_file_name(DATA_FOLDER).join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0.folder
    }

    pub(super) fn staging(&self) -> &Path {
        &self.0.staging
    }

    pub(super) fn database(&self) -> &Database {
        &self.0.database
    }

    /// Waits until no change is under way, and lets none begin.
    pub(super) async fn hold_changes(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.0.changes.write().await
    }

    fn package(&self, row: InstalledPlugin) -> InstalledPackage {
        let folder = self.0.folder.join(&row.folder);
        let content = if !is_package_folder(&row.folder) || !folder.is_dir() {
            PackageContent::Missing
        } else {
            match read_manifest(&folder) {
                Ok(manifest) => PackageContent::Whole(Box::new(manifest)),
                Err(error) => PackageContent::Broken(error),
            }
        };
        InstalledPackage { row, folder, content }
    }

    /// Moves a staged package to its place, complete and on the disk. No row names it yet.
    pub(super) async fn move_in(
        &self,
        staged: Staged,
        name: &str,
    ) -> Result<PathBuf, PackageError> {
        let (content, root, place) =
            (staged.folder(), self.0.folder.clone(), self.0.folder.join(name));
        let moved = blocking(move || {
            files::sync_all(&content).map_err(at(&content))?;
            Point::PluginStaged.pass();
            std::fs::rename(&content, &place).map_err(at(&place))?;
            files::sync_folder(&root).map_err(at(&root))?;
            Point::PluginMoved.pass();
            Ok(place)
        });
        let moved = moved.await;
        staged.discard().await;
        moved
    }

    /// Writes the row, and answers it with the one before.
    async fn write_row(
        &self,
        new: NewInstalledPlugin,
        grants: Capabilities,
        asked: Capabilities,
    ) -> Result<(InstalledPlugin, Option<InstalledPlugin>), PackageError> {
        let rows = self.0.database.installed_plugins();
        let name = new.name.clone();
        let decide = move |former: Option<&Value>| {
            let allowed = former.map_or(grants, granted);
            json!(allowed.within(&asked))
        };
        let former = rows.put(new, decide).await?;
        let row = rows.find(&name).await?;
        Ok((row.ok_or(PackageError::Unknown { name })?, former))
    }

    /// Removes a package whose row could not be written. The write may have been done all the same;
    /// where nobody can say, the folder is left to the sweep.
    async fn take_back(&self, name: &str, folder: PathBuf, error: PackageError) -> PackageError {
        if let Ok(row) = self.0.database.installed_plugins().find(name).await {
            let named = row.map(|row| self.0.folder.join(row.folder));
            if named.as_ref() != Some(&folder) {
                let _what_is_left_is_swept =
                    blocking(move || files::remove(&folder).map_err(at(&folder))).await;
            }
        }
        error
    }

    async fn remove_folder(&self, name: &str) {
        if !is_package_folder(name) {
            return;
        }
        let folder = self.0.folder.join(name);
        let removed = blocking(move || files::remove(&folder).map_err(at(&folder))).await;
        if let Err(error) = removed {
            tracing::warn!(%error, "a folder of a plugin is left to the next start");
        }
    }

    /// Removes the files of a plugin that was removed with its data, if it was, so that another one
    /// of its name does not lose its own by the next sweep.
    pub(super) async fn clear_data(&self, name: &str) -> Result<(), PackageError> {
        let rows = self.0.database.installed_plugins();
        if !rows.leftovers().await?.iter().any(|leftover| leftover == name) {
            return Ok(());
        }
        let folder = self.data_folder(name);
        blocking(move || files::remove(&folder).map_err(at(&folder))).await?;
        Point::PluginDataRemoved.pass();
        Ok(rows.cleared(name).await?)
    }
}
