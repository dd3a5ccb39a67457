//! What the people on the far side say, and how fast.

use std::sync::Arc;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;

use super::mark::marked;
use super::plan::{Plan, Transport};
use super::progress::Progress;
use crate::fake_onebot::{FakeOneBot, at, text};

/// How many people post at the same time.
const LANES: usize = 32;

/// Says all messages. Within a conversation one follows the other; over HTTP, once the one before
/// it was acknowledged.
pub(super) async fn speak(far: Arc<FakeOneBot>, progress: Arc<Progress>, plan: Plan) -> Result<()> {
    let lanes = match plan.transport {
        // One connection has one order anyway.
        Transport::Websocket => 1,
        Transport::Http => LANES.min(plan.conversations),
    };
    let mut speakers = JoinSet::new();
    for lane in 0..lanes {
        let (far, progress) = (Arc::clone(&far), Arc::clone(&progress));
        let mine: Vec<usize> = (lane..plan.conversations).step_by(lanes).collect();
        let chance = StdRng::seed_from_u64(plan.seed.wrapping_add(lane as u64));
        let window = plan.window;
        speakers.spawn(async move { lane_of(&far, &progress, &mine, chance, window).await });
    }
    while let Some(ended) = speakers.join_next().await {
        ended??;
    }
    Ok(())
}

async fn lane_of(
    far: &FakeOneBot,
    progress: &Progress,
    mine: &[usize],
    mut chance: StdRng,
    window: usize,
) -> Result<()> {
    loop {
        progress.room(window).await?;
        let Some(conversation) = mine.get(chance.random_range(0..mine.len())) else {
            return Ok(());
        };
        let Some(mark) = progress.next(*conversation) else { return Ok(()) };
        far.say(&message(far, *conversation, mark)).await?;
    }
}

/// Every other conversation is a group, in which the bot is mentioned.
fn message(far: &FakeOneBot, conversation: usize, mark: u64) -> Value {
    let number = i64::try_from(conversation).unwrap_or_default();
    let said = marked(mark);
    if conversation.is_multiple_of(2) {
        let segments = [at(far.account().self_id), text(&format!(" {said}"))];
        far.group_message(20_000 + number, 300 + number % 7, &segments)
    } else {
        far.private_message(50_000 + number, &[text(&said)])
    }
}
