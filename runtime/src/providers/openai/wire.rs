//! The shapes on the wire. Vendors leave out fields, send `null`, and rename a few.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::providers::chat::{FinishReason, TokenUsage};
use crate::providers::error::ProviderError;
use crate::providers::redact::Redactor;

/// A chunk of a stream, or a whole answer: they differ in `delta` against `message` only.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Value>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    #[serde(alias = "message")]
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<Value>,
    pub(super) reasoning_content: Option<Value>,
    pub(super) reasoning: Option<Value>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Value>,
}

fn nullable<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Choice>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Delta {
    /// Thinking, by whichever name.
    pub(super) fn thinking(&self) -> String {
        let named = [&self.reasoning_content, &self.reasoning].into_iter().flatten();
        named.map(plain).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The answer; a refusal is an answer too.
    pub(super) fn text(&self) -> String {
        let content = self.content.as_ref().map(plain).unwrap_or_default();
        if content.is_empty() { self.refusal.clone().unwrap_or_default() } else { content }
    }

    pub(super) fn asks_for_tools(&self) -> bool {
        self.tool_calls.as_ref().and_then(Value::as_array).is_some_and(|calls| !calls.is_empty())
    }
}

/// Text as a string, or as a list of parts.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| part.get("text").unwrap_or(part));
            texts.filter_map(Value::as_str).collect()
        }
        _ => String::new(),
    }
}

pub(super) fn finish_reason(wire: &str) -> FinishReason {
    match wire {
        "stop" | "end_turn" | "eos" => FinishReason::Stop,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        _ => FinishReason::Other,
    }
}

/// Token counts under any of their names. `None` where there are none at all.
pub(super) fn usage(value: &Value) -> Option<TokenUsage> {
    let number = |at: &str| {
        let found = value.pointer(at)?;
        found.as_u64().or_else(|| found.as_f64().filter(|n| *n >= 0.0).map(truncated))
    };
    let first = |names: &[&str]| names.iter().find_map(|at| number(at));
    let input = first(&["/prompt_tokens", "/input_tokens"]);
    let output = first(&["/completion_tokens", "/output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached = first(&[
        "/prompt_tokens_details/cached_tokens",
        "/input_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
    ]);
    let input = input.unwrap_or(0);
    let input_cached = cached.unwrap_or(0).min(input);
    let input_other = input - input_cached;
    Some(TokenUsage { input_other, input_cached, output: output.unwrap_or(0) })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that came as a float: not negative, and the cast saturates"
)]
fn truncated(number: f64) -> u64 {
    number as u64
}

/// What an error object inside a successful answer means.
pub(super) fn reported(error: &Value, redactor: &Redactor) -> ProviderError {
    let message = redactor.clean(&message(error));
    let code = error.get("code").filter(|code| !code.is_null()).or_else(|| error.get("type"));
    let code = code.map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
    match code.as_deref().unwrap_or_default() {
        code if code.contains("content_filter") => ProviderError::ContentFilter,
        code if code.contains("rate_limit") || code == "429" || code == "insufficient_quota" => {
            ProviderError::RateLimited { retry_after: None, message }
        }
        code if code.contains("api_key") || code.contains("authentication") || code == "401" => {
            ProviderError::Auth { status: 401, message }
        }
        other => match other.parse::<u16>() {
            Ok(status) if (400..600).contains(&status) => ProviderError::Status { status, message },
            _ => ProviderError::Reported { code: code.map(|code| redactor.clean(&code)), message },
        },
    }
}

/// What a status other than success means, with the beginning of its body.
pub(super) fn refused(
    status: u16,
    retry_after: Option<Duration>,
    body: &str,
    redactor: &Redactor,
) -> ProviderError {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let error = parsed.as_ref().map(|body| body.get("error").unwrap_or(body));
    let filtered = error.and_then(|error| error.get("code")).and_then(Value::as_str);
    if filtered.is_some_and(|code| code.contains("content_filter")) {
        return ProviderError::ContentFilter;
    }
    let message = redactor.clean(&error.map_or_else(|| body.to_owned(), message));
    match status {
        401..=403 => ProviderError::Auth { status, message },
        429 => ProviderError::RateLimited { retry_after, message },
        _ => ProviderError::Status { status, message },
    }
}

/// The human part of an error object, wherever the vendor put it.
fn message(error: &Value) -> String {
    let named = ["message", "error", "detail", "msg"].iter().find_map(|name| error.get(name));
    match named.unwrap_or(error) {
        Value::String(text) => text.clone(),
        Value::Object(inner) => match inner.get("message").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::providers::ProviderConfig;

    #[test]
    fn token_counts_are_found_under_all_their_names() {
        let check = |value: Value, expected: (u64, u64, u64)| {
            let usage = usage(&value).unwrap();
            assert_eq!((usage.input_other, usage.input_cached, usage.output), expected, "{value}");
        };
        check(json!({"prompt_tokens": 10, "completion_tokens": 3}), (10, 0, 3));
        let openai = json!({"prompt_tokens": 10, "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4}});
        check(openai, (6, 4, 3));
        check(json!({"prompt_tokens": 10, "prompt_cache_hit_tokens": 4}), (6, 4, 0));
        check(json!({"prompt_tokens": 10, "cached_tokens": 40}), (0, 10, 0));
        check(json!({"input_tokens": 5.0, "output_tokens": 2.0}), (5, 0, 2));
        assert_eq!(usage(&json!({})), None);
        assert_eq!(usage(&json!({"prompt_tokens": null})), None);
    }

    #[test]
    fn errors_inside_an_answer_and_error_bodies_are_told_apart() {
        let config = ProviderConfig::merged(
            None,
            &json!({"id": "p", "key": ["sk-12345678"]}),
            Path::new(""),
        );
        let redactor = Redactor::new(&config.unwrap(), None);
        let check = |value: Value, code: &str| {
            let error = reported(&value, &redactor);
            assert_eq!(error.code(), code, "{value}");
            assert!(!error.to_string().contains("sk-12345678"));
        };
        check(json!({"code": "rate_limit_exceeded", "message": "sk-12345678"}), "rate_limited");
        check(json!({"code": 429, "message": "slow"}), "rate_limited");
        check(json!({"code": "invalid_api_key", "message": "sk-12345678"}), "auth");
        check(json!({"code": 502, "message": "upstream"}), "status");
        check(json!({"code": null, "type": "server_error", "message": "x"}), "reported");
        check(json!("just text"), "reported");
        check(json!({"code": "content_filter"}), "content_filter");

        let body = r#"{"error":{"message":"no such key sk-12345678"}}"#;
        let refusal = refused(401, None, body, &redactor).to_string();
        assert!(refusal.contains("no such key [redacted]"), "{refusal}");
        let azure = r#"{"error":{"code":"content_filter","message":"x"}}"#;
        assert_eq!(refused(400, None, azure, &redactor).code(), "content_filter");
        let proxy = refused(502, None, "<html>Bad Gateway</html>", &redactor);
        assert!(proxy.is_retryable());
    }
}
