//! A server as a child process: started with a stated environment, and never left behind.
//!
//! A program leads a process group of its own, so that what it starts in turn (`npx` starts `node`)
//! ends with it. It is asked to go by the end of its input, then by SIGTERM, and is then killed.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::error::McpError;
use super::spec::Program;

/// How long each way of asking a program to end may take. All of them together stay below what a
/// component has for its stop.
const GRACE: Duration = Duration::from_millis(1200);
/// What a program is given of the gateway's own environment.
const INHERITED: [&str; 2] = ["PATH", "HOME"];

/// A program that runs. Dropped, it is killed at once.
pub(super) struct ChildProcess {
    child: Child,
    group: Group,
}

/// A program that was just started, with its ends of the pipes.
pub(super) struct Started {
    pub(super) process: ChildProcess,
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
}

impl Program {
    pub(super) fn start(&self) -> Result<Started, McpError> {
        let inherited = INHERITED.into_iter().filter_map(|name| Some((name, value_of(name)?)));
        let stated = self.environment.iter().map(|(name, value)| (name, value.expose_secret()));
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).current_dir(&self.folder);
        command.env_clear().envs(inherited).envs(stated);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let failed = |kind| McpError::NotStarted { command: self.command.clone(), kind };
        let mut child = command.spawn().map_err(|error| failed(error.kind()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = ChildProcess { group: Group::of(&child), child };
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(failed(std::io::ErrorKind::BrokenPipe));
        };
        Ok(Started { process, input, output, errors })
    }
}

fn value_of(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl ChildProcess {
    /// Ends the program and all that it started. Its input is closed by now, which asks it to go.
    /// Answers how it ended when nothing more was needed.
    pub(super) async fn end(mut self) -> Option<ExitStatus> {
        let by_itself = timeout(GRACE, self.child.wait()).await.ok().and_then(Result::ok);
        if by_itself.is_none() {
            self.group.ask();
            let _it_went_or_is_killed = timeout(GRACE, self.child.wait()).await;
        }
        self.group.kill();
        if by_itself.is_none() {
            let _killed = timeout(GRACE, self.child.wait()).await;
        }
        by_itself
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// The process group that a program leads.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    fn ask(&self) {
        if let Some(leader) = self.leader {
            let _gone_already = kill_process_group(leader, Signal::TERM);
        }
    }

    /// Kills what is left of the group, once: its number may belong to others later.
    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            let _gone_already = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(unix)]
use rustix::process::{Signal, kill_process_group};

/// Without process groups the program itself is killed when it is dropped.
#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self {}
    }

    fn ask(&self) {}

    fn kill(&mut self) {}
}
