//! Sessions, their conversations and their providers, for plugins.

use std::sync::Arc;

use firstlight_core::config::{DocumentId, Profile, mask};
use firstlight_core::db::{NewConversation, ServiceRule};
use firstlight_core::model::SessionKey;
use firstlight_plugins_api::{ConversationInfo, Event, HostError, ProviderInfo};
use serde_json::{Map, Value, json};

use super::shared::{Shared, failed};
use crate::providers::{Choice, ProviderStatus};

/// The scope of a session's preferences, and their names (reference 5.2).
const SCOPE: &str = "umo";
const SERVICE: &str = "session_service_config";
const VARIABLES: &str = "session_variables";
const PROVIDER: &str = "provider_perf_chat_completion";

/// How many variables a session may have, and how many bytes a name or a value.
const MOST_VARIABLES: usize = 100;
const VARIABLE_LIMIT: usize = 4096;
/// The longest name of a session, in characters.
const NAME_LIMIT: usize = 200;

impl Shared {
    /// The profile that handles messages from there, by the routing (reference B17: asked with the
    /// key, never with a text made from its parts).
    pub(super) fn profile_of(&self, reply_to: &str) -> Result<(String, Arc<Profile>), HostError> {
        let routed = self.config.snapshot().effective(&parsed(reply_to)?);
        let routed = routed.map_err(|error| HostError::Failed(error.to_string()))?;
        Ok((routed.conf_id, routed.profile))
    }

    pub(super) fn masked_profile(&self, reply_to: &str) -> Result<Value, HostError> {
        let (conf_id, profile) = self.profile_of(reply_to)?;
        Ok(mask(&json!(*profile), &self.config.schema(&DocumentId::Profile(conf_id))))
    }

    pub(super) async fn conversation(
        &self,
        session: &str,
    ) -> Result<Option<ConversationInfo>, HostError> {
        let found = self.database.conversations().selected(session).await;
        let Some(found) = found.map_err(|error| failed(&error))? else { return Ok(None) };
        let usage = self.database.statistics().usage_of(&found.conversation_id).await;
        let usage = usage.map_err(|error| failed(&error))?;
        let count = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
        Ok(Some(ConversationInfo {
            id: found.conversation_id,
            title: found.title,
            input_tokens: count(usage.input_other),
            cached_tokens: count(usage.input_cached),
            output_tokens: count(usage.output),
        }))
    }

    pub(super) async fn new_conversation(&self, session: &str) -> Result<(), HostError> {
        let key = parsed(session)?;
        let conversations = self.database.conversations();
        let before = conversations.selected(session).await.map_err(|error| failed(&error))?;
        let new = NewConversation {
            platform_id: key.platform().to_string(),
            umo: key.to_string(),
            title: None,
            persona_id: before.and_then(|before| before.persona_id),
        };
        conversations.create(new).await.map(drop).map_err(|error| failed(&error))
    }

    pub(super) async fn clear_conversation(&self, session: &str) -> Result<bool, HostError> {
        let conversations = self.database.conversations();
        let cleared = async {
            match conversations.selected(session).await? {
                Some(selected) => conversations.clear(&selected.conversation_id).await,
                None => Ok(false),
            }
        };
        cleared.await.map_err(|error| failed(&error))
    }

    pub(super) async fn session_name(&self, session: &str) -> Result<Option<String>, HostError> {
        let rule = self.database.session_rules().of(session).await;
        let rule = rule.map_err(|error| failed(&error))?;
        Ok(rule.service.custom_name.clone().filter(|name| !name.is_empty()))
    }

    pub(super) async fn name_session(
        &self,
        session: &str,
        name: Option<&str>,
    ) -> Result<(), HostError> {
        parsed(session)?;
        if name.is_some_and(|name| name.chars().count() > NAME_LIMIT) {
            return Err(HostError::limit("the name", NAME_LIMIT as u64));
        }
        let name = name.map(str::to_owned);
        let change = move |before: Option<Value>| {
            let rule = before.and_then(|value| serde_json::from_value::<ServiceRule>(value).ok());
            let rule = ServiceRule { custom_name: name, ..rule.unwrap_or_default() };
            (Some(json!(rule)), ())
        };
        let preferences = self.database.preferences();
        let changed = preferences.change(SCOPE, session, SERVICE, change).await;
        changed.map_err(|error| failed(&error))
    }

    pub(super) async fn variables(&self, session: &str) -> Result<Map<String, Value>, HostError> {
        let stored = self.database.preferences().load(SCOPE, session, VARIABLES).await;
        let stored = stored.map_err(|error| failed(&error))?;
        Ok(stored.as_ref().and_then(Value::as_object).cloned().unwrap_or_default())
    }

    pub(super) async fn set_variable(
        &self,
        session: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, HostError> {
        parsed(session)?;
        if name.len() > VARIABLE_LIMIT || value.is_some_and(|value| value.len() > VARIABLE_LIMIT) {
            return Err(HostError::limit("a variable", VARIABLE_LIMIT as u64));
        }
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        let change = move |before: Option<Value>| {
            let kept = before.as_ref().and_then(Value::as_object).cloned();
            let mut variables = kept.unwrap_or_default();
            let full = variables.len() >= MOST_VARIABLES && !variables.contains_key(&name);
            let was = match value {
                Some(_) if full => return (before, None),
                Some(value) => variables.insert(name, json!(value)).is_some(),
                None => variables.remove(&name).is_some(),
            };
            let left = (!variables.is_empty()).then_some(Value::Object(variables));
            (left, Some(was))
        };
        let preferences = self.database.preferences();
        let changed = preferences.change(SCOPE, session, VARIABLES, change).await;
        let limit = HostError::limit("variables of a session", MOST_VARIABLES as u64);
        changed.map_err(|error| failed(&error))?.ok_or(limit)
    }

    pub(super) async fn provider_list(
        &self,
        event: &Event,
    ) -> Result<Vec<ProviderInfo>, HostError> {
        let registry = self.providers()?;
        let (_, profile) = self.profile_of(&event.reply_to)?;
        let rule = self.database.session_rules().of(&event.session).await;
        let rule = rule.map_err(|error| failed(&error))?;
        let current = registry.current(Choice {
            explicit: None,
            session: rule.chat_provider.as_deref(),
            profile: Some(profile.provider_settings.default_provider_id.as_str()),
        });
        let current = current.map(|provider| provider.meta().id.clone());
        let shown = |record: crate::providers::ProviderRecord| ProviderInfo {
            current: current.as_ref() == Some(&record.id),
            usable: record.status == ProviderStatus::Loaded,
            id: record.id,
            model: record.model,
        };
        let records = registry.records().into_iter();
        Ok(records.filter(|record| record.provider_type == "chat_completion").map(shown).collect())
    }

    pub(super) async fn choose_provider(&self, session: &str, id: &str) -> Result<(), HostError> {
        parsed(session)?;
        if self.providers()?.chat(id).is_none() {
            return Err(HostError::unknown("provider", id));
        }
        let stored = self.database.preferences().store(SCOPE, session, PROVIDER, json!(id)).await;
        stored.map_err(|error| failed(&error))
    }
}

/// A session as a plugin names it.
pub(super) fn parsed(session: &str) -> Result<SessionKey, HostError> {
    session.parse().map_err(|_| HostError::unknown("session", session))
}
