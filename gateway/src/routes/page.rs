//! The one embedded page.

use actix_web::http::Method;

use crate::api::page;
use crate::http::Access::Public;
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET, "/",                 "page.root",    Public, Core, "The page: set up or log in, watch the bootstrap, chat.", page::file).own(),
        route(Method::GET, "/favicon.svg",      "page.icon",    Public, Core, "The page's icon.", page::file).own(),
        route(Method::GET, "/favicon.ico",      "page.old_icon", Public, Core, "The page's icon, for browsers that guess its address.", page::file).own(),
        route(Method::GET, "/assets/{path:.*}", "page.assets",  Public, Core, "The page's scripts, styles and texts.", page::file).own(),
    ]
}
