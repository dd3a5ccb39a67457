//! A host in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::{
    CommandInfo, ConversationInfo, Event, HostCalls, HostError, HttpRequest, HttpResponse,
    HttpStream, Level, Message, ModelAnswer, ModelMessage, ModelQuestion, NewTimer, Outgoing,
    PersonaInfo, ProviderInfo, RuntimeStatus, Wait,
};

/// A host that keeps everything in memory. Its time passes by
/// [`Stage::advance`](super::Stage::advance) alone.
#[derive(Default)]
pub struct FakeHost {
    world: Mutex<World>,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) now_ms: i64,
    pub(super) settings: Value,
    pub(super) profile: Value,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) timers: BTreeMap<String, (i64, NewTimer)>,
    pub(super) waits: BTreeMap<i64, (i64, Wait)>,
    pub(super) waited: i64,
    pub(super) sent: Vec<Outgoing>,
    keys: Vec<String>,
    pub(super) commands: Vec<CommandInfo>,
    conversations: BTreeMap<String, Vec<ConversationInfo>>,
    names: BTreeMap<String, String>,
    variables: BTreeMap<String, Map<String, Value>>,
    providers: Vec<ProviderInfo>,
    chosen: BTreeMap<String, String>,
    logged: Vec<(Level, String)>,
    pages: BTreeMap<String, HttpResponse>,
    requests: Vec<HttpRequest>,
    streams: BTreeMap<u64, Vec<u8>>,
    streamed: u64,
    answers: Vec<String>,
    said: BTreeMap<String, Vec<ModelMessage>>,
    personas: Vec<PersonaInfo>,
    files: BTreeMap<String, Vec<u8>>,
}

impl FakeHost {
    /// A host whose plugin has these settings.
    pub fn with_settings(settings: Value) -> Self {
        let host = Self::default();
        host.world().settings = settings;
        host
    }

    /// The same with this profile for every session.
    #[must_use]
    pub fn profile(self, profile: Value) -> Self {
        self.world().profile = profile;
        self
    }

    /// The same with one provider more.
    #[must_use]
    pub fn provider(self, id: &str, model: &str) -> Self {
        let provider =
            ProviderInfo { id: id.into(), model: model.into(), usable: true, current: false };
        self.world().providers.push(provider);
        self
    }

    /// The same with this answer to every request of that address.
    #[must_use]
    pub fn page(self, url: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        let answer = HttpResponse { status, headers: Vec::new(), body: body.into() };
        self.world().pages.insert(url.to_owned(), answer);
        self
    }

    /// The same with a model that answers the next question so; without one it repeats the question.
    #[must_use]
    pub fn model_says(self, text: &str) -> Self {
        self.world().answers.push(text.to_owned());
        self
    }

    /// The same with this said in a session's conversation.
    #[must_use]
    pub fn was_said(self, session: &str, message: ModelMessage) -> Self {
        self.world().said.entry(session.to_owned()).or_default().push(message);
        self
    }

    /// The same with one persona more.
    #[must_use]
    pub fn persona(self, id: &str, system_prompt: &str) -> Self {
        let persona = PersonaInfo { id: id.into(), system_prompt: system_prompt.into() };
        self.world().personas.push(persona);
        self
    }

