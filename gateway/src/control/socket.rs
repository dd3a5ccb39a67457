//! The Unix socket: serving it, and asking through it.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::lifecycle::{Lease, Live};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::protocol::{Account, Answer, Request};
use crate::app::App;
use crate::cli::dead_letters::BY;
use crate::exit::{Exit, Problem};
use crate::plugins_control::{self, Place};
use crate::{Rt, dead_letters, problems};

/// The longest request or answer: a dead letter with all that was to be said.
const LONGEST: u64 = 8 * 1024 * 1024;
/// How long who asks may take to say what, and to read the answer.
const DEADLINE: Duration = Duration::from_secs(15);
/// How many are served at the same time; more wait in the queue of the kernel.
const MOST: usize = 8;
/// How long a runtime that is coming up or going down is waited for.
const SETTLING: Duration = Duration::from_mins(1);
/// Socket addresses of most systems hold some hundred bytes.
const LONGEST_PATH: usize = 100;

/// Serves the socket until the process ends. Answers where it is.
pub(crate) fn serve(folder: &Path, app: &Arc<App>) -> io::Result<Option<PathBuf>> {
    let us = UnixStream::pair()?.0.peer_cred()?.uid();
    let path = place(folder, us)?;
    // Left behind by a process that was killed; the lock says that nobody serves it.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let (token, served) = (app.background.token().clone(), Arc::clone(app));
    let at = path.clone();
    app.background.spawn("control socket", async move {
        token.run_until_cancelled(accept(listener, served, us)).await;
        let _ = std::fs::remove_file(&at);
    });
    Ok(Some(path))
}

