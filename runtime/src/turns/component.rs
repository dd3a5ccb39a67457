//! The component that works the inbox.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, Epoch};
use firstlight_core::db::Attachments;
use firstlight_core::lifecycle::{BoxError, Component, StepCx};

use super::consumer::Consumer;
use super::live::LiveTurns;
use super::tally::Tally;
use super::turn::TurnRunner;
use crate::pipeline::{Pipelines, Resources};
use crate::platforms::webchat::Webchat;

/// How often finished rows are looked for and removed.
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// How many fetched files are removed in one write.
const PURGED_FILES: u32 = 100;

/// Takes over the inbox and works it.
pub(crate) struct TurnsComponent {
    pub(crate) bus: Bus,
    pub(crate) pipelines: Pipelines,
    pub(crate) resources: Resources,
    pub(crate) webchat: Webchat,
    pub(crate) live: LiveTurns,
}

/// The inbox as this runtime holds it.
#[derive(Clone)]
pub(crate) struct Turns {
    bus: Bus,
    epoch: Epoch,
}

impl Turns {
    /// As whom this runtime owns the bus; senders lease as the same owner.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl Component for TurnsComponent {
    const NAME: &'static str = "bus";
    type Handle = Turns;

    async fn start(self, cx: &StepCx) -> Result<Turns, BoxError> {
        let (epoch, recovered) = self.bus.take_over().await?;
        if recovered.turns > 0 || recovered.dead > 0 {
            tracing::info!(
                turns = recovered.turns,
                dead = recovered.dead,
                "messages of an earlier run are taken up again"
            );
        }
        let bus = self.bus.clone();
        let attachments = self.resources.database.attachments();
        let tally = Tally::new(self.resources.database.clone());
        let runner = Arc::new(TurnRunner {
            bus: self.bus,
            epoch,
            pipelines: self.pipelines,
            resources: self.resources,
            webchat: self.webchat,
            live: self.live,
            tally: tally.clone(),
        });
        let consumer = Consumer { bus: bus.clone(), epoch, runner, gone: cx.token().clone() };
        cx.spawn_critical("inbox", consumer.run());
        cx.spawn("statistics", tally.write_on(cx.clone()));
        cx.spawn("purge", purge(bus.clone(), attachments, cx.clone()));
        Ok(Turns { bus, epoch })
    }

    async fn stop(turns: Turns) -> Result<(), BoxError> {
        // The consumer has been told by now; what it still holds goes back, so that it is answered
        // by the next runtime. A turn that ends meanwhile finds its lease lost and commits nothing.
        turns.bus.release(turns.epoch).await?;
        Ok(())
    }
}

async fn purge(bus: Bus, attachments: Attachments, cx: StepCx) {
    let mut ticks = tokio::time::interval(PURGE_EVERY);
    while cx.token().run_until_cancelled(ticks.tick()).await.is_some() {
        purge_files(&attachments).await;
        loop {
            match bus.purge().await {
                Ok(purged) if purged.is_empty() => break,
                Ok(purged) => tracing::debug!(?purged, "finished messages removed"),
                Err(error) => {
                    tracing::warn!(%error, "finished messages could not be removed");
                    break;
                }
            }
        }
    }
}

/// Removes files that messages of platforms referred to, after their time.
async fn purge_files(attachments: &Attachments) {
    let now = jiff::Timestamp::now().as_millisecond();
    loop {
        match attachments.purge_expired(now, PURGED_FILES).await {
            Ok(0) => return,
            Ok(count) => tracing::debug!(count, "fetched files removed"),
            Err(error) => return tracing::warn!(%error, "fetched files could not be removed"),
        }
    }
}
