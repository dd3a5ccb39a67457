//! Integration tests, and the peers they talk to.
//!
//! | module | what it holds |
//! |---|---|
//! | [`fake_openai`] | a server that speaks the OpenAI protocol and misbehaves on demand |
//! | [`process`] | the real binary as a process |

pub mod fake_openai;
pub mod process;
