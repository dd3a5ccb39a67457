//! The terminal chat: the rows of the web chat, on a platform of its own.

use actix_web::http::Method;

use crate::api::chat::which::Terminal;
use crate::api::chat::{files, messages, sessions};
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{BodyLimit, Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::POST, "/api/tui/chat",                        "tui.send",            Session, Runtime, "Sends a message; the answer is an event stream.", messages::send::<Terminal>),
        route(Method::GET,  "/api/tui/new_session",                 "tui.new_session",     Session, Runtime, "Makes a session.", sessions::create::<Terminal>),
        route(Method::GET,  "/api/tui/sessions",                    "tui.sessions",        Session, Runtime, "Lists one's sessions.", sessions::list_of_terminals),
        route(Method::GET,  "/api/tui/get_session",                 "tui.session",         Session, Runtime, "Reads a session and its history.", sessions::read),
        route(Method::POST, "/api/tui/stop",                        "tui.stop",            Session, Runtime, "Stops the answers of a session.", messages::stop),
        route(Method::GET,  "/api/tui/delete_session",              "tui.delete_session",  Session, Runtime, "Deletes a session and all that hangs on it.", sessions::delete),
        route(Method::POST, "/api/tui/batch_delete_sessions",       "tui.delete_sessions", Session, Runtime, "Deletes several sessions.", sessions::delete_several),
        route(Method::POST, "/api/tui/update_session_display_name", "tui.rename_session",  Session, Runtime, "Renames a session.", sessions::rename),
        route(Method::GET,  "/api/tui/get_file",                    "tui.file",            Session, Runtime, "Serves an uploaded file by its name.", files::by_name),
        route(Method::GET,  "/api/tui/get_attachment",              "tui.attachment",      Session, Runtime, "Serves an uploaded file by its id.", files::by_id),
        route(Method::POST, "/api/tui/post_file",                   "tui.upload",          Session, Runtime, "Uploads a file.", files::upload).body_limit(BodyLimit::Upload),
    ]
}
