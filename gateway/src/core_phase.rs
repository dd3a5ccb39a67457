//! The first phase: what is there before anything can fail, and the terms of the second.

use std::sync::Arc;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::ConfigStore;
use firstlight_core::db::Database;
use firstlight_core::lifecycle::{Limits, Options, Retry};
use firstlight_core::settings::Settings;
use firstlight_runtime::Foundation;

use crate::exit::Problem;
use crate::problems;

/// Database, documents, bus: no network, no plugins, nothing that may take long.
pub(crate) async fn foundation(settings: &Arc<Settings>) -> Result<Foundation, Problem> {
    let database = Database::open(&settings.database_path())
        .await
        .map_err(|error| problems::database(&error))?;
    let config = ConfigStore::open(database.clone())
        .await
        .map_err(|error| problems::configuration(&error))?;
    let bus = Bus::new(
        database.clone(),
        BusSettings {
            max_pending: settings.bus.max_pending,
            keep_finished: settings.bus.keep_done.duration(),
            keep_keys: settings.bus.keep_keys.duration(),
            ..BusSettings::default()
        },
    );
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
