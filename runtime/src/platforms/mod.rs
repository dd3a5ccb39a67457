//! Chat platforms: where messages come from and answers go to.
//!
//! The web chat is built in and always there. Further platforms are items of the `platforms`
//! component: one that cannot start is a failed item, and the rest goes on.

mod adapter;
mod adapters;
mod component;
mod intake;
mod registry;
pub mod webchat;

pub use adapter::{Adapter, AdapterContext, Capabilities, Delivery, QueryError, Quoted};
pub use adapters::Adapters;
pub(crate) use component::PlatformsComponent;
pub use intake::Intake;
pub use registry::{PlatformError, PlatformState, PlatformStatus, Platforms};
