//! Pictures that messages refer to, and what a stranger must not make the gateway fetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use firstlight_core::db::Attachment;
use firstlight_core::model::{Component, Image, MessageEvent, Reply};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::fixture::{Gateway, group, private, with};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";

/// A host that answers every request with these bytes, and counts them.
struct Host {
    address: String,
    requests: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Host {
    async fn serving(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { address, requests, _serving: serving }
    }

    async fn picture() -> Self {
        Self::serving(ok(PNG)).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}/a.png", self.address)
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .into_bytes()
}

fn image(url: &str) -> Component {
    Component::Image(Image { url: url.into(), ..Image::default() })
}

fn picture(event: MessageEvent, url: &str) -> MessageEvent {
    with(event, [image(url)])
}

/// The attachment that a fetched picture became, if any did.
async fn kept_picture(gateway: &Gateway) -> Option<Attachment> {
    let database = &gateway.foundation.database;
    let id: Option<String> =
        sqlx::query_scalar("SELECT attachment_id FROM attachments WHERE filename = 'picture'")
            .fetch_optional(database.readers())
            .await
            .unwrap();
    database.attachments().by_id(&id?).await.unwrap()
}

/// A profile that lets pictures come from the loopback address.
fn named() -> Value {
    json!({ "platform_settings": { "media_private_hosts": ["127.0.0.1"] } })
}

#[tokio::test]
async fn a_picture_is_fetched_into_the_attachments_and_shown_to_the_model() {
    let host = Host::picture().await;
    let gateway = Gateway::with(named()).await;
    gateway.answer(picture(private("ada", "m1", "what is it?"), &host.url())).await;
    assert_eq!(host.requests(), 1);
    assert!(gateway.asked().contains("data:image/png;base64,"), "{}", gateway.asked());
    let kept = kept_picture(&gateway).await.unwrap();
    assert_eq!(std::fs::read(kept.path).unwrap(), PNG);
}

#[tokio::test]
async fn p1_a_picture_in_a_group_that_is_not_for_the_bot_is_not_fetched() {
    let host = Host::picture().await;
    let gateway = Gateway::with(named()).await;
    gateway.answer(picture(group("ada", "m1", "look"), &host.url())).await;
    assert_eq!(host.requests(), 0);
    gateway.answer(picture(group("ada", "m2", "/look"), &host.url())).await;
    assert_eq!(host.requests(), 1);
}

#[tokio::test]
async fn s9_a_private_address_is_not_connected_to_however_it_is_written() {
    let host = Host::picture().await;
    let port = host.address.rsplit(':').next().unwrap();
    let gateway = Gateway::with(json!({})).await;
    let hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"];
    for (index, name) in hosts.iter().enumerate() {
        let url = format!("http://{name}:{port}/a.png");
        gateway.answer(picture(private("ada", &format!("m{index}"), "look"), &url)).await;
        assert!(gateway.asked().contains("[image that could not be fetched]"), "{name}");
    }
    assert_eq!(host.requests(), 0);
}

#[tokio::test]
async fn s9_a_redirect_to_a_private_address_is_not_followed() {
    let secret = Host::picture().await;
    let port = secret.address.rsplit(':').next().unwrap();
    let gateway = Gateway::with(named()).await;
    for (index, name) in ["localhost", "[::1]", "127.0.0.2"].iter().enumerate() {
        let leads = Host::serving(redirect(&format!("http://{name}:{port}/secret"))).await;
        gateway.answer(picture(private("ada", &format!("m{index}"), "look"), &leads.url())).await;
        assert_eq!((leads.requests(), secret.requests()), (1, 0), "{name}");
    }
    let file = Host::serving(redirect("file:///etc/passwd")).await;
    gateway.answer(picture(private("ada", "m9", "look"), &file.url())).await;
    assert!(gateway.asked().contains("[image that could not be fetched]"));
}

#[tokio::test]
async fn s9_a_file_that_is_too_large_or_no_picture_is_not_kept() {
    let huge = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let page = ok(b"<html>hello</html>");
    let gateway = Gateway::with(named()).await;
    for (id, answer) in [("m1", huge), ("m2", page)] {
        let host = Host::serving(answer).await;
        gateway.answer(picture(private("ada", id, "look"), &host.url())).await;
        assert!(gateway.asked().contains("[image that could not be fetched]"), "{id}");
    }
    assert!(kept_picture(&gateway).await.is_none());
}

#[tokio::test]
async fn s10_a_local_path_in_a_message_is_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.png");
    std::fs::write(&file, PNG).unwrap();
    let path = file.display().to_string();
    let gateway = Gateway::with(named()).await;
    let fields = [
        Image { file: path.clone(), ..Image::default() },
        Image { url: format!("file://{path}"), ..Image::default() },
        Image { path, ..Image::default() },
    ];
    for (index, fields) in fields.into_iter().enumerate() {
        let event = private("ada", &format!("m{index}"), "look");
        gateway.answer(with(event, [Component::Image(fields)])).await;
        assert!(gateway.asked().contains("[image that could not be fetched]"));
        assert!(!gateway.asked().contains("base64"));
    }
}

#[tokio::test]
async fn s10_a_strangers_message_cannot_name_an_upload_of_somebody_else() {
    let gateway = Gateway::with(json!({})).await;
    let attachments = gateway.foundation.database.attachments();
    let upload = attachments.put(PNG, "mine.png", "image/png").await.unwrap();
    let url = format!("attachment:{}", upload.attachment_id);
    gateway.answer(picture(private("ada", "m1", "look"), &url)).await;
    assert!(gateway.asked().contains("[image that could not be fetched]"));
}

#[tokio::test]
async fn a_picture_within_a_quote_is_shown_too_and_bytes_in_the_message_are_kept_as_a_file() {
    let host = Host::picture().await;
    let gateway = Gateway::with(named()).await;
    let quote = Component::Reply(Reply { chain: vec![image(&host.url())], ..Reply::default() });
    gateway.answer(with(private("ada", "m1", "what is it?"), [quote])).await;
    assert!(gateway.asked().contains("data:image/png;base64,"));
    let inline = Image { file: "base64://iVBORw0KGgo=".into(), ..Image::default() };
    gateway.answer(with(private("ada", "m2", "and this?"), [Component::Image(inline)])).await;
    assert!(gateway.asked().contains("data:image/png;base64,iVBORw0KGgo="));
}
