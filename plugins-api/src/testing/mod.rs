//! A stage to try a plugin on, without a gateway.
//!
//! [`Stage`] loads the plugin with a [`FakeHost`], gives it messages through the same matching that
//! the gateway uses, and lets time pass for its timers and for what it waits for. Nothing here
//! waits for real time, and any executor will do; [`block_on`] is one.
//!
//! ```
//! use std::time::Duration;
//!
//! use firstlight_plugins_api::testing::{Stage, block_on};
//! use firstlight_plugins_api::{
//!     Answered, Argument, Call, Handler, Host, Manifest, NewTimer, Outgoing, Plugin, PluginError,
//!     Reply, Timer, Version, Wait,
//! };
//! use serde_json::json;
//!
//! /// Asks what to remind of, and reminds of it a minute later.
//! struct Reminder {
//!     host: Host,
//! }
//!
//! impl Plugin for Reminder {
//!     fn manifest() -> Manifest {
//!         Manifest::new("reminder", Version::new(1, 0, 0))
//!     }
//!
//!     async fn load(host: Host) -> Result<Self, PluginError> {
//!         Ok(Self { host })
//!     }
//!
//!     fn handlers(&self) -> Vec<Handler> {
//!         vec![Handler::command("remind")]
//!     }
//!
//!     async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
//!         let wait = Wait::of(&call.event, "what", Duration::from_secs(60));
//!         self.host.wait_for_reply(wait).await?;
//!         Ok(Reply::text("Of what?"))
//!     }
//!
//!     async fn answered(&self, answered: Answered) -> Result<Reply, PluginError> {
//!         let event = answered.event;
//!         let payload = json!({ "to": event.reply_to, "text": event.text });
//!         let timer = NewTimer::once("remind", Duration::from_secs(60)).payload(payload);
//!         self.host.schedule(timer).await?;
//!         Ok(Reply::text("I will."))
//!     }
//!
//!     async fn timer(&self, timer: Timer) -> Result<Vec<Outgoing>, PluginError> {
//!         let text = |key| timer.payload[key].as_str().unwrap_or_default().to_owned();
//!         Ok(vec![Outgoing::new(text("to"), text("text"))])
//!     }
//! }
//!
//! block_on(async {
//!     let stage = Stage::<Reminder>::load().await.unwrap();
//!     assert_eq!(stage.say("/remind").await.texts(), ["Of what?"]);
//!     assert_eq!(stage.say("the tea").await.texts(), ["I will."]);
//!     stage.advance(Duration::from_secs(61)).await.unwrap();
//!     assert_eq!(stage.host().sent()[0].message.plain_text(), "the tea");
//! });
//! ```

mod fake_host;
mod stage;

pub use fake_host::FakeHost;
pub use stage::{Said, Stage, block_on};
