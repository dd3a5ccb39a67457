//! Web routes that a plugin serves below `/api/plug/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The methods a plugin route may answer (reference C.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`: reads.
    Get,
    /// `POST`: changes.
    Post,
}

/// One declared route. It is matched exactly; there are no path parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebRoute {
    /// The method.
    pub method: Method,
    /// The path below the plugin's own name, such as `/status` for `/api/plug/<name>/status`.
    pub path: String,
    /// What it does, for people.
    #[serde(default)]
    pub description: String,
}

/// A request to a plugin route. The caller is logged in to the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebRequest {
    /// The method.
    pub method: Method,
    /// The path as declared in [`WebRoute::path`].
    pub path: String,
    /// Who is logged in.
    pub username: String,
    /// The query parameters; of a repeated one the last counts.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The content type, when a body was sent.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The body, at most what the gateway's route allows.
    #[serde(default, with = "crate::encoding::base64")]
    pub body: Vec<u8>,
}

/// The answer of a plugin route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebResponse {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    #[serde(default, with = "crate::encoding::base64")]
    pub body: Vec<u8>,
}

impl WebRoute {
    /// A `GET` route.
    pub fn get(path: impl Into<String>, description: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), description: description.into() }
    }

    /// A `POST` route.
    pub fn post(path: impl Into<String>, description: impl Into<String>) -> Self {
        Self { method: Method::Post, path: path.into(), description: description.into() }
    }
}

impl WebRequest {
    /// A `GET` request without parameters, for tests.
    pub fn get(path: impl Into<String>, username: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            username: username.into(),
            query: BTreeMap::new(),
            content_type: None,
            body: Vec::new(),
        }
    }
}

impl WebResponse {
    /// A JSON answer with status 200.
    pub fn json(value: &Value) -> Self {
        Self {
            status: 200,
            content_type: "application/json".into(),
            body: value.to_string().into_bytes(),
        }
    }

    /// A plain text answer with status 200.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            status: 200,
            content_type: "text/plain; charset=utf-8".into(),
            body: text.into().into_bytes(),
        }
    }
}
