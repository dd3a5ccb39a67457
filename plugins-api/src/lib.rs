//! What a Firstlight plugin is written against.
//!
//! A plugin is one type that implements [`Plugin`]. It is *made* by [`Plugin::load`], so a value of
//! it exists only while it may be used, and it is told when the gateway is ready
//! ([`Plugin::loaded`]) and when it has to go ([`Plugin::unload`]). What it offers (web routes,
//! tools for the model) it declares; the gateway reads the declarations from the live value.
//!
//! This crate names no executor: the same `impl` is awaited by the gateway when it is compiled in,
//! and will be driven by a guest-side executor in a sandbox.
//!
//! ```
//! use firstlight_plugins_api::{Host, Manifest, Plugin, PluginError, Version};
//!
//! struct Hello;
//!
//! impl Plugin for Hello {
//!     fn manifest() -> Manifest {
//!         Manifest::new("hello", Version::new(1, 0, 0)).author("you").description("Says hello.")
//!     }
//!
//!     async fn load(_host: Host) -> Result<Self, PluginError> {
//!         Ok(Self)
//!     }
//! }
//!
//! assert_eq!(Hello::manifest().name, "hello");
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
mod host;
mod manifest;
mod plugin;
mod tool;
mod web;

pub use error::PluginError;
pub use host::{ComponentStatus, Host, HostCalls, RuntimeStatus};
pub use manifest::{Manifest, ManifestError};
pub use plugin::Plugin;
pub use semver::{Version, VersionReq};
pub use tool::Tool;
pub use web::{Method, WebRequest, WebResponse, WebRoute};
