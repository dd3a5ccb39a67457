//! Plugins, and the web routes that they serve.

use actix_web::http::Method;

use crate::api::{plug, plugin};
use crate::http::Access::Session;
use crate::http::Needs::{Recovery, Runtime};
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/plugin/get",                       "plugin.list",             Session, Runtime,  "Lists the loaded plugins.", plugin::list),
        route(Method::POST, "/api/plugin/reload",                    "plugin.reload",           Session, Runtime,  "Loads one plugin, or all, again.", plugin::reload),
        route(Method::POST, "/api/plugin/reload-failed",             "plugin.reload_failed",    Session, Recovery, "Tries a plugin that failed again.", plugin::reload_failed),
        route(Method::POST, "/api/plugin/uninstall-failed",          "plugin.uninstall_failed", Session, Recovery, "Removes a plugin that failed.", plugin::uninstall_failed),
        route(Method::GET,  "/api/plugin/source/get-failed-plugins", "plugin.failed",           Session, Recovery, "Lists the plugins that failed.", plugin::failed),
        route(Method::GET,  "/api/plug/{tail:.*}",                   "plug.get",                Session, Runtime,  "Reads from a plugin's own web route.", plug::dispatch),
        route(Method::POST, "/api/plug/{tail:.*}",                   "plug.post",               Session, Runtime,  "Sends to a plugin's own web route.", plug::dispatch),
    ]
}
