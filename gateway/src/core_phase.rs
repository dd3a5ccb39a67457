//! The first phase: what is there before anything can fail, and the terms of the second.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::ConfigStore;
use firstlight_core::db::Database;
use firstlight_core::lifecycle::{Limits, Options, Retry};
use firstlight_core::settings::{DataLock, LockError, Settings};
use firstlight_runtime::Foundation;
use tokio::time::{Instant, sleep};

use crate::exit::Problem;
use crate::problems;

/// The names under which commands hold the data folder.
pub(crate) const RESET: &str = "firstlight account reset";
/// See [`RESET`].
pub(crate) const DOCTOR: &str = "firstlight doctor";
/// See [`RESET`].
pub(crate) const DEAD_LETTERS: &str = "firstlight dead-letters";
/// See [`RESET`].
pub(crate) const PLUGIN: &str = "firstlight plugin";
const SHORT_COMMANDS: [&str; 4] = [RESET, DOCTOR, DEAD_LETTERS, PLUGIN];

/// What a refused process gets to read about the one that holds the data folder.
const PROGRAM: &str = concat!("firstlight ", env!("CARGO_PKG_VERSION"));
/// How long a command that holds the folder for a moment is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the data folder. Another gateway is a refusal at once; a command that looks at the folder
/// or resets a password is gone in a moment, and must not keep a service from starting.
pub(crate) async fn lock(folder: &Path) -> Result<DataLock, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match DataLock::acquire(folder, PROGRAM) {
            Ok(lock) => return Ok(lock),
            Err(error) if Instant::now() < deadline && held_by_a_command(&error) => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(problems::locking(&error)),
        }
    }
}

fn held_by_a_command(error: &LockError) -> bool {
    let LockError::Held { name: Some(name), .. } = error else { return false };
    SHORT_COMMANDS.contains(&name.as_str())
}

/// Database, documents, bus: no network, no plugins, nothing that may take long.
pub(crate) async fn foundation(settings: &Arc<Settings>) -> Result<Foundation, Problem> {
    let database = Database::open(&settings.database_path())
        .await
        .map_err(|error| problems::database(&error))?;
    if let Err(error) = database.attachments().clear_unfinished().await {
        tracing::warn!(%error, "uploads that were cut off could not be removed");
    }
    let config = ConfigStore::open(database.clone())
        .await
        .map_err(|error| problems::configuration(&error))?;
    let bus = Bus::new(database.clone(), BusSettings::from(&settings.bus));
    Ok(Foundation { database, config, bus, settings: Arc::clone(settings) })
}

/// How the supervisor treats the second phase.
#[cfg_attr(
    not(feature = "faults"),
    expect(clippy::unnecessary_wraps, reason = "reading the faults can fail")
)]
pub(crate) fn options(settings: &Settings) -> Result<Options, Problem> {
    let retry = settings.bootstrap.auto_retry.then(|| Retry {
        first: settings.bootstrap.retry_initial.duration(),
        cap: settings.bootstrap.retry_max.duration(),
    });
    let limits = Limits {
        drain: settings.shutdown.drain.duration(),
        stop: settings.shutdown.component.duration(),
        tasks: settings.shutdown.component.duration(),
        ..Limits::default()
    };
    Ok(Options {
        limits,
        retry,
        #[cfg(feature = "faults")]
        faults: faults()?,
    })
}

#[cfg(feature = "faults")]
fn faults() -> Result<Option<firstlight_core::faults::Faults>, Problem> {
    use firstlight_core::faults::Faults;
    use firstlight_core::lifecycle::Bootstrap as _;
    use firstlight_runtime::Plan;

    use crate::exit::Exit;

    Faults::from_environment(Plan::COMPONENTS).map_err(|error| {
        let advice = "correct the file that FIRSTLIGHT_FAULTS names";
        Problem::caused(Exit::Configuration, "the faults could not be read", &error, advice)
    })
}

#[cfg(test)]
mod tests {
    use firstlight_core::settings::DataLock;

    use super::{DOCTOR, PROGRAM, lock};
    use crate::exit::Exit;

    #[tokio::test]
    async fn a_start_waits_for_a_command_and_not_for_another_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let gateway = DataLock::acquire(folder.path(), PROGRAM).unwrap();
        assert_eq!(lock(folder.path()).await.unwrap_err().exit(), Exit::Locked);
        drop(gateway);
        let command = DataLock::acquire(folder.path(), DOCTOR).unwrap();
        let (taken, ()) = tokio::join!(lock(folder.path()), async {
            tokio::task::yield_now().await;
            drop(command);
        });
        taken.unwrap();
    }
}
