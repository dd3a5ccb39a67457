//! Nothing that was accepted is lost, swapped or silently repeated, whenever the process dies.
//!
//! The long form is `cargo xtask chaos messages`.

use anyhow::{Result, ensure};
use firstlight_tests::chaos::{Plan, Transport, run, table};

/// Every named step once, and six moments that nobody chose.
async fn survive(transport: Transport, name: &str) -> Result<()> {
    let plan = Plan::random(400, 6, 1, transport).with_points();
    let outcome = run(&plan).await?;
    let violations = outcome.violations.join(", ");
    let table = table(&[(name.to_owned(), outcome.clone())]);
    ensure!(violations.is_empty(), "{violations}\n{table}");
    // A run in which nothing was answered has no violations either. What was on its way over a
    // WebSocket is gone with each process.
    ensure!(outcome.figures.answered * 3 >= plan.messages, "{table}");
    Ok(())
}

#[tokio::test]
async fn heavy_no_message_is_lost_over_a_websocket_whenever_the_process_dies() -> Result<()> {
    survive(Transport::Websocket, "websocket").await
}

#[tokio::test]
async fn heavy_no_acknowledged_message_is_lost_over_http_whenever_the_process_dies() -> Result<()> {
    survive(Transport::Http, "http").await
}
