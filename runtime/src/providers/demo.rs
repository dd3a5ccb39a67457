//! The built-in `demo` provider: a first start talks without any key.
//!
//! It is no model. Its answer is made from the question alone, always the same for the same
//! question, and says of itself that it is a demo: in the text, in the display name and in the
//! [`ProviderMeta`].

use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::chat::{
    ChatEvent, ChatProvider, ChatRequest, ChatStream, Done, FinishReason, ProviderMeta, Role,
    TokenUsage,
};
use super::config::ProviderConfig;
use super::error::ProviderError;
use super::kinds;
use super::tokens::estimate;

/// The type of the configuration entry.
pub const KIND: &str = "demo_chat_completion";
const MODEL: &str = "demo";
const DELAY: Duration = Duration::from_millis(15);
/// Longer questions are not repeated whole.
const ECHO_CHARS: usize = 400;

/// Answers without a model.
pub struct Demo {
    meta: ProviderMeta,
    delay: Duration,
    closed: CancellationToken,
    /// Each answer under way holds one.
    running: Arc<()>,
}

impl Demo {
    /// `chunk_delay_ms` sets the pace of the answer.
    pub fn new(config: &ProviderConfig) -> Self {
        let delay = config.raw.get("chunk_delay_ms").and_then(Value::as_u64);
        Self {
            meta: ProviderMeta {
                model: MODEL.to_owned(),
                display_name: "Demo (no model)".to_owned(),
                demo: true,
                ..kinds::described(config)
            },
            delay: delay.map_or(DELAY, Duration::from_millis),
            closed: CancellationToken::new(),
            running: Arc::default(),
        }
    }
}

#[async_trait]
impl ChatProvider for Demo {
    fn meta(&self) -> &ProviderMeta {
        &self.meta
    }

    async fn chat(
        &self,
        request: ChatRequest,
        cancel: CancellationToken,
    ) -> Result<ChatStream, ProviderError> {
        if self.closed.is_cancelled() {
            return Err(ProviderError::Closed);
        }
        let answer = answer(&request);
        let input = request.messages.iter().map(|message| estimate(&message.text())).sum();
        let usage = TokenUsage { input_other: input, input_cached: 0, output: estimate(&answer) };
        let pieces = if request.stream { pieces(&answer) } else { vec![answer] };
        let (delay, closed, running) = (self.delay, self.closed.clone(), Arc::clone(&self.running));
        Ok(Box::pin(stream! {
            let _until_the_end = running;
            for piece in pieces {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => { yield Err(ProviderError::Cancelled); return }
                    () = closed.cancelled() => { yield Err(ProviderError::Closed); return }
                    () = tokio::time::sleep(delay) => yield Ok(ChatEvent::TextDelta(piece)),
                }
            }
            yield Ok(ChatEvent::Usage(usage));
            let finish_reason = FinishReason::Stop;
            let model = Some(MODEL.to_owned());
            yield Ok(ChatEvent::Done(Done { finish_reason, model, response_id: None }));
        }))
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        Ok(vec![MODEL.to_owned()])
    }

    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.running) > 1
    }

    async fn close(&self) -> Result<(), ProviderError> {
        self.closed.cancel();
        Ok(())
    }
}

fn answer(request: &ChatRequest) -> String {
    let asked = request.messages.iter().rev().find(|message| message.role == Role::User);
    let question = asked.map(|message| message.text().trim().to_owned()).unwrap_or_default();
    let images = asked.map_or(0, super::chat::Message::images);
    let echo: String = question.chars().take(ECHO_CHARS).collect();
    let echo = if echo.len() < question.len() { format!("{echo}…") } else { echo };
    if question.chars().any(is_chinese) { chinese(&echo, images) } else { english(&echo, images) }
}

