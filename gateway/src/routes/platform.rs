//! Platforms.

use actix_web::http::Method;

use crate::api::platform;
use crate::http::Access::{Public, Session};
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/platform/stats",                  "platform.stats",        Session, Runtime, "How each platform is.", platform::statistics),
        route(Method::GET,  "/api/platform/webhook/{webhook_uuid}", "platform.webhook_get",  Public,  Runtime, "What a platform calls to verify an address.", platform::webhook),
        route(Method::POST, "/api/platform/webhook/{webhook_uuid}", "platform.webhook_post", Public,  Runtime, "What a platform calls with a message.", platform::webhook),
    ]
}
