//! A plugin in the process lane: its program is started again when it has ended, after a pause that
//! grows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firstlight_plugins_api::wire::{API_VERSION, GuestCall, Introduction};
use firstlight_plugins_api::{Level, PluginError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connection::Connection;
use super::program::Program;
use super::watch::Watch;
use crate::plugins::lanes::{HostLine, Lane, LaneUsage};

/// The pause before the program is started again, and how long it must have run to be forgiven.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// A plugin in the process lane.
pub(in crate::plugins) struct ProcessLane {
    program: Program,
    line: HostLine,
    watch: Watch,
    state: Mutex<State>,
    /// The run that is known to be up, without waiting for one that is being started.
    current: parking_lot::Mutex<Option<Arc<Connection>>>,
}

struct State {
    connection: Option<Arc<Connection>>,
    started: Instant,
    pause: Duration,
    /// What it was loaded with the last time; `None` before.
    loaded: bool,
    ended: bool,
}

impl ProcessLane {
    /// Starts the program. It is loaded by the first call.
    pub(in crate::plugins) fn start(
        program: Program,
        line: HostLine,
        watch: &Watch,
    ) -> Result<Arc<Self>, PluginError> {
        let connection = Connection::start(&program, line.clone(), watch)?;
        let state = State {
            connection: Some(Arc::clone(&connection)),
            started: Instant::now(),
            pause: FIRST_PAUSE,
            loaded: false,
            ended: false,
        };
        Ok(Arc::new(Self {
            program,
            line,
            watch: watch.clone(),
            state: Mutex::new(state),
            current: parking_lot::Mutex::new(Some(connection)),
        }))
    }

    /// The run to call; a new one when the last has ended and the pause is over.
    async fn connection(&self) -> Result<Arc<Connection>, PluginError> {
        let mut state = self.state.lock().await;
        if state.ended {
            return Err(PluginError::Failed("the plugin has ended".to_owned()));
        }
        if let Some(connection) = state.connection.as_ref().filter(|c| !c.is_gone()) {
            return Ok(Arc::clone(connection));
        }
        let ran = state.started.elapsed();
        if ran >= HEALTHY_AFTER {
            state.pause = FIRST_PAUSE;
        }
        let rest = state.pause.saturating_sub(ran);
        if !rest.is_zero() {
            let seconds = rest.as_secs_f32();
            let text = format!("its program has ended; it is started again in {seconds:.1} s");
            return Err(PluginError::Failed(text));
        }
        if let Some(gone) = state.connection.take() {
            gone.end().await;
        }
        state.pause = state.pause.saturating_mul(2).min(LONGEST_PAUSE);
        state.started = Instant::now();
        self.line.terms().log.write(Level::Warn, "the program has ended and is started again");
        let connection = Connection::start(&self.program, self.line.clone(), &self.watch)?;
        if state.loaded {
            let settings = self.line.settings();
            let introduction = Introduction { api: API_VERSION.to_owned(), settings };
            if let Err(error) = connection.call(&GuestCall::Load(introduction)).await {
                connection.kill("it did not load");
                return Err(error);
            }
        }
        state.connection = Some(Arc::clone(&connection));
        *self.current.lock() = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

#[async_trait]
impl Lane for ProcessLane {
    async fn call(&self, call: &GuestCall) -> Result<String, PluginError> {
        let connection = self.connection().await?;
        let answer = connection.call(call).await;
        if matches!(call, GuestCall::Load(_)) && answer.is_ok() {
            self.state.lock().await.loaded = true;
        }
        answer
    }

    /// There is no telling whether it would ever do anything else.
    fn overran(&self, call: &'static str) {
        if let Some(connection) = &*self.current.lock() {
            connection.kill(&format!("it did not answer `{call}` in time"));
        }
    }

    /// There is one instance.
    fn settings_taken(&self) {}

    async fn end(&self) {
        let mut state = self.state.lock().await;
        state.ended = true;
        self.current.lock().take();
        if let Some(connection) = state.connection.take() {
            connection.end().await;
        }
    }

    fn usage(&self) -> LaneUsage {
        let current = self.current.lock();
        let Some(connection) = current.as_ref().filter(|connection| !connection.is_gone()) else {
            return LaneUsage::default();
        };
        let usage = connection.usage();
        LaneUsage {
            instances: usage.processes.max(1),
            cpu_ms: u64::try_from(usage.cpu.as_millis()).unwrap_or(u64::MAX),
            memory: usage.memory,
        }
    }
}
