//! The pipeline: what happens to a message between the inbox and the answer.
//!
//! ```text
//! wake ─► request (persona, window of the conversation, the message) ─► model call ─► TurnEnd
//! ```
//!
//! One [`Pipeline`] stands for one configuration profile; [`Pipelines`] finds the one that a
//! session is routed to. A pipeline has no state of its own: what a turn changes is committed by
//! the turn (see [`crate::turns`]).

mod answer;
mod component;
mod model_call;
mod request;
mod stages;
mod wake;

pub use answer::{Answer, AnswerSink, TurnEnd, TurnError};
pub use component::Pipelines;
pub(crate) use component::PipelinesComponent;
pub use model_call::{Checkpoint, Ends};
pub use request::{ATTACHMENT_SCHEME, PERSONA_PROMPT};
pub use stages::{Pipeline, Resources, Turn};
