//! What a web chat client is told while a message is being answered (reference, web chat 4.3).

use firstlight_core::model::MediaPart;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One event of a run, in the shape that event streams and sockets send.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatEvent {
    /// First event of a new message: the session it belongs to.
    SessionId {
        /// Always null; the contract has the member.
        data: (),
        /// The session.
        session_id: String,
    },
    /// The message of the user is durable.
    UserMessageSaved {
        /// The stored row.
        data: SavedMessage,
    },
    /// First event of a resumed run: everything that was answered so far.
    RunSnapshot {
        /// The run as it stands.
        data: RunSnapshot,
    },
    /// The model begins to answer.
    RunStarted {
        /// The run.
        data: RunReference,
        /// Always false: this is not a part of the answer.
        streaming: bool,
        /// The message that is being answered.
        message_id: Uuid,
    },
    /// A part of the answer, or the whole of it when it is not streamed.
    Plain {
        /// The text.
        data: String,
        /// Whether more of it follows.
        streaming: bool,
        /// `reasoning` for the model's thoughts; null for the answer itself.
        chain_type: Option<&'static str>,
        /// The message that is being answered.
        message_id: Uuid,
    },
    /// A picture.
    Image(MediaEvent),
    /// A voice message.
    Record(MediaEvent),
    /// A video.
    Video(MediaEvent),
    /// Any other file.
    File(MediaEvent),
    /// The file of the event before is stored.
    AttachmentSaved {
        /// The file.
        data: SavedAttachment,
    },
    /// Tokens and times of the answer.
    AgentStats {
        /// See reference 4.2.
        data: Value,
    },
    /// The end of a streamed answer, with all of its text.
    Complete {
        /// The whole text.
        data: String,
        /// The whole reasoning, when there was any.
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<String>,
        /// Always true.
        streaming: bool,
        /// The message that was answered.
        message_id: Uuid,
    },
    /// The answer is durable.
    MessageSaved {
        /// The stored row.
        data: SavedMessage,
    },
    /// The run failed. What had been answered is kept.
    Error {
        /// What happened and what to do, for people.
        data: String,
        /// The stable code.
        code: String,
        /// The message that was to be answered.
        message_id: Uuid,
    },
    /// The run is over.
    End {
        /// Always empty.
        data: &'static str,
        /// The message that was answered.
        message_id: Uuid,
    },
}

/// A file that the bot sends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MediaEvent {
    /// Its mark and the name under which it is fetched; of videos and files also the name to show,
    /// after a `|`.
    pub data: String,
    /// The attachment.
    pub attachment_id: String,
    /// Always false: a file comes whole.
    pub streaming: bool,
    /// Always null; the contract has the member.
    pub chain_type: (),
    /// The message that the file belongs to.
    pub message_id: Uuid,
}

/// A stored file, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SavedAttachment {
    /// The attachment.
    pub id: String,
    /// `image`, `record`, `video` or `file`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl MediaEvent {
    pub(super) fn of(mark: &str, part: &MediaPart, message_id: Uuid) -> Self {
        let stored = part.stored_filename.as_ref().unwrap_or(&part.attachment_id);
        let shown = part.filename.as_ref().filter(|_| matches!(mark, "[VIDEO]" | "[FILE]"));
        let data = match shown {
            Some(name) => format!("{mark}{stored}|{name}"),
            None => format!("{mark}{stored}"),
        };
        let attachment_id = part.attachment_id.clone();
        Self { data, attachment_id, streaming: false, chain_type: (), message_id }
    }
}

/// A stored history row, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SavedMessage {
    /// The row.
    pub id: i64,
    /// When it was stored, ISO 8601 in UTC.
    pub created_at: String,
}

/// The run an event belongs to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReference {
    /// The run; the same id as the message that is being answered.
    pub run_id: Uuid,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Accepted, waiting for its turn or being answered.
    Running,
    /// Answered.
    Completed,
    /// Stopped by the user.
    Stopped,
    /// Ended by an error.
    Failed,
}

/// Everything a client needs to go on with a run that it joins late.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSnapshot {
    /// The run.
    pub run_id: Uuid,
    /// The session.
    pub session_id: String,
    /// How far it is.
    pub status: RunStatus,
    /// Counts the parts so far.
    pub revision: u64,
    /// What was answered so far.
    pub content: RunContent,
}

/// What was answered so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunContent {
    /// The text.
    pub text: String,
    /// The model's thoughts.
    pub reasoning: String,
}
