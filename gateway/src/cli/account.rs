//! `firstlight account reset`.

use std::io::{self, Read as _};

use firstlight_core::db::Database;
use firstlight_core::settings::Settings;
use serde::Serialize;

use super::arguments::ResetArguments;
use super::holder::{self, Holder};
use crate::auth::Auth;
use crate::control::Request;
use crate::core_phase::RESET;
use crate::exit::{Exit, Problem};
use crate::{problems, terminal};

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
    let request =
        Request::AccountReset { username: username.to_owned(), password: password.clone() };
    match holder::ask(settings, RESET, &request).await? {
        Holder::Gateway(_) => Ok(true),
        Holder::Us(_lock) => alone(settings, username, password).await.map(|()| false),
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
