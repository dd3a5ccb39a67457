//! What the operator changed about the commands of plugins.

use sqlx::types::Json;

use super::database::now;
use super::{Database, DbError};

/// What was changed about one command. `None` is as its plugin says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSetting {
    /// The plugin.
    pub plugin: String,
    /// The handler within the plugin.
    pub handler: String,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// The word it is called by.
    pub word: Option<String>,
    /// Other words for it.
    pub aliases: Option<Vec<String>>,
    /// Whether only admins may use it.
    pub admins_only: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct Row {
    plugin: String,
    handler: String,
    enabled: bool,
    word: Option<String>,
    aliases: Option<Json<Vec<String>>>,
    permission: Option<String>,
}

/// The settings of commands.
#[derive(Clone)]
pub struct CommandSettings {
    database: Database,
}

impl CommandSettings {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All of them.
    pub async fn all(&self) -> Result<Vec<CommandSetting>, DbError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT plugin, handler, enabled, word, aliases, permission FROM command_settings",
        )
        .fetch_all(self.database.readers())
        .await?;
        let read = |row: Row| CommandSetting {
            plugin: row.plugin,
            handler: row.handler,
            enabled: row.enabled,
            word: row.word,
            aliases: row.aliases.map(|Json(aliases)| aliases),
            admins_only: row.permission.map(|permission| permission == "admin"),
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Stores what was changed about a command.
    pub async fn store(&self, setting: CommandSetting) -> Result<(), DbError> {
        let permission = setting.admins_only.map(|only| if only { "admin" } else { "member" });
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "REPLACE INTO command_settings
                             (plugin, handler, enabled, word, aliases, permission, updated_at)
                         VALUES (?, ?, ?, ?, ?, ?, ?)",
                    )
                    .bind(setting.plugin)
                    .bind(setting.handler)
                    .bind(setting.enabled)
                    .bind(setting.word)
                    .bind(setting.aliases.map(Json))
                    .bind(permission)
                    .bind(now())
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_latest_setting_of_a_command_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let settings = database.command_settings();
        let mut setting = CommandSetting {
            plugin: "p".into(),
            handler: "h".into(),
            enabled: false,
            word: None,
            aliases: None,
            admins_only: Some(true),
        };
        settings.store(setting.clone()).await.unwrap();
        setting.aliases = Some(vec!["a".into()]);
        setting.admins_only = Some(false);
        settings.store(setting.clone()).await.unwrap();
        assert_eq!(settings.all().await.unwrap(), [setting]);
    }
}
