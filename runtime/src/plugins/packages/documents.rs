//! What a package brings for people to read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The largest text or picture that is shown, in bytes.
const LIMIT: u64 = 1 << 20;
/// What a picture may be called, the first choice first.
const ICONS: [&str; 4] = ["icon.png", "logo.png", "icon.webp", "icon.jpg"];
/// The schema of a plugin's settings.
const SETTINGS: &str = "settings.json";

/// What a package brings for people to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PackageDocuments {
    /// What the plugin is and how it is used, in Markdown.
    pub readme: Option<String>,
    /// What changed from version to version, in Markdown.
    pub changelog: Option<String>,
    /// Its picture.
    pub icon: Option<PathBuf>,
    /// The file that describes its settings.
    pub settings: Option<PathBuf>,
}

impl PackageDocuments {
    /// Looks at the content of a package. What cannot be read is as if it were not there. Blocks.
    pub fn read(folder: &Path) -> Self {
        let present = |name: &str| {
            let path = folder.join(name);
            let small = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LIMIT);
            small.then_some(path)
        };
        Self {
            readme: text(folder, "readme.md"),
            changelog: text(folder, "changelog.md"),
            icon: ICONS.into_iter().find_map(present),
            settings: present(SETTINGS),
        }
    }
}

/// A text, however its name is spelled. Only its beginning when it is very long.
fn text(folder: &Path, name: &str) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut named = entries.filter(|entry| entry.file_name().eq_ignore_ascii_case(name));
    let path = named.next()?.path();
    if !fs::metadata(&path).is_ok_and(|file| file.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(PackageDocuments::read(folder.path()), PackageDocuments::default());
        for (name, text) in [("Readme.MD", "# Dice"), ("logo.png", "x"), ("settings.json", "{}")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("CHANGELOG.md")).unwrap();
        let found = PackageDocuments::read(folder.path());
        assert_eq!(found.readme.as_deref(), Some("# Dice"));
        assert_eq!(found.changelog, None);
        assert_eq!(found.icon, Some(folder.path().join("logo.png")));
        assert_eq!(found.settings, Some(folder.path().join("settings.json")));
    }
}
