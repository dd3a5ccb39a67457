//! Counters for the status page: messages per hour and platform, calls per provider.

use rusqlite::{Connection, params};

use super::direct::Order;
use super::{Database, DbError};

const HOUR: i64 = 3_600_000;

/// How many messages a platform saw in an hour.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageCount {
    /// When the hour began.
    pub hour: i64,
    /// Which platform.
    pub platform_id: String,
    /// Of which kind.
    pub platform_type: String,
    /// How many.
    pub count: i64,
}

/// Messages that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CountedMessages {
    /// When their hour began.
    hour: i64,
    platform_id: String,
    platform_type: String,
}

impl CountedMessages {
    /// A message of a platform at that time, in milliseconds since the epoch.
    pub fn at(platform_id: &str, platform_type: &str, at: i64) -> Self {
        Self {
            hour: at - at.rem_euclid(HOUR),
            platform_id: platform_id.to_owned(),
            platform_type: platform_type.to_owned(),
        }
    }
}

/// How a call of a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStatus {
    /// It answered to the end.
    Completed,
    /// It was stopped by us.
    Aborted,
    /// It failed.
    Error,
}

impl CallStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}

/// One call of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderCall {
    /// How it ended.
    pub status: CallStatus,
    /// The session it was for.
    pub umo: String,
    /// The conversation it was for.
    pub conversation_id: Option<String>,
    /// Which provider.
    pub provider_id: String,
    /// Which of its models.
    pub provider_model: Option<String>,
    /// Tokens read that no cache helped with.
    pub token_input_other: i64,
    /// Tokens read from the provider's cache.
    pub token_input_cached: i64,
    /// Tokens written.
    pub token_output: i64,
    /// When it began.
    pub start_time: i64,
    /// When it ended.
    pub end_time: i64,
    /// Milliseconds until the first token, if one came.
    pub time_to_first_token: Option<i64>,
}

/// What a provider's model did over a time.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct ProviderUsage {
    /// Which provider.
    pub provider_id: String,
    /// Which of its models.
    pub provider_model: Option<String>,
    /// How often it was called.
    pub calls: i64,
    /// How many of the calls failed.
    pub errors: i64,
    /// How many of the calls were stopped by us.
    pub aborted: i64,
    /// Tokens read that no cache helped with.
    pub token_input_other: i64,
    /// Tokens read from the provider's cache.
    pub token_input_cached: i64,
    /// Tokens written.
    pub token_output: i64,
    /// Mean milliseconds of a call.
    pub mean_duration: f64,
    /// Mean milliseconds until the first token, over the calls that had one.
    pub mean_time_to_first_token: Option<f64>,
}

/// What was read and written in one conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct ConversationUsage {
    /// Tokens read that no cache helped with.
    pub input_other: i64,
    /// Tokens read from a provider's cache.
    pub input_cached: i64,
    /// Tokens written.
    pub output: i64,
}

/// The counters.
#[derive(Clone)]
pub struct Statistics {
    database: Database,
}

impl Statistics {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Counts messages and stores calls, all in one write.
    pub async fn record(
        &self,
        messages: Vec<(CountedMessages, u32)>,
        calls: Vec<ProviderCall>,
    ) -> Result<(), DbError> {
        let record = move |connection: &Connection| {
            for (message, count) in &messages {
                add_messages(connection, message, *count)?;
            }
            calls.iter().try_for_each(|call| insert_call(connection, call))
        };
        self.database.write_directly(Order::AsItCame, record, |()| ()).await
    }

    /// The counts of the hours that began at that time or later, the oldest first.
    pub async fn messages_since(&self, at: i64) -> Result<Vec<MessageCount>, DbError> {
        let counts = sqlx::query_as(
            "SELECT * FROM platform_stats WHERE hour >= ? ORDER BY hour, platform_id",
        )
        .bind(at - at.rem_euclid(HOUR))
        .fetch_all(self.database.readers())
        .await?;
        Ok(counts)
    }

    /// How many messages there ever were.
    pub async fn messages_ever(&self) -> Result<i64, DbError> {
        let count = sqlx::query_scalar("SELECT coalesce(sum(count), 0) FROM platform_stats")
            .fetch_one(self.database.readers())
            .await?;
        Ok(count)
    }

    /// What was read and written in a conversation.
    pub async fn usage_of(&self, conversation_id: &str) -> Result<ConversationUsage, DbError> {
        let usage = sqlx::query_as(
            "SELECT coalesce(sum(token_input_other), 0) AS input_other,
                 coalesce(sum(token_input_cached), 0) AS input_cached,
                 coalesce(sum(token_output), 0) AS output
             FROM provider_stats WHERE conversation_id = ?",
        )
        .bind(conversation_id.to_owned())
        .fetch_one(self.database.readers())
        .await?;
        Ok(usage)
    }

    /// What each provider's models did since that time, the busiest first.
    pub async fn usage_since(&self, at: i64) -> Result<Vec<ProviderUsage>, DbError> {
        let usage = sqlx::query_as(
            "SELECT provider_id, provider_model, count(*) AS calls,
                 sum(status = 'error') AS errors, sum(status = 'aborted') AS aborted,
                 sum(token_input_other) AS token_input_other,
                 sum(token_input_cached) AS token_input_cached,
                 sum(token_output) AS token_output,
                 avg(end_time - start_time) AS mean_duration,
                 avg(time_to_first_token) AS mean_time_to_first_token
             FROM provider_stats WHERE start_time >= ?
             GROUP BY provider_id, provider_model
             ORDER BY calls DESC, provider_id, provider_model",
        )
        .bind(at)
        .fetch_all(self.database.readers())
        .await?;
        Ok(usage)
    }
}

fn add_messages(
    connection: &Connection,
    message: &CountedMessages,
    count: u32,
) -> Result<(), DbError> {
    connection
        .prepare_cached(
            "INSERT INTO platform_stats (hour, platform_id, platform_type, count)
             VALUES (?, ?, ?, ?)
             ON CONFLICT (hour, platform_id, platform_type)
             DO UPDATE SET count = count + excluded.count",
        )?
        .execute(params![message.hour, message.platform_id, message.platform_type, count])?;
    Ok(())
}

fn insert_call(connection: &Connection, call: &ProviderCall) -> Result<(), DbError> {
    connection
        .prepare_cached(
            "INSERT INTO provider_stats (agent_type, status, umo, conversation_id, provider_id,
                 provider_model, token_input_other, token_input_cached, token_output, start_time,
                 end_time, time_to_first_token)
             VALUES ('internal', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            call.status.as_str(),
            call.umo,
            call.conversation_id,
            call.provider_id,
            call.provider_model,
            call.token_input_other,
            call.token_input_cached,
            call.token_output,
            call.start_time,
            call.end_time,
            call.time_to_first_token,
        ])?;
    Ok(())
}
