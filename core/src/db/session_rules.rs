//! Session rules: what an operator set for one session, read before every turn.
//!
//! They are preferences of the scope `umo` (reference 2.7). A turn reads them from memory; the
//! writing side invalidates what it changes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Database, DbError};

/// The scope of the preferences that rules are kept in.
const SCOPE: &str = "umo";

/// How many sessions' rules are kept in memory at most.
const KEPT: usize = 16_384;

/// The rules of one session. Absent means: as the profile says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionRule {
    /// Switches of the session.
    pub service: ServiceRule,
    /// Plugins that are switched off in the session.
    pub disabled_plugins: Vec<String>,
    /// The session's own chat provider.
    pub chat_provider: Option<String>,
    /// The session's own provider of speech to text.
    pub speech_to_text: Option<String>,
    /// The session's own provider of text to speech.
    pub text_to_speech: Option<String>,
}

/// The value of `session_service_config`. Keys that this version does not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceRule {
    /// Whether the session is served at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_enabled: Option<bool>,
    /// Whether a model is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm_enabled: Option<bool>,
    /// Whether answers are spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts_enabled: Option<bool>,
    /// The persona that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_id: Option<String>,
    /// What the operator calls the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_name: Option<String>,
    /// Everything else that was stored.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The memory of rules; one for each database.
#[derive(Default)]
pub(super) struct RuleCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rules: HashMap<String, Arc<SessionRule>>,
    /// Goes up with every change, so that what was read before a change is not kept after it.
    version: u64,
}

impl RuleCache {
    /// Forgets a session's rules, because a preference of it was written.
    pub(super) fn forget(&self, scope: &str, session: &str) {
        if scope == SCOPE {
            let mut kept = self.kept.lock();
            kept.version += 1;
            kept.rules.remove(session);
        }
    }
}

/// The session rules.
#[derive(Clone)]
pub struct SessionRules {
    database: Database,
}

impl SessionRules {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The rules of a session. From memory after the first time.
    pub async fn of(&self, session: &str) -> Result<Arc<SessionRule>, DbError> {
        let cache = self.database.rule_cache();
        let version = {
            let kept = cache.kept.lock();
            if let Some(rule) = kept.rules.get(session) {
                return Ok(Arc::clone(rule));
            }
            kept.version
        };
        let preferences = self.database.preferences().list(SCOPE, session).await?;
        let mut rule = SessionRule::default();
        for preference in preferences {
            rule.take(session, &preference.key, preference.value);
        }
        let rule = Arc::new(rule);
        let mut kept = cache.kept.lock();
        if kept.version == version {
            if kept.rules.len() >= KEPT {
                kept.rules.clear();
            }
            kept.rules.insert(session.to_owned(), Arc::clone(&rule));
        }
        Ok(rule)
    }
}

impl SessionRule {
    /// Takes one preference in. A value of another shape than expected counts as absent.
    fn take(&mut self, session: &str, key: &str, value: Value) {
        let text = |value: &Value| value.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        match key {
            "session_service_config" => {
                self.service = serde_json::from_value(value).unwrap_or_default();
            }
            // The contract nests the value below the session once more (reference 2.7).
            "session_plugin_config" => {
                let names = value.get(session).unwrap_or(&value).get("disabled_plugins").cloned();
                self.disabled_plugins =
                    names.and_then(|names| serde_json::from_value(names).ok()).unwrap_or_default();
            }
            "provider_perf_chat_completion" => self.chat_provider = text(&value),
            "provider_perf_speech_to_text" => self.speech_to_text = text(&value),
            "provider_perf_text_to_speech" => self.text_to_speech = text(&value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_written_rule_counts_from_the_next_reading_on() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let umo = "qq:GroupMessage:1";
        assert_eq!(*database.session_rules().of(umo).await.unwrap(), SessionRule::default());
        let preferences = database.preferences();
        let disabled = json!({ umo: { "disabled_plugins": ["dice"] } });
        preferences.store("umo", umo, "session_plugin_config", disabled).await.unwrap();
        let service = json!({ "llm_enabled": false, "later": 1 });
        preferences.store("umo", umo, "session_service_config", service).await.unwrap();
        let rule = database.session_rules().of(umo).await.unwrap();
        assert_eq!(rule.disabled_plugins, ["dice"]);
        assert_eq!(rule.service.llm_enabled, Some(false));
        assert_eq!(rule.service.rest["later"], 1);
        preferences.delete("umo", umo, "session_service_config").await.unwrap();
        assert_eq!(database.session_rules().of(umo).await.unwrap().service.llm_enabled, None);
    }
}
