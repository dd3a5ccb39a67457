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

use super::attachment_files::{Temporary, contents, place};
use super::database::now;
use super::{Database, DbError};

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
        })
    }

    /// The attachment of that id.
    pub async fn by_id(&self, attachment_id: &str) -> Result<Option<Attachment>, DbError> {
        self.one("SELECT * FROM attachments WHERE attachment_id = ?", attachment_id).await
    }

    /// The latest attachment of that name.
    pub async fn by_filename(&self, filename: &str) -> Result<Option<Attachment>, DbError> {
        self.one(
            "SELECT * FROM attachments WHERE filename = ?
             ORDER BY created_at DESC, rowid DESC LIMIT 1",
            filename,
        )
        .await
    }

    async fn one(&self, sql: &'static str, value: &str) -> Result<Option<Attachment>, DbError> {
        let found: Option<Attachment> = sqlx::query_as(sql)
            .bind(value.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(found.map(|attachment| self.located(attachment)))
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

    /// Removes what a crash left: uploads without an end and files without a row.
    ///
    /// For the start, before uploads are taken: one that is under way would lose its file.
    pub async fn sweep(&self) -> Result<(), DbError> {
        let folder = self.folder.clone();
        let found = tokio::task::spawn_blocking(move || contents(&folder));
        let found = found.await.map_err(|_| DbError::Closed)?;
        let found = found.map_err(|source| DbError::from_io(self.folder.to_path_buf(), source))?;
        self.remove_unnamed(found).await
    }

    async fn remove_unnamed(&self, hashes: Vec<String>) -> Result<(), DbError> {
        let (folder, readers) = (self.folder.clone(), self.database.readers().clone());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    for hash in hashes {
                        remove_unnamed(connection, &readers, &folder, hash).await?;
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
}

impl Upload {
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

    /// Names what was received. Answers once both the bytes and the row are on the disk.
    pub async fn finish(self, filename: &str, mime_type: &str) -> Result<Attachment, DbError> {
        let Self { attachments, mut file, temporary, hash, size } = self;
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
                    insert(connection, &named).await?;
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

async fn insert(connection: &mut SqliteConnection, named: &Attachment) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO attachments
             (attachment_id, sha256, kind, mime_type, filename, size, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(named.attachment_id.clone())
    .bind(named.sha256.clone())
    .bind(named.kind.clone())
    .bind(named.mime_type.clone())
    .bind(named.filename.clone())
    .bind(i64::try_from(named.size).unwrap_or(i64::MAX))
    .bind(named.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a file that no row names, neither in the open transaction nor in what is committed.
///
/// Both are asked, because the transaction may yet fail: rows it deleted would be back.
async fn remove_unnamed(
    connection: &mut SqliteConnection,
    readers: &SqlitePool,
    folder: &Path,
    hash: String,
) -> Result<(), DbError> {
    const NAMED: &str = "SELECT EXISTS (SELECT 1 FROM attachments WHERE sha256 = ?)";
    let path = place(folder, &hash);
    let pending: bool = sqlx::query_scalar(NAMED).bind(hash.clone()).fetch_one(connection).await?;
    let committed: bool = sqlx::query_scalar(NAMED).bind(hash).fetch_one(readers).await?;
    if pending || committed {
        return Ok(());
    }
    match tokio::fs::remove_file(&path).await {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DbError::from_io(path, source))
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
