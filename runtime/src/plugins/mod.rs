//! Plugins: what is compiled in, what is loaded, what failed.
//!
//! * [`Registration`] is one plugin that can be loaded: its manifest and how to make it.
//! * `state` holds the declarations of all loaded plugins in a form that is quick to look up;
//!   `dispatch` and `hooks` are what the pipeline asks.
//! * `host` is what plugins may ask of the gateway; `waits` and `later` bring back what they left
//!   for later.
//! * `commands` and `command_list` are what the operator sees and changes of commands.
//! * [`SettingsForm`] is the form that a plugin of others brings for its settings.
//! * `builtin` are the plugins that come with the gateway, written like anybody else's.
//! * [`Plugins`] is the live registry. Web routes and tools are read from it at each call, so a
//!   plugin that is gone answers nothing (the ancestor kept a stale index).
//! * [`FailedPlugins`] outlives the runtime: it is what the recovery rows list after a failed
//!   bootstrap.

mod budgets;
mod builtin;
mod call;
mod catalogue;
mod changes;
#[cfg(test)]
mod changes_tests;
mod checking;
mod command_list;
mod commands;
mod component;
mod convert;
pub(crate) mod dispatch;
#[cfg(test)]
mod dispatch_tests;
mod erased;
mod failed;
pub(crate) mod filters;
mod health;
mod hints;
mod hooks;
mod host;
#[cfg(test)]
mod host_tests;
mod idle;
mod installed;
mod lanes;
pub(crate) mod later;
mod live;
mod moments;
mod overview;
pub mod packages;
mod preparing;
mod progress;
mod reading;
mod recognising;
mod refusals;
mod registry;
mod runtime_status;
mod settings_form;
mod sources;
mod state;
mod tail;
mod waits;

pub use budgets::{AskedBudgets, Budgets, LaneKind};
pub use builtin::registrations as built_in;
pub use call::PluginCallError;
pub use changes::ChangeError;
pub use checking::{PackageCheck, check_package};
pub use command_list::{CommandChange, CommandError, CommandRow};
pub use component::PluginsComponent;
pub use erased::Registration;
pub use failed::{FailedPlugin, FailedPlugins};
pub use health::{BreakerState, HealthReport};
pub use host::HostFoundation;
pub use idle::{Condition, PluginCondition};
pub use lanes::LaneUsage;
pub use lanes::component::{CodeError, Compiler, compile_file};
pub use overview::{InstalledOverview, LoadedPlugin, PluginOverview, unenforced};
pub use packages::{
    Compatibility, InstallTerms, Installed, Market, MarketAnswer, MarketError, MarketState,
    PackageDocuments, PackageError, PackageErrorKind, PackageManifest, PackagePage, PackageSource,
    Staged, Upload, VersionCheck, compatibility,
};
pub use progress::{Change, Stage};
pub use registry::{PluginInformation, Plugins, ReloadError};
pub use runtime_status::{RuntimeStatusPlugin, StatusBoard};
#[cfg(fuzzing)]
pub use settings_form::fuzzed as settings_form_fuzzed;
pub use settings_form::{
    Change as SettingsChange, FormError, FormProblem, ItemType, Migration, OldValue, SettingsForm,
    TEMPLATE_KEY,
};
pub use sources::{PluginSources, RemoveFailedError};
