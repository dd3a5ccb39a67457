//! One running platform: its adapter, run again after a failure, and the sender of its outbox.
//!
//! On the way down the sender goes first, while the connections are still there: what is on its way
//! is waited for, and only then is the adapter told to stop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::lifecycle::{BoxError, StepCx};
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::adapter::{Adapter, AdapterContext};
use super::health::Health;
use super::intake::Intake;
use crate::senders::Sender;

/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A run of this length was a good one: the next failure is a first one again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// How long an adapter may take to end once it was told.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// A running platform as its owner holds it.
pub(super) struct Running {
    stop: CancellationToken,
    ended: CancellationToken,
}

/// What runs.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) intake: Intake,
    pub(super) health: Health,
    pub(super) sender: Sender,
}

impl Running {
    /// Tells it to stop and waits until it has.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.ended.cancelled().await;
    }
}

impl Run {
    pub(super) fn begin(self, cx: &StepCx) -> Running {
        let stop = cx.token().child_token();
        let ended = CancellationToken::new();
        let running = Running { stop: stop.clone(), ended: ended.clone() };
        let name = self.name.clone();
        // Also when the future is dropped before it ran.
        let ends = ended.drop_guard();
        cx.spawn(&name, async move {
            let _ends = ends;
            self.until_stopped(stop).await;
        });
        running
    }

    async fn until_stopped(self, stop: CancellationToken) {
        let Self { name, adapter, intake, health, sender } = self;
        let adapter_stop = CancellationToken::new();
        let sending = async {
            sender.run(stop).await;
            adapter_stop.cancel();
        };
        let context = AdapterContext { intake, health: health.clone(), stop: adapter_stop.clone() };
        tokio::join!(sending, keep_running(&name, &adapter, context));
        health.stopped();
    }
}

/// Runs an adapter until it is told to stop, again after each failure. There is no last attempt: a
/// platform that is back after a day is taken up without anybody's help.
async fn keep_running(name: &str, adapter: &Arc<dyn Adapter>, context: AdapterContext) {
    let (health, stop) = (context.health.clone(), context.stop.clone());
    let mut failures = 0_u32;
    loop {
        health.starting();
        let begun = Instant::now();
        let run = AssertUnwindSafe(Arc::clone(adapter).run(context.clone())).catch_unwind();
        let limit = async {
            stop.cancelled().await;
            sleep(STOP_LIMIT).await;
        };
        let error = tokio::select! {
            ended = run => match ended {
                Ok(Ok(())) if stop.is_cancelled() => return,
                Ok(Ok(())) => "it ended without being told to".to_owned(),
                Ok(Err(error)) => text(&error),
                Err(_) => "it panicked".to_owned(),
            },
            () = limit => {
                tracing::warn!(platform = name, "the platform did not end in time and is dropped");
                return;
            }
        };
        if stop.is_cancelled() {
            return;
        }
        failures = if begun.elapsed() >= HEALTHY_AFTER { 1 } else { failures.saturating_add(1) };
        let wait = pause(failures);
        tracing::warn!(platform = name, failures, ?wait, error, "a platform failed");
        health.failed(&error);
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// The pause after that many failures in a row; half of it is chance, so that what failed together
/// does not come back together.
pub(super) fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let half = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT) / 2;
    half + half.mul_f64(rand::random::<f64>())
}

/// The whole chain of an error, without repeating what a wrapper already said.
fn text(error: &BoxError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.ends_with(&part) {
            text = format!("{text}: {part}");
        }
        next = source.source();
    }
    text
}
