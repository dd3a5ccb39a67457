//! Each stage of the pipeline, and the turn around them: the real runtime on a real database, with
//! messages that come in as those of a chat platform do.

mod access;
mod fixture;
mod media;
mod outbox;
mod plugins;
mod quotes;
mod rate_limit;
mod reloads;
mod safety;
mod sessions;
mod stale;
