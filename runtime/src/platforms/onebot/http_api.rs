//! Calls over HTTP (OneBot v11, "HTTP"): for accounts that have no WebSocket to call over.

use std::collections::BTreeMap;

use firstlight_core::failpoint::Point;
use futures_util::StreamExt as _;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answers::{Answer, CallError};
use super::config::Remote;
use crate::http_client::{ClientError, ClientSettings, LazyClient};

/// The largest answer that is read.
const LARGEST: usize = 16 << 20;

/// The HTTP API of a client.
pub(super) struct HttpApi {
    client: LazyClient,
    base: Url,
}

impl HttpApi {
    pub(super) fn new(remote: &Remote) -> Result<Self, ClientError> {
        let token = remote.token.as_ref();
        let headers = token
            .map(|token| ("Authorization".to_owned(), format!("Bearer {}", token.expose_secret())));
        let settings = ClientSettings {
            headers: headers.into_iter().collect::<BTreeMap<_, _>>(),
            ..ClientSettings::default()
        };
        Ok(Self { client: LazyClient::new(settings)?, base: remote.url.clone() })
    }

    pub(super) async fn call(
        &self,
        action: &str,
        params: &Value,
        deadline: Instant,
    ) -> Result<Value, CallError> {
        let called = timeout_at(deadline, self.exchange(action, params)).await;
        called.unwrap_or(Err(CallError::TimedOut))?.result()
    }

    async fn exchange(&self, action: &str, params: &Value) -> Result<Answer, CallError> {
        let client = self.client.client().map_err(|_| CallError::Offline)?;
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| CallError::Offline)?.pop_if_empty().push(action);
        Point::FrameUnwritten.pass();
        let answer = client.post(url).json(params).send().await.map_err(|error| {
            // Before there is a connection nothing can have been asked.
            if error.is_connect() { CallError::Offline } else { CallError::Lost }
        })?;
        // There is no moment between a request and its answer that can be seen from here; the
        // head of the answer is the nearest.
        Point::FrameWritten.pass();
        let status = answer.status();
        if !status.is_success() {
            // The codes that the client gives over a WebSocket for the same (OneBot v11, "HTTP").
            let retcode = 1_000 + i64::from(status.as_u16());
            let message = format!("the HTTP API answered {}", status.as_u16());
            return Err(CallError::Failed { retcode, message });
        }
        let mut body = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| CallError::Lost)?;
            if body.len() + piece.len() > LARGEST {
                return Err(CallError::Senseless("it is too large".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        Point::FrameAnswered.pass();
        serde_json::from_slice(&body).map_err(|error| CallError::Senseless(error.to_string()))
    }
}
