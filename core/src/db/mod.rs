//! The embedded database: one group-committing writer, a few readers, one repository per concern.
//!
//! SQLite allows one writer at a time, and with `synchronous=FULL` each commit waits for the disk.
//! So all writes go through one thread, [`Database::write`], which runs whatever has queued up in one
//! transaction and answers each caller only after the commit. Reads go past it, to a pool of
//! read-only connections, which in WAL mode never wait for the writer.
//!
//! | module | what it holds |
//! |---|---|
//! | `database` | opening, closing, the two ways in |
//! | `writer` | group commit |
//! | `direct` | jobs of the hot path, without a hand-over for each statement |
//! | `migrations` | the embedded, forward-only schema |
//! | `files` | making the database's files |
//! | `inspect` | a look at the file that changes nothing |
//! | `error` | [`DbError`] |
//! | the rest | repositories: plain rows and the statements that read and write them |

mod accounts;
mod api_keys;
mod append;
mod attachment_expiry;
mod attachment_files;
mod attachment_readers;
mod attachments;
mod chat_sessions;
mod command_settings;
mod conversation_lists;
mod conversations;
mod database;
mod direct;
mod error;
mod files;
mod history;
mod inspect;
mod installed_plugins;
mod login_sessions;
mod migrations;
mod persona_folders;
mod personas;
mod plugin_code;
mod plugin_timers;
mod plugin_values;
mod plugin_waits;
mod preferences;
mod projects;
mod session_groups;
mod session_rule_lists;
mod session_rule_setting;
mod session_rules;
mod statistics;
mod talks_in;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use append::append as append_turn;
pub(crate) use database::now;
pub(crate) use direct::{Order, maybe_json};
pub(crate) use history::insert as insert_history;
pub(crate) use writer::JobError;

pub use accounts::{Account, Accounts};
pub use api_keys::{ApiKey, ApiKeys, NewApiKey, Scopes};
pub use attachments::{Attachment, Attachments, Upload};
pub use chat_sessions::{ChatSession, ChatSessionPage, ChatSessions, NewChatSession, Page};
pub use command_settings::{CommandSetting, CommandSettings};
pub use conversation_lists::{
    ConversationChange, ConversationFilter, ConversationPage, HistoryText,
};
pub use conversations::{Conversation, Conversations, Message, NewConversation, NewMessage};
pub use database::{Database, OpenOptions};
pub use error::DbError;
pub use history::{History, HistoryRow, NewHistory, SaidOnce};
pub use inspect::{Inspection, inspect};
pub use installed_plugins::{InstalledPlugin, InstalledPlugins, NewInstalledPlugin, RemovedData};
pub use login_sessions::{LoginSession, LoginSessions, NewLoginSession};
pub use persona_folders::{
    FolderChanged, NewPersonaFolder, PersonaFolder, PersonaFolderChange, PersonaFolders,
    PersonaItem,
};
pub use personas::{NewPersona, Persona, PersonaChange, Personas};
pub use plugin_code::{CompiledCode, PluginCode};
pub use plugin_timers::{NewPluginTimer, PLUGIN_TIMERS, PluginTimer, PluginTimers};
pub use plugin_values::{PLUGIN_KEYS, PLUGIN_SPACE, PluginValues, ValueStored};
pub use plugin_waits::{NewPluginWait, PLUGIN_WAITS, PluginWait, PluginWaits};
pub use preferences::{Preference, Preferences};
pub use projects::{NewProject, Project, ProjectChanges, Projects};
pub use session_groups::{SessionGroup, SessionGroupChange, SessionGroups};
pub use session_rule_lists::{RuleKey, SessionFilter, SessionPage, StoredRules};
pub use session_rule_setting::RuleTargets;
pub use session_rules::{ServiceRule, SessionRule, SessionRules};
pub use statistics::{
    CallStatus, ConversationUsage, CountedMessages, MessageCount, ProviderCall, ProviderUsage,
    Statistics,
};
pub use talks_in::TalksIn;
