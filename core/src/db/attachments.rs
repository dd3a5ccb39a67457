//! Attachments: files addressed by what is in them, and rows that name them.
//!
//! The same bytes are stored once, however often they are sent. A file is complete before a row
//! points at it: it is written under another name, synced, and renamed by the writer task, the
//! same task that removes files no row names any more, so that the two cannot cross.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row, SqliteConnection, SqlitePool};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::attachment_files::{Temporary, clear, place, stored};
use super::database::now;
use super::{Database, DbError, attachment_readers};

/// How many files the writer looks at before others have a turn.
const SWEPT_AT_ONCE: usize = 256;

/// A stored file under the name it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id, which messages mention.
    pub attachment_id: String,
    /// `image`, `record`, `video` or `file`.
    pub kind: String,
    /// What the sender said it is.
    pub mime_type: String,
    /// What the sender called it.
    pub filename: String,
    /// How many bytes it has.
    pub size: u64,
    /// The hash of its bytes, in hex.
    pub sha256: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// When it was stored.
    pub created_at: i64,
}

/// The attachments.
#[derive(Clone)]
pub struct Attachments {
    database: Database,
    folder: Arc<Path>,
}

impl Attachments {
    pub(super) fn new(database: Database) -> Self {
        let folder = database.folder().join("attachments").into();
        Self { database, folder }
    }

    /// Stores a file that is in memory.
    pub async fn put(
        &self,
        bytes: &[u8],
        filename: &str,
        mime_type: &str,
    ) -> Result<Attachment, DbError> {
        let mut upload = self.begin().await?;
        upload.write(bytes).await?;
        upload.finish(filename, mime_type).await
    }

    /// Begins to store a file that comes in pieces. Dropping the upload forgets it.
    pub async fn begin(&self) -> Result<Upload, DbError> {
        let incoming = self.folder.join("incoming");
        let path = incoming.join(Uuid::new_v4().to_string());
        tokio::fs::create_dir_all(&incoming)
            .await
            .map_err(|source| DbError::from_io(incoming, source))?;
        let mut open = tokio::fs::OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        open.mode(0o600);
        let file =
            open.open(&path).await.map_err(|source| DbError::from_io(path.clone(), source))?;
        Ok(Upload {
            attachments: self.clone(),
            file,
            temporary: Temporary::new(path),
            hash: Sha256::new(),
            size: 0,
            reader: None,
            expires_at: None,
        })
    }

    /// The attachment of that id, for the program itself. For somebody: [`Self::readable`].
    pub async fn by_id(&self, attachment_id: &str) -> Result<Option<Attachment>, DbError> {
        self.one("SELECT * FROM attachments WHERE attachment_id = ?", [attachment_id]).await
    }

