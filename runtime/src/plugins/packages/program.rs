//! A program that is run to its end, and ended with all that it started when it takes too long or
//! too much.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::child_process::Group;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// How much of what a program says is kept, in bytes.
const SAID_LIMIT: u64 = 64 * 1024;
/// How often the size of its folder is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// What a program may use.
pub(super) struct Bounds<'a> {
    pub(super) deadline: Duration,
    /// A folder that it writes to, and how many bytes may be in it.
    pub(super) folder: &'a Path,
    pub(super) most: u64,
}

/// How a program ended.
pub(super) enum Ended {
    /// By itself, having said this on its two outputs.
    Itself { status: ExitStatus, output: String, errors: String },
    /// It took too long.
    TooSlow,
    /// It wrote too much.
    TooLarge,
}

/// Runs a program with nothing on its input. It is dead when this returns or is dropped.
pub(super) async fn run(mut command: Command, bounds: Bounds<'_>) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let _group = Group::of(&child);
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let whole = async { tokio::join!(child.wait(), said(output), said(errors)) };
    tokio::select! {
        ended = timeout(bounds.deadline, whole) => match ended {
            Ok((status, output, errors)) => Ok(Ended::Itself { status: status?, output, errors }),
            Err(_) => Ok(Ended::TooSlow),
        },
        () = grows_beyond(bounds.folder, bounds.most) => Ok(Ended::TooLarge),
    }
}

/// What a program says, the beginning of it. The rest is read as well, so that it does not wait.
async fn said<R: AsyncRead + Unpin>(pipe: Option<R>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut kept = Vec::new();
    let _what_came = (&mut pipe).take(SAID_LIMIT).read_to_end(&mut kept).await;
    let _rest = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

/// Returns once there is more in a folder than there may be.
async fn grows_beyond(folder: &Path, most: u64) {
    loop {
        sleep(WATCH_EVERY).await;
        let folder = folder.to_owned();
        let size = tokio::task::spawn_blocking(move || size_of(&folder)).await;
        if size.is_ok_and(|size| size > most) {
            return;
        }
    }
}

/// How many bytes are in a folder. What vanishes meanwhile counts nothing.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, deadline: Duration, most: u64) -> (tempfile::TempDir, Ended) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder.path());
        let bounds = Bounds { deadline, folder: folder.path(), most };
        let ended = run(command, bounds).await.unwrap();
        (folder, ended)
    }

    #[tokio::test]
    async fn what_a_program_says_is_kept_and_bounded() {
        let script = "echo out; yes no | head -c 1000000 >&2; exit 3";
        let (_folder, ended) = shell(script, Duration::from_secs(20), 1000).await;
        let Ended::Itself { status, output, errors } = ended else { panic!("it was ended") };
        assert_eq!((status.code(), output.as_str()), (Some(3), "out\n"));
        assert_eq!(errors.len() as u64, SAID_LIMIT);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended_with_what_it_started() {
        let script = "(sleep 2; touch late) & sleep 60";
        let (folder, ended) = shell(script, Duration::from_millis(300), 1000).await;
        assert!(matches!(ended, Ended::TooSlow));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(!folder.path().join("late").exists());
    }

    #[tokio::test]
    async fn what_writes_too_much_is_ended() {
        let script = "mkdir a; head -c 5000 /dev/zero > a/b; sleep 60";
        let (_folder, ended) = shell(script, Duration::from_secs(20), 1000).await;
        assert!(matches!(ended, Ended::TooLarge));
    }
}
