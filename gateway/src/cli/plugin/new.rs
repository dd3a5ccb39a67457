//! `firstlight plugin new`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use firstlight_runtime::plugins_api::{Manifest, Version};

use super::arguments::{LaneWord, Language, NewPlugin};
use super::templates::Wanted;
use crate::exit::{Exit, Problem};
use crate::terminal;

/// Writes the folder of a new plugin.
pub(super) fn run(wanted: &NewPlugin) -> Result<Exit, Problem> {
    let lane = lane(wanted)?;
    let name = &wanted.name;
    let version = Version::new(0, 1, 0);
    if let Err(error) = Manifest::new(name, version.clone()).check(&version) {
        return Err(Problem::new(Exit::Usage, error.to_string(), "choose another name"));
    }
    let folder = wanted.folder.clone().unwrap_or_else(|| PathBuf::from(name));
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        let what = format!("{} is there already, and not empty", folder.display());
        return Err(Problem::new(Exit::Usage, what, "choose another name, or give --folder"));
    }
    let dependency = dependency(wanted.plugins_api.as_deref())?;
    let plugin = Wanted { name, lane, language: wanted.lang, dependency };
    for (path, text) in plugin.files() {
        write(&folder.join(path), &text).map_err(|error| {
            let what = format!("{} could not be written", folder.join(path).display());
            Problem::caused(Exit::InputOutput, &what, &error, "check who may write there")
        })?;
    }
    terminal::line(format!("{name} is in {}. Next:\n", folder.display()))?;
    terminal::line(format!("    cd {}", folder.display()))?;
    for step in ["test", "build", "install ."] {
        terminal::line(format!("    firstlight plugin {step}"))?;
    }
    Ok(Exit::Success)
}

fn lane(wanted: &NewPlugin) -> Result<LaneWord, Problem> {
    match (wanted.lang, wanted.lane) {
        (Language::Rust, lane) => Ok(lane.unwrap_or(LaneWord::Component)),
        (Language::Python, None | Some(LaneWord::Process)) => Ok(LaneWord::Process),
        (Language::Python, Some(LaneWord::Component)) => {
            let what = "a plugin in Python is a process, not a component";
            Err(Problem::new(Exit::Usage, what, "give --lane process, or --lang rust"))
        }
    }
}

/// The crate of a checkout, or the one of this version.
fn dependency(checkout: Option<&Path>) -> Result<String, Problem> {
    let Some(path) = checkout else {
        return Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION")));
    };
    let found = path.canonicalize().ok().filter(|path| path.join("Cargo.toml").is_file());
    let found = found.ok_or_else(|| {
        let what = format!("{} holds no crate", path.display());
        Problem::new(Exit::Usage, what, "name the folder plugins-api of a checkout")
    })?;
    // As TOML writes texts, which is as JSON does.
    let path = serde_json::Value::from(found.to_string_lossy());
    Ok(format!("{{ path = {path} }}"))
}

/// A file that is there is never written over.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, folder: &Path) -> NewPlugin {
        NewPlugin {
            name: name.to_owned(),
            lane: None,
            lang: Language::Python,
            folder: Some(folder.to_owned()),
            plugins_api: None,
        }
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        run(&wanted("hello", folder.path())).unwrap();
        let before = fs::read_to_string(folder.path().join("main.py")).unwrap();
        assert!(before.contains("Plugin(\"hello\""));
        assert_eq!(run(&wanted("other", folder.path())).unwrap_err().exit(), Exit::Usage);
        assert_eq!(fs::read_to_string(folder.path().join("main.py")).unwrap(), before);
    }

    #[test]
    fn what_cannot_be_made_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("new");
        let component = NewPlugin { lane: Some(LaneWord::Component), ..wanted("hello", &inside) };
        let said = run(&component).unwrap_err().to_string();
        assert!(said.contains("is a process, not a component"), "{said}");
        assert!(run(&wanted("Not A Name", &inside)).is_err());
        let nowhere = Some(folder.path().join("nowhere"));
        let elsewhere = NewPlugin { plugins_api: nowhere, ..wanted("hello", &inside) };
        assert!(run(&elsewhere).is_err());
        assert!(!inside.exists());
    }
}
