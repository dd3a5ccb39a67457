//! Injected faults: a JSON file that makes named components hang, fail, panic or dawdle, and ends the
//! process at named points of a message's way.
//!
//! Compiled only with the `faults` feature, which no release has. The file is read again whenever
//! it matters, also by a step that hangs: take the fault out of the file and the step goes on.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

use crate::failpoint::{Point, armed};
use crate::lifecycle::BoxError;

/// The environment variable that names the file.
pub const VARIABLE: &str = "FIRSTLIGHT_FAULTS";

/// How often a hanging step looks whether its fault is still in the file.
const LOOK: Duration = Duration::from_millis(20);

/// The faults of one file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Faults {
    path: Arc<Path>,
    /// What the file said last: it stands while somebody is in the middle of writing the file.
    last: Arc<Mutex<File>>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phase {
    Bootstrap,
    Stop,
}

/// Why the faults file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// The file cannot be read.
    #[error("read the faults file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("understand the faults file {}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The file names a component that the plan does not have.
    #[error("use the faults file {}: no component is called {name:?}, but {}", path.display(), known.join(", "))]
    UnknownComponent {
        /// The file.
        path: PathBuf,
        /// The name in the file.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
}

/// `{"bootstrap": {"<component>": fault}, "stop": {…}, "exits": {"<point>": passages}}`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    bootstrap: BTreeMap<String, Fault>,
    stop: BTreeMap<String, Fault>,
    /// Read once, when the process starts.
    exits: BTreeMap<Point, u32>,
}

/// What happens to a step. What is set happens in this order.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fault {
    slow_ms: u64,
    hang: bool,
    panic: Option<String>,
    error: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Injected(String);

impl Faults {
    /// The faults that [`VARIABLE`] asks for, when it is set. `components` is what the plan has: a
    /// fault for any other name would silently never strike, so it is refused.
    pub fn from_environment(components: &[&'static str]) -> Result<Option<Self>, FaultsError> {
        match std::env::var_os(VARIABLE) {
            Some(path) if !path.is_empty() => Self::open(Path::new(&path), components).map(Some),
            _ => Ok(None),
        }
    }

    /// The faults of a file, checked against the names of the components.
    pub fn open(path: &Path, components: &[&'static str]) -> Result<Self, FaultsError> {
        let file = read(path)?;
        let mut names = file.bootstrap.keys().chain(file.stop.keys());
        if let Some(name) = names.find(|name| !components.contains(&name.as_str())) {
            return Err(FaultsError::UnknownComponent {
                path: path.to_owned(),
                name: name.clone(),
                known: components.to_vec(),
            });
        }
        armed::arm(&file.exits);
        tracing::warn!(path = %path.display(), "faults are injected from this file");
        Ok(Self { path: path.into(), last: Arc::new(Mutex::new(file)) })
    }

    /// Does to a step of this component what the file says.
    pub(crate) async fn apply(&self, phase: Phase, component: &str) -> Result<(), BoxError> {
        let Some(fault) = self.fault(phase, component) else { return Ok(()) };
        tracing::warn!(component, ?phase, ?fault, "injecting a fault");
        sleep(Duration::from_millis(fault.slow_ms)).await;
        if fault.hang {
            while self.fault(phase, component).is_some_and(|now| now.hang) {
                sleep(LOOK).await;
            }
        }
        if let Some(text) = fault.panic {
            std::panic::panic_any(text);
        }
        fault.error.map_or(Ok(()), |text| Err(Injected(text).into()))
    }

    fn fault(&self, phase: Phase, component: &str) -> Option<Fault> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.path) {
            Ok(file) => *last = file,
            Err(error) => tracing::debug!(%error, "the faults stay what they were"),
        }
        let faults = match phase {
            Phase::Bootstrap => &last.bootstrap,
            Phase::Stop => &last.stop,
        };
        faults.get(component).cloned()
    }
}

/// What the file says; a file that is not there says nothing.
fn read(path: &Path) -> Result<File, FaultsError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(File::default()),
        Err(source) => return Err(FaultsError::Unreadable { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&text)
        .map_err(|source| FaultsError::Malformed { path: path.to_owned(), source })
}
