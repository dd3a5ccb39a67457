//! The one integration binary: one link step for all of it.
//!
//! Each module stands behind `cfg(test)`, so that the lints know its helpers for tests too.

#[cfg(test)]
mod chaos;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod custom_gateway;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod mcp_rows;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod onebot;
#[cfg(test)]
mod open_api;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod plugin_kills;
#[cfg(test)]
mod plugin_tutorial;
#[cfg(test)]
mod process;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod providers_component;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod settings_page;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod turns;
