//! The list of conversations, and one of them with its history.

use actix_web::web::Data;
use firstlight_core::db::{Conversation, ConversationFilter, HistoryText};
use firstlight_core::messages::Message;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::shapes::{commas, filled, page, pages, required};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Query, Reply};

/// How many entries a page has when nobody says.
const ORDINARY_PAGE: u32 = 20;
/// The largest history that is shown as one text, in bytes. A larger one can be exported.
const LARGEST_HISTORY: usize = 32 * 1024 * 1024;

/// Which conversations. Lists are separated by commas.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ConversationQuery")]
pub struct Wanted {
    #[serde(default)]
    page: Option<u32>,
    /// 20 when absent, 100 at most.
    #[serde(default)]
    page_size: Option<u32>,
    #[serde(default)]
    platforms: Option<String>,
    /// `GroupMessage`, `FriendMessage`, `OtherMessage`.
    #[serde(default)]
    message_types: Option<String>,
    /// A part of the title, the session key or the id.
    #[serde(default)]
    search: Option<String>,
    /// Sessions whose keys begin like one of these are left out.
    #[serde(default)]
    exclude_ids: Option<String>,
    #[serde(default)]
    exclude_platforms: Option<String>,
}

/// A page of conversations.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConversationList")]
pub struct List {
    conversations: Vec<Listed>,
    pagination: Pagination,
}

/// Which page this is of how many.
#[derive(Serialize, JsonSchema)]
pub struct Pagination {
    page: u32,
    page_size: u32,
    total: i64,
    total_pages: i64,
}

/// A conversation in the list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ListedConversation")]
pub struct Listed {
    platform_id: String,
    /// The session key.
    user_id: String,
    cid: String,
    /// Always an empty list here; the detail has it.
    history: &'static str,
    title: Option<String>,
    persona_id: Option<String>,
    /// Unix seconds.
    created_at: i64,
    /// Unix seconds.
    updated_at: i64,
    token_usage: i64,
}

/// Which conversation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(rename = "NamedConversation")]
pub struct Named {
    /// The session key.
    #[serde(default)]
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) cid: String,
}

/// A conversation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConversationDetail")]
pub struct Detail {
    user_id: String,
    cid: String,
    title: Option<String>,
    persona_id: Option<String>,
    /// The messages, as the text of a JSON list.
    history: String,
    /// Unix seconds.
    created_at: i64,
    /// Unix seconds.
    updated_at: i64,
}

/// `GET /api/conversation/list`
pub async fn list(app: Data<App>, Query(wanted): Query<Wanted>) -> Answer<List> {
    let page = page(wanted.page, wanted.page_size, ORDINARY_PAGE);
    let filter = ConversationFilter {
        platforms: commas(wanted.platforms.as_deref()),
        message_types: commas(wanted.message_types.as_deref()),
        exclude_platforms: commas(wanted.exclude_platforms.as_deref()),
        exclude_sessions: commas(wanted.exclude_ids.as_deref()),
        search: filled(wanted.search.as_deref()).map(str::to_owned),
    };
    let found = app.database.conversations().search(&filter, page).await?;
    Ok(Reply::data(List {
        conversations: found.conversations.into_iter().map(Listed::of).collect(),
        pagination: Pagination {
            page: page.number,
            page_size: page.size,
            total: found.total,
            total_pages: pages(found.total, page),
        },
    }))
}

/// `POST /api/conversation/detail`
pub async fn detail(app: Data<App>, Json(named): Json<Named>) -> Answer<Detail> {
    let conversation = named.find(&app).await?;
    let conversations = app.database.conversations();
    let history = conversations.history_text(&conversation.conversation_id, LARGEST_HISTORY);
    let HistoryText::Whole(history) = history.await? else {
        return Err(ApiError::with(Code::Invalid, Message::HistoryTooLarge));
    };
    Ok(Reply::data(Detail {
        user_id: conversation.umo,
        cid: conversation.conversation_id,
        title: conversation.title,
        persona_id: conversation.persona_id,
        history,
        created_at: conversation.created_at / 1000,
        updated_at: conversation.updated_at / 1000,
    }))
}

impl Named {
    /// The conversation, where it is.
    async fn find(&self, app: &App) -> Result<Conversation, ApiError> {
        let (umo, id) = self.parts()?;
        let found = app.database.conversations().of_session(umo, id).await?;
        found.ok_or_else(missing)
    }

    /// Session key and id.
    pub(super) fn parts(&self) -> Result<(&str, &str), ApiError> {
        Ok((required("user_id", &self.user_id)?, required("cid", &self.cid)?))
    }
}

pub(super) fn missing() -> ApiError {
    ApiError::with(Code::NotFound, Message::ConversationMissing)
}

impl Listed {
    fn of(conversation: Conversation) -> Self {
        Self {
            platform_id: conversation.platform_id,
            user_id: conversation.umo,
            cid: conversation.conversation_id,
            history: "[]",
            title: conversation.title,
            persona_id: conversation.persona_id,
            created_at: conversation.created_at / 1000,
            updated_at: conversation.updated_at / 1000,
            token_usage: conversation.token_usage,
        }
    }
}
