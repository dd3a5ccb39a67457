//! Dead letters of a real gateway, by its command line: with it running, and without.

use anyhow::{Context as _, Result, ensure};
use firstlight_core::bus::{Bus, BusSettings, NewInbox};
use firstlight_core::model::MessageChain;
use firstlight_tests::gateway_process::{Build, Folder, eventually};
use firstlight_tests::talk::{history, say, slow_demo, text_of};
use serde_json::{Value, json};

const SESSION: &str = "letters";

async fn letters(folder: &Folder, arguments: &[&str], input: &str) -> Result<Value> {
    let words = [&["dead-letters"], arguments, &["--json"]].concat();
    let done = folder.run(Build::Plain, &words, input).await?;
    ensure!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(serde_json::from_slice(&done.stdout)?)
}

/// Makes a received message that no turn can read, in the conversation of one that was answered.
async fn broken(folder: &Folder) -> Result<Value> {
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    say(&gateway, SESSION, "the first").await?.to_end().await?;
    gateway.terminate()?;
    gateway.ended().await?;
    let database = folder.database().await?;
    let answered: (String, String) =
        sqlx::query_as("SELECT conversation_key, payload FROM inbox WHERE state = 'done'")
            .fetch_one(database.readers())
            .await?;
    let bus = Bus::new(database.clone(), BusSettings::default());
    let received = NewInbox {
        platform_id: "webchat".into(),
        platform_message_id: "0f8fad5b-d9cb-469f-a165-70867728950e".into(),
        conversation_key: answered.0,
        payload: json!({ "text": "cut off by a broken" }),
        received_at: 0,
    };
    bus.accept(received).await?;
    database.close().await;
    Ok(serde_json::from_str(&answered.1)?)
}

#[tokio::test]
async fn a_dead_letter_is_listed_edited_and_answered_after_its_replay() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(1)).await?;
    let mut mended = broken(&folder).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    let listed = eventually("a dead letter", async || {
        let list = letters(&folder, &["list", "--queue", "inbox"], "").await?;
        Ok(if list["total"] == 1 { Ok(list["letters"][0].clone()) } else { Err(list.to_string()) })
    })
    .await?;
    ensure!(listed["reason"] == "failed" && listed["state"] == "dead", "{listed}");
    ensure!(listed["excerpt"] == "cut off by a broken", "{listed}");
    let id = listed["id"].to_string();
    let shown = letters(&folder, &["show", "inbox", &id], "").await?;
    ensure!(shown["payload"]["text"] == "cut off by a broken", "{shown}");

    let unreadable = letters(&folder, &["replay", "inbox", &id, "--payload-stdin"], "{}").await;
    ensure!(unreadable.is_err(), "what cannot be read is taken");
    mended["text"] = json!("the mended one");
    mended["message"] = json!(MessageChain::text("the mended one"));
    let replay = ["replay", "inbox", &id, "--payload-stdin"];
    letters(&folder, &replay, &mended.to_string()).await?;
    eventually("the answer", async || {
        let rows = history(&gateway, SESSION).await?;
        let answered =
            rows.iter().any(|row| row["type"] == "bot" && text_of(row).contains("the mended one"));
        Ok(if answered { Ok(()) } else { Err(format!("{rows:?}")) })
    })
    .await?;
    ensure!(letters(&folder, &["list"], "").await?["total"] == 0, "it is still put aside");
    ensure!(folder.log()?.contains("a dead letter is on its way again"), "the log says nothing");
    Ok(())
}

#[tokio::test]
async fn without_a_gateway_the_command_does_it_alone() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    let database = folder.database().await?;
    let bus = Bus::new(database.clone(), BusSettings::default());
    let (epoch, _) = bus.take_over().await?;
    for name in ["one", "two", "three"] {
        let received = NewInbox {
            platform_id: "qq".into(),
            platform_message_id: name.into(),
            conversation_key: name.into(),
            payload: json!({ "text": name }),
            received_at: 0,
        };
        bus.accept(received).await?;
    }
    for row in bus.lease_next(epoch, 9).await? {
        bus.fail(row.id, epoch, "a test").await?;
    }
    database.close().await;
    let list = letters(&folder, &["list", "--platform", "qq"], "").await?;
    let id = list["letters"][0]["id"].as_i64().context("no letter")?.to_string();
    letters(&folder, &["drop", "inbox", &id], "").await?;
    ensure!(letters(&folder, &["show", "inbox", &id], "").await.is_err(), "it is still there");
    let purge = ["purge", "--older-than", "1h"];
    ensure!(letters(&folder, &purge, "").await?["purged"] == 0, "nothing is an hour old");
    let purge = ["purge", "--older-than", "0s", "--reason", "failed"];
    ensure!(letters(&folder, &purge, "").await?["purged"] == 2, "two were left");
    Ok(())
}
