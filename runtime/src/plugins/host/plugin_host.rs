//! The line of one plugin to the gateway.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::db::{
    NewPluginTimer, NewPluginWait, PLUGIN_KEYS, PLUGIN_SPACE, PLUGIN_TIMERS, PLUGIN_WAITS,
    ValueStored,
};
use firstlight_plugins_api::{
    CommandInfo, ConversationInfo, Event, HostCalls, HostError, HttpRequest, HttpResponse,
    HttpStream, Level, Message, ModelAnswer, ModelMessage, ModelQuestion, NewTimer, PersonaInfo,
    ProviderInfo, RuntimeStatus, Wait, async_trait,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::files::Files;
use super::sending::{Sent, send};
use super::sessions::parsed;
use super::shared::{Shared, failed};
use super::terms::Terms;

/// The longest key or name that a plugin may use, in bytes.
const KEY_LIMIT: usize = 256;
/// The largest value or payload, in bytes of JSON.
const VALUE_LIMIT: usize = 256 * 1024;
/// How long a plugin may wait for a reply.
const WAIT_LIMIT: Duration = Duration::from_hours(24 * 7);
/// How far ahead a timer may be.
const TIMER_LIMIT: Duration = Duration::from_hours(24 * 366);
/// How soon after each other a timer may fire.
const LEAST_PERIOD: Duration = Duration::from_secs(1);

/// The host of one plugin.
pub(in crate::plugins) struct PluginHost {
    plugin: Arc<str>,
    shared: Arc<Shared>,
    terms: Arc<Terms>,
}

impl PluginHost {
    pub(in crate::plugins) fn new(plugin: &str, shared: Arc<Shared>, terms: Arc<Terms>) -> Self {
        Self { plugin: Arc::from(plugin), shared, terms }
    }
}

impl PluginHost {
    fn files(&self) -> Files {
        Files::new(self.shared.data_folder(&self.plugin))
    }
}

fn check_key(key: &str) -> Result<(), HostError> {
    match key.len() {
        0 => Err(HostError::unknown("key", "")),
        length if length > KEY_LIMIT => Err(HostError::limit("a key or a name", KEY_LIMIT as u64)),
        _ => Ok(()),
    }
}

fn check_value(value: &Value) -> Result<(), HostError> {
    if value.to_string().len() > VALUE_LIMIT {
        return Err(HostError::limit("a value", VALUE_LIMIT as u64));
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn too_many(what: &'static str, limit: i64) -> HostError {
    HostError::limit(what, limit.unsigned_abs())
}

#[async_trait]
impl HostCalls for PluginHost {
    fn runtime_status(&self) -> RuntimeStatus {
        self.shared.status.runtime_status()
    }

    fn raw_settings(&self) -> Value {
        self.shared.settings(&self.plugin)
    }

    async fn profile(&self, event: &Event) -> Result<Value, HostError> {
        self.shared.masked_profile(&event.reply_to)
    }

    async fn load(&self, key: &str) -> Result<Option<Value>, HostError> {
        let values = self.shared.database.plugin_values();
        values.load(&self.plugin, key).await.map_err(|error| failed(&error))
    }

    async fn store(&self, key: &str, value: Value) -> Result<(), HostError> {
        check_key(key)?;
        check_value(&value)?;
        let values = self.shared.database.plugin_values();
        match values.store(&self.plugin, key, value).await.map_err(|error| failed(&error))? {
            ValueStored::Done => Ok(()),
            ValueStored::TooMany => Err(too_many("keys of a plugin", PLUGIN_KEYS)),
            ValueStored::TooLarge => Err(too_many("the values of a plugin", PLUGIN_SPACE)),
        }
    }

    async fn forget(&self, key: &str) -> Result<bool, HostError> {
        let values = self.shared.database.plugin_values();
        values.forget(&self.plugin, key).await.map_err(|error| failed(&error))
    }

    async fn keys(&self, beginning: &str) -> Result<Vec<String>, HostError> {
        let values = self.shared.database.plugin_values();
        values.keys(&self.plugin, beginning).await.map_err(|error| failed(&error))
    }

    async fn schedule(&self, timer: NewTimer) -> Result<(), HostError> {
        check_key(&timer.name)?;
        check_value(&timer.payload)?;
        let now = Timestamp::now().as_millisecond();
        let new = NewPluginTimer {
            plugin: self.plugin.to_string(),
            name: timer.name,
            payload: timer.payload,
            every: timer.every.map(|every| milliseconds(every.clamp(LEAST_PERIOD, TIMER_LIMIT))),
            due_at: now.saturating_add(milliseconds(timer.after.min(TIMER_LIMIT))),
        };
        let kept = self.shared.database.plugin_timers().schedule(new).await;
        if !kept.map_err(|error| failed(&error))? {
            return Err(too_many("timers of a plugin", PLUGIN_TIMERS));
        }
        self.shared.later.notify_one();
        Ok(())
    }

    async fn cancel(&self, name: &str) -> Result<bool, HostError> {
        let timers = self.shared.database.plugin_timers();
        timers.cancel(&self.plugin, name).await.map_err(|error| failed(&error))
    }

    async fn wait_for_reply(&self, wait: Wait) -> Result<i64, HostError> {
        check_key(&wait.name)?;
        check_value(&wait.payload)?;
        let session = parsed(&wait.session)?;
        let now = Timestamp::now().as_millisecond();
        let new = NewPluginWait {
            plugin: self.plugin.to_string(),
            name: wait.name,
            session: session.to_string(),
            reply_to: wait.reply_to,
            sender: wait.sender,
            asked_by: wait.asked_by,
            payload: wait.payload,
            expires_at: now.saturating_add(milliseconds(wait.within.min(WAIT_LIMIT))),
        };
        let number = self.shared.waits.add(new).await.map_err(|error| failed(&error))?;
        let number = number.ok_or_else(|| too_many("waits of a plugin", PLUGIN_WAITS))?;
        self.shared.later.notify_one();
        Ok(number)
    }

    async fn stop_waiting(&self, number: i64) -> Result<bool, HostError> {
        self.shared.waits.end(&self.plugin, number).await.map_err(|error| failed(&error))
    }

    async fn send(&self, to: &str, message: Message, key: Option<&str>) -> Result<(), HostError> {
        let key = match key {
            Some(key) => {
                check_key(key)?;
                Some(format!("plugin:{}:{key}", self.plugin))
            }
            None => None,
        };
        match send(&self.shared, vec![(to.to_owned(), message, key)]).await? {
            Sent::Stored => Ok(()),
            Sent::Busy => Err(HostError::Busy),
        }
    }

    async fn commands(&self, event: &Event) -> Result<Vec<CommandInfo>, HostError> {
        let (_, profile) = self.shared.profile_of(&event.reply_to)?;
        let rule = self.shared.database.session_rules().of(&event.session).await;
        let rule = rule.map_err(|error| failed(&error))?;
        Ok(self.shared.current.state().usable(event, &profile, &rule))
    }

    async fn conversation(&self, session: &str) -> Result<Option<ConversationInfo>, HostError> {
        self.shared.conversation(session).await
    }

    async fn new_conversation(&self, session: &str) -> Result<(), HostError> {
        self.shared.new_conversation(session).await
    }

    async fn clear_conversation(&self, session: &str) -> Result<bool, HostError> {
        self.shared.clear_conversation(session).await
    }

    async fn session_name(&self, session: &str) -> Result<Option<String>, HostError> {
        self.shared.session_name(session).await
    }

    async fn name_session(&self, session: &str, name: Option<&str>) -> Result<(), HostError> {
        self.shared.name_session(session, name).await
    }

    async fn variables(&self, session: &str) -> Result<Map<String, Value>, HostError> {
        self.shared.variables(session).await
    }

    async fn set_variable(
        &self,
        session: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, HostError> {
        self.shared.set_variable(session, name, value).await
    }

    async fn providers(&self, event: &Event) -> Result<Vec<ProviderInfo>, HostError> {
        self.shared.provider_list(event).await
    }

    async fn choose_provider(&self, session: &str, id: &str) -> Result<(), HostError> {
        self.shared.choose_provider(session, id).await
    }

    fn log(&self, level: Level, text: &str) {
        self.terms.log.write(level, text);
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        let granted = self.terms.granted();
        self.terms.outbound.fetch(&self.shared.clients, &granted, request).await
    }

    async fn open_stream(&self, request: HttpRequest) -> Result<HttpStream, HostError> {
        let granted = self.terms.granted();
        self.terms.outbound.open(&self.shared.clients, &granted, request).await
    }

    async fn read_stream(&self, stream: u64) -> Result<Option<Vec<u8>>, HostError> {
        self.terms.outbound.read(stream).await
    }

    async fn close_stream(&self, stream: u64) -> Result<bool, HostError> {
        Ok(self.terms.outbound.close(stream))
    }

    async fn ask_model(&self, question: ModelQuestion) -> Result<ModelAnswer, HostError> {
        self.shared.ask_model(question).await
    }

    async fn embed(
        &self,
        provider: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        self.shared.embed(provider, texts).await
    }

    async fn conversation_messages(
        &self,
        session: &str,
        limit: u32,
    ) -> Result<Vec<ModelMessage>, HostError> {
        self.shared.conversation_messages(session, limit).await
    }

    async fn personas(&self) -> Result<Vec<PersonaInfo>, HostError> {
        self.shared.personas().await
    }

    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        self.files().read(path).await
    }

    async fn write_file(&self, path: &str, content: Vec<u8>) -> Result<(), HostError> {
        self.files().write(path, content).await
    }

    async fn list_files(&self, folder: &str) -> Result<Vec<String>, HostError> {
        self.files().list(folder).await
    }

    async fn remove_file(&self, path: &str) -> Result<bool, HostError> {
        self.files().remove(path).await
    }
}
