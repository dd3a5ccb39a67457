//! Log-in, set-up and log-ins.

use actix_web::http::Method;

use crate::api::{auth, sessions};
use crate::http::Access::{Public, Session};
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::POST,   "/api/auth/login",         "auth.log_in",      Public,  Core, "Logs in with name and password.", auth::log_in),
        route(Method::POST,   "/api/auth/account/edit",  "auth.edit",        Session, Core, "Changes the name or the password of one's account.", auth::edit),
        route(Method::GET,    "/api/auth/setup",         "auth.setup_state", Public,  Core, "Says whether the first account is still to be made.", auth::setup_state).own(),
        route(Method::POST,   "/api/auth/setup",         "auth.set_up",      Public,  Core, "Makes the first account with the secret of the set-up link.", auth::set_up).own(),
        route(Method::POST,   "/api/auth/logout",        "auth.log_out",     Session, Core, "Ends the log-in that asks.", auth::log_out).own(),
        route(Method::GET,    "/api/auth/me",            "auth.me",          Session, Core, "Says who is logged in.", auth::me).own(),
        route(Method::GET,    "/api/auth/sessions",      "auth.sessions",    Session, Core, "Lists the log-ins of one's account.", sessions::list).own(),
        route(Method::DELETE, "/api/auth/sessions/{id}", "auth.revoke",      Session, Core, "Ends one log-in of one's account.", sessions::revoke).own(),
    ]
}
