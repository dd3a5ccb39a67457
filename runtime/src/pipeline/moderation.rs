//! The service that judges texts, where the profile names one.

use std::path::Path;
use std::time::Duration;

use firstlight_core::config::{Moderation, WhenDown};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::http_client::{ClientError, ClientSettings, LazyClient};

/// The largest answer that is read.
const LARGEST: usize = 256 * 1024;
/// The longest text that is sent, in letters; of a longer one the beginning is judged.
const LONGEST: usize = 20_000;

/// A service that judges texts.
pub(super) struct Moderator {
    client: LazyClient,
    address: String,
    key: SecretString,
    model: String,
    when_down: WhenDown,
}

/// Why a text could not be judged. The texts repeat no address and no key.
#[derive(Debug, thiserror::Error)]
enum ModerationError {
    #[error("the service could not be reached, or not in time")]
    Unreachable(#[source] reqwest::Error),
    #[error("the service answered with the status {0}")]
    Status(u16),
    #[error("the answer of the service makes no sense")]
    Answer,
    #[error(transparent)]
    Client(#[from] ClientError),
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    flagged: bool,
}

impl std::fmt::Debug for Moderator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Moderator")
    }
}

impl Moderator {
    /// The service of a profile; `None` when there is none. One whose key or client cannot be made
    /// is as one that is down: each text is told so in the log.
    pub(super) fn of(settings: &Moderation, folder: &Path) -> Option<Result<Self, WhenDown>> {
        if !settings.enable {
            return None;
        }
        let made = Self::made(settings, folder);
        Some(made.map_err(|error| {
            tracing::error!(error, "the moderation service of a profile cannot be asked");
            settings.when_down
        }))
    }

    fn made(settings: &Moderation, folder: &Path) -> Result<Self, String> {
        let client = LazyClient::new(ClientSettings {
            total_timeout: Some(Duration::from_secs(settings.timeout_seconds.clamp(1, 60).into())),
            ..ClientSettings::default()
        });
        Ok(Self {
            client: client.map_err(|error| error.to_string())?,
            address: settings.url.clone(),
            key: settings.api_key.resolve(folder).map_err(|error| error.to_string())?,
            model: settings.model.clone(),
            when_down: settings.when_down,
        })
    }

    /// Whether the text is unfit. What cannot be judged is as the profile says.
    pub(super) async fn refuses(&self, text: &str) -> bool {
        match self.ask(text).await {
            Ok(flagged) => flagged,
            Err(error) => {
                tracing::warn!(%error, when_down = ?self.when_down, "a text could not be judged");
                self.when_down == WhenDown::Refuse
            }
        }
    }

    async fn ask(&self, text: &str) -> Result<bool, ModerationError> {
        let text: String = text.chars().take(LONGEST).collect();
        let body = match self.model.as_str() {
            "" => json!({ "input": text }),
            model => json!({ "input": text, "model": model }),
        };
        let mut request = self.client.client()?.post(&self.address).json(&body);
        if !self.key.expose_secret().is_empty() {
            request = request.bearer_auth(self.key.expose_secret());
        }
        let unreachable = |error: reqwest::Error| ModerationError::Unreachable(error.without_url());
        let mut response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(ModerationError::Status(response.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + piece.len() > LARGEST {
                return Err(ModerationError::Answer);
            }
            bytes.extend_from_slice(&piece);
        }
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| ModerationError::Answer)?;
        match answer.results.as_slice() {
            [] => Err(ModerationError::Answer),
            verdicts => Ok(verdicts.iter().any(|verdict| verdict.flagged)),
        }
    }
}
