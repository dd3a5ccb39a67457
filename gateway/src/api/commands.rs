//! Commands of plugins: listed, renamed, restricted, switched off (reference D.7).

use std::collections::BTreeMap;

use firstlight_runtime::plugins::{CommandChange, CommandError, CommandRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::{Answer, ApiError, Code, Json, Reply, RuntimeLease};

/// All commands.
#[derive(Serialize, JsonSchema)]
pub struct Commands {
    items: Vec<Command>,
    summary: Summary,
}

/// How many commands there are; groups and what is below them count each.
#[derive(Serialize, JsonSchema)]
pub struct Summary {
    total: usize,
    disabled: usize,
    conflicts: usize,
}

/// A command, or a group with what is below it.
#[derive(Serialize, JsonSchema)]
pub struct Command {
    /// `plugin.handler`: what the other rows take.
    handler_full_name: String,
    handler_name: String,
    plugin: String,
    plugin_display_name: String,
    module_path: String,
    description: String,
    /// `command`, `group` or `sub_command`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The words of the group that it stands below.
    parent_signature: String,
    /// The handler of that group, as `plugin.handler`.
    parent_group_handler: String,
    original_command: String,
    /// Its own word as it is now.
    current_fragment: String,
    /// All its words as they are now, without a wake prefix.
    effective_command: String,
    aliases: Vec<String>,
    /// `admin` or `member`.
    permission: &'static str,
    enabled: bool,
    is_group: bool,
    has_conflict: bool,
    reserved: bool,
    sub_commands: Vec<Command>,
}

/// Commands that are called the same.
#[derive(Serialize, JsonSchema)]
pub struct Conflict {
    /// What they are called.
    conflict_key: String,
    /// The first of them is the one that runs.
    handlers: Vec<Conflicting>,
}

/// One of several commands that are called the same.
#[derive(Serialize, JsonSchema)]
pub struct Conflicting {
    handler_full_name: String,
    plugin: String,
    current_name: String,
}

/// Whether a command may be used.
#[derive(Deserialize, JsonSchema)]
pub struct Toggle {
    #[serde(default)]
    handler_full_name: String,
    enabled: bool,
}

/// What a command is called.
#[derive(Deserialize, JsonSchema)]
pub struct Rename {
    #[serde(default)]
    handler_full_name: String,
    /// Its own word, without a wake prefix and without the words of its group.
    #[serde(default)]
    new_name: String,
    /// Other words for it; absent: those it has.
    #[serde(default)]
    aliases: Option<Vec<String>>,
}

/// Who may use a command.
#[derive(Deserialize, JsonSchema)]
pub struct Permit {
    #[serde(default)]
    handler_full_name: String,
    permission: Permission,
}

/// Who may use a command.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Permission {
    Admin,
    Member,
}

/// `GET /api/commands`
pub async fn list(lease: RuntimeLease) -> Answer<Commands> {
    let rows = lease.plugins.commands();
    let summary = Summary {
        total: rows.len(),
        disabled: rows.iter().filter(|row| !row.enabled).count(),
        conflicts: lease.plugins.command_conflicts().len(),
    };
    Ok(Reply::data(Commands { items: tree(rows), summary }))
}

/// `GET /api/commands/conflicts`
pub async fn conflicts(lease: RuntimeLease) -> Answer<Vec<Conflict>> {
    let conflicts = lease.plugins.command_conflicts().into_iter().map(|conflict| Conflict {
        handlers: conflict
            .handlers
            .into_iter()
            .map(|(plugin, handler)| Conflicting {
                handler_full_name: format!("{plugin}.{handler}"),
                plugin,
                current_name: conflict.path.clone(),
            })
            .collect(),
        conflict_key: conflict.path,
    });
    Ok(Reply::data(conflicts.collect()))
}

/// `POST /api/commands/toggle`
pub async fn toggle(lease: RuntimeLease, Json(toggle): Json<Toggle>) -> Answer<Command> {
    change(&lease, &toggle.handler_full_name, CommandChange::Enabled(toggle.enabled)).await
}

/// `POST /api/commands/rename`
pub async fn rename(lease: RuntimeLease, Json(rename): Json<Rename>) -> Answer<Command> {
    let word = rename.new_name.trim().to_owned();
    let aliases = rename.aliases.map(|aliases| {
        let trimmed = aliases.iter().map(|alias| alias.trim().to_owned());
        trimmed.filter(|alias| !alias.is_empty()).collect()
    });
    change(&lease, &rename.handler_full_name, CommandChange::Named { word, aliases }).await
}

/// `POST /api/commands/permission`
pub async fn permission(lease: RuntimeLease, Json(permit): Json<Permit>) -> Answer<Command> {
    let only = matches!(permit.permission, Permission::Admin);
    change(&lease, &permit.handler_full_name, CommandChange::AdminsOnly(only)).await
}

async fn change(lease: &RuntimeLease, name: &str, change: CommandChange) -> Answer<Command> {
    Ok(Reply::data(Command::of(lease.plugins.change_command(name, change).await?)))
}

/// Puts commands below their groups. Groups come before what is below them, so going backwards
/// each finds its children complete.
fn tree(rows: Vec<CommandRow>) -> Vec<Command> {
    let mut below: BTreeMap<String, Vec<Command>> = BTreeMap::new();
    let mut top = Vec::new();
    for row in rows.into_iter().rev() {
        let mut command = Command::of(row);
        command.sub_commands = below.remove(&command.handler_full_name).unwrap_or_default();
        command.sub_commands.reverse();
        if command.parent_group_handler.is_empty() {
            top.push(command);
        } else {
            below.entry(command.parent_group_handler.clone()).or_default().push(command);
        }
    }
    top.reverse();
    top
}

impl Command {
    fn of(row: CommandRow) -> Self {
        let parent = row.parent.as_ref().map(|parent| format!("{}.{parent}", row.plugin));
        Self {
            handler_full_name: format!("{}.{}", row.plugin, row.handler),
            kind: match (row.group, &parent) {
                (true, _) => "group",
                (false, Some(_)) => "sub_command",
                (false, None) => "command",
            },
            handler_name: row.handler,
            module_path: row.plugin.clone(),
            plugin: row.plugin,
            plugin_display_name: row.plugin_display_name,
            description: row.about,
            parent_signature: row.parent_path,
            parent_group_handler: parent.unwrap_or_default(),
            original_command: row.original_word,
            current_fragment: row.word,
            effective_command: row.path,
            aliases: row.aliases,
            permission: if row.admins_only { "admin" } else { "member" },
            enabled: row.enabled,
            is_group: row.group,
            has_conflict: row.conflict,
            reserved: row.reserved,
            sub_commands: Vec::new(),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let text = error.to_string();
        match error {
            CommandError::Unknown { .. } => Self::with(Code::NotFound, text),
            CommandError::Word { .. }
            | CommandError::Aliases { .. }
            | CommandError::Taken { .. } => Self::with(Code::Invalid, text),
            CommandError::Store(error) => error.into(),
        }
    }
}
