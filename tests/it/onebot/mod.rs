//! OneBot through the real runtime: who is let in, what is heard, what is called, what goes wrong.

mod doors;
mod failures;
mod messages;
mod world;
