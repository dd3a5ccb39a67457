//! Answers as vendors send them, whole and cut anywhere.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::providers::ProviderConfig;

fn redactor() -> Redactor {
    Redactor::new(&ProviderConfig::merged(None, &json!({"id": "p"}), Path::new("")).unwrap(), None)
}

#[derive(Debug, Default, PartialEq)]
struct Answer {
    reasoning: String,
    text: String,
    usage: Option<(u64, u64, u64)>,
    finish: Option<FinishReason>,
    error: Option<&'static str>,
}

fn collect(events: Vec<ChatEvent>, result: Result<(), ProviderError>) -> Answer {
    let mut answer = Answer { error: result.err().map(|e| e.code()), ..Answer::default() };
    for event in events {
        assert_eq!(answer.finish, None, "nothing follows the end");
        match event {
            ChatEvent::ReasoningDelta(more) => answer.reasoning.push_str(&more),
            ChatEvent::TextDelta(more) => answer.text.push_str(&more),
            ChatEvent::Usage(u) => answer.usage = Some((u.input_other, u.input_cached, u.output)),
            ChatEvent::Done(done) => answer.finish = Some(done.finish_reason),
        }
    }
    answer
}

fn streamed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Answer {
    let (mut decoder, redactor, mut out) = (Decoder::new(), redactor(), Vec::new());
    let pushed =
        pieces.into_iter().try_for_each(|piece| decoder.stream(piece, &redactor, &mut out));
    let ended = pushed.and_then(|()| {
        if decoder.ended() { Ok(()) } else { decoder.stream_end(None, &redactor, &mut out) }
    });
    collect(out, ended)
}

fn lines(chunks: &[&str]) -> String {
    chunks.iter().flat_map(|chunk| ["data: ", chunk, "\n\n"]).collect()
}

fn check(chunks: &[&str], expected: &Answer) {
    assert_eq!(&streamed([lines(chunks).as_bytes()]), expected, "{chunks:?}");
}

fn text(text: &str) -> Answer {
    Answer { text: text.to_owned(), finish: Some(FinishReason::Stop), ..Answer::default() }
}

const A: &str = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
const B: &str = r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}"#;

#[test]
fn a_stream_is_read_with_and_without_its_end_mark() {
    check(&[A, B, "[DONE]"], &text("ab"));
    check(&[A, B], &text("ab"));
    check(&[A, "[DONE]"], &Answer { finish: Some(FinishReason::Other), ..text("a") });
    check(&[A], &Answer { finish: None, error: Some("cut"), ..text("a") });
    check(
        &[A, r#"{"choices":[{"del"#],
        &Answer { finish: None, error: Some("malformed"), ..text("a") },
    );
}

#[test]
fn a_stream_cut_inside_its_last_event_is_cut_and_not_malformed() {
    let mut bytes = lines(&[A]);
    bytes.push_str(r#"data: {"choices":[{"del"#);
    assert_eq!(streamed([bytes.as_bytes()]).error, Some("cut"));
}

#[test]
fn missing_null_and_empty_fields_are_passed_over() {
    let keep_alive = r#"{"choices":[],"usage":null}"#;
    let nulls = r#"{"id":null,"choices":null,"error":null}"#;
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":null}}]}"#;
    let other = r#"{"choices":[{"index":1,"delta":{"content":"not ours"}}]}"#;
    let bare = r#"{"choices":[{"index":0,"finish_reason":""}]}"#;
    check(&[keep_alive, nulls, role, A, other, bare, "", B, "[DONE]"], &text("ab"));
}

#[test]
fn usage_is_read_from_the_top_and_from_a_choice_and_the_last_one_counts() {
    let top = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    check(&[A, B, top, "[DONE]"], &Answer { usage: Some((5, 4, 2)), ..text("ab") });
    let inside = r#"{"choices":[{"delta":{},"usage":{"prompt_tokens":1,"completion_tokens":1}}]}"#;
    check(&[A, inside, B], &Answer { usage: Some((1, 0, 1)), ..text("ab") });
}

#[test]
fn thinking_is_read_under_all_its_names() {
    let named = r#"{"choices":[{"delta":{"reasoning_content":"hm","content":""}}]}"#;
    let short = r#"{"choices":[{"delta":{"reasoning":"hm","content":null}}]}"#;
    let tagged = r#"{"choices":[{"delta":{"content":"<think>hm</think>\n"}}]}"#;
    for thinking in [named, short, tagged] {
        check(&[thinking, A, B], &Answer { reasoning: "hm".to_owned(), ..text("ab") });
    }
}

#[test]
fn content_as_parts_and_a_refusal_are_text() {
    let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}"#;
    check(&[parts, B], &text("ab"));
    let refusal = r#"{"choices":[{"delta":{"refusal":"no"},"finish_reason":"stop"}]}"#;
    check(&[refusal], &text("no"));
}

#[test]
fn errors_inside_the_stream_keep_what_came_before() {
    let error = r#"{"error":{"message":"boom","code":500}}"#;
    check(&[A, error, B], &Answer { finish: None, error: Some("status"), ..text("a") });
    let filter = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"content_filter"}]}"#;
    check(&[A, filter], &Answer { finish: None, error: Some("content_filter"), ..text("ax") });
    let named = "event: error\ndata: {\"message\":\"boom\"}\n\n";
    assert_eq!(streamed([named.as_bytes()]).error, Some("reported"));
}

#[test]
fn an_answer_of_nothing_is_an_error_of_its_own_unless_it_asks_for_tools() {
    let nothing = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    check(&[nothing, "[DONE]"], &Answer { error: Some("empty"), ..Answer::default() });
    let tools = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}}]},"finish_reason":"tool_calls"}]}"#;
    check(&[tools], &Answer { finish: Some(FinishReason::ToolCalls), ..Answer::default() });
}

#[test]
fn a_whole_answer_gives_the_same_events_as_a_stream() {
    let check = |body: &str, expected: &Answer| {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        let result = decoder.whole(body.as_bytes(), &redactor(), &mut out);
        assert_eq!(&collect(out, result), expected, "{body}");
    };
    let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":1}"#;
    let message = r#"{"message":{"content":"<think>hm</think>ab"},"finish_reason":"stop"}"#;
    check(
        &format!(r#"{{"choices":[{message}],{usage}}}"#),
        &Answer { reasoning: "hm".to_owned(), usage: Some((3, 0, 1)), ..text("ab") },
    );
    check(r#"{"choices":[]}"#, &Answer { error: Some("malformed"), ..Answer::default() });
    check("<html>", &Answer { error: Some("malformed"), ..Answer::default() });
    check(r#"{"error":{"message":"x"}}"#, &Answer { error: Some("reported"), ..Answer::default() });
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(
        chunks in prop::collection::vec(prop_oneof![
            Just(A), Just(B), Just("[DONE]"), Just(r#"{"choices":[]}"#), Just(r#"{"error":"x"}"#),
            Just(r#"{"choices":[{"delta":{"content":"<think>思"}}]}"#),
            Just(r#"{"choices":[{"delta":{"content":"</think>"}}]}"#), Just("{"),
        ], 0..8),
        cuts in prop::collection::vec(0usize..600, 0..16),
        keep in 0usize..600,
    ) {
        let text = lines(&chunks);
        let bytes = &text.as_bytes()[..keep.min(text.len())];
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(streamed(pieces), streamed([bytes]));
    }
}
