//! The HTTP API: a server small enough to break its answers at any byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::actions::{self, Taken};
use super::record::Handshake;
use super::reply::Reply;
use super::shared::Shared;

/// The largest request that is read.
const LIMIT: usize = 64 << 20;

/// One request.
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Serves for as long as the fake lives.
pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                let mut cuts = shared.cuts.subscribe();
                connections.spawn(async move {
                    tokio::select! {
                        // A client that hangs up ends its connection; so does a broken answer.
                        _ended = serve(&shared, stream) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(shared: &Shared, mut stream: TcpStream) -> Result<()> {
    let connection = shared.next_connection();
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let request = read(&mut stream, &mut buffer).await?;
        let refused = refusal(shared, &request);
        shared.records.shake(Handshake {
            path: request.path.clone(),
            headers: request.headers.clone(),
            refused,
        });
        if let Some(status) = refused {
            stream.write_all(response(status, "").as_bytes()).await?;
            continue;
        }
        let params: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let action = request.path.trim_matches('/');
        let Taken { reply, answer } =
            actions::take(shared, connection, action, &params, &Value::Null);
        let whole = match reply {
            Reply::Silence => std::future::pending().await,
            Reply::Cut => return Ok(()),
            Reply::CutMidway => {
                let whole = response(200, &answer.to_string());
                let half = whole.as_bytes().split_at(whole.len() * 3 / 4).0;
                return Ok(stream.write_all(half).await?);
            }
            Reply::Raw(text) => response(200, &text),
            Reply::Status(status) => response(status, ""),
            Reply::After(pause) => {
                tokio::time::sleep(pause).await;
                response(200, &answer.to_string())
            }
            _ if answer["retcode"] == 1404 => response(404, ""),
            _ => response(200, &answer.to_string()),
        };
        stream.write_all(whole.as_bytes()).await?;
    }
}

fn refusal(shared: &Shared, request: &Request) -> Option<u16> {
    if !*shared.present.borrow() {
        return Some(503);
    }
    let token = shared.account.token.as_ref()?;
    match request.headers.get("authorization") {
        None => Some(401),
        Some(sent) if *sent == format!("Bearer {token}") => None,
        Some(_) => Some(403),
    }
}

fn response(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As told\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Request> {
    loop {
        if let Some(request) = parse(buffer)? {
            return Ok(request);
        }
        ensure!(buffer.len() < LIMIT, "the request is too large");
        ensure!(stream.read_buf(buffer).await? > 0, "the client hung up");
    }
}

/// Takes a whole request off the buffer, once it is there.
fn parse(buffer: &mut Vec<u8>) -> Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(begin) = head.parse(buffer)? else { return Ok(None) };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let path = head.path.context("a request has a path")?.to_owned();
    let headers: BTreeMap<String, String> = head
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
        .collect();
    let length = headers.get("content-length").map_or(Ok(0), |length| length.parse::<usize>())?;
    let Some(body) = buffer.get(begin..begin + length).map(<[u8]>::to_vec) else {
        return Ok(None);
    };
    buffer.drain(..begin + length);
    Ok(Some(Request { path, headers, body }))
}
