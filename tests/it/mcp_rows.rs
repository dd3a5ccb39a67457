//! The rows of tools and MCP servers, and what becomes of the programs when the gateway itself goes
//! down in one way or another.

use anyhow::{Context as _, Result, ensure};
use firstlight_tests::fake_mcp::{FakeMcp, Manner, Steered, gone};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess, eventually};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-mcp");

async fn folder(build: Build) -> Result<Folder> {
    let folder = Folder::with_account(build).await?;
    folder.settings(&format!("[mcp]\nallowed_commands = [{PROGRAM:?}]\n"))?;
    Ok(folder)
}

async fn ready(folder: &Folder, build: Build) -> Result<GatewayProcess> {
    let gateway = folder.start(build).await?;
    gateway.ready().await?;
    Ok(gateway)
}

/// A row that is to succeed.
async fn done(gateway: &GatewayProcess, row: &str, body: &Value) -> Result<Value> {
    let (status, mut answer) = gateway.post(&format!("/api/tools/{row}"), body).await?;
    ensure!(status == 200 && answer["status"] == "ok", "{row}: {status} {answer}");
    Ok(answer["data"].take())
}

/// The code and the message of a row that is to be refused.
async fn refused(gateway: &GatewayProcess, row: &str, body: &Value) -> Result<(String, Value)> {
    let (status, answer) = gateway.post(&format!("/api/tools/{row}"), body).await?;
    ensure!(status == 200 && answer["status"] == "error", "{row}: {status} {answer}");
    Ok((answer["code"].as_str().context("no code")?.to_owned(), answer))
}

async fn code(gateway: &GatewayProcess, row: &str, body: &Value) -> Result<String> {
    Ok(refused(gateway, row, body).await?.0)
}

async fn server(gateway: &GatewayProcess, name: &str) -> Result<Value> {
    let servers = gateway.data("/api/tools/mcp/servers").await?;
    let found = servers.as_array().context("no list")?.iter().find(|one| one["name"] == name);
    Ok(found.cloned().unwrap_or_default())
}

/// The entry of a program as a body of the row `add`.
fn named(name: &str, entry: &Value) -> Value {
    let mut body = entry.clone();
    body["name"] = json!(name);
    body
}

async fn connected(gateway: &GatewayProcess, name: &str) -> Result<Value> {
    eventually("a connection", async || {
        let found = server(gateway, name).await?;
        let is_up = found["connection"]["state"] == "connected";
        Ok(if is_up { Ok(found) } else { Err(found.to_string()) })
    })
    .await
}

