//! One exchange: a request, and its answer as far as one wants to read it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::decode::Decoder;
use super::{embeddings, wire};
use crate::http_client::LazyClient;
use crate::providers::chat::ChatEvent;
use crate::providers::config::{Deadlines, ProviderConfig};
use crate::providers::error::{Deadline, ProviderError};
use crate::providers::redact::Redactor;

/// A whole answer, images in it included.
const BODY_LIMIT: usize = 32 << 20;
/// Of an error's body only the beginning is of interest.
const ERROR_LIMIT: usize = 16 << 10;

/// Where and how one provider is reached.
pub(super) struct Peer {
    http: LazyClient,
    pub(super) redactor: Redactor,
    pub(super) deadlines: Deadlines,
    base: String,
    /// Azure has addresses and a key header of its own, and an API version.
    azure: Option<String>,
}

/// An answer whose first events are there.
pub(super) struct Opened {
    pub(super) first: Vec<ChatEvent>,
    /// What went wrong behind the first events, in the same read.
    pub(super) broken: Option<ProviderError>,
    pub(super) rest: Exchange,
}

/// The rest of an answer.
pub(super) struct Exchange {
    response: Response,
    decoder: Decoder,
}

impl Peer {
    pub(super) fn new(
        config: &ProviderConfig,
        http: LazyClient,
        redactor: Redactor,
    ) -> Result<Self, ProviderError> {
        let base = config.api_base.trim_end_matches('/');
        let base = base.strip_suffix("/chat/completions").unwrap_or(base);
        let missing_version = config.kind == "longcat_chat_completion" && base.ends_with("/openai");
        let base = if missing_version { format!("{base}/v1") } else { base.to_owned() };
        let parsed = reqwest::Url::parse(&base).ok();
        if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            let reason = "api_base is not an http or https address".to_owned();
            return Err(ProviderError::Misconfigured { reason });
        }
        let azure = config.raw.get("api_version").and_then(Value::as_str);
        let azure = azure.filter(|version| !version.is_empty()).map(str::to_owned);
        Ok(Self { http, redactor, deadlines: config.deadlines, base, azure })
    }

    /// Asks, and reads until the first events are there.
    pub(super) async fn open(
        &self,
        key: Option<&SecretString>,
        model: &str,
        body: Bytes,
        streaming: bool,
    ) -> Result<Opened, ProviderError> {
        let url = match &self.azure {
            None => format!("{}/chat/completions", self.base),
            Some(version) => format!(
                "{}/openai/deployments/{model}/chat/completions?api-version={version}",
                self.base
            ),
        };
        let accept = if streaming { "text/event-stream" } else { "application/json" };
        let request = self.http.client()?.post(url).header(ACCEPT, accept);
        let request = self.signed(request, key).header(CONTENT_TYPE, "application/json").body(body);
        let after = self.deadlines.first_token;
        let answer = async { self.begin(self.send(request).await?, streaming).await };
        let late = ProviderError::Timeout { deadline: Deadline::FirstToken, after };
        timeout(after, answer).await.unwrap_or(Err(late))
    }

    /// The ids of the models that the key may use.
    pub(super) async fn models(
        &self,
        key: Option<&SecretString>,
    ) -> Result<Vec<String>, ProviderError> {
        let url = match &self.azure {
            None => format!("{}/models", self.base),
            Some(version) => format!("{}/openai/models?api-version={version}", self.base),
        };
        let request =
            self.signed(self.http.client()?.get(url), key).header(ACCEPT, "application/json");
        let after = self.deadlines.first_token;
        let answer = async {
            let body = read(self.send(request).await?, BODY_LIMIT, &self.redactor).await?;
            model_ids(&body)
        };
        let late = ProviderError::Timeout { deadline: Deadline::Whole, after };
        timeout(after, answer).await.unwrap_or(Err(late))
    }

    /// The vectors of texts, in their order.
    pub(super) async fn embed(
        &self,
        key: Option<&SecretString>,
        model: &str,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, ProviderError> {
        let url = match &self.azure {
            None => format!("{}/embeddings", self.base),
            Some(version) => {
                format!("{}/openai/deployments/{model}/embeddings?api-version={version}", self.base)
            }
        };
        let body = json!({ "model": model, "input": texts, "encoding_format": "float" });
        let request = self.signed(self.http.client()?.post(url), key).json(&body);
        let after = self.deadlines.whole;
        let answer = async {
            let body = read(self.send(request).await?, BODY_LIMIT, &self.redactor).await?;
            embeddings::vectors(&body, texts.len())
        };
        let late = ProviderError::Timeout { deadline: Deadline::Whole, after };
        timeout(after, answer).await.unwrap_or(Err(late))
    }

    fn signed(&self, request: RequestBuilder, key: Option<&SecretString>) -> RequestBuilder {
        match (key, &self.azure) {
            (None, _) => request,
            (Some(key), None) => request.bearer_auth(key.expose_secret()),
            (Some(key), Some(_)) => request.header("api-key", key.expose_secret()),
        }
    }

    /// Sends, and turns every status but success into an error.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ProviderError> {
        let sent = request.send().await;
        let response = sent.map_err(|error| self.unsent(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = retry_after(response.headers());
        let body = beginning(response).await;
        Err(wire::refused(status.as_u16(), wait, &String::from_utf8_lossy(&body), &self.redactor))
    }

    fn unsent(&self, error: reqwest::Error) -> ProviderError {
        if error.is_timeout() && error.is_connect() {
            let after = self.deadlines.connect;
            return ProviderError::Timeout { deadline: Deadline::Connect, after };
        }
        let (builder, redirect) = (error.is_builder(), error.is_redirect());
        let reason = describe(error, &self.redactor);
        if builder || redirect {
            return ProviderError::Misconfigured { reason };
        }
        ProviderError::Connect { reason }
    }

    /// What was asked for is not always what comes: the type of the answer decides.
    async fn begin(&self, response: Response, streaming: bool) -> Result<Opened, ProviderError> {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let streaming = kind.contains("event-stream") || (streaming && !kind.contains("json"));
        let mut rest = Exchange { response, decoder: Decoder::new() };
        let mut first = Vec::new();
        let mut result = Ok(());
        if streaming {
            while first.is_empty() && result.is_ok() {
                result = rest.next(&self.redactor, &mut first).await;
            }
        } else {
            let body = read_from(&mut rest.response, BODY_LIMIT, &self.redactor).await?;
            result = rest.decoder.whole(&body, &self.redactor, &mut first);
        }
        match result {
            Err(error) if first.is_empty() => Err(error),
            result => Ok(Opened { first, broken: result.err(), rest }),
        }
    }
}

impl Exchange {
    /// Whether the last event has been read.
    pub(super) fn ended(&self) -> bool {
        self.decoder.ended()
    }

    /// Reads one piece off the network and adds the events that it completes.
    pub(super) async fn next(
        &mut self,
        redactor: &Redactor,
        events: &mut Vec<ChatEvent>,
    ) -> Result<(), ProviderError> {
        match self.response.chunk().await {
            Ok(Some(bytes)) => self.decoder.stream(&bytes, redactor, events),
            Ok(None) => self.decoder.stream_end(None, redactor, events),
            Err(error) => {
                let reason = describe(error, redactor);
                self.decoder.stream_end(Some(reason), redactor, events)
            }
        }
    }
}

async fn read(
    mut response: Response,
    limit: usize,
    redactor: &Redactor,
) -> Result<Bytes, ProviderError> {
    read_from(&mut response, limit, redactor).await
}

async fn read_from(
    response: &mut Response,
    limit: usize,
    redactor: &Redactor,
) -> Result<Bytes, ProviderError> {
    let mut body = BytesMut::new();
    let cut = |error| ProviderError::Cut { reason: describe(error, redactor) };
    while let Some(bytes) = response.chunk().await.map_err(cut)? {
        if body.len() + bytes.len() > limit {
            let reason = format!("the answer is longer than {limit} bytes");
            return Err(ProviderError::Malformed { reason });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body.freeze())
}

/// As much of an error's body as is there, however it ends.
async fn beginning(mut response: Response) -> BytesMut {
    let mut body = BytesMut::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() >= ERROR_LIMIT {
            body.truncate(ERROR_LIMIT);
            break;
        }
    }
    body
}

/// The innermost cause says most; the outer ones repeat the address.
fn describe(error: reqwest::Error, redactor: &Redactor) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    redactor.clean(&innermost.to_string())
}

