//! What plugins may ask of the gateway.
//!
//! [`Shared`] is what all hosts work from; it lives as long as the process. [`PluginHost`] is the
//! line of one plugin, by whose name everything that it stores is kept.

mod plugin_host;
mod sending;
mod sessions;
mod shared;

pub(super) use plugin_host::PluginHost;
pub(super) use sending::{Sent, send};
pub use shared::HostFoundation;
pub(super) use shared::Shared;
