//! The sessions there are, and how each of them is served.

use std::collections::BTreeSet;

use actix_web::web::Data;
use firstlight_core::db::{Page, RuleKey, ServiceRule, SessionFilter, StoredRules};
use firstlight_core::model::MessageKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::available::{self, Nothing, Provider};
use super::rules::{MOST_NAMED, Parts};
use crate::api::shapes::{filled, page, wrong};
use crate::app::App;
use crate::http::{Answer, ApiError, Query, Reply, RuntimeLease};

/// How many entries a page has when nobody says.
const ORDINARY_PAGE: u32 = 20;

/// The keys of the sessions there are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ActiveSessions")]
pub struct Active {
    /// The first 10,000.
    umos: Vec<String>,
}

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionQuery")]
pub struct Which {
    #[serde(default)]
    page: Option<u32>,
    /// 20 when absent, 100 at most.
    #[serde(default)]
    page_size: Option<u32>,
    /// A part of the session key or of the name that the session was given.
    #[serde(default)]
    search: Option<String>,
    /// `all`, `group` or `private`.
    #[serde(default)]
    message_type: Option<String>,
    #[serde(default)]
    platform: Option<String>,
}

/// A page of sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionStatusList")]
pub struct List {
    sessions: Vec<Status>,
    total: i64,
    page: u32,
    page_size: u32,
    platforms: BTreeSet<String>,
    available_chat_providers: Vec<Provider>,
    available_stt_providers: Nothing,
    available_tts_providers: Nothing,
}

/// How a session is served.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionStatus")]
#[expect(clippy::struct_excessive_bools, reason = "the members of the contract")]
pub struct Status {
    umo: String,
    #[serde(flatten)]
    parts: Parts,
    custom_name: Option<String>,
    session_enabled: bool,
    llm_enabled: bool,
    tts_enabled: bool,
    has_rules: bool,
    chat_provider: Option<String>,
    tts_provider: Option<String>,
    stt_provider: Option<String>,
}

/// `GET /api/session/active-umos`
pub async fn active(app: Data<App>) -> Answer<Active> {
    let page = Page { number: 1, size: u32::try_from(MOST_NAMED).unwrap_or(u32::MAX) };
    let rules = app.database.session_rules();
    let umos = rules.known_keys(&SessionFilter::default(), None, page).await?;
    Ok(Reply::data(Active { umos }))
}

/// `GET /api/session/list-all-with-status`
pub async fn list(app: Data<App>, lease: RuntimeLease, Query(which): Query<Which>) -> Answer<List> {
    let page = page(which.page, which.page_size, ORDINARY_PAGE);
    let filter = SessionFilter {
        search: filled(which.search.as_deref()).map(str::to_owned),
        kind: kind(which.message_type.as_deref())?,
        platform_id: filled(which.platform.as_deref()).map(str::to_owned),
    };
    let found = app.database.session_rules().known(&filter, page).await?;
    let platforms = lease.platforms.statuses().into_iter().map(|platform| platform.id);
    Ok(Reply::data(List {
        sessions: found.sessions.into_iter().map(Status::of).collect(),
        total: found.total,
        page: page.number,
        page_size: page.size,
        platforms: platforms.collect(),
        available_chat_providers: available::chat_providers(&lease),
        available_stt_providers: Nothing::new(),
        available_tts_providers: Nothing::new(),
    }))
}

fn kind(message_type: Option<&str>) -> Result<Option<MessageKind>, ApiError> {
    match filled(message_type) {
        None | Some("all") => Ok(None),
        Some("group") => Ok(Some(MessageKind::Group)),
        Some("private") => Ok(Some(MessageKind::Friend)),
        Some(_) => Err(wrong("message_type", "all, group or private")),
    }
}

impl Status {
    fn of((umo, rules): (String, StoredRules)) -> Self {
        let service = rules.get(RuleKey::Service.as_str()).cloned();
        let service: ServiceRule =
            service.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
        let provider =
            |key: RuleKey| rules.get(key.as_str()).and_then(Value::as_str).map(str::to_owned);
        Self {
            parts: Parts::of(&umo),
            umo,
            custom_name: service.custom_name,
            session_enabled: service.session_enabled.unwrap_or(true),
            llm_enabled: service.llm_enabled.unwrap_or(true),
            tts_enabled: service.tts_enabled.unwrap_or(true),
            has_rules: !rules.is_empty(),
            chat_provider: provider(RuleKey::Chat),
            tts_provider: provider(RuleKey::TextToSpeech),
            stt_provider: provider(RuleKey::SpeechToText),
        }
    }
}
