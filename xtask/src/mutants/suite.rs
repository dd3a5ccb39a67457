//! Builds and runs the tests that have to notice a mutant.

use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use cargo_metadata::Message;

use super::patch::Selection;

/// A built test binary.
pub(crate) struct Binary {
    executable: PathBuf,
    package: PathBuf,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// Still running after the limit, and killed.
    Hung,
}

/// Builds the selected tests. `None` when they do not compile.
pub(crate) fn build(root: &Path, target: &Path, selection: &Selection) -> Result<Option<Binary>> {
    // Shown only when it matters: a seeded bug may well leave something unused.
    let mut log: File = tempfile::tempfile()?;
    let mut cargo = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["test", "--no-run", "--message-format=json-render-diagnostics", "--quiet"])
        .args(&selection.build)
        .env("CARGO_TARGET_DIR", target)
        .stdout(Stdio::piped())
        .stderr(log.try_clone()?)
        .spawn()?;
    let output = BufReader::new(cargo.stdout.take().context("cargo has no output")?);
    let mut binary = None;
    for message in Message::parse_stream(output) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.profile.test
            && let Some(executable) = artifact.executable
        {
            let package = artifact.manifest_path.parent().context("a manifest without a folder")?;
            let (executable, package) = (executable.into(), package.into());
            binary = Some(Binary { executable, package });
        }
    }
    if !cargo.wait()?.success() {
        println!("{}", read(&mut log)?);
        return Ok(None);
    }
    binary.context("cargo built no test binary").map(Some)
}

/// Runs the selected tests up to a limit and answers what they printed along with the verdict.
pub(crate) fn test(
    binary: &Binary,
    selection: &Selection,
    limit: Duration,
) -> Result<(Verdict, String)> {
    let mut log: File = tempfile::tempfile()?;
    let mut tests = Command::new(&binary.executable)
        .current_dir(&binary.package)
        .arg(&selection.tests)
        // That it fails is enough; the smallest failing case is of no interest here.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .spawn()?;
    let deadline = Instant::now() + limit;
    let verdict = loop {
        match tests.try_wait()? {
            Some(status) if status.success() => break Verdict::Passed,
            Some(_) => break Verdict::Failed,
            None if Instant::now() < deadline => sleep(Duration::from_millis(50)),
            None => {
                tests.kill()?;
                tests.wait()?;
                break Verdict::Hung;
            }
        }
    };
    Ok((verdict, read(&mut log)?))
}

fn read(log: &mut File) -> Result<String> {
    log.seek(SeekFrom::Start(0))?;
    let mut text = Vec::new();
    log.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
