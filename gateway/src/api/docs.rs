//! The documents of the interface, served by the interface.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use bytes::Bytes;

use crate::http::{ApiError, docs, openapi};
use crate::routes::TABLE;

static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| openapi::document(&TABLE).to_string().into());
static PAGE: LazyLock<Bytes> = LazyLock::new(|| docs::page(&TABLE).into());

/// `GET /openapi.json`
pub async fn openapi() -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(OPENAPI.clone()))
}

/// `GET /api/docs`
pub async fn page() -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, docs::page_policy()))
        .body(PAGE.clone()))
}
