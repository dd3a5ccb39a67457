//! What plugins may ask of the gateway.
//!
//! [`Shared`] is what all hosts work from; it lives as long as the process. [`PluginHost`] is the
//! line of one plugin, by whose name everything that it stores is kept.

mod files;
mod log_line;
mod models;
mod outbound;
mod plugin_host;
mod sending;
mod sessions;
mod shared;
mod streams;
mod terms;

pub(super) use plugin_host::PluginHost;
pub(super) use sending::{Sent, send};
pub use shared::HostFoundation;
pub(super) use shared::Shared;
pub(super) use terms::Terms;
