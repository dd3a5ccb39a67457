//! The platforms that are configured, and how each of them is.

use std::collections::BTreeMap;
use std::sync::Arc;

use firstlight_core::config::PlatformEntry;
use jiff::Timestamp;
use parking_lot::RwLock;

use super::adapters::Adapters;
use super::intake::Intake;
use super::webchat::Webchat;

/// The platforms of the running runtime; cheap to clone.
#[derive(Clone)]
pub struct Platforms {
    webchat: Webchat,
    intake: Intake,
    adapters: Adapters,
    statuses: Arc<RwLock<BTreeMap<String, PlatformStatus>>>,
}

/// How a platform is, as the platform list shows it.
#[derive(Debug, Clone)]
pub struct PlatformStatus {
    /// The instance, as the configuration names it.
    pub id: String,
    /// The type of the platform.
    pub kind: String,
    /// The name for people.
    pub display_name: String,
    /// Whether it runs.
    pub state: PlatformState,
    /// Since when it runs.
    pub started_at: Option<Timestamp>,
    /// Whether it can show an answer while it is being made.
    pub streams: bool,
    /// Whether a message can be sent to it that nobody asked for.
    pub sends_unasked: bool,
}

/// Whether a platform runs.
#[derive(Debug, Clone)]
pub enum PlatformState {
    /// It takes messages.
    Running,
    /// It is switched off in the configuration.
    Stopped,
    /// It cannot run.
    Failed {
        /// Why.
        error: String,
        /// Since when.
        at: Timestamp,
    },
}

impl Platforms {
    pub(super) fn new(webchat: Webchat, intake: Intake, adapters: Adapters) -> Self {
        let status = PlatformStatus {
            id: "webchat".into(),
            kind: "webchat".into(),
            display_name: "Web chat".into(),
            state: PlatformState::Running,
            started_at: Some(Timestamp::now()),
            streams: true,
            sends_unasked: true,
        };
        let statuses = BTreeMap::from([(status.id.clone(), status)]);
        Self { webchat, intake, adapters, statuses: Arc::new(RwLock::new(statuses)) }
    }

    /// The built-in web chat.
    pub fn webchat(&self) -> &Webchat {
        &self.webchat
    }

    /// The way in for messages of every other platform.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// The adapters that run.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    /// How each platform is, by id.
    pub fn statuses(&self) -> Vec<PlatformStatus> {
        self.statuses.read().values().cloned().collect()
    }

    /// Applies one entry of the `platforms` document: what it says is started, or recorded as
    /// failed. Returns the error of an entry that cannot run.
    pub fn apply(&self, entry: &PlatformEntry) -> Result<(), PlatformError> {
        if entry.id == "webchat" {
            return Err(PlatformError::BuiltIn);
        }
        let applied = if entry.enable {
            Err(PlatformError::UnknownType { kind: entry.kind.clone() })
        } else {
            Ok(PlatformState::Stopped)
        };
        let state = match &applied {
            Ok(state) => state.clone(),
            Err(error) => PlatformState::Failed { error: error.to_string(), at: Timestamp::now() },
        };
        let status = PlatformStatus {
            id: entry.id.clone(),
            kind: entry.kind.clone(),
            display_name: entry.id.clone(),
            state,
            started_at: None,
            streams: false,
            sends_unasked: false,
        };
        self.statuses.write().insert(status.id.clone(), status);
        applied.map(drop)
    }

    /// Ends a platform and forgets it.
    pub fn remove(&self, id: &str) {
        if id != "webchat" {
            self.statuses.write().remove(id);
        }
    }
}

/// Why a platform cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// This version has no such platform.
    #[error("this version knows no platform type {kind:?}")]
    UnknownType {
        /// The type as configured.
        kind: String,
    },
    /// The web chat is always there.
    #[error("the id `webchat` belongs to the built-in web chat")]
    BuiltIn,
}
