//! Attachments that are kept for a time only: files that messages of platforms referred to.

use super::{Attachments, DbError};

impl Attachments {
    /// Forgets attachments whose time is over, some of them at a time; answers how many.
    pub async fn purge_expired(&self, now: i64, most: u32) -> Result<u64, DbError> {
        let expired: Vec<String> = sqlx::query_scalar(
            "SELECT attachment_id FROM attachments WHERE expires_at < ? ORDER BY expires_at LIMIT ?",
        )
        .bind(now)
        .bind(most)
        .fetch_all(self.database().readers())
        .await?;
        if expired.is_empty() { Ok(0) } else { self.delete(&expired).await }
    }
}
