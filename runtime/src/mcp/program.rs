//! A server as a child process.

use secrecy::ExposeSecret as _;
use tokio::process::Command;

use super::error::McpError;
use super::spec::Program;
use crate::child_process::{self, Started};

impl Program {
    pub(super) fn start(&self) -> Result<Started, McpError> {
        let stated = self.environment.iter();
        let stated = stated.map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).current_dir(&self.folder);
        child_process::start(command, stated).map_err(|error| McpError::NotStarted {
            command: self.command.clone(),
            kind: error.kind(),
        })
    }
}
