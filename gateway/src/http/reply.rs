//! What handlers give back: the envelope `{status, message, data}`, and the few other shapes.

use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::describe::{Operation, Output};
use super::error::ApiError;
use super::language::{self, Text};

/// What most handlers answer.
pub type Answer<T> = Result<Reply<T>, ApiError>;

/// A success without payload: its data is `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// A success.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    word: &'static str,
    message: Option<Text>,
    data: T,
    cookie: Option<Cookie<'static>>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    status: &'static str,
    message: Option<&'a str>,
    data: &'a T,
}

impl<T> Reply<T> {
    /// A success with data.
    pub fn data(data: T) -> Self {
        Self { status: StatusCode::OK, word: "ok", message: None, data, cookie: None }
    }

    /// Adds a sentence for the person at the dashboard.
    #[must_use]
    pub fn message(mut self, message: impl Into<Text>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Answers with another 2xx status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Makes the status word of the envelope `warning`, where the contract has it.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.word = "warning";
        self
    }

    /// Sets a cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookie = Some(cookie);
        self
    }
}

impl Reply<Empty> {
    /// A success without payload.
    pub fn done() -> Self {
        Self::data(Empty {})
    }
}

impl<T: Serialize> Responder for Reply<T> {
    type Body = BoxBody;

    fn respond_to(self, http: &HttpRequest) -> HttpResponse {
        let text = self.message.as_ref();
        let text = text.map(|text| text.in_language(language::wanted(http.headers())));
        let envelope = Envelope { status: self.word, message: text.as_deref(), data: &self.data };
        let body = match serde_json::to_vec(&envelope) {
            Ok(body) => body,
            Err(error) => return HttpResponse::from_error(ApiError::internal(error)),
        };
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        if let Some(cookie) = self.cookie {
            response.cookie(cookie);
        }
        response.body(body)
    }
}

impl<T: JsonSchema> Output for Reply<T> {
    fn describe(operation: &mut Operation<'_>) {
        let data = operation.schema::<T>();
        let envelope = json!({
            "type": "object",
            "required": ["status", "message", "data"],
            "properties": {
                "status": { "type": "string", "enum": ["ok", "warning", "error"] },
                "message": { "type": "string", "nullable": true },
                "data": data,
            },
        });
        operation.answer("200", "The envelope.", "application/json", &envelope);
    }
}
