//! A small web server for tests: each answer is made by a function of the request.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

/// What is asked: the path, and the lines of the head.
pub(in crate::plugins) struct Asked {
    pub(in crate::plugins) path: String,
    head: Vec<String>,
}

impl Asked {
    /// A header's value.
    pub(in crate::plugins) fn header(&self, name: &str) -> Option<&str> {
        let of = |line: &&String| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        self.head
            .iter()
            .find(of)
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim())
    }
}

/// An answer: its status, its other headers, its body.
pub(in crate::plugins) type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// Serves until the test's process ends; answers `127.0.0.1:port`.
pub(in crate::plugins) fn serve(
    answer: impl Fn(Asked) -> Answer + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            std::thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut head: Vec<String> =
                    lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                if head.is_empty() {
                    return;
                }
                let first = head.remove(0);
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, headers, body) = answer(Asked { path, head });
                let length = ("content-length", body.len().to_string());
                let lines = headers.into_iter().chain([("connection", "close".to_owned()), length]);
                let lines = lines.map(|(name, value)| format!("{name}: {value}\r\n"));
                let text =
                    format!("HTTP/1.1 {status} x\r\n{}\r\n", lines.collect::<Vec<_>>().concat());
                let _gone =
                    stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&body));
            });
        }
    });
    host
}
