//! The instances of one plugin. A call takes one out and puts it back, so that a guest that waits
//! for a model holds up only its own instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use firstlight_plugins_api::PluginError;
use firstlight_plugins_api::wire::{API_VERSION, GuestCall, Introduction, MESSAGE_LIMIT};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::engine::{Engine, SharedEngine};
use super::instance::{Instance, SharedCode, milliseconds};
use crate::plugins::lanes::{HostLine, Lane, LaneUsage};

/// After so many calls an instance is given up for a new one: what it leaked goes with it.
const MOST_USES: u32 = 10_000;
/// Loading may take more of the processor than a call.
const LOAD_CPU: Duration = Duration::from_secs(5);

/// A plugin in the component lane.
pub(in crate::plugins) struct ComponentLane {
    inner: Arc<Inner>,
}

struct Inner {
    engine: SharedEngine,
    code: SharedCode,
    line: HostLine,
    idle: Mutex<Vec<Instance>>,
    /// Instances that may still be made or taken.
    places: Arc<Semaphore>,
    /// Of which settings new instances know.
    generation: AtomicU64,
    alive: AtomicUsize,
    /// Memory of the instances that are idle or were last seen, in bytes.
    memory: AtomicU64,
    /// Processor time of all calls, in microseconds.
    cpu: AtomicU64,
}

/// What an instance is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To ask who it is, and be given up.
    Describe,
    /// To be loaded.
    Load,
    /// To do something.
    Call,
}

/// An instance that is at work, also when its call is given up.
struct Alive<'a>(&'a AtomicUsize);

impl<'a> Alive<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ComponentLane {
    pub(super) fn new(engine: Arc<Engine>, code: SharedCode, line: HostLine) -> Self {
        let places = Arc::new(Semaphore::new(line.terms().budgets.instances));
        Self {
            inner: Arc::new(Inner {
                engine,
                code,
                line,
                idle: Mutex::new(Vec::new()),
                places,
                generation: AtomicU64::new(0),
                alive: AtomicUsize::new(0),
                memory: AtomicU64::new(0),
                cpu: AtomicU64::new(0),
            }),
        }
    }
}

impl Inner {
    async fn call(
        self: Arc<Self>,
        request: String,
        purpose: Purpose,
    ) -> Result<String, PluginError> {
        let idle = if purpose == Purpose::Call { self.idle.lock().pop() } else { None };
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.fresh(purpose).await?,
        };
        let budget = match purpose {
            Purpose::Describe | Purpose::Load => LOAD_CPU,
            Purpose::Call => self.line.terms().budgets.cpu,
        };
        let alive = Alive::new(&self.alive);
        let answer = instance.call(&self.engine, request, budget, &self.cpu).await;
        drop(alive);
        self.memory.store(instance.memory(), Ordering::Relaxed);
        let broken = matches!(answer, Err(PluginError::Fault(_)));
        let outdated = instance.generation != self.generation.load(Ordering::Acquire);
        let loaded = purpose == Purpose::Call || (purpose == Purpose::Load && answer.is_ok());
        if loaded && !broken && !outdated && instance.uses < MOST_USES {
            self.idle.lock().push(instance);
        }
        answer
    }

    /// A new instance; loaded, unless the call is what loads it.
    async fn fresh(&self, purpose: Purpose) -> Result<Instance, PluginError> {
        let generation = self.generation.load(Ordering::Acquire);
        let mut instance = Instance::new(&self.engine, &self.code, self.line.clone()).await?;
        instance.generation = generation;
        if purpose == Purpose::Call {
            let introduction =
                Introduction { api: API_VERSION.to_owned(), settings: self.line.settings() };
            let request = text(&GuestCall::Load(introduction))?;
            instance.call(&self.engine, request, LOAD_CPU, &self.cpu).await?;
        }
        Ok(instance)
    }
}

#[async_trait]
impl Lane for ComponentLane {
    async fn call(&self, call: &GuestCall) -> Result<String, PluginError> {
        let request = text(call)?;
        if request.len() > MESSAGE_LIMIT {
            return Err(PluginError::Failed("the message is too large for a plugin".to_owned()));
        }
        let place = Arc::clone(&self.inner.places).acquire_owned().await;
        let ended = || PluginError::Failed("the plugin has ended".to_owned());
        let place = place.map_err(|_| ended())?;
        let purpose = match call {
            GuestCall::Describe => Purpose::Describe,
            GuestCall::Load(_) => Purpose::Load,
            _ => Purpose::Call,
        };
        let inner = Arc::clone(&self.inner);
        let run = self.inner.engine.run(async move {
            let _place = place;
            inner.call(request, purpose).await
        });
        let panicked = |_| PluginError::Fault("the gateway failed while it ran".to_owned());
        run.ok_or_else(ended)?.await.map_err(panicked)?
    }

    /// The call was given up with its instance.
    fn overran(&self, _call: &'static str) {}

    /// What the one that took them over keeps in memory is a cache, as always: each call from now on
    /// gets an instance that was loaded with the new ones.
    fn settings_taken(&self) {
        self.inner.generation.fetch_add(1, Ordering::AcqRel);
        self.inner.idle.lock().clear();
    }

    async fn end(&self) {
        self.inner.places.close();
        self.inner.idle.lock().clear();
    }

    fn usage(&self) -> LaneUsage {
        let idle = self.inner.idle.lock();
        let memory: u64 = idle.iter().map(Instance::memory).sum();
        LaneUsage {
            instances: idle.len() + self.inner.alive.load(Ordering::Relaxed),
            cpu_ms: milliseconds(&self.inner.cpu),
            memory: memory.max(self.inner.memory.load(Ordering::Relaxed)),
        }
    }
}

fn text(call: &GuestCall) -> Result<String, PluginError> {
    serde_json::to_string(call).map_err(PluginError::failed)
}
