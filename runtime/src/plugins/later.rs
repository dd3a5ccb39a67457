//! Timers that fire and waits that end, in the background.
//!
//! What a plugin returns is stored in the outbox under a key that stays the same when the plugin is
//! called again after a crash, and only then is the timer or the wait forgotten. So it fires at
//! least once, and what it says is said once.

use std::time::Duration;

use firstlight_core::db::{DbError, PluginTimer, PluginWait};
use firstlight_plugins_api::{Outgoing, Timer, Unanswered};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::host::{Sent, send};
use super::registry::Plugins;

/// How long a timer may take.
const TIMER_LIMIT: Duration = Duration::from_mins(1);
/// How many are looked for, and how many run, at the same time.
const BATCH: u32 = 64;
const CONCURRENT: usize = 8;
/// How often one that fails is tried in all.
const ATTEMPTS: u32 = 3;
/// How long until one that failed, or had to wait, is tried again.
const AGAIN_MS: i64 = 30_000;
/// How far it is slept ahead at most: the clock may be set.
const LONGEST_SLEEP_MS: i64 = 60_000;
/// How long a wait that was answered is kept for a turn that is begun again.
const ANSWERED_KEPT_MS: i64 = 24 * 3_600_000;
/// How often waits that were kept so long are looked for.
const PURGE_EVERY: Duration = Duration::from_hours(1);

/// How a call went.
enum Went {
    /// What it said is stored.
    Well,
    /// It failed.
    Failed,
    /// The outbox is full.
    MustWait,
}

/// Runs until the token is cancelled. A call that is cut short is made again by the next runtime.
pub(crate) async fn run(plugins: Plugins, token: CancellationToken) {
    let mut purged = None;
    let working = async {
        loop {
            let added = plugins.shared().later.notified();
            let done = async {
                if purged.is_none_or(|at: Instant| at.elapsed() >= PURGE_EVERY) {
                    let before = Timestamp::now().as_millisecond() - ANSWERED_KEPT_MS;
                    plugins.shared().waits.purge(before).await?;
                    purged = Some(Instant::now());
                }
                plugins.run_due().await
            };
            let sleep = done.await.unwrap_or_else(|error| {
                tracing::error!(%error, "timers of plugins could not be read; trying again");
                AGAIN_MS
            });
            let sleep = Duration::from_millis(sleep.unsigned_abs());
            let _ = tokio::time::timeout(sleep, added).await;
        }
    };
    token.run_until_cancelled(working).await;
}

impl Plugins {
    /// Runs what is due, and answers how many milliseconds there is nothing to do.
    pub(super) async fn run_due(&self) -> Result<i64, DbError> {
        let database = self.shared().database();
        let (timers, waits) = (database.plugin_timers(), database.plugin_waits());
        let plugins = self.names();
        let now = Timestamp::now().as_millisecond();
        let due = timers.due(&plugins, now, BATCH).await?;
        let over = waits.over(&plugins, now, BATCH).await?;
        let due = futures_util::stream::iter(due).map(|timer| self.fire(timer));
        due.buffer_unordered(CONCURRENT).for_each(|()| std::future::ready(())).await;
        let over = futures_util::stream::iter(over).map(|wait| self.end_wait(wait));
        over.buffer_unordered(CONCURRENT).for_each(|()| std::future::ready(())).await;
        let next = [timers.next(&plugins).await?, waits.next(&plugins).await?];
        let next = next.into_iter().flatten().min();
        let now = Timestamp::now().as_millisecond();
        Ok(next.map_or(LONGEST_SLEEP_MS, |next| (next - now).clamp(0, LONGEST_SLEEP_MS)))
    }

    pub(super) async fn fire(&self, timer: PluginTimer) {
        let Some(live) = self.find(&timer.plugin) else { return };
        let (name, due_ms, payload) = (timer.name.clone(), timer.due_at, timer.payload.clone());
        let call = live.plugin.timer(Timer { name, due_ms, payload });
        let key = format!("timer:{}:{}", timer.id, timer.due_at);
        let said = live.call("timer", TIMER_LIMIT, call).await;
        let went = self.store(&timer.plugin, said, &key).await;
        let timers = self.shared().database().plugin_timers();
        let now = Timestamp::now().as_millisecond();
        let given_up = timer.attempts.saturating_add(1) >= ATTEMPTS;
        let kept = match went {
            Went::MustWait => timers.later(&timer, now + AGAIN_MS, false).await,
            Went::Failed if !given_up => timers.later(&timer, now + AGAIN_MS, true).await,
            Went::Well | Went::Failed => timers.fired(&timer, next_period(&timer, now)).await,
        };
        if let Err(error) = kept {
            tracing::error!(plugin = timer.plugin, %error, "a timer could not be stored");
        }
    }

    async fn end_wait(&self, wait: PluginWait) {
        let Some(live) = self.find(&wait.plugin) else { return };
        let (reply_to, name, payload) = (wait.reply_to, wait.name, wait.payload);
        let call = live.plugin.unanswered(Unanswered { reply_to, name, payload });
        let said = live.call("unanswered", TIMER_LIMIT, call).await;
        let went = self.store(&wait.plugin, said, &format!("wait:{}", wait.id)).await;
        let waits = self.shared().database().plugin_waits();
        let now = Timestamp::now().as_millisecond();
        let given_up = wait.attempts.saturating_add(1) >= ATTEMPTS;
        let kept = match went {
            Went::MustWait => waits.later(wait.id, now + AGAIN_MS, false).await,
            Went::Failed if !given_up => waits.later(wait.id, now + AGAIN_MS, true).await,
            Went::Well | Went::Failed => {
                self.shared().waits.end(&wait.plugin, wait.id).await.map(drop)
            }
        };
        if let Err(error) = kept {
            tracing::error!(plugin = wait.plugin, %error, "a wait could not be stored");
        }
    }

    async fn store(
        &self,
        plugin: &str,
        said: Result<Vec<Outgoing>, super::PluginCallError>,
        key: &str,
    ) -> Went {
        let said = match said {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(plugin, key, %error, "a plugin failed at a timer or a wait");
                return Went::Failed;
            }
        };
        let said = said.into_iter().enumerate().map(|(position, outgoing)| {
            (outgoing.to, outgoing.message, Some(format!("{key}:{position}")))
        });
        match send(self.shared(), said.collect()).await {
            Ok(Sent::Stored) => Went::Well,
            Ok(Sent::Busy) => Went::MustWait,
            Err(error) => {
                tracing::warn!(plugin, key, %error, "what a plugin said could not be sent");
                Went::Failed
            }
        }
    }
}

/// The next time of a timer that comes again. Times that were missed are not made up for.
fn next_period(timer: &PluginTimer, now: i64) -> Option<i64> {
    let every = timer.every?.max(1);
    let missed = now.saturating_sub(timer.due_at).max(0) / every;
    Some(timer.due_at.saturating_add(every.saturating_mul(missed + 1)))
}
