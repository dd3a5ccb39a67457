//! The gateway's end: a call from the line is made of the host.

use serde::{Deserialize, Serialize};

use super::{HostCall, WireError};
use crate::Host;

/// Bytes that cross the line.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Bytes(#[serde(with = "crate::encoding::base64")] pub(super) Vec<u8>);

/// Makes a call and answers JSON text. Whether the plugin may make it has been looked at before.
pub async fn answer(host: &Host, call: HostCall) -> Result<String, WireError> {
    match call {
        HostCall::RuntimeStatus => json(&host.runtime_status()),
        HostCall::Settings => json(&host.raw_settings()),
        HostCall::Profile { event } => json(&host.profile(&event).await?),
        HostCall::Load { key } => json(&host.load(&key).await?),
        HostCall::Store { key, value } => json(&host.store(&key, value).await?),
        HostCall::Forget { key } => json(&host.forget(&key).await?),
        HostCall::Keys { beginning } => json(&host.keys(&beginning).await?),
        HostCall::Schedule(timer) => json(&host.schedule(timer).await?),
        HostCall::Cancel { name } => json(&host.cancel(&name).await?),
        HostCall::WaitForReply(wait) => json(&host.wait_for_reply(*wait).await?),
        HostCall::StopWaiting { number } => json(&host.stop_waiting(number).await?),
        HostCall::Send { to, message, key } => {
            json(&host.send(&to, message, key.as_deref()).await?)
        }
        HostCall::Commands { event } => json(&host.commands(&event).await?),
        HostCall::Conversation { session } => json(&host.conversation(&session).await?),
        HostCall::NewConversation { session } => json(&host.new_conversation(&session).await?),
        HostCall::ClearConversation { session } => json(&host.clear_conversation(&session).await?),
        HostCall::SessionName { session } => json(&host.session_name(&session).await?),
        HostCall::NameSession { session, name } => {
            json(&host.name_session(&session, name.as_deref()).await?)
        }
        HostCall::Variables { session } => json(&host.variables(&session).await?),
        HostCall::SetVariable { session, name, value } => {
            json(&host.set_variable(&session, &name, value.as_deref()).await?)
        }
        HostCall::Providers { event } => json(&host.providers(&event).await?),
        HostCall::ChooseProvider { session, id } => {
            json(&host.choose_provider(&session, &id).await?)
        }
        HostCall::Log { level, text } => json(&host.log(level, &text)),
        HostCall::Fetch(request) => json(&host.fetch(request).await?),
        HostCall::OpenStream(request) => json(&host.open_stream(request).await?),
        HostCall::ReadStream { stream } => json(&host.read_stream(stream).await?.map(Bytes)),
        HostCall::CloseStream { stream } => json(&host.close_stream(stream).await?),
        HostCall::AskModel(question) => json(&host.ask_model(question).await?),
        HostCall::Embed { provider, texts } => json(&host.embed(provider.as_deref(), texts).await?),
        HostCall::ConversationMessages { session, limit } => {
            json(&host.conversation_messages(&session, limit).await?)
        }
        HostCall::Personas => json(&host.personas().await?),
        HostCall::ReadFile { path } => json(&host.read_file(&path).await?.map(Bytes)),
        HostCall::WriteFile { path, content } => json(&host.write_file(&path, content).await?),
        HostCall::ListFiles { folder } => json(&host.list_files(&folder).await?),
        HostCall::RemoveFile { path } => json(&host.remove_file(&path).await?),
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, WireError> {
    serde_json::to_string(value).map_err(|error| WireError::new("failed", error))
}
