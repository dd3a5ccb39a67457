//! Who is let in.

use firstlight_tests::fake_onebot::{Account, FakeOneBot, text};
use serde_json::json;
use tokio::net::TcpStream;

use super::world::{Client, Gateway};

#[tokio::test]
async fn s1_a_port_that_others_can_reach_is_refused_without_token_and_secret() {
    let gateway = Gateway::start(json!({ "ws_reverse_host": "0.0.0.0" })).await;
    let status = gateway.status();
    assert!(status.connections.listening.is_none());
    let told = format!("{:?}", status.state);
    assert!(told.contains("ws_reverse_token must be set"), "{told}");
    let error = gateway
        .apply(json!({
            "ws_reverse_host": "::", "ws_reverse_token": "t", "http_callback_enable": true,
        }))
        .await
        .unwrap_err();
    assert!(error.contains("http_callback_secret must be set"), "{error}");
    let both = json!({
        "ws_reverse_host": "0.0.0.0", "ws_reverse_token": "t",
        "http_callback_enable": true, "http_callback_secret": "s",
    });
    gateway.apply(both).await.unwrap();
    gateway.address().await;
}

#[tokio::test]
async fn a_changed_entry_replaces_the_instance_and_a_removed_one_closes_its_port() {
    let gateway = Gateway::start(json!({})).await;
    let mut old = gateway.connect().await;
    let port: u16 = gateway.address().await.rsplit(':').next().unwrap().parse().unwrap();
    // The same port: the old instance must have let go of it.
    let token = json!({ "ws_reverse_port": port, "ws_reverse_token": "env:PATH" });
    gateway.apply(token).await.unwrap();
    assert!(old.is_closed().await);
    let address = gateway.address().await;
    assert!(address.ends_with(&format!(":{port}")));
    assert_eq!(Client::connect(&format!("ws://{address}/ws"), &[]).await.err(), Some(401));
    gateway.lease().platforms.remove("qq").await;
    assert!(gateway.lease().platforms.statuses().iter().all(|status| status.id != "qq"));
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn s1_a_callback_is_refused_before_it_is_read_unless_it_is_signed_rightly() {
    let keys = json!({ "http_callback_enable": true, "http_callback_secret": "right" });
    let gateway = Gateway::start(keys).await;
    let url = format!("http://{}/", gateway.address().await);
    let poster = |secret: Option<&str>| {
        let account = Account { self_id: 10001, token: None, secret: secret.map(str::to_owned) };
        FakeOneBot::http(account, &url).unwrap()
    };
    let forged = json!("not even an event");
    for (secret, status) in [(None, 401), (Some("wrong"), 403), (Some("right"), 400)] {
        assert_eq!(poster(secret).post(&forged).await.unwrap(), status, "{secret:?}");
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for signature in ["", "sha1=", "sha1=zz", "sha256=00", "sha1=00"] {
        let post = client.post(&url).header("x-signature", signature).body("{}");
        assert_eq!(post.send().await.unwrap().status().as_u16(), 403, "{signature}");
    }
    assert!(gateway.inbox().await.is_empty());
    let right = poster(Some("right"));
    let event = right.group_message(200, 300, &[text("hi")]);
    assert_eq!(right.post(&event).await.unwrap(), 204);
    // Durable by the time it was answered.
    assert_eq!(gateway.inbox().await.len(), 1);
    assert!(gateway.status().faults.iter().any(|fault| fault.text.contains("signature")));
}

#[tokio::test]
async fn s1_without_callbacks_nothing_is_posted() {
    let gateway = Gateway::start(json!({})).await;
    let account = Account { self_id: 10001, token: None, secret: None };
    let poster =
        FakeOneBot::http(account, &format!("http://{}/", gateway.address().await)).unwrap();
    let event = poster.group_message(200, 300, &[text("hi")]);
    assert_eq!(poster.post(&event).await.unwrap(), 404);
    assert!(gateway.inbox().await.is_empty());
}

#[tokio::test]
async fn s1_a_page_in_a_browser_does_not_get_in_where_no_token_is_set() {
    let gateway = Gateway::start(json!({ "http_callback_enable": true })).await;
    let address = gateway.address().await;
    let page = [("Origin", "https://evil.example")];
    assert_eq!(Client::connect(&format!("ws://{address}/ws"), &page).await.err(), Some(403));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(format!("http://{address}/")).header("origin", "https://evil.example");
    assert_eq!(post.body("{}").send().await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn a_handshake_shows_its_token_in_any_of_the_known_ways() {
    let gateway = Gateway::start(json!({ "ws_reverse_token": "right" })).await;
    let address = gateway.address().await;
    let check = async |path: &str, header: Option<&str>, status: Option<u16>| {
        let headers: Vec<_> = header.into_iter().map(|value| ("Authorization", value)).collect();
        let connected = Client::connect(&format!("ws://{address}{path}"), &headers).await;
        assert_eq!(connected.err(), status, "{path} {header:?}");
    };
    check("/ws", None, Some(401)).await;
    check("/ws", Some("Bearer wrong"), Some(403)).await;
    check("/ws?access_token=wrong", None, Some(403)).await;
    check("/ws", Some("right"), Some(401)).await;
    check("/other", Some("Bearer right"), Some(404)).await;
    check("/ws", Some("Bearer right"), None).await;
    check("/ws/", Some("Token right"), None).await;
    check("/ws/event/?access_token=right", None, None).await;
    check("/ws/api", Some("bearer right"), None).await;
}
