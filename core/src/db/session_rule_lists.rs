//! Session rules as an operator sees them: which sessions have which.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::types::Json;

use super::conversation_lists::like;
use super::{DbError, Page, SessionRules};
use crate::model::MessageKind;

/// A rule that a session can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKey {
    /// Its switches, its persona, its name.
    Service,
    /// Plugins that are switched off.
    Plugins,
    /// Knowledge bases.
    Knowledge,
    /// Its chat provider.
    Chat,
    /// Its provider of speech to text.
    SpeechToText,
    /// Its provider of text to speech.
    TextToSpeech,
}

/// Which sessions a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// A part of the session key or of the name that the operator gave it.
    pub search: Option<String>,
    /// Of one kind.
    pub kind: Option<MessageKind>,
    /// On one platform.
    pub platform_id: Option<String>,
}

/// The rules of a session as they are stored, by the name of their key.
pub type StoredRules = Map<String, Value>;

/// One page of sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPage {
    /// Each session key with its rules.
    pub sessions: Vec<(String, StoredRules)>,
    /// How many there are on all pages.
    pub total: i64,
}

impl RuleKey {
    /// All rules.
    pub const ALL: [Self; 6] = [
        Self::Service,
        Self::Plugins,
        Self::Knowledge,
        Self::Chat,
        Self::SpeechToText,
        Self::TextToSpeech,
    ];

    /// Its name, as it is stored and shown (reference 2.7).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "session_service_config",
            Self::Plugins => "session_plugin_config",
            Self::Knowledge => "kb_config",
            Self::Chat => "provider_perf_chat_completion",
            Self::SpeechToText => "provider_perf_speech_to_text",
            Self::TextToSpeech => "provider_perf_text_to_speech",
        }
    }

    /// The rule of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

/// What makes a preference a rule, in the words of its index.
macro_rules! is_rule {
    () => {
        "scope = 'umo' AND key IN (
            'session_service_config', 'session_plugin_config', 'kb_config',
            'provider_perf_chat_completion', 'provider_perf_speech_to_text',
            'provider_perf_text_to_speech')"
    };
}
pub(super) use is_rule;

/// ?1: search pattern.
macro_rules! with_rules {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM preferences INDEXED BY preferences_rules WHERE ",
            is_rule!(),
            "
                 AND (?1 IS NULL OR scope_id LIKE ?1 ESCAPE '\\'
                     OR key = 'session_service_config'
                         AND value ->> '$.custom_name' LIKE ?1 ESCAPE '\\')"
        )
    };
}

/// ?1: search pattern, ?2: kind, ?3: platform, ?4: after this one.
macro_rules! known {
    ($columns:literal) => {
        concat!(
            "WITH known (umo) AS (
                 SELECT DISTINCT umo FROM conversations
                 UNION
                 SELECT scope_id FROM preferences INDEXED BY preferences_rules WHERE ",
            is_rule!(),
            ")
             SELECT ",
            $columns,
            " FROM known
             WHERE (?1 IS NULL OR umo LIKE ?1 ESCAPE '\\' OR EXISTS (
                     SELECT 1 FROM preferences WHERE scope = 'umo' AND scope_id = umo
                         AND key = 'session_service_config'
                         AND value ->> '$.custom_name' LIKE ?1 ESCAPE '\\'))
                 AND (?2 IS NULL OR substr(umo, instr(umo, ':'), length(?2) + 2)
                     = ':' || ?2 || ':')
                 AND (?3 IS NULL OR substr(umo, 1, length(?3) + 1) = ?3 || ':')
                 AND (?4 IS NULL OR umo > ?4)"
        )
    };
}

pub(super) const RULED: &str =
    concat!(with_rules!("DISTINCT scope_id"), " ORDER BY scope_id LIMIT ?2 OFFSET ?3");
const RULED_COUNT: &str = with_rules!("count(DISTINCT scope_id)");
pub(super) const KNOWN: &str = concat!(known!("umo"), " ORDER BY umo LIMIT ?5 OFFSET ?6");
const KNOWN_COUNT: &str = known!("count(*)");
pub(super) const RULES_OF: &str = concat!(
    "SELECT scope_id, key, value FROM preferences WHERE ",
    is_rule!(),
    " AND scope_id IN (SELECT value FROM json_each(?))"
);

impl SessionRules {
    /// The sessions that have rules, by their keys.
    pub async fn list(&self, search: Option<&str>, page: Page) -> Result<SessionPage, DbError> {
        let pattern = search.map(like);
        let umos = sqlx::query_scalar(RULED)
            .bind(pattern.clone())
            .bind(page.size)
            .bind(page.offset())
            .fetch_all(self.database().readers())
            .await?;
        let total = sqlx::query_scalar(RULED_COUNT)
            .bind(pattern)
            .fetch_one(self.database().readers())
            .await?;
        Ok(SessionPage { sessions: self.rules_of(umos).await?, total })
    }

    /// The sessions that have a conversation or rules, by their keys.
    pub async fn known(&self, filter: &SessionFilter, page: Page) -> Result<SessionPage, DbError> {
        let umos = self.known_keys(filter, None, page).await?;
        let total = sqlx::query_scalar(KNOWN_COUNT)
            .bind(filter.search.as_deref().map(like))
            .bind(filter.kind.map(MessageKind::as_str))
            .bind(filter.platform_id.clone())
            .bind(None::<String>)
            .fetch_one(self.database().readers())
            .await?;
        Ok(SessionPage { sessions: self.rules_of(umos).await?, total })
    }

    /// The keys of known sessions, beginning after one of them.
    pub async fn known_keys(
        &self,
        filter: &SessionFilter,
        after: Option<String>,
        page: Page,
    ) -> Result<Vec<String>, DbError> {
        let umos = sqlx::query_scalar(KNOWN)
            .bind(filter.search.as_deref().map(like))
            .bind(filter.kind.map(MessageKind::as_str))
            .bind(filter.platform_id.clone())
            .bind(after)
            .bind(page.size)
            .bind(page.offset())
            .fetch_all(self.database().readers())
            .await?;
        Ok(umos)
    }

    async fn rules_of(&self, umos: Vec<String>) -> Result<Vec<(String, StoredRules)>, DbError> {
        let rows: Vec<(String, String, Json<Value>)> = sqlx::query_as(RULES_OF)
            .bind(Json(umos.clone()))
            .fetch_all(self.database().readers())
            .await?;
        let mut rules: BTreeMap<String, StoredRules> = BTreeMap::new();
        for (umo, key, Json(value)) in rows {
            rules.entry(umo).or_default().insert(key, value);
        }
        let with_rules = |umo: String| {
            let rules = rules.remove(&umo).unwrap_or_default();
            (umo, rules)
        };
        Ok(umos.into_iter().map(with_rules).collect())
    }
}
