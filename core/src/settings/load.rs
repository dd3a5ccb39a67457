//! Layering: default < file < environment < flags, with the origin of each value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::config::{MASK, holds_password};

use super::error::SettingsError;
use super::tree;
use super::values::Settings;

/// The variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "FIRSTLIGHT_CONFIG";
const DEFAULT_FILE: &str = "firstlight.toml";
/// Variables of ours that are no settings. A build without faults has no use for theirs, and says so.
const OTHER_VARIABLES: &[&str] = &[
    CONFIG_VARIABLE,
    // Credentials of `firstlight chat`.
    "FIRSTLIGHT_API_KEY",
    "FIRSTLIGHT_PASSWORD",
    #[cfg(feature = "faults")]
    crate::faults::VARIABLE,
];

/// What the command line said. Flags that were not given are `None`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: the settings file.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<String>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--log-level`.
    pub log_level: Option<String>,
    /// `--log-format`.
    pub log_format: Option<String>,
}

impl Overrides {
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        [
            ("--data-dir", "data_dir", self.data_dir.as_deref()),
            ("--listen", "listen", self.listen.as_deref()),
            ("--log-level", "log.level", self.log_level.as_deref()),
            ("--log-format", "log.format", self.log_format.as_deref()),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| value.map(|value| (flag, key, value)))
    }
}

/// Which layer a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file.
    File {
        /// Which.
        path: PathBuf,
    },
    /// An environment variable.
    Env {
        /// Which.
        variable: String,
    },
    /// A command-line flag.
    Flag {
        /// Which.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path } => write!(f, "{}", path.display()),
            Self::Env { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// The settings in force, and where each value came from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The values.
    pub settings: Settings,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// `FIRSTLIGHT_*` variables that nothing reads: most likely misspelt. Worth a warning.
    pub unused_variables: Vec<String>,
    tree: Value,
    origins: BTreeMap<String, Origin>,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingView {
    /// The dotted name.
    pub key: String,
    /// The value in force.
    pub value: Value,
    /// The variable that would set it.
    pub variable: String,
    /// Where the value came from.
    #[serde(flatten)]
    pub origin: Origin,
}

impl Effective {
    /// Reads all layers from the process's own environment and working directory.
    pub fn load(overrides: &Overrides) -> Result<Self, SettingsError> {
        Self::from_layers(overrides, std::env::vars_os(), Path::new(DEFAULT_FILE))
    }

    /// Reads all layers from the given environment; `default_file` is used if it exists and no
    /// other file is named.
    pub fn from_layers(
        overrides: &Overrides,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        default_file: &Path,
    ) -> Result<Self, SettingsError> {
        let environment = ours(environment)?;
        let mut layers = Layers::new();
        let named = overrides.config.clone().or_else(|| {
            environment.get(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
        });
        let file = match named {
            Some(path) => Some(path),
            None => default_file.is_file().then(|| default_file.to_owned()),
        };
        if let Some(path) = &file {
            layers.file(path)?;
        }
        let unused_variables = layers.environment(environment)?;
        for (flag, key, text) in overrides.given() {
            layers.text(key, text, Origin::Flag { flag: flag.to_owned() })?;
        }
        Ok(Self {
            settings: layers.settings,
            file,
            unused_variables,
            tree: layers.tree,
            origins: layers.origins,
        })
    }

    /// Every setting with its value and origin, sorted by name. An address with a password in it
    /// is masked.
    pub fn view(&self) -> Vec<SettingView> {
        let mut rows: Vec<SettingView> = tree::leaves(&self.tree)
            .into_iter()
            .map(|(key, value)| SettingView {
                value: if value.as_str().is_some_and(holds_password) { MASK.into() } else { value },
                variable: tree::variable_of(&key),
                origin: self.origins.get(&key).cloned().unwrap_or(Origin::Default),
                key,
            })
            .collect();
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        rows
    }
}

fn ours(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, SettingsError> {
    let mut found = BTreeMap::new();
    for (name, value) in environment {
        let Some(variable) = name.to_str().filter(|name| name.starts_with("FIRSTLIGHT_")) else {
            continue;
        };
        let variable = variable.to_owned();
        match value.into_string() {
            Ok(value) => found.insert(variable, value),
            Err(_) => return Err(SettingsError::NotText { variable }),
        };
    }
    Ok(found)
}

/// The tree as it stands after the layers so far, known to be valid.
struct Layers {
    defaults: BTreeMap<String, Value>,
    tree: Value,
    settings: Settings,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    fn new() -> Self {
        let tree = tree::defaults();
        Self {
            defaults: tree::leaves(&tree).into_iter().collect(),
            tree,
            settings: Settings::default(),
            origins: BTreeMap::new(),
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            SettingsError::Syntax { path: path.to_owned(), message: error.to_string() }
        })?;
        let value = serde_json::to_value(table).map_err(|error| SettingsError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        self.table("", value, path)
    }

    fn table(&mut self, at: &str, value: Value, path: &Path) -> Result<(), SettingsError> {
        let Value::Object(entries) = value else {
            let message = "a table was expected here".to_owned();
            let origin = Origin::File { path: path.to_owned() };
            return Err(SettingsError::Value { origin, key: at.to_owned(), message });
        };
        for (name, value) in entries {
            let key = if at.is_empty() { name } else { format!("{at}.{name}") };
            let prefix = format!("{key}.");
            if self.defaults.contains_key(&key) {
                self.set(&key, value, Origin::File { path: path.to_owned() })?;
            } else if self.defaults.keys().any(|known| known.starts_with(&prefix)) {
                self.table(&key, value, path)?;
            } else {
                return Err(self.unknown(key, path));
            }
        }
        Ok(())
    }

    fn unknown(&self, key: String, path: &Path) -> SettingsError {
        let tables = self.defaults.keys().filter_map(|known| known.split_once('.')).map(|(t, _)| t);
        let known = self.defaults.keys().map(String::as_str).chain(tables);
        let nearest = tree::nearest(&key, known);
        SettingsError::UnknownKey { path: path.to_owned(), key, nearest }
    }

    fn environment(
        &mut self,
        environment: BTreeMap<String, String>,
    ) -> Result<Vec<String>, SettingsError> {
        let keys: BTreeMap<String, String> =
            self.defaults.keys().map(|key| (tree::variable_of(key), key.clone())).collect();
        let mut unused = Vec::new();
        for (variable, text) in environment {
            match keys.get(&variable) {
                Some(key) => self.text(key, &text, Origin::Env { variable })?,
                None if OTHER_VARIABLES.contains(&variable.as_str()) => {}
                None => unused.push(variable),
            }
        }
        Ok(unused)
    }

    fn text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), SettingsError> {
        let default = self.defaults.get(key).unwrap_or(&Value::Null);
        match tree::typed(text, default) {
            Ok(value) => self.set(key, value, origin),
            Err(message) => Err(SettingsError::Value { origin, key: key.to_owned(), message }),
        }
    }

    /// Sets one value and reads the whole anew, so that an error belongs to this value.
    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), SettingsError> {
        let mut tree = self.tree.clone();
        tree::replace(&mut tree, key, value);
        match serde_json::from_value(tree.clone()) {
            Ok(settings) => self.settings = settings,
            Err(error) => {
                let message = error.to_string();
                return Err(SettingsError::Value { origin, key: key.to_owned(), message });
            }
        }
        self.tree = tree;
        self.origins.insert(key.to_owned(), origin);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
