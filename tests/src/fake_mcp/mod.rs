//! MCP servers that do as they are told: over HTTP ([`FakeMcp`]), and as a program (the binary
//! `fake-mcp`, steered through a folder: [`Steered`]).

mod http;
mod protocol;
mod steered;

pub use http::FakeMcp;
pub use protocol::{answer, list_changed};
pub use steered::{Control, Manner, Steered, gone};
