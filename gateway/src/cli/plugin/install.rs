//! `firstlight plugin install`: what it is and asks for is shown, then it is installed.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use firstlight_runtime::plugins_api::Capabilities;
use serde_json::{Map, Value};

use super::arguments::InstallPlugin;
use super::build::asks;
use super::run::Installation;
use crate::exit::{Exit, Problem};
use crate::plugins_control::{Asked, Changed, Looked, Source};
use crate::terminal;

/// Installs a plugin, or the next version of one.
pub(super) async fn run(here: &Installation, wanted: InstallPlugin) -> Result<Exit, Problem> {
    let source = source(&wanted.source, wanted.sha256)?;
    let looked: Looked = here.ask(Asked::Look { source: source.clone() }).await?;
    if let Some(reason) = looked.incompatible.as_ref().filter(|_| !wanted.ignore_version_check) {
        let advice = "update Firstlight or the plugin, or give --ignore-version-check";
        return Err(Problem::new(Exit::Plugin, reason, advice));
    }
    let grants = match &wanted.grant {
        Some(words) => Some(granted(words, &looked.capabilities)?),
        None if looked.installed.is_some() => None,
        None => Some(looked.capabilities.clone()),
    };
    if !wanted.output.json {
        show(&looked, grants.as_ref())?;
    }
    if !wanted.yes && !agreed(wanted.grant.is_some())? {
        terminal::complain("nothing was installed");
        return Ok(Exit::Success);
    }
    let asked = Asked::Install {
        source,
        digest: looked.digest,
        grants,
        any_version: wanted.ignore_version_check,
    };
    let done: Changed = here.ask(asked).await?;
    if wanted.output.json {
        terminal::json(&done)?;
    } else {
        terminal::line(said(&done))?;
    }
    Ok(Exit::Success)
}

/// What somebody typed, as a place. Paths are made absolute: a gateway has a folder of its own.
fn source(text: &str, sha256: Option<String>) -> Result<Source, Problem> {
    let wrong = |what: String| {
        let advice = "give a folder, a zip archive, or an https address";
        Problem::new(Exit::Usage, what, advice)
    };
    if text.contains("://") {
        return Ok(Source::Address { url: text.to_owned(), sha256 });
    }
    if sha256.is_some() {
        return Err(wrong("a checksum is for what is downloaded".to_owned()));
    }
    let path = Path::new(text).canonicalize();
    let path = path.map_err(|error| wrong(format!("{text} cannot be read ({error})")))?;
    Ok(if path.is_dir() { Source::Folder(path) } else { Source::Archive(path) })
}

/// The part of what is asked for that these words name.
fn granted(words: &str, asked: &Capabilities) -> Result<Capabilities, Problem> {
    let wrong = |what: String| {
        let names: Vec<String> = entries(asked).map(|(name, _)| name).collect();
        let advice = match names.as_slice() {
            [] => "it asks for nothing: give none".to_owned(),
            names => format!("give all, none, or some of {}", names.join(",")),
        };
        Problem::new(Exit::Usage, what, advice)
    };
    match words {
        "all" => return Ok(asked.clone()),
        "none" => return Ok(Capabilities::default()),
        _ => {}
    }
    let words: Vec<&str> = words.split(',').map(str::trim).collect();
    for word in &words {
        if entries(asked).all(|(name, _)| name != *word) {
            return Err(wrong(format!("it does not ask for {word:?}")));
        }
    }
    let kept: Map<String, Value> =
        entries(asked).filter(|(name, _)| words.contains(&name.as_str())).collect();
    serde_json::from_value(Value::Object(kept)).map_err(|error| wrong(error.to_string()))
}

/// What is held, by its name in `plugin.toml`.
fn entries(of: &Capabilities) -> impl Iterator<Item = (String, Value)> {
    let all = match serde_json::to_value(of) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.into_iter().filter(|(_, value)| *value != Value::Bool(false))
}

fn show(looked: &Looked, grants: Option<&Capabilities>) -> Result<(), Problem> {
    let lane = match looked.lane {
        firstlight_runtime::plugins::LaneKind::Component => "component, in a sandbox",
        firstlight_runtime::plugins::LaneKind::Process => "process",
    };
    let by =
        if looked.author.is_empty() { String::new() } else { format!(" by {}", looked.author) };
    terminal::line(format!("{} {}{by} ({lane})", looked.name, looked.version))?;
    if !looked.description.is_empty() {
        terminal::line(&looked.description)?;
    }
    if let Some(installed) = &looked.installed {
        terminal::line(format!("It takes the place of version {installed}."))?;
    }
    asks(&looked.asks)?;
    for text in &looked.unenforced {
        terminal::line(format!("  ! {text}"))?;
    }
    let granted = grants.or(looked.granted.as_ref()).cloned().unwrap_or_default();
    let held = |of: &Capabilities| -> Vec<&'static str> {
        of.held().into_iter().map(firstlight_runtime::plugins_api::Capability::name).collect()
    };
    let left = looked.capabilities.without(&granted);
    if left != Capabilities::default() {
        terminal::line(format!("It will not be allowed: {}.", held(&left).join(", ")))?;
    }
    if let Some(reason) = &looked.incompatible {
        terminal::line(format!("  ! {reason}"))?;
    }
    Ok(())
}

/// Whether to go on. Where nobody can be asked, what was typed must have said it.
fn agreed(grants_were_named: bool) -> Result<bool, Problem> {
    if !io::stdin().is_terminal() {
        if grants_were_named {
            return Ok(true);
        }
        let advice = "give --yes to allow what it asks for, or --grant with less";
        let what = "there is nobody to ask whether to install this";
        return Err(Problem::new(Exit::Usage, what, advice));
    }
    terminal::part("Install it? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| {
        let advice = "give --yes";
        Problem::caused(Exit::InputOutput, "the answer could not be read", &error, advice)
    })?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn said(done: &Changed) -> String {
    let version = done.version.as_deref().unwrap_or_default();
    let when = if done.in_force { "works now" } else { "is loaded by the next start" };
    format!("{} {version} is installed and {when}.", done.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Capabilities {
        let hosts = vec!["a.example".to_owned()];
        let private_hosts = vec!["127.0.0.1:8080".to_owned()];
        Capabilities { hosts, private_hosts, kv: true, send: true, ..Capabilities::default() }
    }

    #[test]
    fn what_is_named_is_granted_and_no_more() {
        let kept = granted("kv, hosts", &asked()).unwrap();
        let hosts = vec!["a.example".to_owned()];
        assert_eq!(kept, Capabilities { hosts, kv: true, ..Capabilities::default() });
        assert_eq!(granted("all", &asked()).unwrap(), asked());
        assert_eq!(granted("none", &asked()).unwrap(), Capabilities::default());
        let text = granted("model", &asked()).unwrap_err().to_string();
        assert!(text.contains("\"model\"") && text.contains("private-hosts"), "{text}");
        let text = granted("kv", &Capabilities::default()).unwrap_err().to_string();
        assert!(text.contains("give none"), "{text}");
    }

    #[test]
    fn a_path_is_made_absolute_and_an_address_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_string_lossy().into_owned();
        assert!(matches!(source(&text, None), Ok(Source::Folder(path)) if path.is_absolute()));
        let archive = folder.path().join("a.zip");
        std::fs::write(&archive, "").unwrap();
        assert!(matches!(source(&archive.to_string_lossy(), None), Ok(Source::Archive(_))));
        assert!(matches!(source("https://a.example/b", None), Ok(Source::Address { .. })));
        assert!(source("no such thing", None).is_err());
        assert!(source(&text, Some("ab".into())).is_err());
    }
}
