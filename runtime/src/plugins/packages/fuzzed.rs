//! What `fuzz/` calls, and tests with what is damaged at random. Panics when something is not as it
//! must be.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Sink};
use std::path::{Component, Path};

use super::intake::{Destination, ENTRIES_LIMIT, Mode};
use super::manifest::{Lane, PackageManifest};
use super::paths::PackagePath;
use super::unpacking::unpack_to;

/// A `plugin.toml`: what is taken keeps to its package.
pub fn manifest(text: &str) {
    let Ok(manifest) = PackageManifest::parse(text) else { return };
    if let Lane::Component { file } = &manifest.lane {
        stays_inside(file.as_str());
    }
    for page in &manifest.pages {
        stays_inside(page.path.as_str());
    }
    let known = manifest.manifest();
    let version = firstlight_plugins_api::Version::new(0, 1, 0);
    let _any_version = known.check(&version).is_ok();
    assert!(!known.name.is_empty() && !known.reserved);
}

/// A zip archive: what is taken stays within the bounds and within its package.
pub fn archive(bytes: &[u8]) {
    let _either = unpack_to(Cursor::new(bytes), Nowhere::default()).is_ok();
}

fn stays_inside(path: &str) {
    let mut parts = Path::new(path).components().peekable();
    assert!(parts.peek().is_some(), "{path:?}");
    assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{path:?}");
}

/// A destination that keeps names only.
#[derive(Default)]
struct Nowhere(BTreeSet<String>);

impl Nowhere {
    fn take(&mut self, path: &str) {
        stays_inside(path);
        assert!(self.0.insert(path.to_lowercase()), "{path:?} is there twice");
        assert!(self.0.len() <= ENTRIES_LIMIT);
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert!(self.0.contains(&parent.to_lowercase()), "{path:?} is in no folder");
        }
    }
}

impl Destination for Nowhere {
    type File = Sink;

    fn folder(&mut self, path: &str) -> io::Result<()> {
        self.take(path);
        Ok(())
    }

    fn file(&mut self, path: &PackagePath, _mode: Mode) -> io::Result<Sink> {
        self.take(path.as_str());
        Ok(io::sink())
    }
}