/// In the data folder, or where its path is too long for a socket, in a private folder beside the
/// system's temporary files. The path is absolute: the asking process has a working directory of
/// its own.
fn place(folder: &Path, us: u32) -> io::Result<PathBuf> {
    let folder = folder.canonicalize()?;
    let near = folder.join("control.sock");
    if near.as_os_str().len() <= LONGEST_PATH {
        return Ok(near);
    }
    // The same name each time, so that a process that is killed leaves one folder and not many.
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name: String = hex::encode(digest).chars().take(16).collect();
    let private = std::env::temp_dir().join(format!("firstlight-{name}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&private) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Anybody could have made it before: what is somebody else's, or a link, is not used.
    let found = std::fs::symlink_metadata(&private)?;
    if !found.is_dir() || found.uid() != us || found.mode() & 0o077 != 0 {
        let text = format!("{} is not this user's alone", private.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(private.join("control.sock"))
}

/// All in this task: installing a plugin takes long and must not keep a reset waiting, and when the
/// process ends, what is still asked for ends with it.
async fn accept(listener: UnixListener, app: Arc<App>, us: u32) {
    let mut exchanges = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if exchanges.len() < MOST => match accepted {
                Ok((stream, _)) => exchanges.push(exchange(stream, &app, us).boxed()),
                Err(error) => {
                    tracing::warn!(%error, "a local command could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = exchanges.next(), if !exchanges.is_empty() => {
                if let Err(error) = ended {
                    tracing::warn!(%error, "a local command broke off");
                }
            }
        }
    }
}

async fn exchange(stream: UnixStream, app: &App, us: u32) -> io::Result<()> {
    let caller = stream.peer_cred()?.uid();
    let mut stream = BufReader::new(stream);
    let answer = if caller == us || caller == 0 {
        let mut line = String::new();
        timeout(DEADLINE, (&mut stream).take(LONGEST).read_line(&mut line)).await??;
        obey(app, &line).await
    } else {
        tracing::warn!(user = caller, "a local command of another user was refused");
        let advice = "run the command as the user of the gateway";
        Err(Problem::new(Exit::Refused, "the gateway refused this user", advice))
    };
    let answer = match answer {
        Ok(data) => Answer { data, problem: None },
        Err(problem) => {
            let (what, advice) = (problem.what().to_owned(), problem.advice().to_owned());
            Answer { data: Value::Null, problem: Some((problem.exit().code(), what, advice)) }
        }
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    timeout(DEADLINE, stream.get_mut().write_all(&text)).await??;
    stream.get_mut().shutdown().await
}

async fn obey(app: &App, line: &str) -> Result<Value, Problem> {
    let request: Request = serde_json::from_str(line).map_err(|_| {
        let advice = "use the command of the same version as the gateway";
        Problem::new(Exit::Usage, "the gateway did not understand the command", advice)
    })?;
    timeout(request.deadline(), perform(app, request)).await.unwrap_or_else(|_| {
        let advice = "look into the log of the gateway, then try again";
        Err(Problem::new(Exit::Unreachable, "the command took the gateway too long", advice))
    })
}

async fn perform(app: &App, request: Request) -> Result<Value, Problem> {
    match request {
        Request::AccountReset { username, password } => {
            app.auth
                .reset(&username, password)
                .await
                .map_err(|error| problems::accounts(&error))?;
            tracing::info!(username, "a password was reset from the command line");
            Ok(Value::Null)
        }
        Request::Status => Ok(json!(account(app))),
        Request::DeadLetters { asked } => dead_letters::obey(&app.bus, asked, BY)
            .await
            .map_err(|error| problems::dead_letters(&error)),
        Request::Plugins { asked } => {
            let runtime = settled(app).await?;
            let (plugins, config) = (app.plugins.clone(), app.config.clone());
            let place = Place { plugins, config, runtime };
            // On a thread of its own: what installing waits for cannot move between threads. Who
            // asked may go away meanwhile, the change is made all the same.
            let here = tokio::runtime::Handle::current();
            let made = move || here.block_on(plugins_control::obey(place, asked));
            tokio::task::spawn_blocking(made).await.unwrap_or_else(|error| {
                let what = "the change of the plugin broke off";
                Err(Problem::caused(Exit::Internal, what, &error, "report it"))
            })
        }
    }
}

/// The runtime, when there is one, once it neither comes up nor goes down.
async fn settled(app: &App) -> Result<Option<Lease<Rt>>, Problem> {
    let mut snapshots = app.control.subscribe();
    let settled = snapshots.wait_for(|snapshot| snapshot.state.is_settled());
    let Ok(Ok(snapshot)) = timeout(SETTLING, settled).await else {
        let what = "the gateway is still starting or ending";
        return Err(Problem::new(Exit::Unreachable, what, "try again in a moment"));
    };
    Ok(snapshot.state.live().map(Live::lease))
}

fn account(app: &App) -> Account {
    let snapshot = app.control.snapshot();
    let failure = snapshot.state.failure();
    Account {
        state: snapshot.state.name().to_owned(),
        failure: failure.map(|failure| (failure.component.to_owned(), failure.message.clone())),
        unclean: snapshot.unclean.to_vec(),
    }
}

/// Sends a request. Nothing when nobody serves the socket.
pub(crate) async fn ask(
    path: &Path,
    request: &Request,
) -> Result<Option<Result<Value, Problem>>, Problem> {
    let Ok(stream) = UnixStream::connect(path).await else {
        return Ok(None);
    };
    match timeout(request.deadline() + DEADLINE, converse(stream, request)).await {
        Ok(Ok(answer)) => {
            Ok(Some(answer.problem.map_or(Ok(answer.data), |(code, what, advice)| {
                let exit = Exit::ALL.iter().copied().find(|exit| exit.code() == code);
                Err(Problem::new(exit.unwrap_or(Exit::Internal), what, advice))
            })))
        }
        Ok(Err(error)) => Err(Problem::caused(
            Exit::Unreachable,
            "the running gateway broke off",
            &error,
            "look into its log, then try again",
        )),
        Err(_) => Err(Problem::new(
            Exit::Unreachable,
            "the running gateway did not answer in time",
            "look into its log, then try again",
        )),
    }
}

async fn converse(stream: UnixStream, request: &Request) -> io::Result<Answer> {
    let mut stream = BufReader::new(stream);
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.get_mut().write_all(&text).await?;
    let mut line = String::new();
    (&mut stream).take(LONGEST).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}
