//! The log-ins of an account: listed and ended.

use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Serialize;

use super::times::iso;
use crate::app::App;
use crate::http::{Answer, Empty, Path, Reply, Session};

/// One log-in.
#[derive(Serialize, JsonSchema)]
pub struct ListedSession {
    id: String,
    user_agent: String,
    address: String,
    created_at: String,
    last_seen_at: String,
    expires_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// `GET /api/auth/sessions`
pub async fn list(app: Data<App>, Session(caller): Session) -> Answer<Vec<ListedSession>> {
    let sessions = app.auth.list(&caller.account_id).await?;
    let listed = sessions.into_iter().map(|session| ListedSession {
        current: session.id == caller.session_id,
        id: session.id,
        user_agent: session.user_agent,
        address: session.address,
        created_at: iso(session.created_at),
        last_seen_at: iso(session.last_seen_at),
        expires_at: iso(session.expires_at),
    });
    Ok(Reply::data(listed.collect()))
}

/// `DELETE /api/auth/sessions/{id}`
pub async fn revoke(
    app: Data<App>,
    Session(caller): Session,
    Path(id): Path<String>,
) -> Answer<Empty> {
    app.auth.revoke(&caller.account_id, &id).await?;
    Ok(Reply::done())
}
