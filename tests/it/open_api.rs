//! What programs do with an API key, files, and projects, on the real binary.

use anyhow::{Context as _, Result, ensure};
use firstlight_core::db::NewProject;
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess, answer, eventually};
use firstlight_tests::talk::{ChatSocket, first_words, history, say, slow_demo};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

async fn slow() -> Result<(Folder, GatewayProcess)> {
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(100)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    Ok((folder, gateway))
}

async fn key(gateway: &GatewayProcess, scopes: &[&str]) -> Result<String> {
    let wanted = json!({ "name": "a test", "scopes": scopes });
    let (_, made) = gateway.post("/api/apikey/create", &wanted).await?;
    Ok(made["data"]["api_key"].as_str().with_context(|| made.to_string())?.to_owned())
}

fn of_program(gateway: &GatewayProcess, key: &str, method: Method, path: &str) -> RequestBuilder {
    gateway.anonymous(method, path).header("X-API-Key", key)
}

async fn upload(request: RequestBuilder, name: &str, mime: &str, bytes: &[u8]) -> Result<String> {
    let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str(mime)?;
    let (status, stored) = answer(request.multipart(Form::new().part("file", part))).await?;
    ensure!(status == 200 && stored["status"] == "ok", "{status} {stored}");
    Ok(stored["data"]["attachment_id"].as_str().context("no id")?.to_owned())
}

fn header(response: &Response, name: impl reqwest::header::AsHeaderName) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn s6_an_upload_is_read_by_its_owner_and_never_as_something_that_runs() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let (own, foreign) = (key(&gateway, &["file"]).await?, key(&gateway, &["file"]).await?);
    let form = || of_program(&gateway, &own, Method::POST, "/api/v1/file");
    let page = b"<script>alert(1)</script>";
    let id = upload(form(), "../../evil.html", "text/html", page).await?;
    let path = format!("/api/v1/file?attachment_id={id}");
    let read = of_program(&gateway, &own, Method::GET, &path).send().await?;
    assert_eq!(header(&read, CONTENT_TYPE), "application/octet-stream");
    let disposition = header(&read, CONTENT_DISPOSITION);
    assert!(disposition.starts_with("attachment; filename=\"evil.html\""), "{disposition}");
    assert_eq!(header(&read, "x-content-type-options"), "nosniff");
    assert_eq!(read.bytes().await?, &page[..]);

    let (_, refused) = answer(of_program(&gateway, &foreign, Method::GET, &path)).await?;
    assert_eq!(refused["code"], "not_found");
    for row in ["chat", "tui"] {
        let (_, refused) =
            gateway.read(&format!("/api/{row}/get_attachment?attachment_id={id}")).await?;
        assert_eq!(refused["code"], "not_found");
        let (_, refused) = gateway.read(&format!("/api/{row}/get_file?filename=evil.html")).await?;
        assert_eq!(refused["code"], "not_found");
    }
    let (_, refused) = gateway.post("/api/file/link", &json!({ "attachment_id": id })).await?;
    assert_eq!(refused["code"], "not_found");
    // Nor can it be sent into a chat by somebody else, whose model would tell what is in it.
    let parts = json!([{ "type": "file", "attachment_id": id }]);
    let body = json!({ "session_id": "mine", "message": parts });
    let (_, refused) = gateway.post("/api/chat/send", &body).await?;
    assert_eq!(refused["code"], "not_found");
    Ok(())
}

