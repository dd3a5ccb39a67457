//! Reading what is installed when no start of a runtime has got so far.

use super::catalogue::Entry;
use super::packages::PackageError;
use super::sources::PluginSources;

impl PluginSources {
    /// Reads what is installed, unless a start of the runtime did. For the rows that repair: a
    /// bootstrap may have failed before it came to the plugins. Nothing is cleared away, so it may
    /// cross with a start.
    pub async fn read_if_unread(&self) -> Result<(), PackageError> {
        if self.catalogue().has_installed() {
            return Ok(());
        }
        let packages = self.packages().list().await?;
        if packages.is_empty() {
            return Ok(());
        }
        let read =
            tokio::task::spawn_blocking(|| packages.into_iter().map(Entry::of).collect::<Vec<_>>());
        let entries = read.await.map_err(|e| PackageError::Preparation(e.to_string()))?;
        for entry in entries {
            self.adopt(&entry);
            self.catalogue().put_if_absent(entry);
        }
        Ok(())
    }

    /// Forgets what was read, as if no start had come so far. For tests.
    #[doc(hidden)]
    pub fn forget_what_was_read(&self) {
        self.catalogue().clear();
    }
}
