//! When sessions and keys were last used, written now and then: a guarded row must not wait for the
//! disk.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::accounts::Auth;
use super::error::AuthError;

const EVERY: Duration = Duration::from_secs(15);

/// Expired sessions answer "expired" for so long; after that they are unknown.
const REMEMBERED_MS: i64 = 24 * 3600 * 1000;

impl Auth {
    /// Writes the notes until told to end, and once more then.
    pub async fn keep_notes(&self, end: CancellationToken) {
        while end.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            self.write_notes_or_warn().await;
        }
        self.write_notes_or_warn().await;
    }

    async fn write_notes_or_warn(&self) {
        if let Err(error) = self.write_notes().await {
            tracing::warn!(%error, "when keys and sessions were last used could not be written");
        }
    }

    /// Writes what was used since the last call, and forgets what has expired.
    pub async fn write_notes(&self) -> Result<(), AuthError> {
        for key_id in self.keys.take_used() {
            self.database.api_keys().touch(&key_id).await?;
        }
        for session_id in self.sessions.take_used() {
            self.database.login_sessions().touch(&session_id, None).await?;
        }
        self.database.login_sessions().purge_expired().await?;
        self.sessions.forget_expired(Timestamp::now().as_millisecond() - REMEMBERED_MS);
        Ok(())
    }
}
