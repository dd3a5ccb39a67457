//! Whose a session is, and what goes with it when it goes.

use firstlight_core::db::ChatSession;
use firstlight_runtime::platforms::webchat::address_of;

use crate::api::routing;
use crate::app::App;
use crate::http::{ApiError, Code, RuntimeLease};

/// The session, when it is the caller's.
pub async fn owned(app: &App, username: &str, session_id: &str) -> Result<ChatSession, ApiError> {
    match app.database.chat_sessions().by_id(session_id).await? {
        None => Err(ApiError::with(Code::NotFound, "There is no such session.")),
        Some(session) if session.creator != username => Err(ApiError::new(Code::NotOwner)),
        Some(session) => Ok(session),
    }
}

/// Deletes a session and all that hangs on it. What runs is stopped first, so that it does not
/// write into what is gone.
pub async fn forget(
    app: &App,
    lease: &RuntimeLease,
    session: &ChatSession,
) -> Result<(), ApiError> {
    let id = &session.session_id;
    lease.platforms.webchat().stop(id);
    let database = &app.database;
    let attachments = database.history().own_attachments(&session.platform_id, id).await?;
    if let Some(address) = address_of(session) {
        let key = address.key().to_string();
        app.bus
            .drop_conversation(&key)
            .await
            .map_err(|error| ApiError::new(Code::StorageFailed).caused_by(error))?;
        database.conversations().delete_of(&key).await?;
        forget_route(app, &key, &session.creator).await?;
    }
    database.chat_sessions().delete(std::slice::from_ref(id)).await?;
    database.attachments().delete(&attachments).await?;
    Ok(())
}

async fn forget_route(app: &App, key: &str, author: &str) -> Result<(), ApiError> {
    let routing = app.config.snapshot().routing();
    if !routing.is_ok_and(|routing| routing.routes.iter().any(|route| route.umo == key)) {
        return Ok(());
    }
    routing::change(app, author, |routes| routes.retain(|route| route.umo != key)).await.map(drop)
}
