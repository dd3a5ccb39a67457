//! The log and its detail.

use actix_web::http::Method;

use crate::api::logs;
use crate::http::Access::Session;
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/live-log",       "log.live",        Session, Core, "Streams the log as events.", logs::live),
        route(Method::GET,  "/api/log-history",    "log.history",     Session, Core, "Lists the last log entries.", logs::history),
        route(Method::GET,  "/api/trace/settings", "trace.settings",  Session, Core, "Says whether the log shows detail.", logs::trace),
        route(Method::POST, "/api/trace/settings", "trace.configure", Session, Core, "Switches the detail of the log on or off.", logs::set_trace),
    ]
}
