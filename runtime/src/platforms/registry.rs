//! The platforms that are configured, and how each of them is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use firstlight_core::bus::{Bus, Epoch};
use firstlight_core::config::PlatformEntry;
use firstlight_core::db::Attachments;
use firstlight_core::lifecycle::StepCx;
use firstlight_core::model::BuiltInChat;
use jiff::Timestamp;
use parking_lot::RwLock;
use tokio::sync::Mutex;

use super::adapter::{Adapter, Capabilities, Connections};
use super::adapters::Adapters;
use super::health::{Fault, Health, PlatformState};
use super::intake::Intake;
use super::kinds::{self, PlatformError};
use super::supervision::{Run, Running};
use super::webchat::{ChatAdapter, Webchat};
use crate::senders::Sender;

/// What every platform is started with.
pub(crate) struct Surroundings {
    pub(crate) bus: Bus,
    pub(crate) epoch: Epoch,
    pub(crate) intake: Intake,
    pub(crate) adapters: Adapters,
    pub(crate) attachments: Attachments,
    /// The data folder, for secrets that are kept in files.
    pub(crate) folder: Arc<Path>,
}

/// The platforms of the running runtime; cheap to clone.
#[derive(Clone)]
pub struct Platforms {
    shared: Arc<Shared>,
}

struct Shared {
    webchat: Webchat,
    surroundings: Surroundings,
    cx: StepCx,
    instances: RwLock<BTreeMap<String, Instance>>,
    /// One change at a time: a new instance may need the port that the old one still has.
    changing: Mutex<()>,
}

struct Instance {
    id: String,
    kind: String,
    health: Health,
    running: Option<(Arc<dyn Adapter>, Arc<Running>)>,
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
    /// What went wrong lately, the latest last.
    pub faults: Vec<Fault>,
    /// How often something went wrong since it was started.
    pub fault_count: u64,
    /// Its connections.
    pub connections: Connections,
    /// Whether it can show an answer while it is being made.
    pub streams: bool,
    /// Whether a message can be sent to it that nobody asked for.
    pub sends_unasked: bool,
}

impl Platforms {
    pub(super) fn new(webchat: Webchat, surroundings: Surroundings, cx: StepCx) -> Self {
        let shared = Shared {
            webchat,
            surroundings,
            cx,
            instances: RwLock::default(),
            changing: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The built-in web chat.
    pub fn webchat(&self) -> &Webchat {
        &self.shared.webchat
    }

    /// The way in for messages of every other platform.
    pub fn intake(&self) -> &Intake {
        &self.shared.surroundings.intake
    }

    /// The adapters that run.
    pub fn adapters(&self) -> &Adapters {
        &self.shared.surroundings.adapters
    }

    /// How each platform is, by id.
    pub fn statuses(&self) -> Vec<PlatformStatus> {
        let instances = self.shared.instances.read();
        instances.values().map(Instance::status).collect()
    }

    /// Starts the chats that are built in; they take messages when this returns.
    pub(super) async fn begin_chats(&self) {
        for chat in BuiltInChat::ALL {
            let id = chat.to_string();
            let adapter = Arc::new(ChatAdapter::new(chat, self.shared.webchat.clone()));
            let health = Health::new(self.shared.cx.item(&id));
            let running = Some(self.begin(&id, Arc::clone(&adapter) as _, &health));
            let instance = Instance { kind: id.clone(), id: id.clone(), health, running };
            self.shared.instances.write().insert(id, instance);
            adapter.up().await;
        }
    }

    /// Applies one entry of the `platforms` document: what ran under its id has ended when this
    /// returns, and what it says is started, or recorded as failed. Returns the error of an entry
    /// that cannot run.
    pub async fn apply(&self, entry: &PlatformEntry) -> Result<(), PlatformError> {
        if BuiltInChat::of_platform(&entry.id).is_some() {
            return Err(PlatformError::BuiltIn { id: entry.id.clone() });
        }
        let _one = self.shared.changing.lock().await;
        self.end(&entry.id).await;
        let health = Health::new(self.shared.cx.item(&entry.id));
        let built = entry.enable.then(|| kinds::build(entry, &self.shared.surroundings));
        let (running, outcome) = match built.transpose() {
            Ok(None) => {
                health.stopped();
                (None, Ok(()))
            }
            Ok(Some(adapter)) => (Some(self.begin(&entry.id, adapter, &health)), Ok(())),
            Err(error) => {
                health.refused(&error.to_string());
                (None, Err(error))
            }
        };
        let instance = Instance { id: entry.id.clone(), kind: entry.kind.clone(), health, running };
        self.shared.instances.write().insert(entry.id.clone(), instance);
        outcome
    }

    /// Ends a platform and forgets it. The built-in chats stay.
    pub async fn remove(&self, id: &str) {
        if BuiltInChat::of_platform(id).is_some() {
            return;
        }
        let _one = self.shared.changing.lock().await;
        self.end(id).await;
        let removed = self.shared.instances.write().remove(id);
        if let Some(instance) = removed {
            instance.health.forget();
        }
    }

    /// Ends all platforms, side by side.
    pub(super) async fn end_all(&self) {
        let _one = self.shared.changing.lock().await;
        let ids: Vec<String> = self.shared.instances.read().keys().cloned().collect();
        futures_util::future::join_all(ids.iter().map(|id| self.end(id))).await;
    }

    async fn end(&self, id: &str) {
        let running = {
            let instances = self.shared.instances.read();
            instances.get(id).and_then(|instance| instance.running.clone())
        };
        if let Some((_, running)) = running {
            self.shared.surroundings.adapters.remove(id);
            running.stop().await;
        }
    }

    fn begin(
        &self,
        id: &str,
        adapter: Arc<dyn Adapter>,
        health: &Health,
    ) -> (Arc<dyn Adapter>, Arc<Running>) {
        let Surroundings { bus, epoch, intake, adapters, .. } = &self.shared.surroundings;
        adapters.insert(id, Arc::clone(&adapter));
        let run = Run {
            name: id.to_owned(),
            adapter: Arc::clone(&adapter),
            intake: intake.clone(),
            health: health.clone(),
            sender: Sender::new(bus.clone(), *epoch, id, Arc::clone(&adapter)),
        };
        (adapter, Arc::new(run.begin(&self.shared.cx)))
    }
}

impl Instance {
    fn status(&self) -> PlatformStatus {
        let record = self.health.record();
        let adapter = self.running.as_ref().map(|(adapter, _)| adapter);
        let capabilities: Option<Capabilities> = adapter.map(|adapter| adapter.capabilities());
        PlatformStatus {
            id: self.id.clone(),
            kind: self.kind.clone(),
            display_name: capabilities
                .map_or_else(|| self.id.clone(), |can| can.display_name.to_owned()),
            state: record.state,
            started_at: record.started_at,
            faults: record.faults.into(),
            fault_count: record.fault_count,
            connections: adapter.map(|adapter| adapter.connections()).unwrap_or_default(),
            streams: capabilities.is_some_and(|can| can.streams),
            sends_unasked: capabilities.is_some_and(|can| can.sends_unasked),
        }
    }
}
