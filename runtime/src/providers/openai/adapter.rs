//! The provider: which key, how often, how long, and until when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::body;
use super::call::{Opened, Peer};
use super::keys::{KeyPool, Pick};
use crate::http_client::{ClientSettings, LazyClient, Redirects};
use crate::providers::chat::{ChatProvider, ChatRequest, ChatStream, ProviderMeta};
use crate::providers::config::{Deadlines, ProviderConfig, ProviderDefaults};
use crate::providers::error::{Deadline, ProviderError};
use crate::providers::kinds;
use crate::providers::meter::Meter;
use crate::providers::redact::Redactor;

/// The types that this adapter serves: one protocol, many vendors.
pub const KINDS: &[&str] = &[
    "openai_chat_completion",
    "aihubmix_chat_completion",
    "groq_chat_completion",
    "longcat_chat_completion",
    "openrouter_chat_completion",
    "ssycloud_chat_completion",
    "xai_chat_completion",
    "xiaomi_chat_completion",
    "zhipu_chat_completion",
];
/// Waiting longer than this for another try is no answer to a person.
const PATIENCE: Duration = Duration::from_secs(30);

/// A provider that speaks the OpenAI chat-completions protocol.
pub struct OpenAi {
    inner: Arc<Inner>,
}

struct Inner {
    meta: ProviderMeta,
    kind: &'static str,
    config: ProviderConfig,
    peer: Peer,
    keys: KeyPool,
    max_attempts: usize,
    closed: CancellationToken,
}

impl OpenAi {
    /// Checks the configuration and makes the client. Nothing is sent.
    pub fn new(
        config: &ProviderConfig,
        defaults: &ProviderDefaults,
    ) -> Result<Self, ProviderError> {
        let kind = KINDS.iter().find(|kind| **kind == config.kind);
        let kind = *kind.ok_or_else(|| ProviderError::UnknownType { kind: config.kind.clone() })?;
        if let Some(missing) = config.missing_secrets.first().filter(|_| config.keys.is_empty()) {
            return Err(ProviderError::Misconfigured { reason: missing.to_string() });
        }
        let proxy = config.proxy.clone().or_else(|| defaults.proxy.clone());
        let redactor = Redactor::new(config, proxy.as_deref());
        let http = LazyClient::new(ClientSettings {
            proxy,
            no_proxy: defaults.no_proxy.clone(),
            connect_timeout: config.deadlines.connect,
            total_timeout: None,
            headers: config.custom_headers.clone(),
            redirects: Redirects::SameOrigin,
            resolver: None,
        })?;
        let brand = if config.brand.is_empty() { "OpenAI compatible" } else { &config.brand };
        let meta = ProviderMeta {
            display_name: format!("{} ({brand})", config.id),
            ..kinds::described(config)
        };
        let peer = Peer::new(config, http, redactor)?;
        let keys = KeyPool::new(config.keys.clone());
        let max_attempts = config.max_attempts.unwrap_or(defaults.max_attempts).max(1);
        let (config, closed) = (config.clone(), CancellationToken::new());
        Ok(Self { inner: Arc::new(Inner { meta, kind, config, peer, keys, max_attempts, closed }) })
    }
}

#[async_trait]
impl ChatProvider for OpenAi {
    fn meta(&self) -> &ProviderMeta {
        &self.inner.meta
    }

    async fn chat(
        &self,
        request: ChatRequest,
        cancel: CancellationToken,
    ) -> Result<ChatStream, ProviderError> {
        let inner = Arc::clone(&self.inner);
        let mut meter = Meter::new(inner.kind);
        let after = inner.config.deadlines.whole;
        let until = Instant::now() + after;
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ProviderError::Cancelled),
            () = inner.closed.cancelled() => Err(ProviderError::Closed),
            () = sleep_until(until) => Err(ProviderError::Timeout { deadline: Deadline::Whole, after }),
            opened = Box::pin(inner.ask(&request)) => opened,
        };
        match opened {
            Ok(opened) => {
                meter.first_token();
                Ok(inner.rest(opened, until, cancel, meter))
            }
            Err(error) => {
                meter.failed(&error);
                Err(error)
            }
        }
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        self.inner.with_each_key(|peer, key| Box::pin(peer.models(key))).await
    }

    async fn embed(
        &self,
        texts: Vec<String>,
        cancel: CancellationToken,
    ) -> Result<Vec<Vec<f32>>, ProviderError> {
        let config = &self.inner.config;
        let named = config.raw.get("embedding_model").and_then(serde_json::Value::as_str);
        let model = named.filter(|model| !model.is_empty()).unwrap_or(&config.model);
        let (model, texts) = (model, texts.as_slice());
        let asked = self.inner.with_each_key(|peer, key| Box::pin(peer.embed(key, model, texts)));
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ProviderError::Cancelled),
            () = self.inner.closed.cancelled() => Err(ProviderError::Closed),
            vectors = asked => vectors,
        }
    }

    fn is_busy(&self) -> bool {
        // Each call and each answer under way holds one.
        Arc::strong_count(&self.inner) > 1
    }

    async fn close(&self) -> Result<(), ProviderError> {
        self.inner.closed.cancel();
        Ok(())
    }
}

