//! `plugin.toml`: who a plugin is, how it runs, what it asks for.

use std::collections::BTreeMap;

use firstlight_plugins_api::{Capabilities, Manifest, ManifestError, Version, VersionReq};
use serde::Serialize;

use super::manifest_tables::{File, check_name, lane, pages, value};
use super::paths::{PackagePath, PathProblem};
use crate::plugins::budgets::{AskedBudgets, LaneKind};

/// The file that makes a folder a package.
pub const MANIFEST_FILE: &str = "plugin.toml";
/// The largest manifest, in bytes.
pub(super) const MANIFEST_LIMIT: usize = 64 * 1024;

/// What `plugin.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageManifest {
    /// The unique name, see [`Manifest::name`].
    pub name: String,
    /// The plugin's own version.
    pub version: Version,
    /// The name shown to people; empty means the name.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// Where its source lives, as a web address; empty when it is nowhere public.
    pub repository: String,
    /// The Firstlight versions it works with; `None` means any.
    pub firstlight: Option<VersionReq>,
    /// The platform types it is made for; empty means all.
    pub platforms: Vec<String>,
    /// How it runs.
    pub lane: Lane,
    /// The plugins it needs, with the versions that will do.
    pub dependencies: BTreeMap<String, VersionReq>,
    /// What it asks to be allowed.
    pub capabilities: Capabilities,
    /// How much it asks to use.
    pub budgets: AskedBudgets,
    /// The pages that it brings for the dashboard.
    pub pages: Vec<PackagePage>,
}

/// How a plugin runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// As a WebAssembly component.
    Component {
        /// The file that holds it.
        file: PackagePath,
    },
    /// As a program.
    Process {
        /// The program and its arguments; never empty.
        command: Vec<String>,
    },
}

