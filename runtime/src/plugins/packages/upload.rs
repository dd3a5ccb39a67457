//! An archive that somebody sends, piece by piece, on its way to the disk.

use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::address::PackageSource;
use super::error::PackageError;
use super::files::at;
use super::intake::{ARCHIVE_LIMIT, IntakeError};
use super::store::PackageStore;

/// An archive that is being sent. Dropped, it is removed.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    file: File,
    size: u64,
}

impl PackageStore {
    /// Makes a place for an archive that somebody sends.
    pub async fn begin_upload(&self) -> Result<Upload, PackageError> {
        self.make_folders().await?;
        let path = self.staging().join(format!("{}.zip", uuid::Uuid::new_v4()));
        let file = File::create_new(&path).await.map_err(at(&path))?;
        Ok(Upload { path, file, size: 0 })
    }
}

impl Upload {
    /// Adds a piece. More than an archive may have is refused.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), PackageError> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.size > ARCHIVE_LIMIT {
            return Err(IntakeError::ArchiveTooLarge.into());
        }
        self.file.write_all(piece).await.map_err(at(&self.path))
    }

    /// How many bytes were sent.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The archive as a source; `name` is what its sender calls it. It must outlive the staging.
    pub async fn source(&mut self, name: String) -> Result<PackageSource, PackageError> {
        self.file.flush().await.map_err(at(&self.path))?;
        Ok(PackageSource::Archive { path: self.path.clone(), name })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an upload cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::db::Database;

    use super::super::store::StoreOptions;
    use super::*;

    #[tokio::test]
    async fn an_upload_is_bounded_and_gone_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.db")).await.unwrap();
        let store =
            PackageStore::new(folder.path().join("plugins"), database, StoreOptions::default());
        let mut upload = store.begin_upload().await.unwrap();
        upload.write(b"PK").await.unwrap();
        let PackageSource::Archive { path, .. } = upload.source("a.zip".into()).await.unwrap()
        else {
            panic!("it is an archive");
        };
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), upload.size()), (&b"PK"[..], 2));
        upload.size = ARCHIVE_LIMIT;
        assert!(upload.write(b"x").await.is_err());
        drop(upload);
        assert!(!path.exists());
    }
}
