//! The bus: a durable inbox and a durable outbox, and the wake-ups that make them quick.
//!
//! A message is *accepted* once its row is committed, and from then on it ends in one of three
//! ways: answered, put aside for the operator (dead letter, uncertain), or dropped by the operator.
//! A crash at any point leads back to one of these. `docs/bus.md` has the picture, each state, each
//! step, and what happens at the bounds.
//!
//! | module | what it holds |
//! |---|---|
//! | `state` | the states, and which may follow which: the only place that knows |
//! | `bus` | [`Bus`]: ownership, wake-ups |
//! | `inbox`, `outbox` | what can be asked of the two queues |
//! | `inbox_steps`, `outbox_steps` | how a row moves |
//! | `accepting`, `leasing`, `finishing`, `queueing`, `sending` | the steps that every message makes, for many at once |
//! | `operate` | replaying, dropping, depths, purging |
//! | `dead_letters` | what is put aside, listed and cleared |
//! | `stale` | what waited too long |
//! | `reason` | why a message was put aside |
//! | `rows` | what goes in and comes out |
//! | `settings` | bounds, attempts, back-off, how long things are kept |
//! | `error` | [`BusError`] |

mod accepting;
#[expect(clippy::module_inception, reason = "the module is named after what it holds")]
mod bus;
mod dead_letters;
mod error;
mod finishing;
mod inbox;
mod inbox_steps;
mod leasing;
mod operate;
mod outbox;
mod outbox_steps;
mod queueing;
mod reason;
mod rows;
mod sending;
mod settings;
mod stale;
mod state;

#[cfg(test)]
mod tests;

pub use bus::{Bus, Epoch, Recovered, Wake};
pub use dead_letters::{Letter, LetterFilter, LetterPage, LetterState, LetterSummary};
pub use error::BusError;
pub use operate::{Depth, Purged};
pub use reason::Reason;
pub use rows::{
    Accepted, Deferred, Enqueued, Finish, Finished, InboxRow, NewInbox, NewOutbox, OutboxRow, Turn,
};
pub use settings::{BusSettings, Clock};
pub use state::{InboxState, OutboxState, Queue};
