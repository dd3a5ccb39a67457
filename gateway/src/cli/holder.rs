//! Who does what a command asks: the gateway that holds the data folder, or this process alone.

use std::time::Duration;

use firstlight_core::settings::{DataLock, LockError, Settings};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::control::{self, Request};
use crate::exit::Problem;
use crate::problems;
use crate::running::Running;

/// How long a gateway that is just starting or ending is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who has it.
pub(super) enum Holder {
    /// A gateway, which did what was asked, and answered this.
    Gateway(Value),
    /// Nobody did. This process does now, for as long as it keeps the lock.
    Us(DataLock),
}

/// Asks the gateway that holds the folder, or takes the folder under that name.
pub(super) async fn ask(
    settings: &Settings,
    name: &str,
    request: &Request,
) -> Result<Holder, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let held = match DataLock::acquire(&settings.data_dir, name) {
            Ok(lock) => return Ok(Holder::Us(lock)),
            Err(error @ LockError::Held { .. }) => error,
            Err(error) => return Err(problems::locking(&error)),
        };
        let socket = Running::read(&settings.data_dir).and_then(|card| card.control);
        if let Some(socket) = socket {
            // A card without a listener is one of a process that was killed.
            if let Some(answer) = control::ask(&socket, request).await? {
                return answer.map(Holder::Gateway);
            }
        }
        if Instant::now() >= deadline {
            return Err(problems::locking(&held));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
