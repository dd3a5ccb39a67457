//! Web routes of plugins: routing only. What exists is asked of the live registry each time.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};
use firstlight_runtime::plugins_api::{Method, WebRequest};
use serde::Deserialize;

use crate::http::{ApiError, Code, Path, Query, RawBody, RuntimeLease, Session};

/// The path below `/api/plug`.
#[derive(Deserialize)]
pub struct Tail {
    tail: String,
}

/// `GET|POST /api/plug/<plugin>/<path>`
pub async fn dispatch(
    request: HttpRequest,
    lease: RuntimeLease,
    Session(caller): Session,
    Path(path): Path<Tail>,
    Query(query): Query<BTreeMap<String, String>>,
    RawBody(body): RawBody,
) -> Result<HttpResponse, ApiError> {
    let method =
        if request.method() == actix_web::http::Method::POST { Method::Post } else { Method::Get };
    let path = format!("/{}", path.tail.trim_start_matches('/'));
    let content_type = request.headers().get(CONTENT_TYPE);
    let web = WebRequest {
        method,
        path: path.clone(),
        username: caller.username.clone(),
        query,
        content_type: content_type.and_then(|v| v.to_str().ok()).map(str::to_owned),
        body: body.to_vec(),
    };
    let answer = match lease.plugins.web(&path, web).await {
        None => return Err(ApiError::with(Code::NotFound, "No plugin has this route.")),
        Some(Err(error)) => {
            tracing::warn!(path, %error, "the web route of a plugin failed");
            return Err(ApiError::with(Code::PluginFailed, "The plugin's web route failed."));
        }
        Some(Ok(answer)) => answer,
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, answer.content_type))
        .body(answer.body))
}