    /// The requests to web servers, in order.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.world().requests.clone()
    }

    /// What was written to the log.
    pub fn logged(&self) -> Vec<(Level, String)> {
        self.world().logged.clone()
    }

    /// The files in the plugin's folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.world().files.clone()
    }

    /// What was sent unasked, in order.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.world().sent.clone()
    }

    /// What is stored.
    pub fn values(&self) -> BTreeMap<String, Value> {
        self.world().values.clone()
    }

    /// The names of the timers that are kept.
    pub fn timers(&self) -> Vec<String> {
        self.world().timers.keys().cloned().collect()
    }

    /// How many replies are waited for.
    pub fn waiting(&self) -> usize {
        self.world().waits.len()
    }

    /// How many conversations a session has had.
    pub fn conversations(&self, session: &str) -> usize {
        self.world().conversations.get(session).map_or(0, Vec::len)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl HostCalls for FakeHost {
    fn runtime_status(&self) -> RuntimeStatus {
        RuntimeStatus {
            state: "runtime_ready".into(),
            ready: true,
            ready_since_ms: Some(0),
            uptime_seconds: 0,
            components: Vec::new(),
            plugins: Vec::new(),
            messages: 0,
            last_message_ms: None,
        }
    }

    fn raw_settings(&self) -> Value {
        match &self.world().settings {
            Value::Null => json!({}),
            settings => settings.clone(),
        }
    }

    async fn profile(&self, _event: &Event) -> Result<Value, HostError> {
        Ok(self.world().profile.clone())
    }

    async fn load(&self, key: &str) -> Result<Option<Value>, HostError> {
        Ok(self.world().values.get(key).cloned())
    }

    async fn store(&self, key: &str, value: Value) -> Result<(), HostError> {
        self.world().values.insert(key.to_owned(), value);
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<bool, HostError> {
        Ok(self.world().values.remove(key).is_some())
    }

    async fn keys(&self, beginning: &str) -> Result<Vec<String>, HostError> {
        let world = self.world();
        Ok(world.values.keys().filter(|key| key.starts_with(beginning)).cloned().collect())
    }

    async fn schedule(&self, timer: NewTimer) -> Result<(), HostError> {
        let mut world = self.world();
        let due = world.now_ms.saturating_add(milliseconds(timer.after));
        world.timers.insert(timer.name.clone(), (due, timer));
        Ok(())
    }

    async fn cancel(&self, name: &str) -> Result<bool, HostError> {
        Ok(self.world().timers.remove(name).is_some())
    }

    async fn wait_for_reply(&self, wait: Wait) -> Result<i64, HostError> {
        let mut world = self.world();
        world.waited += 1;
        let number = world.waited;
        let until = world.now_ms.saturating_add(milliseconds(wait.within));
        world.waits.insert(number, (until, wait));
        Ok(number)
    }

    async fn stop_waiting(&self, number: i64) -> Result<bool, HostError> {
        Ok(self.world().waits.remove(&number).is_some())
    }

    async fn send(&self, to: &str, message: Message, key: Option<&str>) -> Result<(), HostError> {
        let mut world = self.world();
        if let Some(key) = key {
            if world.keys.iter().any(|used| used == key) {
                return Ok(());
            }
            world.keys.push(key.to_owned());
        }
        world.sent.push(Outgoing { to: to.to_owned(), message });
        Ok(())
    }

    async fn commands(&self, _event: &Event) -> Result<Vec<CommandInfo>, HostError> {
        Ok(self.world().commands.clone())
    }

    async fn conversation(&self, session: &str) -> Result<Option<ConversationInfo>, HostError> {
        let world = self.world();
        Ok(world.conversations.get(session).and_then(|all| all.last()).cloned())
    }

    async fn new_conversation(&self, session: &str) -> Result<(), HostError> {
        let mut world = self.world();
        let all = world.conversations.entry(session.to_owned()).or_default();
        all.push(ConversationInfo { id: all.len().to_string(), ..ConversationInfo::default() });
        Ok(())
    }

    async fn clear_conversation(&self, session: &str) -> Result<bool, HostError> {
        Ok(self.world().conversations.contains_key(session))
    }

    async fn session_name(&self, session: &str) -> Result<Option<String>, HostError> {
        Ok(self.world().names.get(session).cloned())
    }

    async fn name_session(&self, session: &str, name: Option<&str>) -> Result<(), HostError> {
        let mut world = self.world();
        match name {
            Some(name) => drop(world.names.insert(session.to_owned(), name.to_owned())),
            None => drop(world.names.remove(session)),
        }
        Ok(())
    }

    async fn variables(&self, session: &str) -> Result<Map<String, Value>, HostError> {
        Ok(self.world().variables.get(session).cloned().unwrap_or_default())
    }

    async fn set_variable(
        &self,
        session: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, HostError> {
        let mut world = self.world();
        let variables = world.variables.entry(session.to_owned()).or_default();
        let before = match value {
            Some(value) => variables.insert(name.to_owned(), json!(value)),
            None => variables.remove(name),
        };
        Ok(before.is_some())
    }

    async fn providers(&self, event: &Event) -> Result<Vec<ProviderInfo>, HostError> {
        let world = self.world();
        let first = world.providers.first().map(|provider| provider.id.clone());
        let chosen = world.chosen.get(&event.session).cloned().or(first);
        let mark = |provider: &ProviderInfo| {
            let current = Some(&provider.id) == chosen.as_ref();
            ProviderInfo { current, ..provider.clone() }
        };
        Ok(world.providers.iter().map(mark).collect())
    }

    async fn choose_provider(&self, session: &str, id: &str) -> Result<(), HostError> {
        let mut world = self.world();
        if world.providers.iter().all(|provider| provider.id != id) {
            return Err(HostError::unknown("provider", id));
        }
        world.chosen.insert(session.to_owned(), id.to_owned());
        Ok(())
    }

    fn log(&self, level: Level, text: &str) {
        self.world().logged.push((level, text.to_owned()));
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        let mut world = self.world();
        world.requests.push(request.clone());
        let answer = world.pages.get(&request.url).cloned();
        answer.ok_or_else(|| HostError::Remote(format!("no answer from {}", request.url)))
    }

    async fn open_stream(&self, request: HttpRequest) -> Result<HttpStream, HostError> {
        let HttpResponse { status, headers, body } = self.fetch(request).await?;
        let mut world = self.world();
        world.streamed += 1;
        let stream = world.streamed;
        world.streams.insert(stream, body);
        Ok(HttpStream { stream, status, headers })
    }

    async fn read_stream(&self, stream: u64) -> Result<Option<Vec<u8>>, HostError> {
        let mut world = self.world();
        let body = world.streams.get_mut(&stream);
        let body = body.ok_or_else(|| HostError::unknown("stream", stream.to_string()))?;
        let part = std::mem::take(body);
        if part.is_empty() {
            world.streams.remove(&stream);
            return Ok(None);
        }
        Ok(Some(part))
    }

    async fn close_stream(&self, stream: u64) -> Result<bool, HostError> {
        Ok(self.world().streams.remove(&stream).is_some())
    }

    async fn ask_model(&self, question: ModelQuestion) -> Result<ModelAnswer, HostError> {
        let mut world = self.world();
        let asked = question.messages.last().map(ModelMessage::text).unwrap_or_default();
        let text = if world.answers.is_empty() { asked } else { world.answers.remove(0) };
        Ok(ModelAnswer { text, ..ModelAnswer::default() })
    }

    async fn embed(
        &self,
        _provider: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        let vector = |text: &String| vec![f32::from(u16::try_from(text.len()).unwrap_or(0)), 1.0];
        Ok(texts.iter().map(vector).collect())
    }

    async fn conversation_messages(
        &self,
        session: &str,
        limit: u32,
    ) -> Result<Vec<ModelMessage>, HostError> {
        let said = self.world().said.get(session).cloned().unwrap_or_default();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let skipped = said.len().saturating_sub(limit);
        Ok(said.into_iter().skip(skipped).collect())
    }

    async fn personas(&self) -> Result<Vec<PersonaInfo>, HostError> {
        Ok(self.world().personas.clone())
    }

    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.world().files.get(path).cloned())
    }

    async fn write_file(&self, path: &str, content: Vec<u8>) -> Result<(), HostError> {
        self.world().files.insert(path.to_owned(), content);
        Ok(())
    }

    async fn list_files(&self, folder: &str) -> Result<Vec<String>, HostError> {
        let below = folder.trim_end_matches('/');
        let within = |path: &&String| below.is_empty() || path.starts_with(&format!("{below}/"));
        Ok(self.world().files.keys().filter(within).cloned().collect())
    }

    async fn remove_file(&self, path: &str) -> Result<bool, HostError> {
        Ok(self.world().files.remove(path).is_some())
    }
}
