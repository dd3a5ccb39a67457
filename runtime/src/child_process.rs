//! A program that the gateway starts: with a stated environment, and never left behind.
//!
//! It leads a process group of its own, so that what it starts in turn (`npx` starts `node`) ends
//! with it. It is asked to go by the end of its input, then by SIGTERM, and is then killed.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long each way of asking a program to end may take. All of them together stay below what a
/// component has for its stop.
const GRACE: Duration = Duration::from_millis(1200);
/// What a program is given of the gateway's own environment.
const INHERITED: [&str; 2] = ["PATH", "HOME"];

/// A program that runs. Dropped, it is killed at once.
pub(crate) struct ChildProcess {
    child: Child,
    group: Group,
}

/// A program that was just started, with its ends of the pipes.
pub(crate) struct Started {
    pub(crate) process: ChildProcess,
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
    pub(crate) errors: ChildStderr,
}

/// Starts a command whose arguments, folder and variables are set. Of the gateway's own environment
/// it is given little, so that secrets stay where they are.
pub(crate) fn start(
    mut command: Command,
    variables: impl IntoIterator<Item = (String, String)>,
) -> io::Result<Started> {
    let inherited = INHERITED.into_iter().filter_map(|name| Some((name, value_of(name)?)));
    command.env_clear().envs(inherited).envs(variables);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let process = ChildProcess { group: Group::of(&child), child };
    let (Some(input), Some(output), Some(errors)) = pipes else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    Ok(Started { process, input, output, errors })
}

fn value_of(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl ChildProcess {
    /// The number of the process and of its group.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends the program and all that it started. Its input is closed by now, which asks it to go.
    /// Answers how it ended when nothing more was needed.
    pub(crate) async fn end(mut self) -> Option<ExitStatus> {
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

    /// Kills the program and all that it started, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.group.kill();
        let _killed = timeout(GRACE, self.child.wait()).await;
    }
}

/// The process group that a program leads; dropped, what is left of it is killed.
pub(crate) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    pub(crate) fn of(child: &Child) -> Self {
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

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
use rustix::process::{Signal, kill_process_group};

/// Without process groups the program itself is killed when it is dropped.
#[cfg(not(unix))]
impl Group {
    pub(crate) fn of(_child: &Child) -> Self {
        Self {}
    }

    fn ask(&self) {}

    fn kill(&mut self) {}
}
