//! Requests to web servers, through the gateway.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A request to a web server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method, such as `GET`.
    #[serde(default = "get")]
    pub method: String,
    /// An `http` or `https` address.
    pub url: String,
    /// Headers, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, at most 8 MiB.
    #[serde(default, with = "crate::encoding::base64")]
    pub body: Vec<u8>,
    /// How long until the head of the answer, and for [`fetch`](crate::HostCalls::fetch) its whole
    /// body, must be there; half a minute unless it is said, five minutes at most.
    #[serde(default, rename = "within_ms", with = "crate::encoding::maybe_milliseconds")]
    pub within: Option<Duration>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status. One that says no is an answer, not an error.
    pub status: u16,
    /// Headers, in order, with names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, with = "crate::encoding::base64")]
    pub body: Vec<u8>,
}

/// The head of an answer whose body is read piece by piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpStream {
    /// What to read it by.
    pub stream: u64,
    /// The status.
    pub status: u16,
    /// Headers, in order, with names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

fn get() -> String {
    "GET".to_owned()
}

impl HttpRequest {
    /// A `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: get(), url: url.into(), headers: Vec::new(), body: Vec::new(), within: None }
    }

    /// A `POST` request with a JSON body.
    pub fn post_json(url: impl Into<String>, value: &serde_json::Value) -> Self {
        Self { method: "POST".into(), body: value.to_string().into_bytes(), ..Self::get(url) }
            .header("content-type", "application/json")
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with another deadline.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }
}

impl HttpResponse {
    /// The body as text; what is no text in it is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, crate::PluginError> {
        serde_json::from_slice(&self.body).map_err(crate::PluginError::failed)
    }
}