impl Inner {
    /// Asks until the first piece of an answer is there: other keys at once, everything else that
    /// may pass after a wait. Nothing has been seen yet, so nothing can be seen twice.
    async fn ask(&self, request: &ChatRequest) -> Result<Opened, ProviderError> {
        let model = body::model(request, &self.config);
        let body = Bytes::from(body::body(request, &self.config).to_string());
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(PATIENCE)
            .with_max_times(self.max_attempts - 1)
            .with_jitter()
            .build();
        loop {
            let error = match self.ask_each_key(model, &body, request.stream).await {
                Ok(opened) => return Ok(opened),
                Err(error) if error.is_retryable() => error,
                Err(error) => return Err(error),
            };
            let Some(wait) = waits.next() else { return Err(error) };
            let wait = match &error {
                ProviderError::RateLimited { retry_after: Some(after), .. } => wait.max(*after),
                _ => wait,
            };
            if wait > PATIENCE {
                return Err(error);
            }
            tracing::info!(provider = self.meta.id, %error, ?wait, "the call failed, trying again");
            sleep(wait).await;
        }
    }

    /// One attempt: with one key after the other while the keys are to blame.
    async fn ask_each_key(
        &self,
        model: &str,
        body: &Bytes,
        streaming: bool,
    ) -> Result<Opened, ProviderError> {
        let mut tried = BTreeSet::new();
        let mut last = None;
        while let Some(place) = self.place(&tried, &mut last)? {
            let key = self.keys.key(place);
            let result = self.peer.open(key, model, body.clone(), streaming).await;
            self.keys.note(place, result.as_ref().map(|_| ()));
            let error = match result {
                Ok(opened) => return Ok(opened),
                Err(error) if error.blames_the_key() => error,
                Err(error) => return Err(error),
            };
            tried.insert(place);
            // A limit passes by itself and a refusal does not: it is the better thing to report.
            let limited = matches!(last, Some(ProviderError::RateLimited { .. }));
            if !limited || matches!(error, ProviderError::RateLimited { .. }) {
                last = Some(error);
            }
        }
        Err(last.unwrap_or(ProviderError::Closed))
    }

    /// Asks once with one key after the other while the keys are to blame.
    async fn with_each_key<'s, T>(
        &'s self,
        call: impl Fn(&'s Peer, Option<&'s SecretString>) -> BoxFuture<'s, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let mut tried = BTreeSet::new();
        let mut last = None;
        while let Some(place) = self.place(&tried, &mut last)? {
            let result = call(&self.peer, self.keys.key(place)).await;
            self.keys.note(place, result.as_ref().map(|_| ()));
            match result {
                Err(error) if error.blames_the_key() => {
                    tried.insert(place);
                    last = Some(error);
                }
                result => return result,
            }
        }
        Err(last.unwrap_or(ProviderError::Closed))
    }

    /// The next key to try, or `None` when `last` is the answer. Keys that were told to wait are
    /// not used before their time, by no call.
    fn place(
        &self,
        tried: &BTreeSet<usize>,
        last: &mut Option<ProviderError>,
    ) -> Result<Option<usize>, ProviderError> {
        match self.keys.pick(tried) {
            Pick::Use(place) => Ok(Some(place)),
            Pick::Exhausted => Ok(None),
            Pick::Wait(wait) => match last.take() {
                Some(error @ ProviderError::RateLimited { .. }) => Err(error),
                _ => Err(ProviderError::RateLimited {
                    retry_after: Some(wait),
                    message: "every key was told to wait".to_owned(),
                }),
            },
        }
    }

    fn rest(
        self: Arc<Self>,
        opened: Opened,
        until: Instant,
        cancel: CancellationToken,
        mut meter: Meter,
    ) -> ChatStream {
        let Opened { first: mut events, mut broken, rest: mut exchange } = opened;
        let Deadlines { idle, whole, .. } = self.config.deadlines;
        Box::pin(stream! {
            loop {
                for event in events.drain(..) {
                    meter.event(&event);
                    yield Ok(event);
                }
                if let Some(error) = broken.take() {
                    // The call ends here, not when somebody drops the stream.
                    drop(exchange);
                    meter.failed(&error);
                    yield Err(error);
                    return;
                }
                if exchange.ended() {
                    return;
                }
                let next = timeout(idle, exchange.next(&self.peer.redactor, &mut events));
                broken = tokio::select! {
                    biased;
                    () = cancel.cancelled() => Some(ProviderError::Cancelled),
                    () = self.closed.cancelled() => Some(ProviderError::Closed),
                    () = sleep_until(until) => Some(late(Deadline::Whole, whole)),
                    next = next => match next {
                        Ok(result) => result.err(),
                        Err(_elapsed) => Some(late(Deadline::Idle, idle)),
                    },
                };
            }
        })
    }
}

fn late(deadline: Deadline, after: Duration) -> ProviderError {
    ProviderError::Timeout { deadline, after }
}