#[tokio::test]
async fn s6_files_of_the_same_name_do_not_meet() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let key = key(&gateway, &["file"]).await?;
    let program = of_program(&gateway, &key, Method::POST, "/api/v1/file");
    let its = upload(program, "cat.png", "image/png", b"its").await?;
    let mut mine = Vec::new();
    for bytes in ["older", "newer"] {
        let form = gateway.request(Method::POST, "/api/chat/post_file");
        mine.push(upload(form, "cat.png", "image/png", bytes.as_bytes()).await?);
    }
    let read = async |request: RequestBuilder| anyhow::Ok(request.send().await?.text().await?);
    let get = |path: String| gateway.request(Method::GET, &path);
    let by_id = |id: &str| get(format!("/api/chat/get_attachment?attachment_id={id}"));
    assert_eq!(read(by_id(&mine[0])).await?, "older");
    assert_eq!(read(by_id(&mine[1])).await?, "newer");
    assert_eq!(read(get("/api/chat/get_file?filename=cat.png".to_owned())).await?, "newer");
    let path = format!("/api/v1/file?attachment_id={its}");
    assert_eq!(read(of_program(&gateway, &key, Method::GET, &path)).await?, "its");
    Ok(())
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let form = gateway.request(Method::POST, "/api/chat/post_file");
    let id = upload(form, "clip.mp4", "video/mp4", b"0123456789").await?;
    let path = format!("/api/chat/get_attachment?attachment_id={id}");
    let get = |range: &str| gateway.request(Method::GET, &path).header(RANGE, range).send();
    let part = get("bytes=2-4").await?;
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, CONTENT_RANGE), "bytes 2-4/10");
    assert_eq!(header(&part, CONTENT_TYPE), "video/mp4");
    assert_eq!(part.text().await?, "234");
    assert_eq!(get("bytes=20-").await?.status(), 416);
    assert_eq!(gateway.request(Method::HEAD, &path).send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn what_a_crash_left_of_uploads_is_gone_after_a_start() -> Result<()> {
    let folder = Folder::with_account(Build::Plain).await?;
    let root = folder.data().join("attachments");
    let (half, unnamed) =
        (root.join("incoming").join("half"), root.join("ab").join("ab".repeat(32)));
    for file in [&half, &unnamed] {
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        std::fs::write(file, "left behind")?;
    }
    let _gateway = folder.start(Build::Plain).await?;
    assert!(!half.exists());
    eventually("an empty folder", async || {
        Ok(if unnamed.exists() { Err("it is there".to_owned()) } else { Ok(()) })
    })
    .await
}

#[tokio::test]
async fn b15_what_the_bot_says_by_itself_is_shown_whole_and_is_no_part_of_an_answer() -> Result<()>
{
    let (_folder, gateway) = slow().await?;
    let key = key(&gateway, &["file", "im"]).await?;
    let mut page = ChatSocket::open(&gateway).await?;
    let long = "a message that takes the demo a good while to say back word by word";
    let mut running = say(&gateway, "socket", long).await?;
    first_words(&mut running).await?;
    let run = page.until(|frame| frame["type"] == "plain").await?["message_id"].clone();

    let form = of_program(&gateway, &key, Method::POST, "/api/v1/file");
    let video = upload(form, "clip.mp4", "video/mp4", b"a video").await?;
    let id = uuid::Uuid::new_v4();
    let body = json!({ "umo": "webchat:FriendMessage:webchat!ada!socket", "message_id": id,
        "message": [{ "type": "plain", "text": "look" }, { "type": "video", "attachment_id": video }] });
    let offer =
        || answer(of_program(&gateway, &key, Method::POST, "/api/v1/im/message").json(&body));
    let (_, sent) = offer().await?;
    assert_eq!((&sent["status"], &sent["data"]), (&json!("ok"), &json!({})), "{sent}");
    let said = page.until(|frame| frame["data"] == "look").await?;
    assert_ne!(said["message_id"], run);
    assert_eq!(said["streaming"], false);
    let shown = page.until(|frame| frame["type"] == "video").await?;
    assert_eq!(shown["message_id"], said["message_id"]);
    let mine = |frame: &Value| frame["message_id"] == said["message_id"];
    page.until(|frame| frame["type"] == "message_saved" && mine(frame)).await?;
    page.until(|frame| frame["type"] == "end" && mine(frame)).await?;
    let events = running.to_end().await?;
    assert!(!events.iter().any(|event| event.data.contains("look")), "{events:?}");

    // The owner of the chat can fetch it, by its id and by the name that the event gives.
    let name = shown["data"].as_str().context("no name")?;
    let name = name.strip_prefix("[VIDEO]").and_then(|name| name.split('|').next());
    let name = name.with_context(|| shown.to_string())?;
    for path in [
        format!("/api/chat/get_attachment?attachment_id={video}"),
        format!("/api/chat/get_file?filename={name}"),
    ] {
        assert_eq!(gateway.request(Method::GET, &path).send().await?.text().await?, "a video");
    }
    // The same id again is the same message.
    let (_, again) = offer().await?;
    assert_eq!(again["status"], "ok");
    let other = json!({ "umo": body["umo"], "message": "and on" });
    answer(of_program(&gateway, &key, Method::POST, "/api/v1/im/message").json(&other)).await?;
    page.until(|frame| frame["data"] == "and on").await?;
    let rows = history(&gateway, "socket").await?;
    let looks = rows.iter().filter(|row| row["message"][0]["text"] == "look").count();
    assert_eq!(looks, 1, "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_says_why_and_bots_are_listed() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let key = key(&gateway, &["im"]).await?;
    let bot = json!({ "id": "qq", "type": "aiocqhttp", "enable": false });
    gateway.post("/api/config/platform/new", &bot).await?;
    let (_, bots) = answer(of_program(&gateway, &key, Method::GET, "/api/v1/im/bots")).await?;
    assert_eq!(bots["data"]["bot_ids"], json!(["qq"]), "{bots}");
    say(&gateway, "mine", "hello").await?.to_end().await?;
    let mine = "webchat:FriendMessage:webchat!ada!mine";
    for (body, code) in [
        (json!({ "umo": mine }), "invalid"),
        (json!({ "umo": mine, "message": null }), "invalid"),
        (json!({ "message": "hi" }), "invalid"),
        (json!({ "umo": "mine", "message": "hi" }), "invalid"),
        (json!({ "umo": mine, "message": [] }), "invalid"),
        (json!({ "umo": mine, "message": 7 }), "invalid"),
        (json!({ "umo": mine, "message": [{ "type": "at", "user_id": "1" }] }), "invalid"),
        (
            json!({ "umo": mine, "message": [{ "type": "image", "attachment_id": "1" }] }),
            "not_found",
        ),
        (json!({ "umo": "qq:GroupMessage:1", "message": "hi" }), "bot_not_running"),
        (json!({ "umo": "none:GroupMessage:1", "message": "hi" }), "bot_not_running"),
        (json!({ "umo": "webchat:FriendMessage:webchat!eve!mine", "message": "hi" }), "not_found"),
        (json!({ "umo": "webchat:FriendMessage:webchat!ada!gone", "message": "hi" }), "not_found"),
        (json!({ "umo": "webchat:GroupMessage:webchat!ada!mine", "message": "hi" }), "not_found"),
    ] {
        let request = of_program(&gateway, &key, Method::POST, "/api/v1/im/message").json(&body);
        let (status, refused) = answer(request).await?;
        assert_eq!((status, refused["code"].as_str()), (200, Some(code)), "{body}: {refused}");
    }
    Ok(())
}

#[tokio::test]
async fn a_project_keeps_sessions_apart_and_belongs_to_its_maker() -> Result<()> {
    let (folder, gateway) = slow().await?;
    let post = async |path: &str, body: Value| {
        let (_, answer) = gateway.post(&format!("/api/chatui_project/{path}"), &body).await?;
        anyhow::Ok(answer)
    };
    let made = post("create", json!({ "title": " Garden ", "emoji": "🌱" })).await?;
    let project = made["data"]["project_id"].as_str().context("no id")?.to_owned();
    assert_eq!(made["data"]["title"], "Garden");
    assert_eq!(post("create", json!({ "title": " " })).await?["code"], "invalid");
    let session = gateway.data("/api/chat/new_session").await?;
    let session = session["session_id"].as_str().context("no id")?.to_owned();
    let both = json!({ "session_id": session, "project_id": project });
    assert_eq!(post("add_session", both.clone()).await?["data"], json!({}));
    let read = gateway.data(&format!("/api/chat/get_session?session_id={session}")).await?;
    let shown = json!({ "project_id": project, "title": "Garden", "emoji": "🌱" });
    assert_eq!(read["project"], shown);
    assert_eq!(gateway.data("/api/chat/sessions").await?, json!([]));
    let inside = format!("/api/chatui_project/get_sessions?project_id={project}");
    assert_eq!(gateway.data(&inside).await?[0]["session_id"], *session);

    let changed = json!({ "project_id": project, "title": "Orchard" });
    assert_eq!(post("update", changed).await?["data"], json!({}));
    let read = gateway.data(&format!("/api/chatui_project/get?project_id={project}")).await?;
    assert_eq!((&read["title"], &read["emoji"]), (&json!("Orchard"), &json!("🌱")));
    assert_eq!(gateway.data("/api/chatui_project/list").await?[0]["project_id"], *project);
    post("remove_session", json!({ "session_id": session })).await?;
    assert_eq!(gateway.data(&inside).await?, json!([]));
    post("add_session", both).await?;
    gateway.data(&format!("/api/chatui_project/delete?project_id={project}")).await?;
    // The session is left, and outside.
    assert_eq!(gateway.data("/api/chat/sessions").await?[0]["session_id"], *session);

    let database = folder.database().await?;
    let new = NewProject {
        creator: "eve".to_owned(),
        title: "Hers".to_owned(),
        emoji: None,
        description: None,
    };
    let hers = database.projects().create(new).await?.project_id;
    database.close().await;
    for (id, code) in [(hers.as_str(), "not_owner"), (project.as_str(), "not_found")] {
        for path in ["get", "get_sessions", "delete"] {
            let path = format!("/api/chatui_project/{path}?project_id={id}");
            assert_eq!(gateway.read(&path).await?.1["code"], code, "{path}");
        }
        let body = json!({ "project_id": id, "session_id": session, "title": "Mine" });
        assert_eq!(post("update", body.clone()).await?["code"], code);
        assert_eq!(post("add_session", body).await?["code"], code);
    }
    let gone = json!({ "session_id": "gone", "project_id": hers });
    assert_eq!(post("add_session", gone.clone()).await?["code"], "not_found");
    assert_eq!(post("remove_session", gone).await?["code"], "not_found");
    Ok(())
}

#[tokio::test]
async fn a_program_sets_the_profile_of_a_session_only_with_a_message_that_is_right() -> Result<()> {
    let (_folder, gateway) = slow().await?;
    let key = key(&gateway, &["chat", "config"]).await?;
    let (_, made) =
        gateway.post("/api/config/abconf/new", &json!({ "name": "Quiet", "config": {} })).await?;
    let profile = made["data"]["conf_id"].as_str().with_context(|| made.to_string())?.to_owned();
    let send = |body: Value| of_program(&gateway, &key, Method::POST, "/api/v1/chat").json(&body);
    let umo = "webchat:FriendMessage:webchat!grace!hers";
    let routed = async || {
        let routing = gateway.data("/api/config/umo_abconf_routes").await?;
        anyhow::Ok(routing["routing"][umo].clone())
    };
    let wrong = json!({ "username": "grace", "session_id": "hers", "config_id": profile });
    assert_eq!(answer(send(wrong)).await?.1["code"], "invalid");
    assert_eq!(routed().await?, Value::Null);
    let named = json!({ "username": "grace", "session_id": "hers", "message": "hi",
        "config_name": "Quiet" });
    gateway.stream(send(named)).await?.to_end().await?;
    assert_eq!(routed().await?, profile);
    // The id wins over the name, and the default takes the route away.
    let back = json!({ "username": "grace", "session_id": "hers", "message": "hi",
        "config_id": "default", "config_name": "Quiet" });
    gateway.stream(send(back)).await?.to_end().await?;
    assert_eq!(routed().await?, Value::Null);
    Ok(())
}
