//! A model that answers every question with its number, at once.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The most headers of a request that are understood.
const HEADERS: usize = 48;

/// Serves until the process ends. The address goes to the caller first.
pub async fn serve(tell: impl FnOnce(SocketAddr)) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell(listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(connection(stream));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers request after request.
async fn connection(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let length = loop {
            if let Some(length) = whole(&buffer)?
                && buffer.len() >= length
            {
                break length;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let request = buffer.get(..length).context("it is whole")?;
        let answer = answer(request);
        buffer.drain(..length);
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// How long the request is, once its head is complete.
fn whole(bytes: &[u8]) -> Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes)? else { return Ok(None) };
    ensure!(request.method == Some("POST"), "only questions are understood");
    let length = request.headers.iter().find(|one| one.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.context("no length")?.value)?.trim().parse()?;
    Ok(Some(head + length))
}

fn answer(request: &[u8]) -> String {
    let said =
        super::number::number(request).map_or_else(|| "no number".to_owned(), |n| n.to_string());
    let said =
        format!("#{said} is what it is about, and there is not more to be said of it than that.");
    let streams = request.windows(13).any(|window| window == b"\"stream\":true");
    let (kind, body) = if streams {
        let events = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{said}\"}}}}]}}\n\n\
             data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
             data: [DONE]\n\n"
        );
        ("text/event-stream", events)
    } else {
        let whole = format!(
            "{{\"id\":\"1\",\"object\":\"chat.completion\",\"model\":\"bare\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"{said}\"}},\"finish_reason\":\"stop\"}}],\
             \"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}}}"
        );
        ("application/json", whole)
    };
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[cfg(test)]
mod tests {
    use super::{answer, whole};

    #[test]
    fn a_question_is_answered_with_its_number_in_the_way_it_asks_for() {
        let request = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 31\r\n\r\n\
            {\"stream\":true,\"content\":\"a #5\"}";
        assert_eq!(whole(request).unwrap(), Some(request.len() - 1));
        assert!(
            answer(request).contains("\"content\":\"#5 is") && answer(request).contains("DONE")
        );
        assert!(answer(b"{\"content\":\"a #6\"}").contains("chat.completion"));
    }
}
