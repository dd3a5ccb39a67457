//! Conversations.

use actix_web::http::Method;

use crate::api::conversations::{editing, exporting, reading};
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{BodyLimit, Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/conversation/list",           "conversation.list",            Session, Runtime, "Lists the conversations.", reading::list),
        route(Method::POST, "/api/conversation/detail",         "conversation.detail",          Session, Runtime, "Reads a conversation with its history.", reading::detail),
        route(Method::POST, "/api/conversation/update",         "conversation.update",          Session, Runtime, "Changes title and persona of a conversation.", editing::update),
        route(Method::POST, "/api/conversation/delete",         "conversation.delete",          Session, Runtime, "Deletes one conversation or several.", editing::delete),
        route(Method::POST, "/api/conversation/update_history", "conversation.replace_history", Session, Runtime, "Replaces the history of a conversation.", editing::replace_history).body_limit(BodyLimit::Upload),
        route(Method::POST, "/api/conversation/export",         "conversation.export",          Session, Runtime, "Exports conversations, one JSON object on each line.", exporting::export),
    ]
}
