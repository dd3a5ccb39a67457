//! `firstlight account reset`.

use std::io::{self, Read as _};
use std::time::Duration;

use firstlight_core::db::Database;
use firstlight_core::settings::{DataLock, LockError, Settings};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::arguments::ResetArguments;
use crate::auth::Auth;
use crate::control::{self, Request};
use crate::core_phase::RESET;
use crate::exit::{Exit, Problem};
use crate::running::Running;
use crate::{problems, terminal};

/// How long a gateway that is just starting or ending is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Done<'a> {
    username: &'a str,
    /// Whether a running gateway did it.
    by_gateway: bool,
}

/// Sets the password, in the data folder or through the gateway that holds it.
pub(super) async fn reset(settings: Settings, arguments: ResetArguments) -> Result<Exit, Problem> {
    let password = read_password()?;
    let by_gateway = apply(&settings, &arguments.username, password).await?;
    let username = &arguments.username;
    if arguments.output.json {
        terminal::json(&Done { username, by_gateway })?;
    } else {
        terminal::line(format!("The password of {username} is set; all its log-ins have ended."))?;
    }
    Ok(Exit::Success)
}

/// Either nobody holds the folder, and this process does it alone; or the holder does it.
async fn apply(settings: &Settings, username: &str, password: String) -> Result<bool, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let held = match DataLock::acquire(&settings.data_dir, RESET) {
            Ok(_lock) => return alone(settings, username, password).await.map(|()| false),
            Err(error @ LockError::Held { .. }) => error,
            Err(error) => return Err(problems::locking(&error)),
        };
        let socket = Running::read(&settings.data_dir).and_then(|card| card.control);
        if let Some(socket) = socket {
            let request =
                Request::AccountReset { username: username.to_owned(), password: password.clone() };
            // A card without a listener is one of a process that was killed.
            if let Some(answer) = control::ask(&socket, &request).await? {
                return answer.map(|_| true);
            }
        }
        if Instant::now() >= deadline {
            return Err(problems::locking(&held));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn alone(settings: &Settings, username: &str, password: String) -> Result<(), Problem> {
    let path = settings.database_path();
    let database = Database::open(&path).await.map_err(|error| problems::database(&error))?;
    let lifetime = settings.auth.session_lifetime.duration();
    let outcome = match Auth::load(database.clone(), lifetime).await {
        Ok(auth) => auth.reset(username, password).await,
        Err(error) => Err(error),
    };
    database.close().await;
    outcome.map_err(|error| problems::accounts(&error))
}

/// The password is everything on standard input but the end of the line.
fn read_password() -> Result<String, Problem> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(|error| {
        let advice = "send it as UTF-8 text";
        Problem::caused(Exit::Usage, "the password could not be read", &error, advice)
    })?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        let advice = "send it on standard input";
        return Err(Problem::new(Exit::Usage, "there is no password", advice));
    }
    Ok(password.to_owned())
}
