//! Chat platforms: where messages come from and answers go to.
//!
//! The web chat is built in and always there. Further platforms are items of the `platforms`
//! component: one that cannot start is a failed item, and the rest goes on.

mod component;
mod registry;
pub mod webchat;

pub(crate) use component::PlatformsComponent;
pub use registry::{PlatformError, PlatformState, PlatformStatus, Platforms};
