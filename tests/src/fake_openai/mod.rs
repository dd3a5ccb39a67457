//! A fake OpenAI: a real server on a real socket that misbehaves as it is told.
//!
//! Tests script it request by request ([`FakeOpenAi::push`]), by key ([`FakeOpenAi::when_key`]) or
//! once for all ([`FakeOpenAi::otherwise`]), and read back what it was sent and whether the client
//! hung up early. Unscripted, it answers with the question. The binary `fake-openai` is the same
//! server as a process, scripted over HTTP: `POST /fake/push`, `POST /fake/otherwise`,
//! `GET /fake/requests`.

mod answer;
mod record;
mod reply;
mod server;

pub use record::{Outcome, Recorded};
pub use reply::{Answer, Reply};
pub use server::FakeOpenAi;