/// Milliseconds, seconds or a date; the past means now.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some(millis) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(value) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
}

/// `{"data": [{"id": …}]}`, or any of the lists that vendors send instead.
fn model_ids(body: &[u8]) -> Result<Vec<String>, ProviderError> {
    let malformed = |reason: String| ProviderError::Malformed { reason };
    let parsed: Value =
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let list = ["data", "models"].iter().find_map(|name| parsed.get(name)).unwrap_or(&parsed);
    let list = list.as_array().ok_or_else(|| malformed("there is no list of models".to_owned()))?;
    let id = |model: &Value| {
        let named = model.get("id").or_else(|| model.get("name")).unwrap_or(model);
        named.as_str().map(str::to_owned)
    };
    let mut ids: Vec<String> = list.iter().filter_map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let check = |name: &'static str, value: &str, expected: Option<u64>| {
            let headers = HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )]);
            assert_eq!(
                retry_after(&headers).map(|wait| wait.as_millis()),
                expected.map(u128::from)
            );
        };
        check("retry-after", "7", Some(7000));
        check("retry-after", "0.5", Some(500));
        check("retry-after-ms", "250", Some(250));
        check("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", Some(0));
        check("retry-after", "-3", None);
        check("retry-after", "soon", None);
    }

    #[test]
    fn models_are_found_in_the_lists_that_vendors_send() {
        let check =
            |body: &str| assert_eq!(model_ids(body.as_bytes()).unwrap(), ["a", "b"], "{body}");
        check(r#"{"data":[{"id":"b"},{"id":"a"},{"id":"a"}]}"#);
        check(r#"{"models":[{"name":"a"},{"name":"b"}]}"#);
        check(r#"["a","b"]"#);
        assert_eq!(model_ids(b"{}").unwrap_err().code(), "malformed");
    }
}
