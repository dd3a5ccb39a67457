//! From a [`Reply`] to bytes on the wire.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::rt::net::TcpStream;
use async_stream::stream;
use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};

use super::record::Running;
use super::reply::{Answer, Reply};

const MODEL: &str = "fake-model";
const EVENTS: &str = "text/event-stream";
/// Comments are sent this often while a stream stalls: they are no tokens.
const COMMENT_EVERY: Duration = Duration::from_millis(50);

/// What happens next on the connection.
enum Step {
    Send(Bytes),
    Wait(Duration),
    CommentForever,
    Hang,
    Break { reset: bool },
}

/// Answers one chat request. The socket is that of the connection, for replies that break it.
pub(super) async fn respond(
    reply: Reply,
    request: &Value,
    running: Running,
    socket: Option<TcpStream>,
) -> HttpResponse {
    let (content_type, steps) = match reply {
        Reply::Silence => {
            let _until_the_client_hangs_up = running;
            let never: Infallible = pending().await;
            match never {}
        }
        Reply::Status { status, body, retry_after } => {
            return refuse(status, body, retry_after, running);
        }
        Reply::Redirect { to } => {
            let mut running = running;
            running.answered();
            return HttpResponse::TemporaryRedirect().insert_header((LOCATION, to)).finish();
        }
        Reply::Answer(answer) if is_true(request, "/stream") => {
            (EVENTS.to_owned(), streamed(&answer, request))
        }
        Reply::Answer(answer) => ("application/json".to_owned(), whole(&answer, request)),
        Reply::StallBeforeFirst => (EVENTS.to_owned(), vec![Step::CommentForever]),
        Reply::StallAfter { text } => {
            (EVENTS.to_owned(), vec![delta("content", &text), Step::Hang])
        }
        Reply::CutAfter { text, reset } => {
            // The pause lets the text arrive: a reset throws away what is still under way.
            let pause = Step::Wait(Duration::from_millis(50));
            (EVENTS.to_owned(), vec![delta("content", &text), pause, Step::Break { reset }])
        }
        Reply::Raw { content_type, pieces } => {
            (content_type, pieces.into_iter().map(|piece| Step::Send(piece.into())).collect())
        }
        Reply::LongLine { bytes } => {
            let line = format!("data: {}", "x".repeat(bytes));
            (EVENTS.to_owned(), vec![Step::Send(line.into()), Step::Hang])
        }
    };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .streaming(play(steps, running, socket))
}

fn refuse(
    status: u16,
    body: String,
    retry_after: Option<String>,
    mut running: Running,
) -> HttpResponse {
    running.answered();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(wait) = retry_after {
        response.insert_header((RETRY_AFTER, wait));
    }
    response.content_type("application/json").body(body)
}

fn play(
    steps: Vec<Step>,
    mut running: Running,
    socket: Option<TcpStream>,
) -> impl Stream<Item = io::Result<Bytes>> {
    stream! {
        for step in steps {
            match step {
                Step::Send(bytes) => yield Ok(bytes),
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Hang => pending::<()>().await,
                Step::CommentForever => loop {
                    yield Ok(Bytes::from_static(b": still here\n\n"));
                    tokio::time::sleep(COMMENT_EVERY).await;
                },
                Step::Break { reset } => {
                    if let Some(socket) = socket.as_ref().filter(|_| reset) {
                        let _without_linger_a_close_is_a_reset = socket.set_zero_linger();
                    }
                    drop(socket);
                    running.answered();
                    yield Err(io::Error::other("cut on purpose"));
                    return;
                }
            }
        }
        running.answered();
    }
}

fn streamed(answer: &Answer, request: &Value) -> Vec<Step> {
    let wait = || Step::Wait(Duration::from_millis(answer.delay_ms));
    let mut steps =
        vec![event(&json!({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}))];
    if let Some(reasoning) = &answer.reasoning {
        steps.extend(
            words(reasoning).flat_map(|word| [wait(), delta(&answer.reasoning_field, word)]),
        );
    }
    let text = said(answer, request);
    steps.extend(words(&text).flat_map(|word| [wait(), delta("content", word)]));
    let last =
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish_reason}]});
    steps.push(event(&last));
    if is_true(request, "/stream_options/include_usage") {
        steps.push(event(&json!({"choices": [], "usage": usage(&text)})));
    }
    if answer.end_mark {
        steps.push(Step::Send(Bytes::from_static(b"data: [DONE]\n\n")));
    }
    steps
}

fn whole(answer: &Answer, request: &Value) -> Vec<Step> {
    let text = said(answer, request);
    let mut message = json!({"role": "assistant", "content": text});
    if let Some(reasoning) = &answer.reasoning {
        let field = answer.reasoning_field.clone();
        message.as_object_mut().and_then(|message| message.insert(field, json!(reasoning)));
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": answer.finish_reason});
    let body = json!({"id": "fake-1", "model": MODEL, "choices": [choice], "usage": usage(&text)});
    let wait = Step::Wait(Duration::from_millis(answer.delay_ms));
    vec![wait, Step::Send(body.to_string().into())]
}

fn delta(field: &str, text: &str) -> Step {
    event(&json!({"choices": [{"index": 0, "delta": {field: text}}]}))
}

fn event(fields: &Value) -> Step {
    let mut chunk = json!({"id": "fake-1", "object": "chat.completion.chunk", "model": MODEL});
    if let (Some(chunk), Some(fields)) = (chunk.as_object_mut(), fields.as_object()) {
        chunk.extend(fields.clone());
    }
    Step::Send(format!("data: {chunk}\n\n").into())
}

fn is_true(request: &Value, at: &str) -> bool {
    request.pointer(at).and_then(Value::as_bool) == Some(true)
}

/// Each word keeps the space behind it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

fn usage(text: &str) -> Value {
    let completion = words(text).count();
    json!({"prompt_tokens": 10, "completion_tokens": completion, "total_tokens": 10 + completion,
        "prompt_tokens_details": {"cached_tokens": 4}})
}

/// The text of the answer: what it was told to say, or the question.
fn said(answer: &Answer, request: &Value) -> String {
    if let Some(text) = &answer.text {
        return text.clone();
    }
    let messages = request.get("messages").and_then(Value::as_array).into_iter().flatten();
    let asked = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let content = messages.rev().find(asked).and_then(|message| message.get("content"));
    let text = match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    format!("You said: {text}")
}
