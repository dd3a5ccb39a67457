//! The open API: what programs do with an API key.

use actix_web::http::Method;

use crate::api::chat::files;
use crate::api::chat::socket::program;
use crate::api::{im, open};
use crate::http::Access::Key;
use crate::http::Needs::Runtime;
use crate::http::{BodyLimit, Row, Scope, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::POST, "/api/v1/chat",                          "open.chat",           Key(Scope::Chat), Runtime, "Sends a message as a named user.", open::send),
        route(Method::GET,  "/api/v1/chat/sessions",                 "open.sessions",       Key(Scope::Chat), Runtime, "Lists the sessions of a named user.", open::sessions),
        route(Method::GET,  "/api/v1/chat/ws",                       "open.socket",         Key(Scope::Chat), Runtime, "Many messages of named users over one socket.", program::open).socket(),
        route(Method::GET,  "/api/v1/configs",                       "open.configs",        Key(Scope::Config), Runtime, "Lists the configuration profiles.", open::configs),
        route(Method::POST, "/api/v1/file",                          "open.upload",         Key(Scope::File), Runtime, "Uploads a file.", files::upload).body_limit(BodyLimit::Upload),
        route(Method::GET,  "/api/v1/file",                          "open.file",           Key(Scope::File), Runtime, "Serves a file that the key uploaded.", files::by_id),
        route(Method::POST, "/api/v1/im/message",                    "open.message",        Key(Scope::Im), Runtime, "Sends a message to a session of a platform.", im::send),
        route(Method::GET,  "/api/v1/im/bots",                       "open.bots",           Key(Scope::Im), Runtime, "Lists the bots.", im::bots),
    ]
}
