//! Commands of the same machine to a running gateway.
//!
//! A password reset must reach a gateway that runs, for its log-ins live in memory, and it must not
//! need a log-in, for the password is what was lost. So it does not go through HTTP: a route that
//! resets passwords, however guarded, would be there for everyone who can reach the port. It goes
//! through a Unix socket in the data folder, which only the owner of the folder can open, and the
//! gateway asks the kernel who is at the other end. Whoever passes that can read the database file
//! anyway. On systems without such sockets the gateway has to be ended first.
//!
//! One line of JSON there, one back, then the socket closes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What can be asked for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Request {
    /// See `Auth::reset`.
    AccountReset { username: String, password: String },
    /// What the runtime does, and why it does not: an [`Account`].
    Status,
}

/// What the runtime does, for the owner of the data folder.
#[derive(Serialize, Deserialize)]
pub(crate) struct Account {
    /// The wire name of the state.
    pub(crate) state: String,
    /// What failed the last bootstrap: the component and its error.
    pub(crate) failure: Option<(String, String)>,
    /// Work of an earlier attempt that could not be ended.
    pub(crate) unclean: Vec<String>,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
struct Answer {
    /// What was asked for, where something was.
    #[serde(default)]
    data: Value,
    /// What failed, and what to do about it; nothing when it was done.
    problem: Option<(u8, String, String)>,
}

#[cfg(unix)]
mod socket;
#[cfg(unix)]
pub(crate) use socket::{ask, serve};

/// There is no such socket on this system.
#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "the same on every system")]
pub(crate) async fn ask(
    _path: &std::path::Path,
    _request: &Request,
) -> Result<Option<Result<Value, crate::exit::Problem>>, crate::exit::Problem> {
    Ok(None)
}

/// There is no such socket on this system.
#[cfg(not(unix))]
pub(crate) fn serve(
    _folder: &std::path::Path,
    _app: &std::sync::Arc<crate::app::App>,
) -> std::io::Result<Option<std::path::PathBuf>> {
    Ok(None)
}
