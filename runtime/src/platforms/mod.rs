//! Chat platforms: where messages come from and answers go to.
//!
//! The web chat is built in and always there. Further platforms are items of the `platforms`
//! component: one that cannot start is a failed item, and the rest goes on.
//!
//! | module | what it holds |
//! |---|---|
//! | `adapter` | [`Adapter`]: what every platform implements |
//! | `intake` | [`Intake`]: the way into the inbox |
//! | `registry` | [`Platforms`]: what is configured, and how it is |
//! | `supervision` | one running platform: restarts, and the order of its end |
//! | `health` | whether it runs, and what went wrong lately |
//! | `kinds` | which types there are |
//! | `templates` | the forms of the configuration page |
//! | `adapters` | [`Adapters`]: what a turn asks its platform through |
//! | `webchat`, `onebot` | the platforms |

mod adapter;
mod adapters;
mod component;
mod health;
mod intake;
mod kinds;
mod onebot;
mod registry;
mod supervision;
mod templates;
pub mod webchat;

pub use adapter::{
    Adapter, AdapterContext, Capabilities, Connections, Delivery, Origin, QueryError, Quoted,
};
pub use adapters::Adapters;
pub(crate) use component::PlatformsComponent;
pub use health::{Fault, Health, PlatformState};
pub use intake::Intake;
pub use kinds::PlatformError;
pub use onebot::OneBotError;
#[cfg(fuzzing)]
pub use onebot::fuzzed as onebot_fuzzed;
pub(crate) use registry::Surroundings;
pub use registry::{PlatformStatus, Platforms};
pub use templates::config_schema;