#[tokio::test]
async fn a_server_is_added_after_a_test_and_listed_without_its_secrets() -> Result<()> {
    let (folder, steered) = (folder(Build::Plain).await?, Steered::new(PROGRAM, &["a", "b"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    assert_eq!(gateway.data("/api/tools/mcp/servers").await?, json!([]));
    let mut entry = steered.entry();
    entry["env"] = json!({ "FAKE_KEY": "the-key-of-the-server", "OTHER": "env:PATH" });
    assert_eq!(done(&gateway, "mcp/add", &named("files", &entry)).await?, json!({}));
    let listed = server(&gateway, "files").await?;
    assert_eq!((&listed["active"], &listed["tools"]), (&json!(true), &json!(["a", "b"])));
    assert_eq!(listed["env"], json!({ "FAKE_KEY": "••••rver", "OTHER": "env:PATH" }));
    assert_eq!((&listed["command"], &listed["args"]), (&entry["command"], &entry["args"]));
    assert_eq!(listed["connection"]["state"], "connected");
    assert!(listed["connection"]["last_success"].is_string());
    assert!(!listed.to_string().contains("the-key"), "{listed}");

    let taken = code(&gateway, "mcp/add", &named("files", &entry)).await?;
    assert_eq!(taken, "conflict");
    // The form that other programs write, with the name outside or inside.
    let wrapped = json!({ "mcpServers": { "pasted": steered.entry() }, "active": false });
    done(&gateway, "mcp/add", &wrapped).await?;
    assert_eq!(server(&gateway, "pasted").await?["connection"]["state"], "off");
    let wrapped = json!({ "name": "renamed", "mcpServers": { "pasted": steered.entry() } });
    done(&gateway, "mcp/add", &wrapped).await?;
    assert_eq!(server(&gateway, "renamed").await?["connection"]["state"], "connected");
    let two = json!({ "name": "x", "mcpServers": { "a": {}, "b": {} } });
    assert_eq!(code(&gateway, "mcp/add", &two).await?, "invalid");
    assert_eq!(code(&gateway, "mcp/add", &steered.entry()).await?, "invalid");
    assert_eq!(code(&gateway, "mcp/add", &json!({ "name": "x" })).await?, "invalid");
    let masked = json!({ "name": "x", "command": PROGRAM, "env": { "A": "••••rver" } });
    assert_eq!(code(&gateway, "mcp/add", &masked).await?, "conflict");
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_be_connected_is_not_kept() -> Result<()> {
    let (folder, steered) = (folder(Build::Plain).await?, Steered::new(PROGRAM, &["a"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    steered.behave(&["a"], Manner::Crash)?;
    let body = named("files", &steered.entry());
    let (found, answer) = refused(&gateway, "mcp/add", &body).await?;
    assert_eq!(found, "mcp_failed");
    assert!(answer["message"].as_str().unwrap().contains("exit status: 3"), "{answer}");
    assert!(answer["data"]["errlogs"].to_string().contains("crashing"), "{answer}");
    let forbidden = json!({ "name": "shell", "command": "sh" });
    assert_eq!(code(&gateway, "mcp/add", &forbidden).await?, "invalid");
    let older = json!({ "name": "older", "url": "http://127.0.0.1:9/sse", "transport": "sse" });
    assert_eq!(code(&gateway, "mcp/add", &older).await?, "invalid");
    let nobody = json!({ "name": "nobody", "url": "http://127.0.0.1:9/mcp", "timeout": 5 });
    assert_eq!(code(&gateway, "mcp/add", &nobody).await?, "mcp_failed");
    assert_eq!(gateway.data("/api/config/document?document=mcp").await?["revision"], 1);

    // The test succeeds and the connection that is to stay does not: it is taken back.
    let once = Steered::new(PROGRAM, &["a"])?;
    once.behave(&["a"], Manner::OnlyOnce)?;
    let (found, answer) = refused(&gateway, "mcp/add", &named("once", &once.entry())).await?;
    assert_eq!(found, "mcp_failed");
    assert!(answer["message"].as_str().unwrap().contains("was not added"), "{answer}");
    assert_eq!(once.starts()?, 2);
    assert_eq!(gateway.data("/api/tools/mcp/servers").await?, json!([]));
    let timeline = gateway.data("/api/runtime/timeline").await?;
    let mcp = timeline["components"].as_array().unwrap().iter().find(|one| one["name"] == "mcp");
    assert_eq!(mcp.unwrap()["items"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_server_is_renamed_switched_changed_and_deleted() -> Result<()> {
    let (folder, steered) = (folder(Build::Plain).await?, Steered::new(PROGRAM, &["a"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    let mut entry = steered.entry();
    entry["env"] = json!({ "FAKE_KEY": "the-key-of-the-server" });
    done(&gateway, "mcp/add", &named("files", &entry)).await?;
    let (first, _) = steered.latest()?;

    done(&gateway, "mcp/update", &json!({ "name": "files", "active": false })).await?;
    gone(&[first]).await?;
    let listed = server(&gateway, "files").await?;
    assert_eq!((&listed["active"], &listed["tools"]), (&json!(false), &json!([])));
    done(&gateway, "mcp/update", &json!({ "name": "files", "active": true })).await?;
    assert_eq!(server(&gateway, "files").await?["tools"], json!(["a"]));

    // What the list showed comes back from the form, with a new name.
    let mut shown = server(&gateway, "files").await?;
    shown["name"] = json!("documents");
    shown["oldName"] = json!("files");
    shown["cwd"] = json!("/");
    done(&gateway, "mcp/update", &shown).await?;
    let listed = server(&gateway, "documents").await?;
    assert_eq!((&listed["cwd"], &listed["tools"]), (&json!("/"), &json!(["a"])));
    assert_eq!(server(&gateway, "files").await?, Value::Null);
    assert!(steered.environment()?.contains(&"FAKE_KEY=the-key-of-the-server".to_owned()));
    let stored = gateway.data("/api/config/document?document=mcp").await?;
    let members = stored["value"]["mcpServers"]["documents"].as_object().unwrap().keys();
    let members: Vec<_> = members.collect();
    assert_eq!(members, ["active", "args", "command", "cwd", "env", "timeout"]);

    // A change that does not connect stays saved, and the answer says so.
    steered.behave(&["a"], Manner::Crash)?;
    let change = json!({ "name": "documents", "active": true });
    let (found, answer) = refused(&gateway, "mcp/update", &change).await?;
    assert_eq!(found, "not_applied", "{answer}");
    steered.behave(&["a"], Manner::Good)?;
    connected(&gateway, "documents").await?;

    done(&gateway, "mcp/add", &named("other", &steered.entry())).await?;
    let taken = json!({ "name": "other", "oldName": "documents" });
    assert_eq!(code(&gateway, "mcp/update", &taken).await?, "conflict");
    for row in ["mcp/update", "mcp/delete"] {
        assert_eq!(code(&gateway, row, &json!({ "name": "nobody" })).await?, "not_found");
        assert_eq!(code(&gateway, row, &json!({})).await?, "invalid");
    }
    let (own, child) = steered.latest()?;
    done(&gateway, "mcp/delete", &json!({ "name": "other" })).await?;
    gone(&[own, child]).await?;
    assert_eq!(server(&gateway, "other").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_configuration_is_tried_with_the_secrets_that_its_masks_stand_for() -> Result<()> {
    let (folder, fake) = (folder(Build::Plain).await?, FakeMcp::start(&["a", "b"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    let entry = json!({ "url": fake.url(), "headers": { "X-Key": "the-key-of-the-far-server" } });
    done(&gateway, "mcp/add", &named("far", &entry)).await?;
    let shown = json!({ "url": fake.url(), "headers": { "X-Key": "••••rver" } });
    let body = json!({ "mcp_server_config": shown, "name": "far" });
    assert_eq!(done(&gateway, "mcp/test", &body).await?, json!(["a", "b"]));
    assert!(fake.keys().iter().all(|key| key == "the-key-of-the-far-server"), "{:?}", fake.keys());
    // Without a name nobody can tell whose secret it is.
    let body = json!({ "mcp_server_config": shown });
    assert_eq!(code(&gateway, "mcp/test", &body).await?, "conflict");
    let body = json!({ "mcp_server_config": { "mcpServers": { "any": entry } } });
    assert_eq!(done(&gateway, "mcp/test", &body).await?, json!(["a", "b"]));
    eventually("the end of the tests' sessions", async || {
        let (_, open, _) = fake.sessions();
        Ok(if open == 1 { Ok(()) } else { Err(format!("{:?}", fake.sessions())) })
    })
    .await?;
    fake.refuse(true);
    let (found, answer) = refused(&gateway, "mcp/test", &body).await?;
    assert_eq!(found, "mcp_failed");
    assert!(!answer.to_string().contains("the-key") && !answer.to_string().contains("a-key-in"));
    let log = folder.log()?;
    assert!(!log.contains("the-key-of") && !log.contains("a-key-in-the-path"), "{log}");
    Ok(())
}

#[tokio::test]
async fn every_tool_is_listed_with_its_origin_and_stays_switched_over_a_restart() -> Result<()> {
    let (folder, steered) = (folder(Build::Plain).await?, Steered::new(PROGRAM, &["read"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    done(&gateway, "mcp/add", &named("files", &steered.entry())).await?;
    let find = async |gateway: &GatewayProcess, origin: &str| -> Result<Value> {
        let tools = gateway.data("/api/tools/list").await?;
        let found = tools.as_array().unwrap().iter().find(|tool| tool["origin"] == origin);
        Ok(found.cloned().unwrap_or_default())
    };
    let tool = find(&gateway, "mcp").await?;
    assert_eq!(
        (&tool["name"], &tool["origin_name"], &tool["active"], &tool["description"]),
        (&json!("read"), &json!("files"), &json!(true), &json!("does read"))
    );
    let internal = find(&gateway, "internal").await?;
    assert_eq!((&internal["active"], &internal["readonly"]), (&json!(true), &json!(true)));
    let switch = json!({ "name": internal["name"], "activate": false });
    assert_eq!(code(&gateway, "toggle-tool", &switch).await?, "invalid");
    let switch = json!({ "name": "no such tool", "activate": false });
    assert_eq!(code(&gateway, "toggle-tool", &switch).await?, "not_found");

    done(&gateway, "toggle-tool", &json!({ "name": "read", "activate": false })).await?;
    assert_eq!(find(&gateway, "mcp").await?["active"], false);
    gateway.kill().await?;
    let gateway = ready(&folder, Build::Plain).await?;
    connected(&gateway, "files").await?;
    assert_eq!(find(&gateway, "mcp").await?["active"], false);
    done(&gateway, "toggle-tool", &json!({ "name": "read", "activate": true })).await?;
    assert_eq!(find(&gateway, "mcp").await?["active"], true);

    for provider in ["modelscope", "nobody"] {
        let body = json!({ "name": provider, "access_token": "t" });
        assert_eq!(code(&gateway, "mcp/sync-provider", &body).await?, "invalid");
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_gateway_leaves_no_program_behind() -> Result<()> {
    let (folder, steered) = (folder(Build::Plain).await?, Steered::new(PROGRAM, &["a"])?);
    let gateway = ready(&folder, Build::Plain).await?;
    done(&gateway, "mcp/add", &named("files", &steered.entry())).await?;
    let (own, child) = steered.latest()?;
    gateway.kill().await?;
    gone(&[own, child]).await?;
    let gateway = ready(&folder, Build::Plain).await?;
    connected(&gateway, "files").await?;
    let (own, child) = steered.latest()?;
    gateway.terminate()?;
    ensure!(gateway.ended().await?.success());
    gone(&[own, child]).await
}

#[tokio::test]
async fn programs_end_whatever_else_fails_hangs_or_panics_on_the_way_down() -> Result<()> {
    let (folder, steered) = (folder(Build::Faulty).await?, Steered::new(PROGRAM, &["a"])?);
    steered.behave(&["a"], Manner::Stay)?;
    folder.inject(&json!({}))?;
    let gateway = ready(&folder, Build::Faulty).await?;
    done(&gateway, "mcp/add", &named("files", &steered.entry())).await?;
    let faults = [
        json!({ "stop": { "platforms": { "panic": "it fell" }, "bus": { "error": "it broke" } } }),
        json!({ "stop": { "providers": { "error": "it broke" }, "mcp": { "panic": "it fell" } } }),
        json!({ "stop": { "mcp": { "hang": true } } }),
    ];
    for fault in faults {
        connected(&gateway, "files").await?;
        let (own, child) = steered.latest()?;
        folder.inject(&fault)?;
        gateway.command("stop").await?;
        gone(&[own, child]).await?;
        folder.inject(&json!({}))?;
        gateway.idle().await?;
        gateway.command("start").await?;
        gateway.ready().await?;
    }
    // A bootstrap that fails or is cancelled after the servers were begun ends them too.
    for stops in [false, true] {
        connected(&gateway, "files").await?;
        let starts = steered.starts()?;
        let fault = json!({ "hang": true, "error": "it broke" });
        folder.inject(&json!({ "bootstrap": { "hooks": fault } }))?;
        gateway.restart().await?;
        let (own, child) = steered.started(starts + 1).await?;
        let hangs = |timeline: &Value| {
            let mut components = timeline["components"].as_array().into_iter().flatten();
            components.any(|one| one["name"] == "hooks" && one["state"] == "starting")
        };
        gateway.until("a hanging step", hangs).await?;
        if stops {
            gateway.command("stop").await?;
            gone(&[own, child]).await?;
        }
        // What hung goes on, and fails.
        folder.inject(&json!({}))?;
        gone(&[own, child]).await?;
        let down = |timeline: &Value| timeline["failed"] == true || timeline["activity"] == "idle";
        gateway.until("nothing runs", down).await?;
        gateway.command("retry").await?;
        gateway.ready().await?;
    }
    Ok(())
}
