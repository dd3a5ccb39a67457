//! Bot configuration.

use actix_web::http::Method;

use crate::api::config::{
    documents, platforms, plugins, probing, profiles, providers, routes, sources,
};
use crate::http::Access::Session;
use crate::http::Needs::Recovery;
use crate::http::{Row, route};

pub(super) fn rows() -> Vec<Row> {
    let contract = contract().into_iter().map(Row::data_never_null);
    contract.chain(own().into_iter().map(Row::own)).collect()
}

#[rustfmt::skip]
fn contract() -> Vec<Row> {
    vec![
        route(Method::POST, "/api/config/abconf/new",                   "config.create_profile",   Session, Recovery, "Makes a profile.", profiles::create),
        route(Method::GET,  "/api/config/abconf",                       "config.profile",          Session, Recovery, "Reads a profile.", profiles::read),
        route(Method::GET,  "/api/config/abconfs",                      "config.profiles",         Session, Recovery, "Lists the profiles.", profiles::all),
        route(Method::POST, "/api/config/abconf/delete",                "config.delete_profile",   Session, Recovery, "Deletes a profile.", profiles::delete),
        route(Method::POST, "/api/config/abconf/update",                "config.rename_profile",   Session, Recovery, "Renames a profile.", profiles::rename),
        route(Method::GET,  "/api/config/umo_abconf_routes",            "config.routes",           Session, Recovery, "Reads which session uses which profile.", routes::read),
        route(Method::POST, "/api/config/umo_abconf_route/update_all",  "config.replace_routes",   Session, Recovery, "Replaces the routing table.", routes::replace),
        route(Method::POST, "/api/config/umo_abconf_route/update",      "config.set_route",        Session, Recovery, "Sets one route.", routes::set),
        route(Method::POST, "/api/config/umo_abconf_route/delete",      "config.delete_route",     Session, Recovery, "Deletes one route.", routes::delete),
        route(Method::GET,  "/api/config/get",                          "config.read",             Session, Recovery, "Reads the configuration of the bot, or of a plugin.", profiles::whole),
        route(Method::GET,  "/api/config/default",                      "config.defaults",         Session, Recovery, "Reads the defaults.", profiles::defaults),
        route(Method::POST, "/api/config/astrbot/update",               "config.save_profile",     Session, Recovery, "Saves a profile.", profiles::save),
        route(Method::POST, "/api/config/plugin/update",                "config.save_plugin",      Session, Recovery, "Saves the settings of a plugin and loads it again.", plugins::update),
        route(Method::POST, "/api/config/platform/new",                 "config.create_platform",  Session, Recovery, "Adds a platform.", platforms::create),
        route(Method::POST, "/api/config/platform/update",              "config.save_platform",    Session, Recovery, "Changes a platform.", platforms::update),
        route(Method::POST, "/api/config/platform/delete",              "config.delete_platform",  Session, Recovery, "Deletes a platform.", platforms::delete),
        route(Method::GET,  "/api/config/platform/list",                "config.platforms",        Session, Recovery, "Lists the platforms.", platforms::read),
        route(Method::POST, "/api/config/provider/new",                 "config.create_provider",  Session, Recovery, "Adds a provider.", providers::create),
        route(Method::POST, "/api/config/provider/update",              "config.save_provider",    Session, Recovery, "Changes a provider.", providers::update),
        route(Method::POST, "/api/config/provider/delete",              "config.delete_provider",  Session, Recovery, "Deletes a provider.", providers::delete),
        route(Method::GET,  "/api/config/provider/template",            "config.provider_form",    Session, Recovery, "What a form for providers is made of.", providers::template),
        route(Method::GET,  "/api/config/provider/check_one",           "config.check_provider",   Session, Recovery, "Asks a provider for one word.", probing::check),
        route(Method::GET,  "/api/config/provider/list",                "config.providers",        Session, Recovery, "Lists the providers, each merged with its source.", providers::read),
        route(Method::GET,  "/api/config/provider/model_list",          "config.provider_models",  Session, Recovery, "Asks a provider which models it has.", probing::provider_models),
        route(Method::GET,  "/api/config/provider_sources/models",      "config.source_models",    Session, Recovery, "Asks a source which models it has.", probing::source_models),
        route(Method::POST, "/api/config/provider_sources/update",      "config.save_source",      Session, Recovery, "Adds or changes a source and loads its providers again.", sources::update),
        route(Method::POST, "/api/config/provider_sources/delete",      "config.delete_source",    Session, Recovery, "Deletes a source and its providers.", sources::delete),
    ]
}

#[rustfmt::skip]
fn own() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/config/document", "config.document",      Session, Recovery, "Reads a whole document.", documents::read),
        route(Method::POST, "/api/config/document", "config.save_document", Session, Recovery, "Saves a whole document.", documents::save),
        route(Method::GET,  "/api/config/history",  "config.history",       Session, Recovery, "Lists the saves of a document.", documents::history),
        route(Method::GET,  "/api/config/revision", "config.revision",      Session, Recovery, "Reads a document as one save left it.", documents::revision),
        route(Method::GET,  "/api/config/diff",     "config.diff",          Session, Recovery, "What changed from one save to another.", documents::difference),
        route(Method::POST, "/api/config/rollback", "config.rollback",      Session, Recovery, "Saves an earlier revision anew.", documents::rollback),
    ]
}
