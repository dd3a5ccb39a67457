//! How the program of a plugin is started, and with which limits.

use std::io;
use std::path::{PathBuf, absolute};

use tokio::process::Command;

use crate::child_process::{self, Started};
use crate::plugins::budgets::Budgets;

/// The program of a plugin.
#[derive(Debug, Clone)]
pub(in crate::plugins) struct Program {
    pub(in crate::plugins) plugin: String,
    /// The command and its arguments. A command that is a file of the package is taken from there.
    pub(in crate::plugins) command: Vec<String>,
    /// The folder of the package.
    pub(in crate::plugins) folder: PathBuf,
    /// The folder that it is run in, for what it keeps.
    pub(in crate::plugins) data: PathBuf,
}

impl Program {
    /// Starts it.
    pub(super) fn start(&self, budgets: &Budgets) -> io::Result<Started> {
        let (name, arguments) = self.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(&self.data)?;
        // It runs in another folder than the gateway does, whose own may be relative.
        let (folder, data) = (absolute(&self.folder)?, absolute(&self.data)?);
        let own = folder.join(name);
        let program = if own.is_file() { own.into_os_string() } else { name.into() };
        let mut command = Command::new(program);
        // Arguments that are files of the package are given whole: the program runs elsewhere.
        command.args(arguments.iter().map(|argument| {
            let file = folder.join(argument);
            let names_one = !argument.is_empty() && file.is_file();
            if names_one { file.into_os_string() } else { argument.into() }
        }));
        command.current_dir(data);
        let variables = [
            ("FIRSTLIGHT_PLUGIN", self.plugin.clone()),
            ("FIRSTLIGHT_PLUGIN_FOLDER", folder.to_string_lossy().into_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        let started = child_process::start(command, variables)?;
        if let Some(id) = started.process.id() {
            limit(id, budgets);
        }
        Ok(started)
    }
}

/// Limits that what it starts inherits. They are set a moment after it was started; what goes beyond
/// them by then is caught by the watch.
#[cfg(target_os = "linux")]
fn limit(id: u32, budgets: &Budgets) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit, setpriority_process};

    let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return };
    let most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    let memory = budgets.memory as u64;
    for (resource, value) in [
        // A backstop: what is resident is looked at by the watch, and counts for all processes.
        (Resource::Data, memory.saturating_mul(4)),
        (Resource::Fsize, 1 << 30),
        (Resource::Nofile, 256),
        (Resource::Core, 0),
    ] {
        if let Err(error) = prlimit(Some(pid), resource, most(value)) {
            tracing::debug!(?resource, %error, "a limit of a plugin could not be set");
        }
    }
    // The gateway goes first.
    if let Err(error) = setpriority_process(Some(pid), 10) {
        tracing::debug!(%error, "the priority of a plugin could not be lowered");
    }
}

#[cfg(not(target_os = "linux"))]
fn limit(_id: u32, _budgets: &Budgets) {}
