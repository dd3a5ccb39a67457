//! Turns: a message from the inbox, through its pipeline, to what is committed.
//!
//! The component is called `bus` in the timeline: it is what works the durable inbox.

mod component;
mod consumer;
mod turn;

pub(crate) use component::TurnsComponent;
