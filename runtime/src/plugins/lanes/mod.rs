//! Where plugins live that are not part of this program.
//!
//! * [`component`]: WebAssembly, in a sandbox in this process.
//! * [`process`]: a program of its own, over its standard input and output.
//! * `remote` makes of either what the rest of the gateway calls a plugin; `line` answers what it
//!   asks of the gateway, and refuses what it was not granted.

pub(super) mod component;
mod lane;
mod line;
pub(super) mod process;
mod remote;
#[cfg(test)]
mod tests;

pub(super) use lane::Lane;
pub use lane::LaneUsage;
pub(super) use line::HostLine;
pub(super) use remote::RemotePlugin;
