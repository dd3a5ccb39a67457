//! Who may read an attachment: who uploaded it, and the owners of chats that it was sent in.

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::{Attachment, Attachments, DbError};

impl Attachments {
    /// The attachment of that id, when this reader may have it.
    pub async fn readable(
        &self,
        attachment_id: &str,
        reader: &str,
    ) -> Result<Option<Attachment>, DbError> {
        self.one(
            "SELECT attachments.* FROM attachments JOIN attachment_readers USING (attachment_id)
             WHERE attachment_id = ? AND reader = ?",
            [attachment_id, reader],
        )
        .await
    }

    /// The latest attachment of that name that this reader may have. Others may have uploaded files
    /// of the same name: a name is no address.
    pub async fn readable_by_name(
        &self,
        filename: &str,
        reader: &str,
    ) -> Result<Option<Attachment>, DbError> {
        self.one(
            "SELECT attachments.* FROM attachments JOIN attachment_readers USING (attachment_id)
             WHERE filename = ? AND reader = ?
             ORDER BY created_at DESC, attachments.rowid DESC LIMIT 1",
            [filename, reader],
        )
        .await
    }

    /// Lets somebody read attachments. Ids that are not there are passed over.
    pub async fn grant(&self, attachment_ids: &[String], reader: &str) -> Result<(), DbError> {
        let (ids, reader) = (Json(attachment_ids.to_vec()), reader.to_owned());
        self.database()
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT OR IGNORE INTO attachment_readers (attachment_id, reader)
                         SELECT attachment_id, ?2 FROM attachments
                         WHERE attachment_id IN (SELECT value FROM json_each(?1))",
                    )
                    .bind(ids)
                    .bind(reader)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Names the first reader within the transaction that stores the attachment.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    attachment_id: String,
    reader: String,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO attachment_readers (attachment_id, reader) VALUES (?, ?)")
        .bind(attachment_id)
        .bind(reader)
        .execute(connection)
        .await?;
    Ok(())
}
