//! The one engine of the process.

use std::sync::Arc;

use firstlight_plugins_api::wire::{HostCall, MESSAGE_LIMIT, WireError};
use tokio::runtime::{Handle, Runtime};
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, StoreContextMut};

use super::code::CodeError;
use super::instance::Guest;
use super::ticker::{Running, Ticker};

/// How many instances there may be of all plugins together. Each keeps the stack of its last call.
const INSTANCES: u32 = 4096;
/// The most memory of an instance that any budget allows.
pub(super) const MOST_MEMORY: usize = 256 << 20;
/// Address space of the stacks of a call, the guest's part of it being the smaller.
const STACK: usize = 1 << 20;
const WASM_STACK: usize = 512 << 10;
/// Threads for guests, beside those of the gateway.
const MOST_THREADS: usize = 4;
/// The import that a plugin may have.
const IMPORT: &str = "firstlight:plugin/host@1.0.0";

/// The engine, its clock, and the threads that guests run on.
pub(in crate::plugins) struct Engine {
    pub(super) engine: wasmtime::Engine,
    pub(super) linker: Linker<Guest>,
    /// Where calls of guests to the host are made: on the gateway's own threads.
    main: Handle,
    guests: Option<Runtime>,
    ticker: Ticker,
}

/// The settings by which code is compiled and run. Both must agree.
pub(super) fn config(pooling: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(STACK)
        .memory_reservation(MOST_MEMORY as u64)
        .memory_guard_size(64 << 10)
        .memory_may_move(false)
        .generate_address_map(false);
    if pooling {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(INSTANCES)
            .total_core_instances(INSTANCES)
            .total_memories(INSTANCES)
            .total_tables(INSTANCES)
            .total_stacks(INSTANCES)
            .max_core_instances_per_component(8)
            .max_memories_per_component(1)
            .max_tables_per_component(4)
            .max_memory_size(MOST_MEMORY)
            .table_elements(20_000)
            .max_unused_warm_slots(16);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

impl Engine {
    /// Starts the threads. To be called within the gateway's own.
    pub(super) fn start() -> Result<Self, CodeError> {
        // Where address space is short, instances are made one by one.
        let engine = wasmtime::Engine::new(&config(true))
            .or_else(|_| wasmtime::Engine::new(&config(false)))
            .map_err(|error| CodeError::Engine(error.to_string()))?;
        let started = |error: std::io::Error| CodeError::Engine(error.to_string());
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let guests = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.clamp(2, MOST_THREADS))
            .thread_name("guest")
            // Whoever waits for a guest is looked after at every tick.
            .event_interval(1)
            .enable_time()
            .build()
            .map_err(started)?;
        let ticking = engine.clone();
        let ticker = Ticker::start(move || ticking.increment_epoch()).map_err(started)?;
        let linker = linker(&engine).map_err(|error| CodeError::Engine(error.to_string()))?;
        Ok(Self { engine, linker, main: Handle::current(), guests: Some(guests), ticker })
    }

    /// Runs a future of a guest on the guests' threads. Dropping the answer ends it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<tokio_util::task::AbortOnDropHandle<T>> {
        let guests = self.guests.as_ref()?;
        Some(tokio_util::task::AbortOnDropHandle::new(guests.spawn(future)))
    }

    pub(super) fn running(&self) -> Running<'_> {
        self.ticker.running()
    }

    pub(super) fn main(&self) -> &Handle {
        &self.main
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(guests) = self.guests.take() {
            // It may be dropped where nothing may block.
            guests.shutdown_background();
        }
    }
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    linker.instance(IMPORT)?.func_wrap_async("call", |store, (request,): (String,)| {
        Box::new(async move { Ok((called(store, request).await,)) })
    })?;
    Ok(linker)
}

/// A guest calls the host.
async fn called(mut store: StoreContextMut<'_, Guest>, request: String) -> Result<String, String> {
    let answered = async {
        if request.len() > MESSAGE_LIMIT {
            return Err(WireError::new("limit", "the call is too large"));
        }
        let call: HostCall =
            serde_json::from_str(&request).map_err(|error| WireError::new("unknown", error))?;
        let guest = store.data();
        let line = guest.line.clone();
        let made = guest.main.spawn(async move { line.answer(call).await });
        let made = tokio_util::task::AbortOnDropHandle::new(made).await;
        made.unwrap_or_else(|error| Err(WireError::new("failed", error)))
    };
    let answered = answered.await;
    // The ticks meanwhile were not the guest's.
    store.set_epoch_deadline(1);
    answered.map_err(|error| serde_json::to_string(&error).unwrap_or_default())
}

/// Kept with what it belongs to.
pub(super) type SharedEngine = Arc<Engine>;
