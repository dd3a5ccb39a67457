//! Messages that programs send to platforms by themselves.

use actix_web::web::Data;
use firstlight_core::bus::{Enqueued, NewOutbox};
use firstlight_core::model::{BuiltInChat, ChatAddress, Outgoing, Part, SessionKey, parse_request};
use firstlight_runtime::platforms::webchat::chain;
use firstlight_runtime::platforms::{Capabilities, PlatformState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::chat::files::reader;
use super::chat::owned::owned;
use crate::app::App;
use crate::http::{Answer, ApiError, Caller, Code, Empty, Json, Reply, RuntimeLease};

/// A message to a session.
#[derive(Deserialize, JsonSchema)]
pub struct Unasked {
    /// The session, `platform:Type:session`.
    #[serde(default)]
    umo: Option<String>,
    /// A text, or a list of parts.
    #[serde(default)]
    message: Value,
    /// The program's id of the message, a UUID. The same id is never sent twice.
    #[serde(default)]
    message_id: Option<Uuid>,
}

/// The bots.
#[derive(Serialize, JsonSchema)]
pub struct Bots {
    /// Their platform ids.
    bot_ids: Vec<String>,
}

/// `POST /api/v1/im/message`: when this answers, the message is durable and will be sent.
pub async fn send(
    app: Data<App>,
    lease: RuntimeLease,
    caller: Caller,
    Json(unasked): Json<Unasked>,
) -> Answer<Empty> {
    let invalid = |text: String| ApiError::with(Code::Invalid, text);
    if unasked.message.is_null() {
        return Err(invalid("message is missing.".to_owned()));
    }
    let umo = unasked.umo.filter(|umo| !umo.is_empty());
    let umo = umo.ok_or_else(|| invalid("umo is missing.".to_owned()))?;
    let session: SessionKey = umo.parse().map_err(|error| invalid(format!("umo: {error}.")))?;
    let platform_id = session.platform().to_string();
    let can = running(&lease, &platform_id)?;
    let parts = parse_request(&unasked.message).map_err(|error| invalid(error.to_string()))?;
    check_attachments(&app, &caller, &parts).await?;
    if BuiltInChat::of_platform(&platform_id).is_some() {
        check_chat(&app, &session).await?;
    }
    let key = unasked.message_id.map(|id| format!("im-{}-{id}", reader(&caller)));
    let message = NewOutbox {
        platform_id,
        session_key: session.to_string(),
        payload: json!(Outgoing::new(session, chain(&parts))),
        resend_safe: can.resend_safe,
        idempotency_key: key,
    };
    match app.bus.enqueue(vec![message]).await {
        Ok(Enqueued::Rows(_)) => Ok(Reply::done()),
        Ok(Enqueued::Full) => Err(ApiError::new(Code::Busy).retry_after(1)),
        Err(error) => Err(ApiError::new(Code::StorageFailed).caused_by(error)),
    }
}

/// `GET /api/v1/im/bots`
pub async fn bots(app: Data<App>, _lease: RuntimeLease) -> Answer<Bots> {
    // The document is refused where two entries have the same id.
    let platforms = app.config.snapshot().platforms()?;
    let bot_ids = platforms.platform.iter().map(|entry| entry.id.clone()).collect();
    Ok(Reply::data(Bots { bot_ids }))
}

/// What the platform can do, when it runs and takes what nobody asked for. One that is just being
/// started gets the message as soon as it runs.
fn running(lease: &RuntimeLease, id: &str) -> Result<Capabilities, ApiError> {
    let state = lease.platforms.statuses().into_iter().find(|status| status.id == id);
    let state = state.map_or(PlatformState::Stopped, |status| status.state);
    let adapter = match state {
        PlatformState::Starting | PlatformState::Running => lease.platforms.adapters().find(id),
        PlatformState::Stopped | PlatformState::Failed { .. } => None,
    };
    let can = adapter.ok_or_else(|| ApiError::new(Code::BotNotRunning))?.capabilities();
    if !can.sends_unasked {
        let text = "This platform takes no messages that nobody asked for.";
        return Err(ApiError::with(Code::Invalid, text));
    }
    Ok(can)
}

/// Refuses attachments that are not there or not the caller's.
async fn check_attachments(app: &App, caller: &Caller, parts: &[Part]) -> Result<(), ApiError> {
    let (attachments, reader) = (app.database.attachments(), reader(caller));
    for id in parts.iter().filter_map(Part::attachment_id) {
        if attachments.readable(id, &reader).await?.is_none() {
            let text = format!("There is no attachment {id:?}.");
            return Err(ApiError::with(Code::NotFound, text));
        }
    }
    Ok(())
}

/// Refuses a chat session that is not there, or not the named user's.
async fn check_chat(app: &App, session: &SessionKey) -> Result<(), ApiError> {
    let missing = || ApiError::with(Code::NotFound, "There is no such session.");
    let address = ChatAddress::of_key(session).ok_or_else(missing)?;
    let found = owned(app, address.username(), address.session_id()).await;
    found.map_err(|error| if error.code() == Code::NotOwner { missing() } else { error }).map(drop)
}
