//! Tools for the model, and the MCP servers that offer them.
//!
//! | file | what it holds |
//! |---|---|
//! | [`list`] | all tools, and switching them |
//! | [`servers`] | MCP servers: listed, added, changed, deleted, tried |
//! | `entry` | what a body says about one server |

mod entry;
pub mod list;
pub mod servers;
