//! What an operator changes of conversations.

use actix_web::web::Data;
use firstlight_core::db::{ConversationChange, NewMessage};
use firstlight_core::messages::Message;
use firstlight_runtime::providers::{self, tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reading::{Named, missing};
use crate::api::shapes::{Given, Told, told, wrong};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, Wanted};

/// How many conversations one call names at most.
pub(super) const MOST_NAMED: usize = 1_000;
/// How many messages a history has at most when it is replaced.
const MOST_MESSAGES: usize = 20_000;
/// The longest title, in characters.
const TITLE_LIMIT: usize = 255;

/// What is to be changed; `null` clears, what is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChangeConversation")]
pub struct Change {
    #[serde(flatten)]
    named: Named,
    #[serde(default)]
    title: Given<String>,
    /// `[%None]` for none at all.
    #[serde(default)]
    persona_id: Given<String>,
}

/// One conversation, or several.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeleteConversations")]
pub struct Several {
    #[serde(flatten)]
    named: Named,
    #[serde(default)]
    pub(super) conversations: Vec<Named>,
}

/// What became of it. The counts are there when several were named.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedConversations")]
pub struct Deleted {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_items: Option<Vec<NotDeleted>>,
}

/// A conversation that was not there.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConversationNotDeleted")]
pub struct NotDeleted {
    user_id: String,
    cid: String,
    reason: &'static str,
}

/// Another history.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ReplaceHistory")]
pub struct History {
    #[serde(flatten)]
    named: Named,
    /// The messages in the form that chat models take: a list, or the text of one.
    #[serde(default)]
    history: Value,
}

/// `POST /api/conversation/update`
pub async fn update(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(change): Json<Change>,
) -> Answer<Told> {
    let (umo, id) = change.named.parts()?;
    if change.title == Given::Absent && change.persona_id == Given::Absent {
        return Err(ApiError::new(Code::NothingToChange));
    }
    let short = |title: String| title.chars().take(TITLE_LIMIT).collect::<String>();
    let changes = ConversationChange {
        title: change.title.map(|title| title.map(short)),
        persona_id: change.persona_id.map(|id| id.filter(|id| !id.is_empty())),
    };
    if !app.database.conversations().change(umo, id, changes).await? {
        return Err(missing());
    }
    told(language, &Message::ChangeSaved)
}

/// `POST /api/conversation/delete`
pub async fn delete(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(several): Json<Several>,
) -> Answer<Deleted> {
    let message = Message::EntryDeleted.text(language).into_owned();
    let conversations = app.database.conversations();
    if several.conversations.is_empty() {
        let (umo, id) = several.named.parts()?;
        let deleted = conversations.delete(&[(umo.to_owned(), id.to_owned())]).await?;
        if deleted != [true] {
            return Err(missing());
        }
        return Ok(Reply::data(Deleted {
            message,
            deleted_count: None,
            failed_count: None,
            failed_items: None,
        }));
    }
    let named = pairs(several.conversations)?;
    let outcomes = conversations.delete(&named).await?;
    let failed = named.into_iter().zip(&outcomes).filter(|(_, deleted)| !**deleted);
    let failed: Vec<NotDeleted> = failed
        .map(|((user_id, cid), _)| NotDeleted { user_id, cid, reason: "not found" })
        .collect();
    Ok(Reply::data(Deleted {
        message,
        deleted_count: Some(outcomes.iter().filter(|deleted| **deleted).count()),
        failed_count: Some(failed.len()),
        failed_items: Some(failed),
    }))
}

/// Session keys and ids, when there are not too many.
pub(super) fn pairs(named: Vec<Named>) -> Result<Vec<(String, String)>, ApiError> {
    if named.len() > MOST_NAMED {
        return Err(wrong("conversations", format!("more than {MOST_NAMED}")));
    }
    Ok(named.into_iter().map(|named| (named.user_id, named.cid)).collect())
}

/// `POST /api/conversation/update_history`
pub async fn replace_history(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(given): Json<History>,
) -> Answer<Told> {
    let (umo, id) = given.named.parts()?;
    let messages = match given.history {
        Value::Array(messages) => messages,
        Value::String(text) => serde_json::from_str(&text)
            .map_err(|error| wrong("history", format!("not the text of a list: {error}")))?,
        _ => return Err(wrong("history", "neither a list nor the text of one")),
    };
    if messages.len() > MOST_MESSAGES {
        return Err(wrong("history", format!("more than {MOST_MESSAGES} messages")));
    }
    let messages = messages.into_iter().enumerate().map(stored).collect::<Result<_, _>>()?;
    if !app.database.conversations().replace_history(umo, id, messages).await? {
        return Err(missing());
    }
    told(language, &Message::ChangeSaved)
}

/// A message as it is kept, when a model can be shown it.
fn stored((index, content): (usize, Value)) -> Result<NewMessage, ApiError> {
    let read = providers::Message::deserialize(&content)
        .map_err(|error| wrong(&format!("history[{index}]"), error.to_string()))?;
    let role = content.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tokens = u32::try_from(tokens::estimate(&read.text())).unwrap_or(u32::MAX);
    Ok(NewMessage { role, content, tokens })
}
