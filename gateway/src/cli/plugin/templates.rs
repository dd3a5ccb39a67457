//! The files of a new plugin.

use super::arguments::{LaneWord, Language};

/// The implementation of the protocol that a Python plugin brings along.
const SDK: &str = include_str!("../../../../plugins-api/sdk/python/firstlight.py");

/// A plugin to be written.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) lane: LaneWord,
    pub(super) language: Language,
    /// What stands behind the name of the crate in Cargo.toml.
    pub(super) dependency: String,
}

impl Wanted<'_> {
    /// The files, each with its path.
    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        let mut files = vec![
            ("plugin.toml", include_str!("templates/plugin.toml.in")),
            ("settings.json", include_str!("templates/settings.json.in")),
            ("README.md", include_str!("templates/readme.md.in")),
        ];
        match self.language {
            Language::Rust => {
                files.push((".gitignore", "/target\n/bin\n/plugin.wasm\n"));
                files.push(("Cargo.toml", include_str!("templates/cargo.toml.in")));
                files.push(("src/lib.rs", include_str!("templates/lib.rs.in")));
                if self.lane == LaneWord::Process {
                    files.push(("src/main.rs", include_str!("templates/main.rs.in")));
                }
            }
            Language::Python => {
                files.push((".gitignore", "__pycache__\n"));
                files.push(("main.py", include_str!("templates/main.py.in")));
                files.push(("test_main.py", include_str!("templates/test_main.py.in")));
            }
        }
        let mut files: Vec<(&str, String)> =
            files.into_iter().map(|(path, text)| (path, self.fill(text))).collect();
        if self.language == Language::Python {
            files.push(("firstlight.py", SDK.to_owned()));
        }
        files
    }

    fn fill(&self, text: &str) -> String {
        let lane = match self.lane {
            LaneWord::Component => "component",
            LaneWord::Process => "process",
        };
        let command = match (self.lane, self.language) {
            (LaneWord::Component, _) => String::new(),
            (LaneWord::Process, Language::Rust) => {
                format!("\n[process]\ncommand = [\"bin/{}\"]\n", self.name)
            }
            (LaneWord::Process, Language::Python) => {
                "\n[process]\ncommand = [\"python3\", \"main.py\"]\n".to_owned()
            }
        };
        // A program goes on behind a call that panics; a component is made anew.
        let panic = if self.lane == LaneWord::Process { "unwind" } else { "abort" };
        let mut text = text.to_owned();
        for (mark, value) in [
            ("{{name}}", self.name),
            ("{{type}}", &type_name(self.name)),
            ("{{lane}}", lane),
            ("{{command}}", &command),
            ("{{panic}}", panic),
            ("{{dependency}}", &self.dependency),
            ("{{firstlight}}", env!("CARGO_PKG_VERSION")),
        ] {
            text = text.replace(mark, value);
        }
        text
    }
}

/// Names that the code uses, and that the type must not hide.
const USED: [&str; 11] = [
    "Argument",
    "Call",
    "Handler",
    "Host",
    "Manifest",
    "Plugin",
    "PluginError",
    "Reply",
    "Self",
    "Settings",
    "Version",
];

/// `word-guess` as `WordGuess`.
fn type_name(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    let joined: String = name.split(['-', '_']).map(word).collect();
    if USED.contains(&joined.as_str()) { format!("{joined}Plugin") } else { joined }
}

#[cfg(test)]
mod tests {
    use firstlight_runtime::plugins::{PackageManifest, SettingsForm};

    use super::*;

    #[test]
    fn every_new_plugin_has_a_manifest_and_a_form_that_are_read() {
        for (lane, language) in [
            (LaneWord::Component, Language::Rust),
            (LaneWord::Process, Language::Rust),
            (LaneWord::Process, Language::Python),
        ] {
            let dependency = "\"0.1.0\"".to_owned();
            let files = Wanted { name: "word-guess", lane, language, dependency }.files();
            for (path, text) in &files {
                let marked = text.contains("{{") && *path != "firstlight.py";
                assert!(!marked, "{path}: {text}");
            }
            let text = |name: &str| {
                &files.iter().find(|(path, _)| *path == name).unwrap_or_else(|| panic!("{name}")).1
            };
            let manifest = PackageManifest::parse(text("plugin.toml")).unwrap();
            assert_eq!(manifest.name, "word-guess");
            SettingsForm::parse(text("settings.json")).unwrap();
            if language == Language::Rust {
                assert!(text("src/lib.rs").contains("impl Plugin for WordGuess"));
            }
        }
    }

    #[test]
    fn a_type_is_named_after_the_plugin_and_hides_nothing() {
        assert_eq!(type_name("dice"), "Dice");
        assert_eq!(type_name("word_guess-2"), "WordGuess2");
        assert_eq!(type_name("host"), "HostPlugin");
    }

    #[test]
    fn the_python_file_stays_small_enough_to_be_copied() {
        assert!(SDK.lines().count() < 300, "{}", SDK.lines().count());
    }
}
