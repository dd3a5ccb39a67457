//! The documents of the interface.

use actix_web::http::Method;

use crate::api::docs;
use crate::http::Access::Public;
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET, "/openapi.json", "docs.openapi", Public, Core, "This interface as an OpenAPI document.", docs::openapi).own(),
        route(Method::GET, "/api/docs",     "docs.page",    Public, Core, "This interface as a page to read.", docs::page).own(),
    ]
}
