//! Commands, from the chat page and over the rows by which the operator changes them.

use anyhow::Result;
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess};
use firstlight_tests::talk::{first_words, history, say, slow_demo, text_of};
use serde_json::{Value, json};

const SESSION: &str = "commands";

/// The last thing that the bot said.
async fn answer(gateway: &GatewayProcess, text: &str) -> Result<String> {
    say(gateway, SESSION, text).await?.to_end().await?;
    let rows = history(gateway, SESSION).await?;
    let said = rows.iter().rfind(|row| row["type"] == "bot");
    Ok(said.map(text_of).unwrap_or_default())
}

async fn post(gateway: &GatewayProcess, path: &str, body: Value) -> Result<Value> {
    Ok(gateway.post(path, &body).await?.1)
}

async fn end(gateway: GatewayProcess) -> Result<()> {
    gateway.terminate()?;
    gateway.ended().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_answers_in_the_chat_and_a_bare_word_goes_to_the_model() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(0)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    let help = answer(&gateway, "/help").await?;
    assert!(help.contains("/sid") && help.contains("/reset"), "{help}");
    assert!(!help.contains("/provider"), "a member may not use it: {help}");
    let ids = answer(&gateway, "/sid").await?;
    assert!(ids.contains("webchat:FriendMessage:"), "{ids}");
    assert_eq!(
        answer(&gateway, "/set city").await?,
        "\"value\" is missing.\nUsage: /set <key> <value...>"
    );
    // Reference B20: without the wake prefix it is not a command.
    let word = answer(&gateway, "sid").await?;
    assert!(!word.contains("webchat:FriendMessage:"), "{word}");
    assert!(answer(&gateway, "/stats").await?.starts_with("Tokens of this conversation: "));
    assert_eq!(
        answer(&gateway, "/reset").await?,
        "What was said in this conversation is forgotten."
    );
    end(gateway).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_renames_a_command_and_it_stays_renamed() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(0)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    let listed = gateway.data("/api/commands").await?;
    let items = listed["items"].as_array().unwrap();
    let sid = items.iter().find(|item| item["handler_full_name"] == "information.sid").unwrap();
    assert_eq!(sid["effective_command"], "sid");
    assert_eq!((&sid["reserved"], &sid["has_conflict"]), (&json!(true), &json!(false)));
    assert_eq!(listed["summary"]["disabled"], 0);
    assert_eq!(gateway.data("/api/commands/conflicts").await?, json!([]));

    let rename = json!({ "handler_full_name": "information.sid", "new_name": "whereami" });
    let renamed = post(&gateway, "/api/commands/rename", rename).await?;
    assert_eq!(renamed["data"]["current_fragment"], "whereami", "{renamed}");
    let taken = json!({ "handler_full_name": "information.sid", "new_name": "help" });
    let taken = post(&gateway, "/api/commands/rename", taken).await?;
    assert_eq!(taken["status"], "error", "{taken}");
    let off = json!({ "handler_full_name": "conversation.stats", "enabled": false });
    let off = post(&gateway, "/api/commands/toggle", off).await?;
    assert_eq!(off["data"]["enabled"], false, "{off}");
    let only = json!({ "handler_full_name": "conversation.new", "permission": "admin" });
    let only = post(&gateway, "/api/commands/permission", only).await?;
    assert_eq!(only["data"]["permission"], "admin", "{only}");
    let unknown = json!({ "handler_full_name": "nobody.x", "enabled": false });
    let unknown = post(&gateway, "/api/commands/toggle", unknown).await?;
    assert_eq!(unknown["code"], "not_found", "{unknown}");
    end(gateway).await?;

    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    assert!(answer(&gateway, "/whereami").await?.contains("webchat:FriendMessage:"));
    assert_eq!(answer(&gateway, "/new").await?, "You may not use /new.");
    end(gateway).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_answer_that_is_being_made() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(300)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    let mut running = say(&gateway, SESSION, "tell me everything").await?;
    first_words(&mut running).await?;
    assert_eq!(answer(&gateway, "/stop").await?, "Stopped.");
    running.to_end().await?;
    end(gateway).await
}
