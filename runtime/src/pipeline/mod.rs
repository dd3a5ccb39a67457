//! The pipeline: what happens to a message between the inbox and the answer, in nine stages.
//!
//! | stage | module | what it decides |
//! |---|---|---|
//! | waking | `waking` | is it for the bot, who may do what, which plugins take it |
//! | access list, session status | `access` | is the session served |
//! | rate limit | `rate_limit` | now, later or not at all |
//! | content safety | `safety` (`moderation`) | is it heard |
//! | preparation | `preparation` (`expansion`, `media`) | quotes, forwards and files are fetched |
//! | plugins then model | `process` (`request`, `transcript`, `model_call`) | what is answered |
//! | decoration | `decoration` (`segments`) | in which form |
//! | respond | `respond` | what goes to the platform's sender |
//!
//! `stages` runs them in this order, once each, and looks for a stop between all of them. One
//! [`Pipeline`] stands for one configuration profile; [`Pipelines`] finds the one that a session is
//! routed to. A pipeline changes nothing that lasts: what a turn brings about is committed by the
//! turn (see [`crate::turns`]). `docs/pipeline.md` has every key.

mod access;
mod answer;
mod compiled;
mod component;
mod decoration;
mod expansion;
mod media;
mod model_call;
mod moderation;
mod passage;
mod preparation;
mod process;
mod rate_limit;
mod request;
mod respond;
mod safety;
mod segments;
mod stages;
mod transcript;
mod waking;

pub use answer::{Answer, AnswerSink, TurnEnd, TurnError};
pub use component::Pipelines;
pub(crate) use component::PipelinesComponent;
pub use media::MediaFetcher;
pub use model_call::{Checkpoint, Ends};
pub use passage::{Resources, Said, Speaker, Turn};
pub use rate_limit::RateLimiter;
pub use request::{ATTACHMENT_SCHEME, PERSONA_PROMPT};
pub(crate) use respond::tell_failure;
pub use stages::Pipeline;
pub(crate) use waking::wake;
