//! The smallest HTTP client that can measure a start: one connection for each request, and no
//! work before the first byte.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

const LIMIT: Duration = Duration::from_secs(10);

/// A reply.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// What a request says beyond its path.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) token: Option<&'a str>,
    pub(super) json: Option<&'a serde_json::Value>,
}

/// Posts when there is a body and gets otherwise.
pub(super) fn call(address: SocketAddr, path: &str, options: &Options<'_>) -> Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    stream.write_all(request(address, path, options).as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn request(address: SocketAddr, path: &str, options: &Options<'_>) -> String {
    let authorization =
        options.token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let shared = format!("Host: {address}\r\nConnection: close\r\n{authorization}");
    match options.json.map(ToString::to_string) {
        None => format!("GET {path} HTTP/1.1\r\n{shared}\r\n"),
        Some(body) => format!(
            "POST {path} HTTP/1.1\r\n{shared}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    }
}

/// The servers measured here state the length of what they answer, so the rest is the body.
fn parse(bytes: &[u8]) -> Result<Reply> {
    let text = std::str::from_utf8(bytes)?;
    let (head, body) = text.split_once("\r\n\r\n").context("a reply without a head")?;
    ensure!(!head.to_ascii_lowercase().contains("transfer-encoding"), "a reply in chunks");
    let status = head.split(' ').nth(1).context("a reply without a status")?.parse()?;
    Ok(Reply { status, body: body.to_owned() })
}
