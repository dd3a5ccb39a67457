//! MCP: servers that offer tools, started as programs or reached over streamable HTTP.
//!
//! Each server of the `mcp` document has a task of its own that connects, lists the tools, lists
//! them again when they change, and connects anew after a loss. Nothing waits for any of them: the
//! runtime is ready without. Whatever takes the runtime down ends all of them, and with them every
//! program that was started, also what such a program started in turn.
//!
//! | module | what it holds |
//! |---|---|
//! | `component` | the component of the bootstrap |
//! | `registry` | the servers of a running runtime: [`Mcp`] |
//! | `server` | one server: its task and its state |
//! | `connection` | one connection: opened, listed, watched, closed |
//! | `program` | a server as a child process |
//! | `http` | the HTTP client in the form that rmcp wants |
//! | `spec` | what an entry of the document means |
//! | `tools` | the tools of a server, within bounds |

mod component;
mod connection;
mod error;
mod http;
mod program;
mod registry;
mod server;
mod spec;
mod tail;
mod tools;

pub(crate) use component::McpComponent;
pub use error::McpError;
pub use registry::{Mcp, TestFailure};
pub use server::{Link, Outcome, ServerState, ServerStatus};
pub(crate) use spec::McpDefaults;
pub use tools::McpTool;
