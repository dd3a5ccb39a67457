//! What a kill left behind, cleared at the next start.

use std::collections::HashSet;
use std::path::Path;
use std::{fs, io};

use firstlight_core::db::InstalledPlugin;

use super::error::PackageError;
use super::files::{self, at, blocking};
use super::folders::is_package_folder;
use super::store::{PackageStore, STAGING};

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Folders of packages that no row names, now removed.
    pub removed: Vec<String>,
    /// Installed plugins whose folder is gone.
    pub missing: Vec<String>,
    /// Files and folders that somebody else put there. They were left alone.
    pub foreign: Vec<String>,
    /// What could not be removed. The next start tries again.
    pub stuck: Vec<String>,
}

impl PackageStore {
    /// Removes what is no installed package: what other processes had on its way in, folders that
    /// no row names, and files of plugins that were removed with their data. For the start.
    pub async fn sweep(&self) -> Result<Swept, PackageError> {
        let _no_change = self.hold_changes().await;
        self.make_folders().await?;
        let rows = self.database().installed_plugins();
        let mut stuck = Vec::new();
        for name in rows.leftovers().await? {
            if let Err(error) = self.clear_data(&name).await {
                tracing::warn!(plugin = name, %error, "the data of a removed plugin cannot be removed");
                stuck.push(name);
            }
        }
        // A change whose caller hung up may still be on its way into the database.
        let rows = rows.all_settled().await?;
        let store = self.clone();
        let mut swept = blocking(move || store.clear_folders(&rows)).await?;
        swept.stuck.append(&mut stuck);
        if swept != Swept::default() {
            tracing::warn!(?swept, "the folder of plugins was not as it was left");
        }
        Ok(swept)
    }

    fn clear_folders(&self, rows: &[InstalledPlugin]) -> Result<Swept, PackageError> {
        let mut swept = Swept::default();
        for row in rows {
            if !fs::exists(self.folder().join(&row.folder)).unwrap_or(true) {
                swept.missing.push(row.name.clone());
            }
        }
        let named: HashSet<&str> = rows.iter().map(|row| row.folder.as_str()).collect();
        let staging = self.folder().join(STAGING);
        for name in names_in(&staging).map_err(at(&staging))? {
            let path = staging.join(&name);
            if path != self.staging() && !removed(&path) {
                swept.stuck.push(format!("{STAGING}/{name}"));
            }
        }
        for name in names_in(self.folder()).map_err(at(self.folder()))? {
            if named.contains(name.as_str()) || name.starts_with('.') {
                continue;
            }
            if !is_package_folder(&name) {
                swept.foreign.push(name);
            } else if removed(&self.folder().join(&name)) {
                swept.removed.push(name);
            } else {
                swept.stuck.push(name);
            }
        }
        Ok(swept)
    }
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let names: io::Result<Vec<_>> = names.collect();
    let mut names: Vec<_> =
        names?.into_iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

fn removed(path: &Path) -> bool {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let removed = if is_folder { files::remove(path) } else { fs::remove_file(path) };
    if let Err(error) = &removed {
        tracing::warn!(path = %path.display(), %error, "what belongs to no plugin cannot be removed");
    }
    removed.is_ok()
}
