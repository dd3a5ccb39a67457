//! Rules of single sessions, and groups of sessions.

use actix_web::http::Method;

use crate::api::session_rules::{groups, rules, sessions, setting};
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/session/list-rule",             "session.rules",         Session, Runtime, "Lists the sessions that have rules.", rules::list),
        route(Method::POST, "/api/session/update-rule",           "session.set_rule",      Session, Runtime, "Sets a rule of a session.", rules::set),
        route(Method::POST, "/api/session/delete-rule",           "session.delete_rule",   Session, Runtime, "Deletes one rule of a session, or all.", rules::delete),
        route(Method::POST, "/api/session/batch-delete-rule",     "session.delete_rules",  Session, Runtime, "Deletes all rules of several sessions.", rules::delete_several),
        route(Method::GET,  "/api/session/active-umos",           "session.active",        Session, Runtime, "Lists the keys of the sessions there are.", sessions::active),
        route(Method::GET,  "/api/session/list-all-with-status",  "session.list",          Session, Runtime, "Lists the sessions and how each is served.", sessions::list),
        route(Method::POST, "/api/session/batch-update-service",  "session.set_switches",  Session, Runtime, "Sets switches of many sessions.", setting::switches),
        route(Method::POST, "/api/session/batch-update-provider", "session.set_provider",  Session, Runtime, "Chooses a provider for many sessions.", setting::provider),
        route(Method::GET,  "/api/session/groups",                "session.groups",        Session, Runtime, "Lists the groups of sessions.", groups::list),
        route(Method::POST, "/api/session/group/create",          "session.create_group",  Session, Runtime, "Makes a group of sessions.", groups::create),
        route(Method::POST, "/api/session/group/update",          "session.update_group",  Session, Runtime, "Changes a group of sessions.", groups::update),
        route(Method::POST, "/api/session/group/delete",          "session.delete_group",  Session, Runtime, "Deletes a group of sessions.", groups::delete),
    ]
}
