//! Plugins that break, in each lane: they cost themselves and nobody else.

mod components;
mod grants;
mod guests;
mod processes;
