//! Senders: one for each platform instance, bringing the outbox to its adapter.
//!
//! A message is leased, sent piece by piece, and settled by what became of it. Sessions do not wait
//! for each other; within one, a message is sent once the one before it is settled.

mod attempt;
mod paces;
mod sender;

#[cfg(test)]
mod tests;

pub(crate) use sender::Sender;
