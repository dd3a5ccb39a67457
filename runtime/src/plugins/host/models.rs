//! Models and what the operator set up for them, for plugins.

use firstlight_plugins_api::{HostError, ModelAnswer, ModelMessage, ModelQuestion, PersonaInfo};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::shared::{Shared, failed};
use crate::plugins::convert;
use crate::providers::{ChatEvent, ChatRequest, Choice, Message, ProviderError};

/// The most messages of a conversation that are read at once.
const MOST_MESSAGES: u32 = 200;
/// The longest answer, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// How many texts are embedded at once, and how long each may be.
const MOST_TEXTS: usize = 256;
const TEXT_LIMIT: usize = 64 << 10;

impl Shared {
    pub(super) async fn ask_model(
        &self,
        question: ModelQuestion,
    ) -> Result<ModelAnswer, HostError> {
        let registry = self.providers()?;
        let rule = match &question.session {
            Some(session) => {
                let rule = self.database.session_rules().of(session).await;
                rule.map_err(|error| failed(&error))?.chat_provider.clone()
            }
            None => None,
        };
        let provider = match &question.provider {
            Some(id) => registry.chat(id).ok_or_else(|| HostError::unknown("provider", id))?,
            None => registry
                .current(Choice { explicit: None, session: rule.as_deref(), profile: None })
                .ok_or_else(|| HostError::unknown("provider", ""))?,
        };
        let request = ChatRequest {
            system_prompt: question.system_prompt,
            messages: question.messages.into_iter().map(convert::spoken).collect(),
            model: question.model,
            ..ChatRequest::default()
        };
        // The call ends with this future, however that ends.
        let cancel = CancellationToken::new();
        let _ends_with_this = cancel.clone().drop_guard();
        let mut events = provider.chat(request, cancel).await.map_err(|e| remote(&e))?;
        let (mut answer, mut thought) = (ModelAnswer::default(), String::new());
        while let Some(event) = events.next().await {
            match event.map_err(|error| remote(&error))? {
                ChatEvent::TextDelta(text) => answer.text.push_str(&text),
                ChatEvent::ReasoningDelta(text) => thought.push_str(&text),
                ChatEvent::Usage(usage) => {
                    answer.input_tokens = usage.input_other + usage.input_cached;
                    answer.output_tokens = usage.output;
                }
                ChatEvent::Done(_) => {}
            }
            if answer.text.len() + thought.len() > ANSWER_LIMIT {
                return Err(HostError::limit("the answer of a model", ANSWER_LIMIT as u64));
            }
        }
        answer.reasoning = (!thought.is_empty()).then_some(thought);
        Ok(answer)
    }

    pub(super) async fn embed(
        &self,
        provider: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        if texts.len() > MOST_TEXTS {
            return Err(HostError::limit("texts at once", MOST_TEXTS as u64));
        }
        if texts.iter().any(|text| text.len() > TEXT_LIMIT) {
            return Err(HostError::limit("a text", TEXT_LIMIT as u64));
        }
        let registry = self.providers()?;
        let choice = Choice { explicit: provider, session: None, profile: None };
        let provider = match provider {
            Some(id) => registry.chat(id).ok_or_else(|| HostError::unknown("provider", id))?,
            None => registry.current(choice).ok_or_else(|| HostError::unknown("provider", ""))?,
        };
        let cancel = CancellationToken::new();
        let _ends_with_this = cancel.clone().drop_guard();
        provider.embed(texts, cancel).await.map_err(|error| remote(&error))
    }

    pub(super) async fn conversation_messages(
        &self,
        session: &str,
        limit: u32,
    ) -> Result<Vec<ModelMessage>, HostError> {
        let conversations = self.database.conversations();
        let selected = conversations.selected(session).await.map_err(|error| failed(&error))?;
        let Some(selected) = selected else { return Ok(Vec::new()) };
        let limit = limit.min(MOST_MESSAGES);
        let said = conversations.latest(&selected.conversation_id, limit).await;
        let said = said.map_err(|error| failed(&error))?.into_iter();
        // Rows that are no message of a model, such as notes of a tool, are passed over.
        let message =
            |row: firstlight_core::db::Message| serde_json::from_value::<Message>(row.content).ok();
        Ok(said.filter_map(message).map(|message| convert::model_message(&message)).collect())
    }

    pub(super) async fn personas(&self) -> Result<Vec<PersonaInfo>, HostError> {
        let all = self.database.personas().all().await.map_err(|error| failed(&error))?;
        let shown = all.into_iter().map(|persona| PersonaInfo {
            id: persona.persona_id,
            system_prompt: persona.system_prompt,
        });
        Ok(shown.collect())
    }
}

fn remote(error: &ProviderError) -> HostError {
    HostError::Remote(error.to_string())
}
