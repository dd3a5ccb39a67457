//! Plugins, and the web routes and pages that they serve.

use actix_web::http::Method;

use crate::api::plug;
use crate::api::plugin::{changing, installing, listing, market, pages, recovering, settings};
use crate::http::Access::{Public, Session, Token};
use crate::http::Needs::{Core, Recovery, Runtime};
use crate::http::{BodyLimit, Row, route};

/// The largest archive, and a little for the form around it.
const ARCHIVE: BodyLimit = BodyLimit::Bytes((64 << 20) + (256 << 10));

pub(super) fn rows() -> Vec<Row> {
    let own = own().into_iter().map(Row::own);
    contract().into_iter().chain(web().into_iter().map(Row::data_never_null)).chain(own).collect()
}

#[rustfmt::skip]
fn contract() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/plugin/get",                       "plugin.list",             Session, Runtime,  "Lists the plugins.", listing::list),
        route(Method::POST, "/api/plugin/check-compat",              "plugin.check_compat",     Session, Runtime,  "Tells whether a range of versions fits this one.", market::check_compat),
        route(Method::POST, "/api/plugin/install",                   "plugin.install",          Session, Runtime,  "Installs a plugin from an address or a folder.", installing::install),
        route(Method::POST, "/api/plugin/install-upload",            "plugin.install_upload",   Session, Runtime,  "Installs a plugin from a zip archive.", installing::install_upload).body_limit(ARCHIVE),
        route(Method::POST, "/api/plugin/update",                    "plugin.update",           Session, Runtime,  "Updates a plugin from where it came from.", changing::update),
        route(Method::POST, "/api/plugin/update-all",                "plugin.update_all",       Session, Runtime,  "Updates several plugins.", changing::update_all),
        route(Method::POST, "/api/plugin/uninstall",                 "plugin.uninstall",        Session, Runtime,  "Uninstalls a plugin.", changing::uninstall),
        route(Method::POST, "/api/plugin/uninstall-failed",          "plugin.uninstall_failed", Session, Recovery, "Removes a plugin that failed.", recovering::uninstall_failed),
        route(Method::GET,  "/api/plugin/market_list",               "plugin.market",           Session, Runtime,  "Lists plugins that can be had.", market::list),
        route(Method::POST, "/api/plugin/off",                       "plugin.disable",          Session, Runtime,  "Disables a plugin.", changing::disable),
        route(Method::POST, "/api/plugin/on",                        "plugin.enable",           Session, Runtime,  "Enables a plugin and loads it.", changing::enable),
        route(Method::POST, "/api/plugin/reload-failed",             "plugin.reload_failed",    Session, Recovery, "Tries a plugin that failed again.", recovering::reload_failed),
        route(Method::POST, "/api/plugin/reload",                    "plugin.reload",           Session, Runtime,  "Loads one plugin, or all, again.", changing::reload),
        route(Method::GET,  "/api/plugin/readme",                    "plugin.readme",           Session, Runtime,  "Reads what a plugin says about itself.", listing::readme),
        route(Method::GET,  "/api/plugin/changelog",                 "plugin.changelog",        Session, Runtime,  "Reads what changed in a plugin.", listing::changelog),
        route(Method::GET,  "/api/plugin/source/get",                "plugin.sources",          Session, Runtime,  "Reads the operator's lists of plugins.", market::sources),
        route(Method::POST, "/api/plugin/source/save",               "plugin.save_sources",     Session, Runtime,  "Saves the operator's lists of plugins.", market::save_sources),
        route(Method::GET,  "/api/plugin/source/get-failed-plugins", "plugin.failed",           Session, Recovery, "Lists the plugins that failed.", listing::failed),
    ]
}

#[rustfmt::skip]
fn web() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/plug/{tail:.*}",                   "plug.get",                Session, Runtime,  "Reads from a plugin's own web route.", plug::dispatch),
        route(Method::POST, "/api/plug/{tail:.*}",                   "plug.post",               Session, Runtime,  "Sends to a plugin's own web route.", plug::dispatch),
    ]
}

#[rustfmt::skip]
fn own() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/plugin/detail",                    "plugin.detail",           Session, Recovery, "Reads all that is known of a plugin.", listing::detail),
        route(Method::POST, "/api/plugin/grants",                    "plugin.grants",           Session, Recovery, "Sets what a plugin is allowed.", settings::grants),
        route(Method::POST, "/api/plugin/budgets",                   "plugin.budgets",          Session, Recovery, "Sets what a plugin may use.", settings::budgets),
        route(Method::POST, "/api/plugin/log-level",                 "plugin.log_level",        Session, Recovery, "Sets what is worth a line of a plugin's log.", settings::log_level),
        route(Method::GET,  "/api/plugin/logs",                      "plugin.logs",             Session, Recovery, "Reads the end of a plugin's log.", listing::logs),
        route(Method::GET,  "/api/plugin/changes",                   "plugin.changes",          Session, Core,     "Tells how far changes of plugins have come.", listing::changes),
        route(Method::POST, "/api/plugin/page-token",                "plugin.page_token",       Session, Runtime,  "Makes a token for a page of a plugin.", pages::token),
        route(Method::GET,  "/api/plugin/page/bridge-sdk.js",        "plugin.page_bridge",      Public,  Core,     "Serves what pages of plugins talk to the dashboard with.", pages::bridge),
        route(Method::GET,  "/api/plugin/page/{plugin}/{page}/{tail:.*}", "plugin.page",        Session, Runtime,  "Serves a file of a plugin's page.", pages::file),
        route(Method::GET,  "/api/plugin/page-content/{token}/{plugin}/{page}/{tail:.*}", "plugin.page_content", Token, Runtime, "Serves a file of a plugin's page to a frame.", pages::content),
    ]
}
