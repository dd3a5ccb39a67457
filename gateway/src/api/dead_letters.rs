//! Messages that were put aside: listed, shown, replayed, confirmed, dropped, cleared by age.

use std::time::Duration;

use actix_web::web::Data;
use firstlight_core::bus::{BusError, LetterFilter, LetterState, Queue, Reason};
use firstlight_core::messages::Message;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::shapes::{Told, filled, page, told};
use crate::app::App;
use crate::dead_letters::{self as letters, LetterError, List, Purged, Shown};
use crate::http::{Answer, ApiError, Code, Json, Path, Query, Reply, Session, Wanted};

/// How many entries a page has when nobody says.
const ORDINARY_PAGE: u32 = 50;

/// Which dead letters.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeadLetterQuery")]
pub struct Which {
    #[serde(default)]
    queue: Option<Queue>,
    #[serde(default)]
    state: Option<LetterState>,
    #[serde(default)]
    reason: Option<Reason>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    page: Option<u32>,
    /// 50 when absent, 100 at most.
    #[serde(default)]
    page_size: Option<u32>,
}

/// Which dead letter.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedDeadLetter")]
pub struct Named {
    queue: Queue,
    id: i64,
}

/// Which uncertain message.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NamedUncertainMessage")]
pub struct Uncertain {
    id: i64,
}

/// How to replay.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ReplayDeadLetter")]
pub struct Replay {
    /// The message in place of what it was; as it was when absent. The session must be the same.
    #[serde(default)]
    payload: Option<Value>,
}

/// What to clear.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PurgeDeadLetters")]
pub struct Purge {
    /// Only what was put aside longer ago than so many seconds.
    older_than_seconds: u64,
    #[serde(default)]
    queue: Option<Queue>,
    #[serde(default)]
    state: Option<LetterState>,
    #[serde(default)]
    reason: Option<Reason>,
    #[serde(default)]
    platform: Option<String>,
}

/// `GET /api/dead-letters`
pub async fn list(app: Data<App>, Query(which): Query<Which>) -> Answer<List> {
    let page = page(which.page, which.page_size, ORDINARY_PAGE);
    let filter = LetterFilter {
        queue: which.queue,
        state: which.state,
        platform_id: filled(which.platform.as_deref()).map(str::to_owned),
        reason: which.reason,
    };
    Ok(Reply::data(letters::list(&app.bus, &filter, page).await?))
}

/// `GET /api/dead-letters/{queue}/{id}`
pub async fn show(app: Data<App>, Path(named): Path<Named>) -> Answer<Shown> {
    Ok(Reply::data(letters::show(&app.bus, named.queue, named.id).await?))
}

/// `POST /api/dead-letters/{queue}/{id}/replay`
pub async fn replay(
    app: Data<App>,
    Session(caller): Session,
    Wanted(language): Wanted,
    Path(named): Path<Named>,
    Json(how): Json<Replay>,
) -> Answer<Told> {
    let by = caller.username.as_str();
    letters::replay(&app.bus, named.queue, named.id, how.payload, by).await?;
    told(language, &Message::LetterReplayed)
}

/// `POST /api/dead-letters/outbox/{id}/confirm`
pub async fn confirm(
    app: Data<App>,
    Session(caller): Session,
    Wanted(language): Wanted,
    Path(named): Path<Uncertain>,
) -> Answer<Told> {
    letters::confirm(&app.bus, named.id, &caller.username).await?;
    told(language, &Message::ChangeSaved)
}

/// `DELETE /api/dead-letters/{queue}/{id}`
pub async fn discard(
    app: Data<App>,
    Session(caller): Session,
    Wanted(language): Wanted,
    Path(named): Path<Named>,
) -> Answer<Told> {
    letters::discard(&app.bus, named.queue, named.id, &caller.username).await?;
    told(language, &Message::EntryDeleted)
}

/// `POST /api/dead-letters/purge`
pub async fn purge(
    app: Data<App>,
    Session(caller): Session,
    Json(purge): Json<Purge>,
) -> Answer<Purged> {
    let filter = LetterFilter {
        queue: purge.queue,
        state: purge.state,
        platform_id: purge.platform.filter(|id| !id.is_empty()),
        reason: purge.reason,
    };
    let older_than = Duration::from_secs(purge.older_than_seconds);
    Ok(Reply::data(letters::purge(&app.bus, &filter, older_than, &caller.username).await?))
}

impl From<LetterError> for ApiError {
    fn from(error: LetterError) -> Self {
        match error {
            LetterError::Unreadable(_) | LetterError::Elsewhere => {
                let reason = error.to_string();
                let field = "payload".to_owned();
                ApiError::with(Code::Invalid, Message::FieldInvalid { field, reason })
            }
            LetterError::Bus(BusError::Database(error)) => error.into(),
            LetterError::Bus(error @ BusError::NoSuchRow { .. }) => {
                ApiError::with(Code::NotFound, Message::LetterMissing).caused_by(error)
            }
            LetterError::Bus(
                error @ (BusError::Refused { .. }
                | BusError::LeaseLost { .. }
                | BusError::Superseded { .. }),
            ) => ApiError::with(Code::Conflict, Message::LetterMoved).caused_by(error),
        }
    }
}

#[cfg(test)]
mod tests;
