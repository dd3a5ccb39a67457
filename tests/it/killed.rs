//! A process that is killed in the middle of an answer: the answer is completed by the next one, or
//! marked as cut, and is never silently gone.

use anyhow::{Result, ensure};
use firstlight_core::db::Database;
use firstlight_tests::fake_openai::{FakeOpenAi, Reply};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess, eventually};
use firstlight_tests::talk::{first_words, history, openai_at, say, slow_demo, text_of};
use serde_json::Value;

const SESSION: &str = "killed";
const QUESTION: &str = "what becomes of me";

async fn ready(folder: &Folder) -> Result<GatewayProcess> {
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    Ok(gateway)
}

/// The rows of the bot, once there is one.
async fn answers(gateway: &GatewayProcess) -> Result<Vec<Value>> {
    eventually("an answer", async || {
        let mut rows = history(gateway, SESSION).await?;
        ensure!(rows.first().is_some_and(|row| row["type"] == "user"), "the question is gone");
        rows.retain(|content| content["type"] == "bot");
        Ok(if rows.is_empty() { Err("nothing yet".to_owned()) } else { Ok(rows) })
    })
    .await
}

/// Waits until the answer is under way for the so-manieth time and something of it is durable.
async fn under_way(database: &Database, beginning: i64) -> Result<()> {
    let row = "SELECT attempts, checkpoint IS NOT NULL, state FROM inbox";
    eventually("a checkpoint of the answer", async || {
        let row: (i64, bool, String) = sqlx::query_as(row).fetch_one(database.readers()).await?;
        let wanted = (beginning, true, "leased".to_owned());
        Ok(if row == wanted { Ok(()) } else { Err(format!("{row:?}")) })
    })
    .await
}

async fn nothing_is_left(folder: &Folder) -> Result<()> {
    let database = folder.database().await?;
    let unfinished = "SELECT count(*) FROM inbox WHERE state IN ('pending', 'leased')";
    let unfinished: i64 = sqlx::query_scalar(unfinished).fetch_one(database.readers()).await?;
    assert_eq!(unfinished, 0);
    database.close().await;
    Ok(())
}

#[tokio::test]
async fn an_answer_of_a_killed_process_is_completed_by_the_next_one() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(50)).await?;
    let gateway = ready(&folder).await?;
    let mut stream = say(&gateway, SESSION, QUESTION).await?;
    first_words(&mut stream).await?;
    gateway.kill().await?;
    ensure!(stream.to_end().await.is_err(), "a killed process ends its streams properly?");

    let gateway = ready(&folder).await?;
    let rows = answers(&gateway).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(text_of(&rows[0]).contains(QUESTION), "{rows:?}");
    assert_eq!(rows[0].get("status"), None, "{rows:?}");
    nothing_is_left(&folder).await
}

#[tokio::test]
async fn an_answer_that_was_killed_three_times_is_kept_and_marked_as_cut() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(400)).await?;
    let database = folder.database().await?;
    let gateway = ready(&folder).await?;
    let mut stream = say(&gateway, SESSION, QUESTION).await?;
    first_words(&mut stream).await?;
    let mut gateway = gateway;
    for beginning in 1..=3 {
        under_way(&database, beginning).await?;
        gateway.kill().await?;
        gateway = ready(&folder).await?;
    }
    database.close().await;
    let rows = answers(&gateway).await?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["status"], "failed", "{rows:?}");
    assert_eq!(rows[0]["error"]["code"], "answer_cut", "{rows:?}");
    assert!(!text_of(&rows[0]).is_empty(), "{rows:?}");
    nothing_is_left(&folder).await
}

#[tokio::test]
async fn a_model_is_asked_again_after_a_kill_and_answers_once() -> Result<()> {
    let fake = FakeOpenAi::start();
    fake.push(Reply::StallAfter { text: "half an ".to_owned() });
    fake.otherwise(Reply::text("a whole answer"));
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(openai_at(&fake.api_base())).await?;
    let gateway = ready(&folder).await?;
    let mut stream = say(&gateway, SESSION, QUESTION).await?;
    first_words(&mut stream).await?;
    gateway.kill().await?;

    let gateway = ready(&folder).await?;
    let rows = answers(&gateway).await?;
    assert_eq!(rows.iter().map(text_of).collect::<Vec<_>>(), ["a whole answer"]);
    assert_eq!(rows[0].get("status"), None, "{rows:?}");
    assert_eq!(fake.requested(2).await.len(), 2);
    nothing_is_left(&folder).await
}
