//! Probes, the lifecycle, statistics, one-time file links.

use actix_web::http::Method;

use crate::api::chat::files;
use crate::api::stat::{changelog, facts, notice, overview, storage};
use crate::api::{metrics, runtime};
use crate::http::Access::{Public, Session, SessionOrKey};
use crate::http::Needs::{Core, Runtime};
use crate::http::{Row, Scope, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/livez",                            "probe.live",       Public,  Core,    "Says that the process answers.", runtime::live).own(),
        route(Method::GET,  "/readyz",                           "probe.ready",      Public,  Core,    "Answers 200 when everything is served, else 503.", runtime::ready).own(),
        route(Method::GET,  "/metrics",                          "probe.metrics",    SessionOrKey(Scope::Any), Core, "The counters, for Prometheus.", metrics::read).own(),
        route(Method::POST, "/api/runtime/start",                "runtime.start",    Session, Core,    "Starts the runtime when it is idle.", runtime::start).own(),
        route(Method::POST, "/api/runtime/retry",                "runtime.retry",    Session, Core,    "Tries a failed bootstrap again.", runtime::retry).own(),
        route(Method::POST, "/api/runtime/stop",                 "runtime.stop",     Session, Core,    "Stops the runtime; the dashboard stays.", runtime::stop).own(),
        route(Method::GET,  "/api/runtime/timeline",             "runtime.timeline", Session, Core,    "Each component and item of the last bootstrap.", runtime::timeline).own(),
        route(Method::GET,  "/api/runtime/events",               "runtime.events",   Session, Core,    "The timeline as an event stream.", runtime::events).own(),
        route(Method::GET,  "/api/stat/get",                     "stat.overview",    Session, Runtime, "The numbers of the statistics page.", overview::read),
        route(Method::GET,  "/api/stat/version",                 "stat.version",     Session, Core,    "The versions.", facts::version),
        route(Method::GET,  "/api/stat/runtime-status",          "stat.status",      Session, Core,    "Where the runtime stands.", runtime::status),
        route(Method::GET,  "/api/stat/start-time",              "stat.start_time",  Public,  Runtime, "When the runtime became ready.", facts::start_time),
        route(Method::POST, "/api/stat/restart-core",            "stat.restart",     Session, Core,    "Restarts the runtime in this process.", runtime::restart),
        route(Method::POST, "/api/stat/test-ghproxy-connection", "stat.proxy",       Session, Runtime, "Measures a GitHub proxy.", facts::proxy_latency),
        route(Method::GET,  "/api/stat/changelog",               "stat.changelog",   Session, Core,    "What changed in a version.", changelog::read),
        route(Method::GET,  "/api/stat/changelog/list",          "stat.changelogs",  Session, Core,    "The versions with a changelog.", changelog::list),
        route(Method::GET,  "/api/stat/first-notice",            "stat.notice",      Session, Core,    "The notice of a first visit.", notice::read),
        route(Method::GET,  "/api/stat/storage",                 "stat.storage",     Session, Runtime, "What logs and temporary files take.", storage::read),
        route(Method::POST, "/api/stat/storage/cleanup",         "stat.clean",       Session, Runtime, "Cleans logs and temporary files.", storage::clean),
        route(Method::POST, "/api/file/link",                    "file.link",        Session, Runtime, "Makes a one-time link to an uploaded file.", files::link).own(),
        route(Method::GET,  "/api/file/{file_token}",            "file.read",        Public,  Core,    "Serves a file once, by its link.", files::by_link),
    ]
}