/// A page for the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagePage {
    /// Its name in addresses, of the form of a plugin's name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The folder that holds its `index.html`.
    pub path: PackagePath,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// It is too large.
    #[error("{MANIFEST_FILE} has more than {MANIFEST_LIMIT} bytes")]
    TooLarge,
    /// It is no TOML, or has fields that are not known, are missing or have the wrong form.
    #[error("{MANIFEST_FILE} cannot be read: {0}")]
    Form(String),
    /// The plugin's name has the wrong form.
    #[error(transparent)]
    Name(#[from] ManifestError),
    /// A path does not stay within the package.
    #[error("the path {path:?} of {field} is refused: {problem}")]
    Path {
        /// Where it is written.
        field: &'static str,
        /// As it is written.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// A value is not what its field takes.
    #[error("{field} {reason}")]
    Value {
        /// Where it is written.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl PackageManifest {
    /// Reads a `plugin.toml` and checks all that can be checked without the rest of the package.
    pub fn parse(text: &str) -> Result<Self, ManifestProblem> {
        if text.len() > MANIFEST_LIMIT {
            return Err(ManifestProblem::TooLarge);
        }
        let file: File =
            toml::from_str(text).map_err(|error| ManifestProblem::Form(error.to_string()))?;
        file.check_texts()?;
        file.check_lists()?;
        let manifest = Self {
            lane: lane(file.lane, file.component, file.process)?,
            pages: pages(file.pages)?,
            name: file.name,
            version: file.version,
            display_name: file.display_name,
            description: file.description,
            author: file.author,
            repository: file.repository,
            firstlight: file.firstlight,
            platforms: file.platforms,
            dependencies: file.dependencies,
            capabilities: file.capabilities,
            budgets: file.budgets,
        };
        check_name(&manifest.name)?;
        for name in manifest.dependencies.keys() {
            check_name(name)?;
        }
        if manifest.dependencies.contains_key(&manifest.name) {
            return Err(value("dependencies", "name the plugin itself"));
        }
        Ok(manifest)
    }

    /// What the rest of the gateway knows of a plugin.
    pub fn manifest(&self) -> Manifest {
        Manifest {
            name: self.name.clone(),
            version: self.version.clone(),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            author: self.author.clone(),
            repository: self.repository.clone(),
            firstlight: self.firstlight.clone(),
            platforms: self.platforms.clone(),
            dependencies: self.dependencies.clone(),
            capabilities: self.capabilities.clone(),
            reserved: false,
        }
    }

    /// The lane without what belongs to it.
    pub fn lane_kind(&self) -> LaneKind {
        match self.lane {
            Lane::Component { .. } => LaneKind::Component,
            Lane::Process { .. } => LaneKind::Process,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::paths::tests::any_path;
    use super::*;

    const WHOLE: &str = r#"
        name = "weather"
        version = "1.2.3"
        display-name = "天气"
        description = "Tells the weather."
        author = "Ann"
        repository = "https://example.org/weather"
        firstlight = ">=0.1, <2"
        platforms = ["aiocqhttp"]
        lane = "process"

        [process]
        command = ["python3", "main.py"]

        [dependencies]
        places = ">=1"

        [capabilities]
        hosts = ["api.example.org", "*.example.com"]
        kv = true

        [budgets]
        memory-mib = 128

        [[pages]]
        name = "map"
        title = "Map"
        path = "pages/map"
    "#;

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest = PackageManifest::parse(WHOLE).unwrap();
        assert_eq!(manifest.name, "weather");
        assert_eq!(manifest.lane_kind(), LaneKind::Process);
        assert_eq!(manifest.budgets.memory_mib, Some(128));
        assert_eq!(manifest.pages[0].path.as_str(), "pages/map");
        let known = manifest.manifest();
        assert_eq!(known.version, Version::new(1, 2, 3));
        assert!(known.capabilities.kv && !known.reserved);
        assert!(known.check(&Version::new(0, 1, 0)).is_ok());
        assert!(known.check(&Version::new(3, 0, 0)).is_err());
    }

    #[test]
    fn a_component_needs_no_table_of_its_own() {
        let text = "name = \"dice\"\nversion = \"1.0.0\"\nlane = \"component\"";
        let manifest = PackageManifest::parse(text).unwrap();
        let file = PackagePath::parse("plugin.wasm").unwrap();
        assert_eq!(manifest.lane, Lane::Component { file });
    }

    #[test]
    fn what_is_wrong_is_said_with_the_name_of_the_field() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = WHOLE.replace(from, to);
            assert_ne!(text, WHOLE, "{from}");
            let said = PackageManifest::parse(&text).unwrap_err().to_string();
            assert!(said.contains(expected), "{to}: {said}");
        };
        check("\"weather\"", "\"Weather\"", "plugin name \"Weather\"");
        check("1.2.3", "new", "TOML parse error at line 3");
        check("kv = true", "root = true", "unknown field `root`");
        check("author", "autor", "unknown field `autor`");
        check("\"process\"", "\"thread\"", "unknown variant `thread`");
        check("\"process\"", "\"component\"", "other lane");
        check("[\"python3\", \"main.py\"]", "[]", "names no program");
        check("\"python3\", \"main.py\"", "\"/bin/sh\"", "absolute");
        check("\"python3\", \"main.py\"", "\"../run\"", ". or ..");
        check("\"pages/map\"", "\"../map\"", "pages.path");
        check("\"pages/map\"", "\"C:\\\\map\"", "backslash");
        check("places =", "weather =", "the plugin itself");
        check("https://example.org", "javascript:", "no web address");
        check("api.example.org", "https://api.example.org", "no such name");
        check("memory-mib = 128", "memory = 128", "unknown field `memory`");
        check("Tells", &"x".repeat(4000), "description has more than 4000");
        check("Ann", &"x".repeat(MANIFEST_LIMIT), "more than 65536 bytes");
        let twice = format!("{WHOLE}\n[[pages]]\nname = \"map\"\ntitle = \"\"\npath = \"b\"");
        let said = PackageManifest::parse(&twice).unwrap_err().to_string();
        assert_eq!(said, "pages.name \"map\" is there twice");
        let words = WHOLE.replace("\"main.py\"", &["\"x\""; 32].join(","));
        assert!(PackageManifest::parse(&words).unwrap_err().to_string().contains("32 words"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_manifest_whose_paths_lead_out(
            name in "[a-zA-Z./-]{1,8}",
            file in any_path(),
            page in any_path(),
        ) {
            let page = BTreeMap::from([("name", "p"), ("title", "t"), ("path", &page)]);
            let text = toml::to_string(&serde_json::json!({
                "name": name,
                "version": "1.0.0",
                "lane": "component",
                "component": { "file": file },
                "pages": [page],
            })).unwrap();
            if let Ok(manifest) = PackageManifest::parse(&text) {
                let Lane::Component { file } = manifest.lane else { panic!("another lane") };
                for path in [&file, &manifest.pages[0].path] {
                    let mut parts = std::path::Path::new(path.as_str()).components();
                    let inside = |part| matches!(part, std::path::Component::Normal(_));
                    prop_assert!(parts.all(inside));
                }
                prop_assert!(check_name(&manifest.name).is_ok());
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _either = PackageManifest::parse(&text).is_ok();
        }
    }
}
