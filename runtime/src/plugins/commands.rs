//! What the operator changed about commands: kept in the database, applied when the index is made.

use std::collections::BTreeMap;

use firstlight_core::db::{CommandSetting, Database, DbError};
use firstlight_plugins_api::{Handler, Permission, Trigger};
use parking_lot::RwLock;

type Settings = BTreeMap<(String, String), CommandSetting>;

/// The settings of all commands, also of plugins that are not loaded.
pub(crate) struct Commands {
    database: Database,
    settings: RwLock<Settings>,
}

impl Commands {
    pub(super) async fn open(database: Database) -> Result<Self, DbError> {
        let all = database.command_settings().all().await?.into_iter();
        let keyed = all.map(|setting| ((setting.plugin.clone(), setting.handler.clone()), setting));
        Ok(Self { settings: RwLock::new(keyed.collect()), database })
    }

    /// What was changed about a command; nothing, when nobody did.
    pub(super) fn setting(&self, plugin: &str, handler: &str) -> CommandSetting {
        let key = (plugin.to_owned(), handler.to_owned());
        self.settings.read().get(&key).cloned().unwrap_or(CommandSetting {
            plugin: key.0,
            handler: key.1,
            enabled: true,
            word: None,
            aliases: None,
            admins_only: None,
        })
    }

    pub(super) async fn store(&self, setting: CommandSetting) -> Result<(), DbError> {
        self.database.command_settings().store(setting.clone()).await?;
        let key = (setting.plugin.clone(), setting.handler.clone());
        self.settings.write().insert(key, setting);
        Ok(())
    }

    /// A declared handler with its settings applied, and whether it is enabled.
    pub(super) fn applied(&self, plugin: &str, declared: &Handler) -> (Handler, bool) {
        let mut handler = declared.clone();
        if handler.naming().is_none() {
            return (handler, true);
        }
        let setting = self.setting(plugin, &declared.name);
        if let Trigger::Command { naming, .. } | Trigger::Group { naming } = &mut handler.trigger {
            naming.word = setting.word.unwrap_or_else(|| naming.word.clone());
            naming.aliases = setting.aliases.unwrap_or_else(|| naming.aliases.clone());
        }
        handler.permission = match setting.admins_only {
            None => handler.permission,
            Some(true) => Permission::Admin,
            Some(false) => Permission::Member,
        };
        (handler, setting.enabled)
    }
}
