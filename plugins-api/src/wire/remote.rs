//! A host that is asked over the line.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::answering::Bytes;
use super::{HostCall, WireError};
use crate::{
    CommandInfo, ConversationInfo, Event, Host, HostCalls, HostError, HttpRequest, HttpResponse,
    HttpStream, Level, Message, ModelAnswer, ModelMessage, ModelQuestion, NewTimer, PersonaInfo,
    ProviderInfo, RuntimeStatus, Wait,
};

/// A line to the gateway. A call waits until it is answered: a plugin at the other end of a line
/// has nothing else to do meanwhile that would need its thread.
pub trait Line: Send + Sync + 'static {
    /// Makes a call and answers JSON text.
    fn call(&self, call: &HostCall) -> Result<String, WireError>;
}

/// The host at the other end of a line.
pub struct RemoteHost<L>(L);

impl<L: Line> RemoteHost<L> {
    /// A host for a plugin.
    #[expect(clippy::new_ret_no_self, reason = "a plugin is given a `Host`")]
    pub fn new(line: L) -> Host {
        Host::new(Arc::new(Self(line)))
    }

    fn ask<T: DeserializeOwned>(&self, call: &HostCall) -> Result<T, HostError> {
        let answer = self.0.call(call)?;
        serde_json::from_str(&answer).map_err(|error| HostError::Failed(error.to_string()))
    }
}

#[async_trait]
impl<L: Line> HostCalls for RemoteHost<L> {
    fn runtime_status(&self) -> RuntimeStatus {
        // A gateway that cannot be asked is not ready.
        self.ask(&HostCall::RuntimeStatus).unwrap_or_else(|_| RuntimeStatus {
            state: "created".into(),
            ready: false,
            ready_since_ms: None,
            uptime_seconds: 0,
            components: Vec::new(),
            plugins: Vec::new(),
            messages: 0,
            last_message_ms: None,
        })
    }

    fn raw_settings(&self) -> Value {
        self.ask(&HostCall::Settings).unwrap_or_else(|_| json!({}))
    }

    async fn profile(&self, event: &Event) -> Result<Value, HostError> {
        self.ask(&HostCall::Profile { event: Box::new(event.clone()) })
    }

    async fn load(&self, key: &str) -> Result<Option<Value>, HostError> {
        self.ask(&HostCall::Load { key: key.into() })
    }

    async fn store(&self, key: &str, value: Value) -> Result<(), HostError> {
        self.ask(&HostCall::Store { key: key.into(), value })
    }

    async fn forget(&self, key: &str) -> Result<bool, HostError> {
        self.ask(&HostCall::Forget { key: key.into() })
    }

    async fn keys(&self, beginning: &str) -> Result<Vec<String>, HostError> {
        self.ask(&HostCall::Keys { beginning: beginning.into() })
    }

    async fn schedule(&self, timer: NewTimer) -> Result<(), HostError> {
        self.ask(&HostCall::Schedule(timer))
    }

    async fn cancel(&self, name: &str) -> Result<bool, HostError> {
        self.ask(&HostCall::Cancel { name: name.into() })
    }

    async fn wait_for_reply(&self, wait: Wait) -> Result<i64, HostError> {
        self.ask(&HostCall::WaitForReply(Box::new(wait)))
    }

    async fn stop_waiting(&self, number: i64) -> Result<bool, HostError> {
        self.ask(&HostCall::StopWaiting { number })
    }

    async fn send(&self, to: &str, message: Message, key: Option<&str>) -> Result<(), HostError> {
        self.ask(&HostCall::Send { to: to.into(), message, key: key.map(str::to_owned) })
    }

    async fn commands(&self, event: &Event) -> Result<Vec<CommandInfo>, HostError> {
        self.ask(&HostCall::Commands { event: Box::new(event.clone()) })
    }

    async fn conversation(&self, session: &str) -> Result<Option<ConversationInfo>, HostError> {
        self.ask(&HostCall::Conversation { session: session.into() })
    }

    async fn new_conversation(&self, session: &str) -> Result<(), HostError> {
        self.ask(&HostCall::NewConversation { session: session.into() })
    }

    async fn clear_conversation(&self, session: &str) -> Result<bool, HostError> {
        self.ask(&HostCall::ClearConversation { session: session.into() })
    }

    async fn session_name(&self, session: &str) -> Result<Option<String>, HostError> {
        self.ask(&HostCall::SessionName { session: session.into() })
    }

    async fn name_session(&self, session: &str, name: Option<&str>) -> Result<(), HostError> {
        let name = name.map(str::to_owned);
        self.ask(&HostCall::NameSession { session: session.into(), name })
    }

    async fn variables(&self, session: &str) -> Result<Map<String, Value>, HostError> {
        self.ask(&HostCall::Variables { session: session.into() })
    }

    async fn set_variable(
        &self,
        session: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, HostError> {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.ask(&HostCall::SetVariable { session: session.into(), name, value })
    }

    async fn providers(&self, event: &Event) -> Result<Vec<ProviderInfo>, HostError> {
        self.ask(&HostCall::Providers { event: Box::new(event.clone()) })
    }

    async fn choose_provider(&self, session: &str, id: &str) -> Result<(), HostError> {
        self.ask(&HostCall::ChooseProvider { session: session.into(), id: id.into() })
    }

    fn log(&self, level: Level, text: &str) {
        // A line that cannot be written has nobody else to be told to.
        let _ = self.ask::<()>(&HostCall::Log { level, text: text.into() });
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        self.ask(&HostCall::Fetch(request))
    }

    async fn open_stream(&self, request: HttpRequest) -> Result<HttpStream, HostError> {
        self.ask(&HostCall::OpenStream(request))
    }

    async fn read_stream(&self, stream: u64) -> Result<Option<Vec<u8>>, HostError> {
        let part: Option<Bytes> = self.ask(&HostCall::ReadStream { stream })?;
        Ok(part.map(|Bytes(part)| part))
    }

    async fn close_stream(&self, stream: u64) -> Result<bool, HostError> {
        self.ask(&HostCall::CloseStream { stream })
    }

    async fn ask_model(&self, question: ModelQuestion) -> Result<ModelAnswer, HostError> {
        self.ask(&HostCall::AskModel(question))
    }

    async fn embed(
        &self,
        provider: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        self.ask(&HostCall::Embed { provider: provider.map(str::to_owned), texts })
    }

    async fn conversation_messages(
        &self,
        session: &str,
        limit: u32,
    ) -> Result<Vec<ModelMessage>, HostError> {
        self.ask(&HostCall::ConversationMessages { session: session.into(), limit })
    }

    async fn personas(&self) -> Result<Vec<PersonaInfo>, HostError> {
        self.ask(&HostCall::Personas)
    }

    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        let content: Option<Bytes> = self.ask(&HostCall::ReadFile { path: path.into() })?;
        Ok(content.map(|Bytes(content)| content))
    }

    async fn write_file(&self, path: &str, content: Vec<u8>) -> Result<(), HostError> {
        self.ask(&HostCall::WriteFile { path: path.into(), content })
    }

    async fn list_files(&self, folder: &str) -> Result<Vec<String>, HostError> {
        self.ask(&HostCall::ListFiles { folder: folder.into() })
    }

    async fn remove_file(&self, path: &str) -> Result<bool, HostError> {
        self.ask(&HostCall::RemoveFile { path: path.into() })
    }
}
