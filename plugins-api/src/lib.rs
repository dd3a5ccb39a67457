//! What a Firstlight plugin is written against.
//!
//! A plugin is one type that implements [`Plugin`]. It is *made* by [`Plugin::load`], so a value of
//! it exists only while it may be used, and it is told when the gateway is ready
//! ([`Plugin::loaded`]) and when it has to go ([`Plugin::unload`]). What it offers (commands and
//! other [handlers](Handler), [hooks](Hook), web routes, tools for the model) it declares; the
//! gateway reads the declarations, so a plugin's code runs only for what is its own.
//!
//! What it wants of the gateway it asks its [`Host`]: settings, a key-value store, timers, waiting
//! for a reply, sending unasked, conversations and providers.
//!
//! This crate names no executor: the same `impl` is awaited by the gateway when it is compiled in,
//! and is driven to its end over calls that wait when it is a sandboxed component
//! ([`component!`]) or a program of its own ([`process`]). So a plugin spawns nothing; what is to
//! happen later it leaves with the host ([`NewTimer`], [`Wait`]).
//!
//! ```
//! use firstlight_plugins_api::testing::{Stage, block_on};
//! use firstlight_plugins_api::{
//!     Argument, Call, Handler, Host, Manifest, Plugin, PluginError, Reply, Version,
//! };
//!
//! struct Echo;
//!
//! impl Plugin for Echo {
//!     fn manifest() -> Manifest {
//!         Manifest::new("echo", Version::new(1, 0, 0)).author("you").description("Says it again.")
//!     }
//!
//!     async fn load(_host: Host) -> Result<Self, PluginError> {
//!         Ok(Self)
//!     }
//!
//!     fn handlers(&self) -> Vec<Handler> {
//!         let command = Handler::command("echo").about("Says it again.");
//!         vec![command.argument(Argument::int("times").named().default(1)).argument(Argument::rest("text"))]
//!     }
//!
//!     async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
//!         let times = usize::try_from(call.arguments.int("times").unwrap_or(1)).unwrap_or(0).min(9);
//!         let text = call.arguments.text("text").unwrap_or_default();
//!         Ok(Reply::text(vec![text; times].join(" ")))
//!     }
//! }
//!
//! block_on(async {
//!     let stage = Stage::<Echo>::load().await.unwrap();
//!     assert_eq!(stage.say("/echo --times 2 hello you").await.texts(), ["hello you hello you"]);
//!     assert_eq!(stage.say("/echo").await.refused.unwrap(), "text is missing: /echo [--times int=1] <text...>");
//!     // Without the wake prefix it is no command.
//!     assert!(stage.say("echo hello").await.texts().is_empty());
//! });
//! ```

#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]
#![warn(missing_docs)]

mod argument;
mod asking;
mod call;
mod capability;
mod completing;
pub mod component;
mod continuation;
mod encoding;
mod error;
mod event;
mod filter;
mod handler;
mod hook;
mod host;
mod manifest;
pub mod matching;
mod message;
mod outbound;
mod plugin;
pub mod process;
mod reply;
pub mod testing;
mod tool;
mod web;
pub mod wire;

pub use argument::{Argument, ArgumentKind, Arguments, Need};
pub use asking::{Level, ModelAnswer, ModelQuestion, PersonaInfo};
/// For implementations of [`HostCalls`].
pub use async_trait::async_trait;
pub use call::{Call, SettingsTaken, schema_of};
pub use capability::{Capabilities, Capability};
pub use continuation::{Answered, NewTimer, Timer, Unanswered, Wait};
pub use error::PluginError;
pub use event::{Event, GroupChat, Language, MessageKind, Person, Role};
pub use filter::Filter;
pub use handler::{Handler, Naming, Permission, Trigger};
pub use hook::{Failure, Hook, HookKind, ModelMessage, ModelPart, ModelRequest, Outgoing, Speaker};
pub use host::{
    CommandInfo, ComponentStatus, ConversationInfo, Host, HostCalls, HostError, ProviderInfo,
    RuntimeStatus,
};
pub use manifest::{Manifest, ManifestError};
pub use message::{Media, Message, Piece, Quote};
pub use outbound::{HttpRequest, HttpResponse, HttpStream};
pub use plugin::Plugin;
pub use reply::{Ask, Flow, Reply};
pub use semver::{Version, VersionReq};
pub use tool::Tool;
pub use web::{Method, WebRequest, WebResponse, WebRoute};
