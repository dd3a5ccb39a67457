//! Integration tests, and the peers they talk to.
//!
//! | module | what it holds |
//! |---|---|
//! | [`chaos`] | the proof that nothing is lost, whenever the process dies |
//! | [`gateway_process`] | the real binary on a folder of its own |
//! | [`event_stream`] | a client's view of an event stream |
//! | [`process_cost`] | threads, descriptors and memory of a process |
//! | [`talk`] | what a person does in the chat |
//! | [`fake_onebot`] | the far side of the OneBot platform, with every transport and vice |
//! | [`fake_mcp`] | MCP servers that misbehave on demand |
//! | [`fake_openai`] | a server that speaks the OpenAI protocol and misbehaves on demand |
//! | [`message_load`] | what loads the message path, and counts |
//! | [`plugin_load`] | many components at once, and one event through each lane |
//! | [`stop_times`] | how soon `/stop` ends the model's call |
//! | [`process`] | the real binary as a process |

#![expect(clippy::indexing_slicing, reason = "JSON of answers is indexed; a miss fails the test")]

pub mod chaos;
pub mod event_stream;
pub mod fake_mcp;
pub mod fake_onebot;
pub mod fake_openai;
pub mod gateway_process;
pub mod message_load;
pub mod plugin_load;
pub mod process;
pub mod process_cost;
pub mod stop_times;
pub mod talk;
