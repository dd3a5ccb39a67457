//! The web chat.

use actix_web::http::Method;

use crate::api::chat::socket::page;
use crate::api::chat::which::Web;
use crate::api::chat::{files, messages, sessions};
use crate::http::Access::{Session, SessionOrKey};
use crate::http::Needs::Runtime;
use crate::http::{BodyLimit, Row, Scope, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::POST, "/api/chat/send",                        "chat.send",           Session, Runtime, "Sends a message; the answer is an event stream.", messages::send::<Web>),
        route(Method::GET,  "/api/chat/new_session",                 "chat.new_session",    Session, Runtime, "Makes a session.", sessions::create::<Web>),
        route(Method::GET,  "/api/chat/sessions",                    "chat.sessions",       Session, Runtime, "Lists one's sessions.", sessions::list),
        route(Method::GET,  "/api/chat/get_session",                 "chat.session",        Session, Runtime, "Reads a session and its history.", sessions::read),
        route(Method::POST, "/api/chat/stop",                        "chat.stop",           Session, Runtime, "Stops the answers of a session.", messages::stop),
        route(Method::GET,  "/api/chat/delete_session",              "chat.delete_session", Session, Runtime, "Deletes a session and all that hangs on it.", sessions::delete),
        route(Method::POST, "/api/chat/batch_delete_sessions",       "chat.delete_sessions", Session, Runtime, "Deletes several sessions.", sessions::delete_several),
        route(Method::POST, "/api/chat/update_session_display_name", "chat.rename_session", Session, Runtime, "Renames a session.", sessions::rename),
        route(Method::GET,  "/api/chat/get_file",                    "chat.file",           Session, Runtime, "Serves an uploaded file by its name.", files::by_name),
        route(Method::GET,  "/api/chat/get_attachment",              "chat.attachment",     Session, Runtime, "Serves an uploaded file by its id.", files::by_id),
        route(Method::POST, "/api/chat/post_file",                   "chat.upload",         Session, Runtime, "Uploads a file.", files::upload).body_limit(BodyLimit::Upload),
        route(Method::GET,  "/api/unified_chat/ws",                  "chat.socket",         Session, Runtime, "Many messages over one socket.", page::open).socket(),
        route(Method::GET,  "/api/live_chat/ws",                     "chat.live",           Session, Runtime, "The same; voice is answered with an error.", page::open).socket(),
        route(Method::GET,  "/api/v1/chat/runs/{run_id}/stream",     "chat.join",           SessionOrKey(Scope::Chat), Runtime, "Joins an answer that is under way.", messages::join).own(),
    ]
}
