//! The consumer of one platform's outbox.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, Epoch, OutboxRow, Wake};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::paces::Paces;
use crate::platforms::Adapter;

/// How long the sender waits before it asks again after the database refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long messages on their way are waited for when the platform stops.
const DRAIN: Duration = Duration::from_secs(4);
/// How long it then takes at most to note that they were cut short.
const SETTLE: Duration = Duration::from_secs(1);

/// Sends what is queued for one platform.
pub(crate) struct Sender {
    bus: Bus,
    epoch: Epoch,
    platform_id: Arc<str>,
    adapter: Arc<dyn Adapter>,
    paces: Arc<Paces>,
}

impl Sender {
    pub(crate) fn new(
        bus: Bus,
        epoch: Epoch,
        platform_id: &str,
        adapter: Arc<dyn Adapter>,
    ) -> Self {
        Self { bus, epoch, platform_id: platform_id.into(), adapter, paces: Arc::default() }
    }

    /// Runs until it is told to stop, and then until what is on its way is settled: by its outcome,
    /// or as possibly sent when that takes too long.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let cut = CancellationToken::new();
        let mut sends = JoinSet::new();
        let mut wake = self.bus.outbox_wake(&self.platform_id);
        while !stop.is_cancelled() {
            let online = self.adapter.online();
            if stop.run_until_cancelled(online).await.is_none() {
                break;
            }
            let full = self.fill(&mut sends, &cut).await;
            self.until_more(&mut sends, &mut wake, full, &stop).await;
        }
        let ended = async |sends: &mut JoinSet<()>| while sends.join_next().await.is_some() {};
        if timeout(DRAIN, ended(&mut sends)).await.is_err() {
            tracing::warn!(platform = &*self.platform_id, "sends did not end in time and are cut");
            cut.cancel();
            let _ = timeout(SETTLE, ended(&mut sends)).await;
        }
    }

    /// Waits until there may be something to send: it has come, or there is room for it again.
    async fn until_more(
        &self,
        sends: &mut JoinSet<()>,
        wake: &mut Wake,
        full: bool,
        stop: &CancellationToken,
    ) {
        let work = wake.wait();
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = &mut work, if !full => return,
                _ = sends.join_next(), if !sends.is_empty() => {
                    while sends.try_join_next().is_some() {}
                    if full {
                        return;
                    }
                }
            }
        }
    }

    /// Begins as many sends as there is room for; answers whether there is no more room.
    async fn fill(&self, sends: &mut JoinSet<()>, cut: &CancellationToken) -> bool {
        let most = self.adapter.capabilities().concurrent_sends.max(1);
        let busy = u32::try_from(sends.len()).unwrap_or(u32::MAX);
        let room = most.saturating_sub(busy);
        if room == 0 {
            return true;
        }
        match self.bus.lease_outbox(self.epoch, &self.platform_id, room).await {
            Ok(rows) => {
                // Fewer than asked for is all there is; what comes later wakes.
                let full = u32::try_from(rows.len()).is_ok_and(|taken| taken >= room);
                for row in rows {
                    self.begin(sends, row, cut);
                }
                full
            }
            Err(error) => {
                tracing::error!(%error, "the outbox could not be read; trying again");
                sleep(RETRY_AFTER).await;
                false
            }
        }
    }

    fn begin(&self, sends: &mut JoinSet<()>, row: OutboxRow, cut: &CancellationToken) {
        let attempt = Attempt {
            bus: self.bus.clone(),
            epoch: self.epoch,
            platform_id: Arc::clone(&self.platform_id),
            adapter: Arc::clone(&self.adapter),
            paces: Arc::clone(&self.paces),
            cut: cut.clone(),
        };
        sends.spawn(attempt.run(row));
    }
}
