//! The consumer: takes messages from the inbox and gives each its turn.
//!
//! Order is kept per conversation (a conversation has one turn at a time), and conversations run in
//! parallel up to a bound. When the runtime goes away, running turns are told, waited for, and
//! their messages go back to the inbox.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, Epoch, InboxRow, Wake};
use firstlight_core::lifecycle::BoxError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::turn::TurnRunner;

/// How long the consumer waits before it asks again after the database refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many turns run at the same time.
pub(super) const CONCURRENT_TURNS: usize = 64;

pub(super) struct Consumer {
    pub(super) bus: Bus,
    pub(super) epoch: Epoch,
    pub(super) runner: Arc<TurnRunner>,
    pub(super) gone: CancellationToken,
}

impl Consumer {
    /// Runs until the runtime goes away. All turns have ended by then.
    pub(super) async fn run(self) -> Result<(), BoxError> {
        let mut turns = JoinSet::new();
        let mut wake = self.bus.inbox_wake();
        while !self.gone.is_cancelled() {
            let full = self.fill(&mut turns).await;
            self.until_more(&mut turns, &mut wake, full).await;
        }
        // A turn catches its own panics and ends by itself once the runtime goes.
        while turns.join_next().await.is_some() {}
        self.runner.tally.write().await;
        Ok(())
    }

    /// Waits until there may be a turn to begin: work has come, or there is room for work again.
    async fn until_more(&self, turns: &mut JoinSet<()>, wake: &mut Wake, full: bool) {
        let work = wake.wait();
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = self.gone.cancelled() => return,
                () = &mut work, if !full => return,
                _ = turns.join_next(), if !turns.is_empty() => {
                    while turns.try_join_next().is_some() {}
                    if full {
                        return;
                    }
                }
            }
        }
    }

    /// Begins as many turns as there is room for; answers whether there is no more room.
    async fn fill(&self, turns: &mut JoinSet<()>) -> bool {
        let room = CONCURRENT_TURNS.saturating_sub(turns.len());
        let Some(limit) = u32::try_from(room).ok().filter(|limit| *limit > 0) else { return true };
        match self.bus.lease_next(self.epoch, limit).await {
            Ok(rows) => {
                // Fewer than asked for is all there is; what comes later wakes.
                let full = rows.len() >= room;
                for row in rows {
                    self.begin(turns, row);
                }
                full
            }
            Err(error) => {
                tracing::error!(%error, "the inbox could not be read; trying again");
                tokio::time::sleep(RETRY_AFTER).await;
                false
            }
        }
    }

    fn begin(&self, turns: &mut JoinSet<()>, row: InboxRow) {
        let (runner, gone) = (Arc::clone(&self.runner), self.gone.clone());
        turns.spawn(async move { runner.run(row, gone).await });
    }
}
