//! Turns: a message from the inbox, through its pipeline, to what is committed.
//!
//! The component is called `bus` in the timeline: it is what works the durable inbox.

mod arrivals;
mod channel;
mod component;
mod consumer;
mod live;
mod outcome;
mod tally;
mod turn;

pub(crate) use arrivals::Arrivals;
pub(crate) use component::TurnsComponent;
pub(crate) use live::Announcement;
pub use live::LiveTurns;
