//! Sending a message, joining its answer again, stopping it.

use actix_web::web::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SendBody;
use super::owned::owned;
use super::request::address;
use super::sessions::Named;
use super::stream::{answer, as_events, joined};
use super::which::OfChat;
use crate::app::App;
use crate::http::events::Events;
use crate::http::{Answer, ApiError, Caller, Code, Json, Path, Reply, RuntimeLease, Session};

/// How many runs were told to stop.
#[derive(Serialize, JsonSchema)]
pub struct Stopped {
    stopped_count: usize,
}

/// Which run.
#[derive(Deserialize, JsonSchema)]
pub struct RunPath {
    run_id: Uuid,
}

/// `POST /api/chat/send`, `POST /api/tui/chat`: the answer is an event stream.
pub async fn send<C: OfChat>(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(body): Json<SendBody>,
) -> Result<Events, ApiError> {
    let session_id =
        body.session().ok_or_else(|| ApiError::with(Code::Invalid, "session_id is missing."))?;
    let streaming = body.streams();
    let address = address(C::CHAT, &caller.username, &session_id)?;
    let message = body.into_message(address, caller.username.clone())?;
    let sent = lease.platforms.webchat().send(message).await?;
    Ok(Events::of_runtime(&app, lease, as_events(answer(sent, session_id, streaming))))
}

/// `GET /api/v1/chat/runs/{run_id}/stream`: joins an answer that is under way.
pub async fn join(
    app: Data<App>,
    lease: RuntimeLease,
    caller: Caller,
    Path(path): Path<RunPath>,
) -> Result<Events, ApiError> {
    let run = lease.platforms.webchat().runs().find(path.run_id);
    let run = run.ok_or_else(|| {
        ApiError::with(Code::NotFound, "This answer is not under way. The history has it.")
    })?;
    match &caller {
        Caller::Session(session) if session.username != run.address().username() => {
            return Err(ApiError::new(Code::NotOwner));
        }
        Caller::Session(_) | Caller::Key(_) | Caller::Anonymous => {}
    }
    let listener = run.listen();
    drop(run);
    Ok(Events::of_runtime(&app, lease, as_events(joined(listener))))
}

/// `POST /api/chat/stop`, `POST /api/tui/stop`
pub async fn stop(
    app: Data<App>,
    lease: RuntimeLease,
    Session(caller): Session,
    Json(named): Json<Named>,
) -> Answer<Stopped> {
    let session = owned(&app, &caller.username, &named.id()?).await?;
    let stopped_count = lease.platforms.webchat().stop(&session.session_id);
    Ok(Reply::data(Stopped { stopped_count }))
}
