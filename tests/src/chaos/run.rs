//! A run from its first message to its figures.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::accounting::{Evidence, Figures};
use super::evidence::{Copy, live_depth};
use super::plan::{Kill, Plan};
use super::progress::Progress;
use super::traffic;
use super::world::World;
use crate::gateway_process::GatewayProcess;

/// How long the last process may take to answer what is left.
const QUIET: Duration = Duration::from_mins(2);
/// How often it is looked at meanwhile, and how often nothing must have been left in a row: a
/// message may be on its way to the database.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 5;

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The figures that count.
    pub figures: Figures,
    /// Answers that were being sent when the process died, over all deaths.
    pub in_flight: usize,
    /// Of the answers, those that say only that the answer was interrupted too often.
    pub excused: usize,
    /// The middle of the times from a death to the next answer, in milliseconds.
    pub usual_recovery_ms: u64,
    /// How long it all took.
    pub took: Duration,
    /// What must not be, and was.
    pub violations: Vec<String>,
}

/// Runs a plan to its end.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let began = Instant::now();
    let world = World::new(plan).await?;
    let progress = Progress::new(plan.messages);
    let mut watchers = JoinSet::new();
    let (far, watched) = (Arc::clone(&world.far), Arc::clone(&progress));
    watchers.spawn(async move { watched.follow(&far).await });
    let mut speakers = JoinSet::new();
    speakers.spawn(traffic::speak(Arc::clone(&world.far), Arc::clone(&progress), plan.clone()));

    let mut in_flight = 0;
    for kill in &plan.kills {
        let gateway = world.start(Some(kill)).await?;
        let died = die(gateway, kill, &progress).await;
        died.with_context(|| format!("waiting for {kill:?}\n{}", world.said()))?;
        let at = Instant::now();
        let depth = Copy::of(&world.database()).await?.depth().await?;
        in_flight += depth.in_flight;
        progress.died(at, world.far.newest_connection(), depth);
    }
    let gateway = world.start(None).await?;
    let spoken = speakers.join_next().await.context("somebody speaks")?;
    spoken?.with_context(|| world.said())?;
    quiet(&world).await.with_context(|| world.said())?;
    gateway.terminate()?;
    gateway.ended().await?;

    let evidence = collect(&world, &progress, in_flight).await?;
    Ok(Outcome {
        figures: evidence.figures(),
        in_flight,
        excused: evidence.excused(),
        usual_recovery_ms: evidence.usual_recovery(),
        took: began.elapsed(),
        violations: evidence.violations(plan.transport),
    })
}

async fn die(gateway: GatewayProcess, kill: &Kill, progress: &Progress) -> Result<()> {
    match kill {
        Kill::Signal { said, after } => {
            progress.said(*said).await?;
            sleep(*after).await;
            gateway.kill().await
        }
        Kill::Point { .. } => {
            let status = gateway.ended().await?;
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            ensure!(signal == Some(libc::SIGABRT), "it ended with {status}");
            Ok(())
        }
    }
}

/// Waits until everything that was accepted has come to an end.
async fn quiet(world: &World) -> Result<()> {
    let look = async {
        let mut quiet = 0;
        while quiet < LOOKS {
            sleep(LOOK).await;
            let depth = live_depth(&world.database()).await?;
            let nothing = depth.unanswered + depth.unsent + depth.in_flight == 0;
            quiet = if nothing { quiet + 1 } else { 0 };
        }
        Ok(())
    };
    timeout(QUIET, look).await.context("messages are left over")?
}

async fn collect(world: &World, progress: &Progress, in_flight: usize) -> Result<Evidence> {
    let mut copy = Copy::of(&world.database()).await?;
    let (received, outgoing) = (copy.received().await?, copy.outgoing().await?);
    let (said, shown, recoveries) = progress.record();
    Ok(Evidence { said, received, outgoing, shown, in_flight, recoveries })
}
