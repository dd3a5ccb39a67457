//! Restarts of the runtime in one process: memory, threads and descriptors stay where they are.
//!
//! 50 in the test run; `FIRSTLIGHT_RESTARTS=1000` for the long form, whose figures are in
//! `docs/reliability.md`.

use anyhow::{Context as _, Result};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess, eventually};
use firstlight_tests::process_cost::{CONNECTIONS, Cost};
use firstlight_tests::talk::say;
use tokio::time::Instant;

/// Restarts before the baseline: the ring of log lines, pools and the allocator's arenas fill up in
/// the first ones.
const WARM_UP: usize = 60;

/// What memory may grow by. A restart that leaks one task, registration or buffered channel for a
/// component leaks more than 2 KiB each time; what the allocator keeps for later does not grow with
/// the number of restarts, and stays below 4 MiB.
const NOISE_KIB: i64 = 4096;
const KIB_PER_RESTART: i64 = 2;

#[tokio::test]
async fn heavy_restarts_leave_memory_threads_and_descriptors_where_they_were() -> Result<()> {
    let restarts = match std::env::var("FIRSTLIGHT_RESTARTS") {
        Ok(count) => count.parse().context("FIRSTLIGHT_RESTARTS")?,
        Err(_) => 50,
    };
    let folder = Folder::with_account(Build::Plain).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    for _ in 0..WARM_UP {
        restart(&gateway).await?;
    }
    talk(&gateway).await?;
    let pid = gateway.pid()?;
    let baseline = Cost::of(pid)?;
    let began = Instant::now();
    let mut resident = Vec::new();
    for done in 1..=restarts {
        restart(&gateway).await?;
        let cost = Cost::of(pid)?;
        resident.push(cost.resident_kib);
        if done % (restarts / 10).max(1) == 0 {
            println!(
                "{done}\t{} KiB\t{} threads\t{} descriptors",
                cost.resident_kib,
                cost.thread_count(),
                cost.descriptor_count()
            );
        }
    }
    let took = began.elapsed();
    talk(&gateway).await?;
    let last = eventually("threads and descriptors as before", async || {
        let now = Cost::of(pid)?;
        let more = now.beyond(&baseline);
        Ok(if more.is_empty() { Ok(now) } else { Err(format!("{more:?}")) })
    })
    .await?;
    assert!(last.connections() <= CONNECTIONS, "{last:?}");
    let slope = slope_bytes(&resident);
    println!(
        "{restarts} restarts in {took:?}, {} to {} KiB, {slope} bytes each; {} threads, {} \
         descriptors",
        baseline.resident_kib,
        last.resident_kib,
        last.thread_count(),
        last.descriptor_count()
    );
    let grown = last.resident_kib - baseline.resident_kib;
    let allowed = NOISE_KIB + KIB_PER_RESTART * restarts;
    assert!(grown <= allowed, "memory grew by {grown} KiB, {allowed} KiB are allowed");
    Ok(())
}

async fn restart(gateway: &GatewayProcess) -> Result<()> {
    let before = gateway.data("/api/runtime/timeline").await?["attempt"].as_u64();
    gateway.restart().await?;
    let next = |timeline: &serde_json::Value| {
        timeline["attempt"].as_u64() > before && timeline["ready"] == true
    };
    let timeline = gateway.until("the next runtime", next).await?;
    assert_eq!(timeline["unclean"], serde_json::json!([]));
    Ok(())
}

/// The runtime is not only up, it answers.
async fn talk(gateway: &GatewayProcess) -> Result<()> {
    let events = say(gateway, "restarts", "still there?").await?.to_end().await?;
    assert!(events.iter().any(|event| event.kind() == "message_saved"), "{events:?}");
    Ok(())
}

/// The slope of the least-squares line through the measurements, in bytes per restart.
fn slope_bytes(resident_kib: &[i64]) -> i64 {
    let (mut count, mut x, mut y, mut xy, mut xx) = (0_i64, 0, 0, 0, 0);
    for kib in resident_kib {
        (x, y, xy, xx) = (x + count, y + kib, xy + count * kib, xx + count * count);
        count += 1;
    }
    let spread = count * xx - x * x;
    if spread == 0 { 0 } else { 1024 * (count * xy - x * y) / spread }
}
