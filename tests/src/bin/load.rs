//! A load generator: keep-alive connections that ask for one address for a while, and count.
//!
//! It is deliberately bare, because it shares its processors with the server it measures: one
//! thread, one prepared request, no client library.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// The largest head of a reply that is understood.
const HEADERS: usize = 48;

/// Asks for one address over several connections and prints how often it was answered.
#[derive(Parser)]
struct Arguments {
    /// The server's address.
    #[arg(long)]
    address: SocketAddr,
    /// Path and query to ask for.
    #[arg(long, default_value = "/")]
    path: String,
    /// Sent as a bearer token.
    #[arg(long, env = "LOAD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The status every reply must have.
    #[arg(long, default_value_t = 200)]
    status: u16,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// For how long.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the count is the result")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let request = request(&arguments);
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(arguments.seconds);
    let connections =
        (0..arguments.connections).map(|_| connection(&arguments, request.as_bytes(), until));
    let requests: u64 = try_join_all(connections).await?.into_iter().sum();
    let seconds = began.elapsed().as_secs_f64();
    let result = serde_json::json!({ "requests": requests, "seconds": seconds });
    println!("{result}");
    Ok(())
}

fn request(arguments: &Arguments) -> String {
    let authorization = arguments
        .token
        .as_ref()
        .map(|token| format!("Authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    let Arguments { path, address, .. } = arguments;
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{authorization}\r\n")
}

/// One connection until the time is over; any reply with another status ends it with an error.
async fn connection(arguments: &Arguments, request: &[u8], until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(arguments.address).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(request).await?;
        let status = reply(&mut stream, &mut buffer).await?;
        ensure!(
            status == arguments.status,
            "{} answered {status} instead of {}",
            arguments.path,
            arguments.status
        );
        answered += 1;
    }
    Ok(answered)
}

/// Reads one whole reply and returns its status.
async fn reply(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    let mut expected = None;
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection after {} bytes", buffer.len());
        }
        if expected.is_none() {
            expected = head(buffer)?;
        }
        if let Some((status, length)) = expected
            && buffer.len() >= length
        {
            return Ok(status);
        }
    }
}

/// Status and length of the whole reply, once its head is complete.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.context("a reply without a status")?;
    let body = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .context("a reply without a length")?;
    let body: usize = std::str::from_utf8(body.value)?.trim().parse()?;
    Ok(Some((status, length + body)))
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn a_reply_is_as_long_as_its_head_and_its_stated_body() {
        let reply = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(reply).unwrap(), Some((503, reply.len())));
    }

    #[test]
    fn half_a_head_is_waited_for() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
    }
}
