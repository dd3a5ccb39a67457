//! The fake itself, against a bare socket on the other side.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Account, FakeOneBot, Reply, Role, text};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn client(fake: &FakeOneBot, token: &str) -> tungstenite::Result<Client> {
    let mut request = fake.address().into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

async fn next(client: &mut Client) -> Result<Value> {
    let frame = client.next().await.context("the connection ended")??;
    Ok(serde_json::from_str(frame.to_text()?)?)
}

async fn ask(client: &mut Client, action: &str, params: Value, echo: u64) -> Result<()> {
    let asked = json!({"action": action, "params": params, "echo": {"seq": echo}});
    Ok(client.send(Message::text(asked.to_string())).await?)
}

#[tokio::test]
async fn a_client_with_the_token_is_let_in_and_every_action_is_answered_by_its_echo() -> Result<()>
{
    let fake = FakeOneBot::forward(Account::new(10001))?;
    ensure!(client(&fake, "wrong").await.is_err());
    let mut client = client(&fake, "token of 10001").await?;
    assert_eq!(next(&mut client).await?["meta_event_type"], "lifecycle");

    let event = fake.group_message(200, 300, &[text("hello")]);
    assert_eq!(fake.say(&event).await?, 1);
    assert_eq!(next(&mut client).await?, event);
    ask(&mut client, "get_msg", json!({"message_id": event["message_id"]}), 1).await?;
    assert_eq!(next(&mut client).await?["data"], event);

    fake.push(Reply::After(Duration::from_millis(100)));
    for seq in [2, 3] {
        let params = json!({"group_id": 200, "message": [text("hi")]});
        ask(&mut client, "send_group_msg", params, seq).await?;
    }
    let (first, second) = (next(&mut client).await?, next(&mut client).await?);
    assert_eq!((&first["echo"]["seq"], &second["echo"]["seq"]), (&json!(3), &json!(2)));
    assert_eq!(second["data"]["message_id"], fake.shown()[0].shown.unwrap());
    assert_eq!(fake.handshakes()[0].refused, Some(403));
    Ok(())
}

#[tokio::test]
async fn a_refused_message_is_not_shown_and_a_broken_answer_is_no_frame() -> Result<()> {
    let fake = FakeOneBot::forward(Account::new(10001))?;
    let mut client = client(&fake, "token of 10001").await?;
    next(&mut client).await?;
    let params = json!({"user_id": 300, "message": [text("hi")]});

    fake.push(Reply::failed(100));
    ask(&mut client, "send_private_msg", params.clone(), 1).await?;
    assert_eq!(next(&mut client).await?["retcode"], 100);
    assert_eq!((fake.asked().len(), fake.shown().len()), (1, 0));

    fake.push(Reply::CutMidway);
    ask(&mut client, "send_private_msg", params, 2).await?;
    assert!(next(&mut client).await.is_err());
    assert_eq!(fake.shows(1).await[0].text(), "hi");
    fake.disconnected().await;
    Ok(())
}

#[tokio::test]
async fn a_reverse_client_says_who_it_is_and_comes_back() -> Result<()> {
    let gateway = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", gateway.local_addr()?);
    let fake = FakeOneBot::reverse(Account::new(10001), &url, &[Role::Universal])?;
    for _ in 0..2 {
        let (stream, _) = gateway.accept().await?;
        let mut socket = tokio_tungstenite::accept_async(stream).await?;
        let lifecycle = socket.next().await.context("a first frame")??;
        ensure!(lifecycle.to_text()?.contains("\"lifecycle\""));
        fake.cut();
        ensure!(!matches!(socket.next().await, Some(Ok(_))));
    }
    let seen = fake.shaken(|list| list.len() >= 2).await;
    assert_eq!(seen[0].headers["x-client-role"], "Universal");
    assert_eq!(seen[0].headers["authorization"], "Bearer token of 10001");
    fake.present(false);
    fake.disconnected().await;
    Ok(())
}

#[tokio::test]
async fn the_http_api_demands_the_token_and_answers() -> Result<()> {
    let fake = FakeOneBot::http(Account::new(10001), "http://127.0.0.1:1/")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let send = || {
        let url = format!("{}/send_private_msg", fake.address());
        client.post(url).json(&json!({"user_id": 300, "message": "hi"}))
    };
    assert_eq!(send().send().await?.status(), 401);
    let answer: Value = send().bearer_auth("token of 10001").send().await?.json().await?;
    assert_eq!(answer["data"]["message_id"], fake.shown()[0].shown.unwrap());
    for broken in [Reply::Cut, Reply::CutMidway] {
        fake.push(broken);
        let answer = send().bearer_auth("token of 10001").send().await;
        let broken = match answer {
            Ok(answer) => answer.text().await.is_err(),
            Err(_) => true,
        };
        assert!(broken);
    }
    assert_eq!(fake.shown().len(), 3);
    Ok(())
}
