//! `firstlight doctor`: what is wrong here, and what to do about it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use firstlight_core::settings::{DataLock, Effective, LockError, Settings, SettingsError};
use sysinfo::Disks;

use super::dispatch::wrong_settings;
use super::findings::{Finding, report};
use super::{chat, check};
use crate::control::{self, Account, Request};
use crate::core_phase::DOCTOR;
use crate::exit::{Exit, Problem};
use crate::problems;
use crate::running::Running;

/// The finding about the second phase.
const RUNTIME: &str = "runtime";
/// Less free space than this is worth a warning: a write-ahead log and some uploads fit.
const LITTLE_SPACE: u64 = 500 * 1024 * 1024;

/// Runs the examination.
pub(super) async fn run(
    loaded: Result<Effective, SettingsError>,
    json: bool,
) -> Result<Exit, Problem> {
    let effective = match loaded {
        Ok(effective) => effective,
        Err(error) => {
            return report(&[Finding::error("settings", &wrong_settings(&error))], json);
        }
    };
    let settings = &effective.settings;
    let mut findings = check::settings(&effective);
    findings.push(permissions(&settings.data_dir));
    findings.extend(space(&settings.data_dir));
    findings.extend(check::database(settings).await);
    findings.extend(process(settings).await);
    report(&findings, json)
}

/// Whether the data folder can be used, and by nobody else.
fn permissions(folder: &Path) -> Finding {
    const SUBJECT: &str = "data folder";
    let shown = folder.display();
    if !folder.exists() {
        return Finding::ok(SUBJECT, format!("{shown} will be made by the first start"));
    }
    let probe = folder.join(".firstlight-doctor");
    let written = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    if let Err(error) = written {
        let what = format!("{shown} cannot be written ({error})");
        let advice = "give this user write access to the folder";
        return Finding::error(SUBJECT, &Problem::new(Exit::InputOutput, what, advice));
    }
    if others_may_look(folder) {
        let advice = format!("chmod 700 {shown}");
        return Finding::warning(SUBJECT, format!("other users may look into {shown}"), advice);
    }
    Finding::ok(SUBJECT, format!("{shown} is writable, and by this user alone"))
}

#[cfg(unix)]
fn others_may_look(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    folder.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_look(_folder: &Path) -> bool {
    false
}

/// How much room is left where the data folder is.
fn space(folder: &Path) -> Option<Finding> {
    const SUBJECT: &str = "disk space";
    let folder = folder.ancestors().find_map(|parent| {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        parent.canonicalize().ok()
    })?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let disk = disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().components().count())?;
    let free = disk.available_space();
    let text = format!("{} MB are free at {}", free / 1_000_000, disk.mount_point().display());
    Some(if free < LITTLE_SPACE {
        Finding::warning(SUBJECT, text, "free some space, or move the data folder")
    } else {
        Finding::ok(SUBJECT, text)
    })
}

/// The gateway that runs on the folder, or whether one could.
async fn process(settings: &Settings) -> Vec<Finding> {
    if !settings.data_dir.exists() {
        return vec![port(settings.listen)];
    }
    match DataLock::acquire(&settings.data_dir, DOCTOR) {
        Ok(_lock) => {
            vec![
                Finding::ok("process", "no gateway runs on the data folder"),
                port(settings.listen),
            ]
        }
        Err(error @ LockError::Held { .. }) => running(settings, &error).await,
        Err(error) => vec![Finding::error("process", &problems::locking(&error))],
    }
}

async fn running(settings: &Settings, held: &LockError) -> Vec<Finding> {
    let Some(card) = Running::read(&settings.data_dir) else {
        let problem = problems::locking(held);
        let advice = "it is starting, or it is no gateway; look again in a moment";
        return vec![Finding::warning("process", problem.what(), advice)];
    };
    let found = format!("a gateway runs at {} (pid {})", card.url, card.pid);
    let runtime = match asked(&card).await {
        Ok(Some(account)) => state(&account),
        // No local commands on this system: what it tells everybody has to do.
        Ok(None) => chat::readiness(&card.url).await.map_or_else(
            |problem| Finding::error(RUNTIME, &problem),
            |state| self::state(&Account { state, failure: None, unclean: Vec::new() }),
        ),
        Err(problem) => Finding::error(RUNTIME, &problem),
    };
    vec![Finding::ok("process", found), runtime]
}

/// What the gateway says of itself to the owner of its folder.
async fn asked(card: &Running) -> Result<Option<Account>, Problem> {
    let Some(socket) = &card.control else { return Ok(None) };
    let Some(answer) = control::ask(socket, &Request::Status).await? else { return Ok(None) };
    Ok(serde_json::from_value(answer?).ok())
}

fn state(account: &Account) -> Finding {
    let with_unclean = |text: &str| match account.unclean.as_slice() {
        [] => text.to_owned(),
        unclean => format!("{text}; left over from before: {}", unclean.join(", ")),
    };
    match (account.state.as_str(), &account.failure) {
        ("runtime_failed", failure) => {
            let what = failure.as_ref().map_or_else(
                || "the last bootstrap failed".to_owned(),
                |(component, message)| format!("{component} failed: {message}"),
            );
            let advice = "repair it, then retry in the dashboard or with POST /api/runtime/retry";
            Finding::error(RUNTIME, &Problem::new(Exit::Findings, with_unclean(&what), advice))
        }
        ("runtime_ready", _) if account.unclean.is_empty() => Finding::ok(RUNTIME, "ready"),
        ("runtime_ready", _) => {
            Finding::warning(RUNTIME, with_unclean("ready"), "restart the process when it suits")
        }
        (name, _) => {
            let advice = "wait a moment; when it stays so, look at the timeline in the dashboard";
            Finding::warning(RUNTIME, with_unclean(&format!("not ready ({name})")), advice)
        }
    }
}

/// Whether the listen address is free.
fn port(listen: SocketAddr) -> Finding {
    const SUBJECT: &str = "listen address";
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok(SUBJECT, format!("{listen} is free")),
        Err(error) => Finding::error(SUBJECT, &crate::listen::not_bound(listen, &error)),
    }
}
