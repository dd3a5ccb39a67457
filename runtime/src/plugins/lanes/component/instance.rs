//! One instance of a component.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use firstlight_plugins_api::PluginError;
use firstlight_plugins_api::wire::WireError;
use tokio::runtime::Handle;
use wasmtime::component::{InstancePre, TypedFunc};
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

use super::engine::SharedEngine;
use super::metered::{Metered, UsedUp};
use crate::plugins::lanes::HostLine;

/// The function that every plugin exports, and the interface that it is in.
const INTERFACE: &str = "firstlight:plugin/guest@1.0.0";
const FUNCTION: &str = "call";
/// How many elements a table may have.
const TABLE_LIMIT: usize = 20_000;

/// What an instance carries.
pub(super) struct Guest {
    pub(super) line: HostLine,
    pub(super) main: Handle,
    bound: MemoryBound,
}

/// How much memory an instance has, and may have.
struct MemoryBound {
    limit: usize,
    used: usize,
    /// Whether more was asked for and refused: what follows is probably its doing.
    refused: bool,
}

/// An instance that can be called.
pub(super) struct Instance {
    store: Store<Guest>,
    call: TypedFunc<(String,), (Result<String, String>,)>,
    /// How often it was called.
    pub(super) uses: u32,
    /// Of which settings it knows.
    pub(super) generation: u64,
}

type Entry = (Result<String, String>,);

impl Instance {
    /// Makes one. It is not loaded yet.
    pub(super) async fn new(
        engine: &SharedEngine,
        code: &InstancePre<Guest>,
        line: HostLine,
    ) -> Result<Self, PluginError> {
        let limit = line.terms().budgets.memory;
        let bound = MemoryBound { limit, used: 0, refused: false };
        let guest = Guest { line, main: engine.main().clone(), bound };
        let mut store = Store::new(&engine.engine, guest);
        store.limiter(|guest| &mut guest.bound);
        store.set_epoch_deadline(1);
        // At each tick it lets others run.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        let fault = |error: wasmtime::Error| PluginError::Fault(describe(&error));
        let instance = code.instantiate_async(&mut store).await.map_err(fault)?;
        let missing = || PluginError::Fault(format!("it does not export {INTERFACE}"));
        let interface =
            instance.get_export_index(&mut store, None, INTERFACE).ok_or_else(missing)?;
        let function = instance
            .get_export_index(&mut store, Some(&interface), FUNCTION)
            .ok_or_else(missing)?;
        let call = instance.get_typed_func::<(String,), Entry>(&mut store, &function);
        let call = call.map_err(fault)?;
        Ok(Self { store, call, uses: 0, generation: 0 })
    }

    /// Makes a call, for at most so much processor time. After a [`PluginError::Fault`] the
    /// instance is of no use any more.
    pub(super) async fn call(
        &mut self,
        engine: &SharedEngine,
        request: String,
        cpu: Duration,
        total: &AtomicU64,
    ) -> Result<String, PluginError> {
        let _running = engine.running();
        self.uses = self.uses.saturating_add(1);
        self.store.data_mut().bound.refused = false;
        self.store.set_epoch_deadline(1);
        let called = self.call.call_async(&mut self.store, (request,));
        match Metered::new(called, cpu, total).await {
            Ok(Ok((Ok(answer),))) => Ok(answer),
            Ok(Ok((Err(error),))) => Err(error_of(&error)),
            Ok(Err(error)) => Err(PluginError::Fault(self.explain(&error))),
            Err(UsedUp) => {
                let used = cpu.as_millis();
                Err(PluginError::Fault(format!("it used its {used} ms of processor time")))
            }
        }
    }

    /// How much memory it has, in bytes.
    pub(super) fn memory(&self) -> u64 {
        self.store.data().bound.used as u64
    }

    fn explain(&self, error: &wasmtime::Error) -> String {
        let bound = &self.store.data().bound;
        if bound.refused {
            return format!("it wanted more than its {} MiB of memory", bound.limit >> 20);
        }
        describe(error)
    }
}

/// The error of a plugin's own.
fn error_of(text: &str) -> PluginError {
    match serde_json::from_str::<WireError>(text) {
        Ok(error) => error.into(),
        Err(_) => PluginError::Failed(text.chars().take(300).collect()),
    }
}

/// What went wrong, without the addresses of a backtrace.
fn describe(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "it called itself without end".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it gave up, as a panic does".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

impl ResourceLimiter for MemoryBound {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= self.limit;
        if fits {
            self.used = desired;
        }
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_LIMIT)
    }

    fn instances(&self) -> usize {
        16
    }

    fn tables(&self) -> usize {
        8
    }

    fn memories(&self) -> usize {
        2
    }
}

/// What the calls of a plugin have used of the processor, in milliseconds.
pub(super) fn milliseconds(total: &AtomicU64) -> u64 {
    total.load(Ordering::Relaxed) / 1000
}

/// Compiled code that is ready to be made instances of.
pub(super) type SharedCode = Arc<InstancePre<Guest>>;
