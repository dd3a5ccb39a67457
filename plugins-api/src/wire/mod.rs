//! The messages between the gateway and a plugin that does not live in its process.
//!
//! Both lanes say the same things in JSON: a component is given a [`GuestCall`] and makes
//! [`HostCall`]s through the two functions of `wit/plugin.wit`; a process reads and writes them as
//! JSON-RPC 2.0, one message to a line ([`frame`]). `docs/plugins/protocol.md` is the document,
//! `plugins-api/conformance` the examples that every implementation must agree with.
//!
//! Authors need none of this: [`crate::component!`] and [`crate::process`] speak it for them.

mod answering;
mod error;
pub mod frame;
mod guest;
mod host;
mod performing;
mod remote;
mod version;

pub use answering::answer;
pub use error::WireError;
pub use guest::{Changed, Declarations, Description, GuestCall, Introduction, SettingsAnswer};
pub use host::HostCall;
pub use performing::{describe, perform};
pub use remote::{Line, RemoteHost};
pub use version::{API_VERSION, MESSAGE_LIMIT};
