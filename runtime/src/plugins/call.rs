//! How a plugin is called: under a deadline, with panics caught.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use firstlight_plugins_api::matching::DeclarationError;
use firstlight_plugins_api::{ManifestError, PluginError};
use futures_util::FutureExt;

/// Why a call into a plugin brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum PluginCallError {
    /// The manifest is refused; the plugin was never called.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A declared web route does not have the form `/path`.
    #[error("the route {path:?} must begin with `/` and hold neither `..` nor `//`")]
    Route {
        /// The path as declared.
        path: String,
    },
    /// The declared handlers do not fit together.
    #[error(transparent)]
    Handlers(#[from] DeclarationError),
    /// Another plugin of that name is registered.
    #[error("another plugin is already called {name:?}")]
    Duplicate {
        /// The name both have.
        name: String,
    },
    /// The plugin answered with an error.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The plugin broke: it trapped, ended, or used more than it may.
    #[error("`{call}` broke the plugin: {reason}")]
    Fault {
        /// The call, such as `handle`.
        call: &'static str,
        /// What happened.
        reason: String,
    },
    /// The plugin broke again and again and is left alone for a while.
    #[error("it rests for {} s, because it broke again and again; the last time: {reason}", remaining.as_secs())]
    Resting {
        /// What happened the last time.
        reason: String,
        /// For how long.
        remaining: Duration,
    },
    /// The plugin declares what it was not granted, or needs what is not there.
    #[error("{reason}")]
    Refused {
        /// What is wrong.
        reason: String,
    },
    /// The deadline of the call passed.
    #[error("no answer from `{call}` within {} s", limit.as_secs_f32())]
    Deadline {
        /// The call, such as `load`.
        call: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// The plugin panicked.
    #[error("`{call}` panicked: {message}")]
    Panicked {
        /// The call, such as `load`.
        call: &'static str,
        /// The panic's message.
        message: String,
    },
}

/// Awaits a plugin call under its deadline. Dropping the returned future drops the call with it, so
/// a cancellation of the caller passes through (the ancestor swallowed it as a load error).
pub(super) async fn bounded<T>(
    call: &'static str,
    limit: Duration,
    future: impl Future<Output = Result<T, PluginError>>,
) -> Result<T, PluginCallError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(future).catch_unwind()).await {
        Ok(Ok(Err(PluginError::Fault(reason)))) => Err(PluginCallError::Fault { call, reason }),
        Ok(Ok(outcome)) => outcome.map_err(PluginCallError::Plugin),
        Ok(Err(panic)) => Err(PluginCallError::Panicked { call, message: panic_text(&*panic) }),
        Err(_) => Err(PluginCallError::Deadline { call, limit }),
    }
}

/// Runs a declaration (`routes`, `tools`), which cannot wait but can panic.
pub(super) fn declared<T>(
    call: &'static str,
    declare: impl FnOnce() -> T,
) -> Result<T, PluginCallError> {
    std::panic::catch_unwind(AssertUnwindSafe(declare))
        .map_err(|panic| PluginCallError::Panicked { call, message: panic_text(&*panic) })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