    pub(super) async fn one<const N: usize>(
        &self,
        sql: &'static str,
        values: [&str; N],
    ) -> Result<Option<Attachment>, DbError> {
        let query =
            values.iter().fold(sqlx::query_as(sql), |query, value| query.bind((*value).to_owned()));
        let found: Option<Attachment> = query.fetch_optional(self.database.readers()).await?;
        Ok(found.map(|attachment| self.located(attachment)))
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    fn located(&self, attachment: Attachment) -> Attachment {
        Attachment { path: place(&self.folder, &attachment.sha256), ..attachment }
    }

    /// Forgets attachments, and their files where no other attachment has the same bytes.
    pub async fn delete(&self, attachment_ids: &[String]) -> Result<u64, DbError> {
        let ids = Json(attachment_ids.to_vec());
        let gone: Vec<String> = self
            .database
            .write(move |connection| {
                Box::pin(async move {
                    let gone = sqlx::query_scalar(
                        "DELETE FROM attachments
                         WHERE attachment_id IN (SELECT value FROM json_each(?)) RETURNING sha256",
                    )
                    .bind(ids)
                    .fetch_all(connection)
                    .await?;
                    Ok(gone)
                })
            })
            .await?;
        let count = gone.len();
        self.remove_unnamed(gone).await?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Removes uploads that a crash cut off. For the start, before uploads are taken: one that is
    /// under way would lose its file.
    pub async fn clear_unfinished(&self) -> Result<(), DbError> {
        let folder = self.folder.join("incoming");
        self.on_disk(folder, clear).await
    }

    /// Removes files without a row, which a crash left as well. For any time.
    pub async fn sweep(&self) -> Result<(), DbError> {
        let hashes = self.on_disk(self.folder.to_path_buf(), stored).await?;
        for hashes in hashes.chunks(SWEPT_AT_ONCE) {
            self.remove_unnamed(hashes.to_vec()).await?;
        }
        Ok(())
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        folder: PathBuf,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let place = folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|_| DbError::Closed)?.map_err(|source| DbError::from_io(place, source))
    }

    async fn remove_unnamed(&self, hashes: Vec<String>) -> Result<(), DbError> {
        let (folder, readers) = (self.folder.clone(), self.database.readers().clone());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    for hash in unnamed(connection, &readers, hashes).await? {
                        remove(&place(&folder, &hash)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// A file that is being received.
pub struct Upload {
    attachments: Attachments,
    file: tokio::fs::File,
    temporary: Temporary,
    hash: Sha256,
    size: u64,
    reader: Option<String>,
    /// Until when it is kept; for good when absent.
    expires_at: Option<i64>,
}

impl Upload {
    /// Lets somebody read the attachment: who uploads it.
    #[must_use]
    pub fn readable_by(mut self, reader: impl Into<String>) -> Self {
        self.reader = Some(reader.into());
        self
    }

    /// How many bytes have come so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a piece.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DbError> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let written = self.file.write_all(bytes).await;
        written.map_err(|source| self.temporary.failed(source))
    }

    /// The file is forgotten after that time, in epoch milliseconds.
    #[must_use]
    pub fn kept_until(self, expires_at: i64) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Names what was received. Answers once both the bytes and the row are on the disk.
    pub async fn finish(self, filename: &str, mime_type: &str) -> Result<Attachment, DbError> {
        let Self { attachments, mut file, temporary, hash, size, reader, expires_at } = self;
        file.flush().await.map_err(|source| temporary.failed(source))?;
        file.sync_all().await.map_err(|source| temporary.failed(source))?;
        let named = Attachment {
            attachment_id: Uuid::new_v4().to_string(),
            kind: kind(mime_type).to_owned(),
            mime_type: mime_type.to_owned(),
            filename: filename.to_owned(),
            size,
            sha256: hex::encode(hash.finalize()),
            path: PathBuf::new(),
            created_at: now(),
        };
        let named = attachments.located(named);
        attachments
            .database
            .write(move |connection| {
                Box::pin(async move {
                    let target = named.path.clone();
                    let moved = tokio::task::spawn_blocking(move || temporary.settle(&target));
                    moved.await.map_err(|_| DbError::Closed)??;
                    insert(connection, &named, expires_at).await?;
                    if let Some(reader) = reader {
                        let id = named.attachment_id.clone();
                        attachment_readers::insert(connection, id, reader).await?;
                    }
                    Ok(named)
                })
            })
            .await
    }
}

impl FromRow<'_, SqliteRow> for Attachment {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            attachment_id: row.try_get("attachment_id")?,
            kind: row.try_get("kind")?,
            mime_type: row.try_get("mime_type")?,
            filename: row.try_get("filename")?,
            size: row.try_get("size")?,
            sha256: row.try_get("sha256")?,
            path: PathBuf::new(),
            created_at: row.try_get("created_at")?,
        })
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    named: &Attachment,
    expires_at: Option<i64>,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO attachments
             (attachment_id, sha256, kind, mime_type, filename, size, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(named.attachment_id.clone())
    .bind(named.sha256.clone())
    .bind(named.kind.clone())
    .bind(named.mime_type.clone())
    .bind(named.filename.clone())
    .bind(i64::try_from(named.size).unwrap_or(i64::MAX))
    .bind(named.created_at)
    .bind(expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the hashes that no row has, neither in the open transaction nor in what is committed.
///
/// Both are asked, because the transaction may yet fail: rows it deleted would be back.
async fn unnamed(
    connection: &mut SqliteConnection,
    readers: &SqlitePool,
    hashes: Vec<String>,
) -> Result<Vec<String>, DbError> {
    const UNNAMED: &str = "SELECT value FROM json_each(?) WHERE NOT EXISTS (
        SELECT 1 FROM attachments WHERE sha256 = value)";
    let pending: Vec<String> =
        sqlx::query_scalar(UNNAMED).bind(Json(hashes)).fetch_all(connection).await?;
    Ok(sqlx::query_scalar(UNNAMED).bind(Json(pending)).fetch_all(readers).await?)
}

async fn remove(path: &Path) -> Result<(), DbError> {
    match tokio::fs::remove_file(path).await {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DbError::from_io(path.to_owned(), source))
        }
        _ => Ok(()),
    }
}

fn kind(mime_type: &str) -> &'static str {
    match mime_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "record",
        Some("video") => "video",
        _ => "file",
    }
}
