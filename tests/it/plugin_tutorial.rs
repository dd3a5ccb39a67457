//! The tutorial for authors of plugins, done as it stands: its blocks are run against a gateway and
//! its chat, each step timed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess};
use firstlight_tests::talk::{history, say, slow_demo, text_of};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

const TUTORIAL: &str = include_str!("../../docs/plugins/tutorial.md");
const SESSION: &str = "tutorial";
/// How long a step may take: a first build compiles the standard library as well.
const STEP: Duration = Duration::from_mins(15);

/// A block of the tutorial.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Words for a shell.
    Shell(String),
    /// What is said in the chat, and what is answered.
    Chat { said: String, answered: String },
}

/// The blocks of a variant, in order.
fn steps(tutorial: &str, variant: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = tutorial.lines();
    while let Some(line) = lines.next() {
        let Some(marks) = line.strip_prefix("```") else { continue };
        let marks: Vec<&str> = marks.split_whitespace().collect();
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if !marks.contains(&"tutorial") || !marks.contains(&variant) {
            continue;
        }
        steps.push(match (marks[0], body.split_first()) {
            ("chat", Some((said, answered))) => {
                Step::Chat { said: (*said).to_owned(), answered: answered.join("\n") }
            }
            _ => Step::Shell(body.join("\n")),
        });
    }
    steps
}

/// Runs the blocks of a variant, from an empty folder to a plugin that is gone again.
async fn follow(variant: &str) -> Result<()> {
    let steps = steps(TUTORIAL, variant);
    ensure!(steps.len() > 4, "the tutorial has {} steps for {variant}", steps.len());
    let folder = Folder::with_account(Build::Plain).await?;
    folder.save_providers(slow_demo(0)).await?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    for step in steps {
        let began = Instant::now();
        match &step {
            Step::Shell(text) => shell(&folder, text).await?,
            Step::Chat { said, answered } => {
                let answer = answer(&gateway, said).await?;
                ensure!(answer == *answered, "{said}: {answer:?}, not {answered:?}");
            }
        }
        let first = match &step {
            Step::Shell(text) => text.lines().next(),
            Step::Chat { said, .. } => Some(said.as_str()),
        };
        println!("{:>8.2} s  {}", began.elapsed().as_secs_f64(), first.unwrap_or_default());
    }
    gateway.terminate()?;
    gateway.ended().await.map(drop)
}

/// The last thing that the bot said.
async fn answer(gateway: &GatewayProcess, text: &str) -> Result<String> {
    say(gateway, SESSION, text).await?.to_end().await?;
    let rows = history(gateway, SESSION).await?;
    let said = rows.iter().rfind(|row| row["type"] == "bot");
    Ok(said.map(text_of).unwrap_or_default())
}

/// Runs words in the folder of the gateway, as somebody would who typed them.
async fn shell(folder: &Folder, words: &str) -> Result<()> {
    let data = folder.data();
    let binary = PathBuf::from(std::env::var_os("FIRSTLIGHT_BIN").context("no FIRSTLIGHT_BIN")?);
    let programs = binary.parent().context("the binary is nowhere")?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = [programs].into_iter().chain(std::env::split_paths(&path));
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut command = Command::new("sh");
    command.args(["-e", "-c", words]).current_dir(data.parent().context("the folder")?);
    command.env("PATH", std::env::join_paths(all)?).env("CHECKOUT", checkout);
    command.env("FIRSTLIGHT_DATA_DIR", &data);
    if let Some(examples) = std::env::var_os("FIRSTLIGHT_EXAMPLES") {
        // What the examples left compiled need not be compiled again.
        command.env("CARGO_TARGET_DIR", Path::new(&examples).join("target"));
    }
    for variable in ["FIRSTLIGHT_BIN", "FIRSTLIGHT_FAULTS_BIN", "FIRSTLIGHT_EXAMPLES"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = timeout(STEP, command.output()).await.context("a step hangs")??;
    if !done.status.success() {
        let (said, complained) = (&done.stdout, &done.stderr);
        bail!(
            "{words}\n{}\n{}\n{}",
            String::from_utf8_lossy(said),
            String::from_utf8_lossy(complained),
            folder.said()
        );
    }
    Ok(())
}

#[test]
fn the_blocks_of_a_variant_are_found_in_order() {
    let text = "```sh tutorial a\none\n```\n```sh\nno\n```\n```chat tutorial a b\n/x\ny\nz\n```\n";
    let chat = Step::Chat { said: "/x".into(), answered: "y\nz".into() };
    assert_eq!(steps(text, "a"), [Step::Shell("one".into()), chat]);
    assert_eq!(steps(text, "b").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_in_python_does_what_it_says() -> Result<()> {
    follow("python").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_in_rust_does_what_it_says() -> Result<()> {
    if std::env::var_os("FIRSTLIGHT_EXAMPLES").is_none() {
        println!("SKIPPED: `cargo xtask plugins` found no toolchain that compiles for WebAssembly");
        return Ok(());
    }
    follow("component").await
}
