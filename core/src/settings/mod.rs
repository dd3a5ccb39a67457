//! Process settings: where the data lives, where to listen, how to log. Read once, never written.
//!
//! Four layers, the later wins: built-in default, `firstlight.toml`, `FIRSTLIGHT_*` variables,
//! command-line flags. A key `log.format` is `format` in the table `[log]` of the file and
//! `FIRSTLIGHT_LOG_FORMAT` in the environment. [`Effective`] remembers which layer each value came
//! from, and every error names the file, variable or flag at fault.
//!
//! What the bot does (providers, platforms, profiles) is not here but in [`crate::config`].
//!
//! [`DataLock`] keeps a second process out of the data folder.

mod error;
mod forms;
mod load;
mod lock;
mod tree;
mod values;

pub use error::SettingsError;
pub use forms::{InvalidNetwork, InvalidPeriod, Network, Period};
pub use load::{CONFIG_VARIABLE, Effective, Origin, Overrides, SettingView};
pub use lock::{DataLock, LockError};
pub use values::{
    Auth, Bootstrap, Bus, Limits, Log, LogFormat, Mcp, Metrics, ModelMetadata, Settings, Shutdown,
};
