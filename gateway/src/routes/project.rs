//! Projects of the chat page.

use actix_web::http::Method;

use crate::api::chat::projects;
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::POST, "/api/chatui_project/create",         "project.create",         Session, Runtime, "Makes a project.", projects::create),
        route(Method::GET,  "/api/chatui_project/list",           "project.list",           Session, Runtime, "Lists one's projects.", projects::list),
        route(Method::GET,  "/api/chatui_project/get",            "project.get",            Session, Runtime, "Reads a project.", projects::read),
        route(Method::POST, "/api/chatui_project/update",         "project.update",         Session, Runtime, "Changes a project.", projects::update),
        route(Method::GET,  "/api/chatui_project/delete",         "project.delete",         Session, Runtime, "Deletes a project; its sessions stay.", projects::delete),
        route(Method::POST, "/api/chatui_project/add_session",    "project.add_session",    Session, Runtime, "Puts a session into a project.", projects::add_session),
        route(Method::POST, "/api/chatui_project/remove_session", "project.remove_session", Session, Runtime, "Takes a session out of its project.", projects::remove_session),
        route(Method::GET,  "/api/chatui_project/get_sessions",   "project.sessions",       Session, Runtime, "Lists the sessions of a project.", projects::sessions),
    ]
}
