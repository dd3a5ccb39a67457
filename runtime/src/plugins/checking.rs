//! Looking at a package where its author works on it: what installing would refuse is refused, and
//! nothing is installed, run or changed.

use std::path::Path;

use super::catalogue::form_of;
use super::lanes::component::encode;
use super::packages::{Lane, PackageDocuments, PackageError, PackageManifest, look_at};
use super::sources::running_version;

/// What was seen of a package.
#[derive(Debug, Clone)]
pub struct PackageCheck {
    /// What its `plugin.toml` says.
    pub manifest: PackageManifest,
    /// What it brings to read.
    pub documents: PackageDocuments,
    /// How many bytes its component has, encoded; `None`: it is none.
    pub component_bytes: Option<u64>,
}

/// Looks at the package in that folder: what is in it, its manifest, the form of its settings, its
/// component, and whether it is made for this version. Blocks.
pub fn check_package(folder: &Path) -> Result<PackageCheck, PackageError> {
    let manifest = look_at(folder)?;
    manifest.manifest().check(&running_version()).map_err(PackageError::Incompatible)?;
    let documents = PackageDocuments::read(folder);
    form_of(&documents).map_err(PackageError::Preparation)?;
    let component_bytes = match &manifest.lane {
        Lane::Component { file } => {
            let failed = |error: &dyn std::fmt::Display| {
                PackageError::Preparation(format!("{file}: {error}"))
            };
            let bytes = std::fs::read(file.below(folder)).map_err(|error| failed(&error))?;
            let component = encode(&bytes).map_err(|error| failed(&error))?;
            u64::try_from(component.len()).ok()
        }
        Lane::Process { .. } => None,
    };
    Ok(PackageCheck { manifest, documents, component_bytes })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PROCESS: &str = "name = \"echo\"\nversion = \"1.0.0\"\nlane = \"process\"\n\
                           [process]\ncommand = [\"python3\", \"main.py\"]\n";

    fn checked(files: &[(&str, &str)]) -> Result<PackageCheck, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        check_package(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_package_is_looked_at_where_it_is() {
        let found = checked(&[("plugin.toml", PROCESS), ("settings.json", "{}")]).unwrap();
        assert_eq!((found.manifest.name.as_str(), found.component_bytes), ("echo", None));
        let wat = wat::parse_str("(module)").unwrap();
        let said = encode(&wat).unwrap_err().to_string();
        assert!(said.contains("firstlight_plugins_api::component!"), "{said}");
    }

    #[test]
    fn what_installing_would_refuse_is_refused() {
        let manifest = |more: &str| format!("{more}\n{PROCESS}");
        let newer = manifest("firstlight = \">=99\"");
        let component = "name = \"dice\"\nversion = \"1.0.0\"\nlane = \"component\"";
        let check = |files: &[(&str, &str)], expected: &str| {
            let said = checked(files).unwrap_err();
            assert!(said.contains(expected), "{expected}: {said}");
        };
        check(&[], "plugin.toml");
        check(&[("plugin.toml", &newer)], "99");
        check(&[("plugin.toml", component)], "plugin.wasm");
        check(&[("plugin.toml", component), ("plugin.wasm", "no")], "plugin.wasm");
        check(&[("plugin.toml", PROCESS), ("settings.json", "[]")], "settings");
    }
}