fn english(echo: &str, images: usize) -> String {
    let asked = match (echo, images) {
        ("", 0) => "You sent an empty message.".to_owned(),
        ("", _) => format!("You sent {images} image(s), which a demo cannot see."),
        (echo, 0) => format!("You wrote: “{echo}”"),
        (echo, _) => format!("You wrote: “{echo}”, and sent {images} image(s)."),
    };
    format!(
        "[Demo] This is the built-in demo provider; no language model read your message. {asked}\n\n\
         Everything up to here is real: your message was stored, went through the pipeline and is \
         answered as a stream. To talk to a model, add a provider source with its address and key, \
         add a model of that source as a provider, and make it the default."
    )
}

fn chinese(echo: &str, images: usize) -> String {
    let pictures =
        if images == 0 { String::new() } else { format!("（附带 {images} 张图片）") };
    format!(
        "【演示】这是内置的演示提供商，没有任何语言模型读过您的消息。您写的是：“{echo}”{pictures}\n\n\
         除此之外一切都是真实的：消息已入库，经过了处理流水线，并以流式方式回复。\
         要与真正的模型对话，请添加一个提供商源（填写地址和密钥），再添加该源的一个模型作为提供商，并设为默认。"
    )
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Words with the space that follows them; Chinese text in small groups of characters.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut wide = 0;
    for c in text.chars() {
        piece.push(c);
        wide += usize::from(!c.is_ascii());
        if c.is_ascii_whitespace() || wide >= 3 {
            pieces.push(std::mem::take(&mut piece));
            wide = 0;
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::StreamExt as _;
    use serde_json::json;

    use super::*;
    use crate::providers::chat::{Message, Part};

    fn demo() -> Demo {
        let raw = json!({"id": "demo", "type": KIND});
        Demo::new(&ProviderConfig::merged(None, &raw, Path::new("")).unwrap())
    }

    async fn ask(question: Message, stream: bool) -> (String, usize) {
        let request = ChatRequest { messages: vec![question], stream, ..ChatRequest::default() };
        let mut events = demo().chat(request, CancellationToken::new()).await.unwrap();
        let (mut text, mut deltas, mut done) = (String::new(), 0, 0);
        while let Some(event) = events.next().await {
            assert_eq!(done, 0, "nothing follows the end");
            match event.unwrap() {
                ChatEvent::TextDelta(delta) => {
                    text.push_str(&delta);
                    deltas += 1;
                }
                ChatEvent::Done(_) => done += 1,
                ChatEvent::Usage(usage) => assert!(usage.output > 0),
                ChatEvent::ReasoningDelta(_) => panic!("a demo does not think"),
            }
        }
        assert_eq!(done, 1);
        (text, deltas)
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_is_labelled_echoes_the_question_and_is_the_same_each_time() {
        let (first, deltas) = ask(Message::user("How are you?"), true).await;
        assert!(first.starts_with("[Demo]") && first.contains("“How are you?”"));
        assert!(deltas > 10);
        let (whole, one) = ask(Message::user("How are you?"), false).await;
        assert_eq!((first, 1), (whole, one));
    }

    #[tokio::test(start_paused = true)]
    async fn a_chinese_question_gets_a_chinese_answer_and_images_are_counted() {
        let parts = vec![Part::text("你好"), Part::image_bytes("image/png", b"x")];
        let (answer, deltas) = ask(Message::new(Role::User, parts), true).await;
        assert!(answer.starts_with("【演示】") && answer.contains("“你好”（附带 1 张图片）"));
        assert!(deltas > 10);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_ends_the_answer_and_closing_refuses_the_next() {
        let demo = demo();
        let cancel = CancellationToken::new();
        let request = || ChatRequest {
            messages: vec![Message::user("x")],
            stream: true,
            ..ChatRequest::default()
        };
        let mut events = demo.chat(request(), cancel.clone()).await.unwrap();
        assert!(events.next().await.unwrap().is_ok());
        cancel.cancel();
        assert_eq!(events.next().await.unwrap().unwrap_err().code(), "cancelled");
        assert!(events.next().await.is_none());

        let mut events = demo.chat(request(), CancellationToken::new()).await.unwrap();
        demo.close().await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap_err().code(), "closed");
        let refused = demo.chat(request(), CancellationToken::new()).await;
        assert_eq!(refused.err().unwrap().code(), "closed");
    }
}
