//! The web chat as the rest of the program holds it: accept a message, join its answer, stop it.

use firstlight_core::bus::{Accepted, Bus, BusError};
use firstlight_core::db::{ChatSession, Database, DbError, HistoryRow, NewChatSession};
use firstlight_core::model::{BuiltInChat, ChatAddress};
use jiff::Timestamp;
use uuid::Uuid;

use super::event::SavedMessage;
use super::inbound::{self, WebchatMessage};
use super::runs::{Listener, Runs};
use crate::plugins::StatusBoard;
use crate::turns::Arrivals;

/// The web chat; cheap to clone.
#[derive(Clone)]
pub struct Webchat {
    bus: Bus,
    database: Database,
    runs: Runs,
    status: StatusBoard,
    arrivals: Arrivals,
}

/// A message that is accepted, and its answer as it comes.
#[derive(Debug)]
pub struct Sent {
    /// The run that answers it.
    pub run_id: Uuid,
    /// The history row of the message; `None` when this message was accepted before.
    pub saved: Option<SavedMessage>,
    /// The answer as it comes; `None` when it is over already.
    pub listener: Option<Listener>,
}

/// Why a message was not accepted. Nothing of it is kept then.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The session belongs to somebody else.
    #[error("the session belongs to another user")]
    NotYours,
    /// The session is not of a built-in chat.
    #[error("messages cannot be written into this session")]
    NotAChat,
    /// A message in another session has this id.
    #[error("the id of the message is taken")]
    IdTaken,
    /// Too many messages wait already.
    #[error("too many messages are waiting; try again shortly")]
    Full,
    /// The inbox failed.
    #[error("the message could not be stored")]
    Store(#[from] BusError),
    /// An attachment of the message does not exist.
    #[error("there is no attachment {id:?}")]
    AttachmentMissing {
        /// The id as sent.
        id: String,
    },
    /// The database failed while the session was looked up.
    #[error("the session could not be read")]
    Lookup(#[from] DbError),
}

impl Webchat {
    pub(crate) fn new(
        bus: Bus,
        database: Database,
        status: StatusBoard,
        arrivals: Arrivals,
    ) -> Self {
        Self { bus, database, runs: Runs::default(), status, arrivals }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// The answers that are under way.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Accepts a message. When this returns, the message is durable and will be answered, whatever
    /// becomes of the process. The same message id again joins the run that is under way. A command
    /// that ends the answer of its session does so as soon as it is durable.
    pub async fn send(&self, mut message: WebchatMessage) -> Result<Sent, SendError> {
        message.address = self.open_session(message.address).await?;
        let message = inbound::resolve_attachments(message, &self.database).await?;
        let (event, inbox, history) = inbound::rows(&message);
        let announcement = self.arrivals.announce(&event, &inbox.platform_message_id).await;
        // The run is there before the message is, so that nothing of the answer is missed.
        let run = self.runs.open(message.message_id, &message.address).ok_or(SendError::IdTaken)?;
        let listener = run.listen();
        let accepted = self.bus.accept_shown(inbox, vec![history]).await;
        if !matches!(accepted, Ok((Accepted::New(_) | Accepted::Duplicate(_), _))) {
            self.runs.close(run.id());
        }
        match accepted? {
            (Accepted::New(id), history) => {
                self.status.count_message();
                if let Some(announcement) = announcement {
                    announcement.accepted(id);
                }
                let saved = history.first().map(SavedMessage::of);
                Ok(Sent { run_id: run.id(), saved, listener: Some(listener) })
            }
            (Accepted::Duplicate(row), _) => {
                let row = self.bus.inbox_row(row).await?;
                let key = message.address.key().to_string();
                let elsewhere = row.as_ref().is_some_and(|row| row.conversation_key != key);
                let under_way = row.is_some_and(|row| row.state.is_unfinished()) && !elsewhere;
                if !under_way {
                    self.runs.close(run.id());
                }
                if elsewhere {
                    return Err(SendError::IdTaken);
                }
                Ok(Sent { run_id: run.id(), saved: None, listener: under_way.then_some(listener) })
            }
            (Accepted::Full, _) => Err(SendError::Full),
        }
    }

    /// The runs of a session: those that are under way, and messages that wait for their turn.
    pub async fn active_runs(&self, address: &ChatAddress) -> Result<Vec<Uuid>, SendError> {
        let waiting = self.bus.unfinished(&address.key().to_string()).await?;
        Ok(waiting.iter().filter_map(|row| row.platform_message_id.parse().ok()).collect())
    }

    /// Asks every run of a session to stop; answers how many there were.
    pub fn stop(&self, session_id: &str) -> usize {
        let runs = self.runs.of_session(session_id);
        for run in &runs {
            run.stop();
        }
        runs.len()
    }

    /// Makes the session when it is new, and refuses one that belongs to somebody else. Answers
    /// where the session is.
    async fn open_session(&self, wanted: ChatAddress) -> Result<ChatAddress, SendError> {
        let sessions = self.database.chat_sessions();
        let session_id = wanted.session_id();
        if let Some(session) = sessions.by_id(session_id).await? {
            let address = own(&session, wanted.username())?;
            sessions.touch(session_id).await?;
            return Ok(address);
        }
        let new = NewChatSession {
            session_id: Some(session_id.to_owned()),
            platform_id: wanted.chat().id().to_owned(),
            creator: wanted.username().to_owned(),
            display_name: None,
            is_group: false,
        };
        match sessions.create(new).await {
            // Two first messages at the same time: the other one made it.
            Err(DbError::Taken { .. }) => match sessions.by_id(session_id).await? {
                Some(session) => own(&session, wanted.username()),
                None => Ok(wanted),
            },
            made => made.map(|_| wanted).map_err(SendError::from),
        }
    }
}

/// The address of a session that a user may write into.
fn own(session: &ChatSession, username: &str) -> Result<ChatAddress, SendError> {
    if session.creator != username {
        return Err(SendError::NotYours);
    }
    address_of(session).ok_or(SendError::NotAChat)
}

/// Where a session is; nothing when it is not of a built-in chat.
pub fn address_of(session: &ChatSession) -> Option<ChatAddress> {
    let chat = BuiltInChat::of_platform(&session.platform_id)?;
    ChatAddress::new(chat, &session.creator, &session.session_id).ok()
}

impl SavedMessage {
    /// A history row as clients see it.
    pub fn of(row: &HistoryRow) -> Self {
        let at = Timestamp::from_millisecond(row.created_at).unwrap_or_default();
        Self { id: row.id, created_at: at.to_string() }
    }
}
