//! One attempt at the plan: runs its components in order and keeps what stops them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use metrics::{counter, gauge};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::component::{BoxError, Component, StepError, StepFailure, chain};
use super::context::StepCx;
use super::tasks::{Tasks, caught};
use super::timeline::Timeline;
#[cfg(feature = "faults")]
use crate::faults::{Faults, Phase};

/// What a plan starts its components with.
pub struct Steps {
    pub(super) attempt: u32,
    pub(super) token: CancellationToken,
    pub(super) tasks: Tasks,
    pub(super) died: mpsc::Sender<StepFailure>,
    pub(super) timeline: Timeline,
    pub(super) stack: Stack,
    /// Names the current step in the published state.
    pub(super) current: Arc<dyn Fn(&'static str) + Send + Sync>,
    #[cfg(feature = "faults")]
    pub(super) faults: Option<Faults>,
}

/// The stoppers of what has started, in start order. It outlives the bootstrap task, so that
/// neither a panic nor an abort can lose one.
#[derive(Clone, Default)]
pub(super) struct Stack {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    stoppers: Vec<Stopper>,
    closed: bool,
}

/// How to stop one component that has started.
pub(super) struct Stopper {
    pub(super) component: &'static str,
    pub(super) limit: Duration,
    pub(super) stop: Box<dyn FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send>,
}

impl Steps {
    /// Starts a component whose failure is the bootstrap's failure.
    pub async fn start<C: Component>(&mut self, component: C) -> Result<C::Handle, StepFailure> {
        const { assert!(C::FATAL, "a tolerated component starts with `start_tolerated`") };
        self.run(component).await
    }

    /// Starts a component that the runtime can do without. Its failure is in the timeline and in
    /// the log, and is answered by `None`.
    pub async fn start_tolerated<C: Component>(
        &mut self,
        component: C,
    ) -> Result<Option<C::Handle>, StepFailure> {
        const { assert!(!C::FATAL, "a fatal component starts with `start`") };
        match self.run(component).await {
            Ok(handle) => Ok(Some(handle)),
            Err(StepFailure::Failed { .. }) => Ok(None),
            Err(StepFailure::Cancelled) => Err(StepFailure::Cancelled),
        }
    }

    /// Cancelled when the attempt is to end. For what a plan does between its components.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    async fn run<C: Component>(&mut self, component: C) -> Result<C::Handle, StepFailure> {
        if self.token.is_cancelled() {
            return Err(StepFailure::Cancelled);
        }
        (self.current)(C::NAME);
        self.timeline.component_started(self.attempt, C::NAME);
        // Whoever was just woken to show this runs before the component does: its start may block
        // this thread.
        yield_now().await;
        let cx = self.context(C::NAME);
        let begun = Instant::now();
        let started = timeout(C::LIMIT, caught(self.starting(component, &cx)));
        let outcome = tokio::select! {
            biased;
            outcome = started => outcome.unwrap_or(Err(StepError::TimedOut { limit: C::LIMIT }.into())),
            () = self.token.cancelled() => return Err(self.cancelled(&cx)),
        };
        match outcome {
            Ok(handle) => {
                self.stack.push(self.stopper::<C>(handle.clone()));
                self.timeline.component_ready(self.attempt, C::NAME);
                tracing::info!(component = C::NAME, took = ?begun.elapsed(), "component ready");
                gauge!("firstlight_component_start_seconds", "component" => C::NAME)
                    .set(begun.elapsed());
                Ok(handle)
            }
            // An error on the way down is the way down, not a failure.
            Err(_) if self.token.is_cancelled() => Err(self.cancelled(&cx)),
            Err(source) => {
                cx.token.cancel();
                let error = chain(source.as_ref());
                counter!("firstlight_component_failures_total", "component" => C::NAME)
                    .increment(1);
                tracing::warn!(component = C::NAME, fatal = C::FATAL, error, "a component failed");
                self.timeline.component_failed(self.attempt, C::NAME, error);
                Err(StepFailure::Failed { component: C::NAME, source })
            }
        }
    }

    #[cfg_attr(
        not(feature = "faults"),
        expect(clippy::unused_self, reason = "it holds the faults")
    )]
    fn starting<'a, C: Component>(
        &self,
        component: C,
        cx: &'a StepCx,
    ) -> impl Future<Output = Result<C::Handle, BoxError>> + Send + use<'a, C> {
        #[cfg(feature = "faults")]
        let faults = self.faults.clone();
        async move {
            #[cfg(feature = "faults")]
            if let Some(faults) = faults {
                faults.apply(Phase::Bootstrap, C::NAME).await?;
            }
            component.start(cx).await
        }
    }

    #[cfg_attr(
        not(feature = "faults"),
        expect(clippy::unused_self, reason = "it holds the faults")
    )]
    fn stopper<C: Component>(&self, handle: C::Handle) -> Stopper {
        #[cfg(feature = "faults")]
        let faults = self.faults.clone();
        let stop = move || {
            async move {
                C::stop(handle).await?;
                // A fault comes after the real stop: it shows what the lifecycle makes of it, and
                // leaves nothing behind that the component would have cleared away.
                #[cfg(feature = "faults")]
                if let Some(faults) = faults {
                    faults.apply(Phase::Stop, C::NAME).await?;
                }
                Ok(())
            }
            .boxed()
        };
        Stopper { component: C::NAME, limit: C::STOP_LIMIT, stop: Box::new(stop) }
    }

    fn context(&self, component: &'static str) -> StepCx {
        StepCx {
            component,
            attempt: self.attempt,
            token: self.token.child_token(),
            tasks: self.tasks.clone(),
            died: self.died.clone(),
            timeline: self.timeline.clone(),
        }
    }

    fn cancelled(&self, cx: &StepCx) -> StepFailure {
        self.timeline.component_cancelled(self.attempt, cx.component);
        StepFailure::Cancelled
    }
}

impl Stack {
    fn push(&self, stopper: Stopper) {
        let mut inner = self.lock();
        if !inner.closed {
            inner.stoppers.push(stopper);
            return;
        }
        drop(inner);
        // The start blocked its thread through the whole clean-up and is done only now. Nobody
        // waits for it any more, but what it opened is closed all the same.
        tracing::warn!(component = stopper.component, "started after clean-up, stopped at once");
        #[expect(clippy::disallowed_methods, reason = "its owner has stopped waiting for tasks")]
        tokio::spawn(timeout(stopper.limit, caught((stopper.stop)())));
    }

    /// Takes the last component that started and has not been stopped.
    pub(super) fn pop(&self) -> Option<Stopper> {
        let mut inner = self.lock();
        inner.closed = true;
        inner.stoppers.pop()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
