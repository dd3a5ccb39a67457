//! Conversations as a file: one JSON object on each line, read from the database while it is sent.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use async_stream::try_stream;
use bytes::Bytes;
use firstlight_core::db::{Conversation, Conversations, DbError};
use futures_util::Stream;
use serde_json::json;

use super::editing::{Several, pairs};
use super::reading::missing;
use crate::api::shapes::wrong;
use crate::app::App;
use crate::http::{ApiError, Json};

/// How many messages are read at once.
const PIECE: u32 = 200;

/// `POST /api/conversation/export`
pub async fn export(
    app: Data<App>,
    Json(several): Json<Several>,
) -> Result<HttpResponse, ApiError> {
    if several.conversations.is_empty() {
        return Err(wrong("conversations", "must be a list with at least one"));
    }
    let conversations = app.database.conversations();
    let mut found = Vec::new();
    for (umo, id) in pairs(several.conversations)? {
        found.extend(conversations.of_session(&umo, &id).await?);
    }
    if found.is_empty() {
        return Err(missing());
    }
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/jsonl"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"conversations.jsonl\""))
        .streaming(lines(conversations, found)))
}

/// An error breaks the answer off, so that nobody takes a part for the whole.
fn lines(
    conversations: Conversations,
    found: Vec<Conversation>,
) -> impl Stream<Item = Result<Bytes, DbError>> {
    try_stream! {
        for conversation in found {
            yield head(&conversation).into();
            let id = conversation.conversation_id;
            let (mut after, mut comma) = (0, "");
            loop {
                let piece = conversations.history_piece(&id, after, PIECE).await?;
                let Some((last, _)) = piece.last() else { break };
                after = *last;
                let mut text = String::new();
                for (_, content) in piece {
                    text.extend([comma, content.as_str()]);
                    comma = ",";
                }
                yield text.into();
            }
            yield Bytes::from_static(b"]}\n");
        }
    }
}

/// The line up to where the messages begin.
fn head(conversation: &Conversation) -> String {
    let mut text = json!({
        "platform_id": conversation.platform_id,
        "user_id": conversation.umo,
        "cid": conversation.conversation_id,
        "title": conversation.title,
        "persona_id": conversation.persona_id,
        "token_usage": conversation.token_usage,
        "created_at": conversation.created_at / 1000,
        "updated_at": conversation.updated_at / 1000,
    })
    .to_string();
    text.pop();
    text.push_str(",\"content\":[");
    text
}
