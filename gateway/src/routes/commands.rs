//! The commands of plugins (reference D.7).

use actix_web::http::Method;

use crate::api::commands;
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/commands",            "commands.list",       Session, Runtime, "Lists the commands of plugins.", commands::list),
        route(Method::GET,  "/api/commands/conflicts",  "commands.conflicts",  Session, Runtime, "Lists commands that are called the same.", commands::conflicts),
        route(Method::POST, "/api/commands/toggle",     "commands.toggle",     Session, Runtime, "Switches a command on or off.", commands::toggle),
        route(Method::POST, "/api/commands/rename",     "commands.rename",     Session, Runtime, "Renames a command and its aliases.", commands::rename),
        route(Method::POST, "/api/commands/permission", "commands.permission", Session, Runtime, "Sets who may use a command.", commands::permission),
    ]
}
