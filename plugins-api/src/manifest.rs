//! Who a plugin is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::Capabilities;

/// The longest plugin name, in bytes.
const NAME_LIMIT: usize = 64;

/// The identity of a plugin and what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The unique name: 1 to 64 of `a`–`z`, `0`–`9`, `-` and `_`, beginning with a letter. Web
    /// routes live below it.
    pub name: String,
    /// The plugin's own version.
    #[schemars(with = "String")]
    pub version: Version,
    /// The name shown to people; empty means [`Manifest::name`].
    #[serde(default)]
    pub display_name: String,
    /// One or two sentences on what it does.
    #[serde(default)]
    pub description: String,
    /// Who made it.
    #[serde(default)]
    pub author: String,
    /// Where its source lives, as a URL; empty when it is nowhere public.
    #[serde(default)]
    pub repository: String,
    /// The Firstlight versions it works with; `None` means any.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub firstlight: Option<VersionReq>,
    /// The platform types it is made for; empty means all.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// The plugins it needs, with the versions that will do.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub dependencies: BTreeMap<String, VersionReq>,
    /// What it asks to be allowed. A compiled-in plugin is allowed everything.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Part of the gateway itself: it cannot be uninstalled.
    #[serde(default)]
    pub reserved: bool,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The name does not have the form that [`Manifest::name`] states.
    #[error(
        "the plugin name {name:?} must be 1 to 64 of a-z, 0-9, - and _, beginning with a letter"
    )]
    Name {
        /// The name as given.
        name: String,
    },
    /// The plugin asks for another version of Firstlight.
    #[error("the plugin needs Firstlight {wanted}, this is {actual}")]
    Incompatible {
        /// The range the plugin asks for.
        wanted: VersionReq,
        /// The running version.
        actual: Version,
    },
}

impl Manifest {
    /// A manifest with a name and a version; the rest is added by the methods below.
    pub fn new(name: impl Into<String>, version: Version) -> Self {
        Self {
            name: name.into(),
            version,
            display_name: String::new(),
            description: String::new(),
            author: String::new(),
            repository: String::new(),
            firstlight: None,
            platforms: Vec::new(),
            dependencies: BTreeMap::new(),
            capabilities: Capabilities::default(),
            reserved: false,
        }
    }

    /// Sets the name shown to people.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Sets the author.
    #[must_use]
    pub fn author(mut self, name: impl Into<String>) -> Self {
        self.author = name.into();
        self
    }

    /// Marks the plugin as part of the gateway.
    #[must_use]
    pub fn reserved(mut self) -> Self {
        self.reserved = true;
        self
    }

    /// Checks the name's form and, where one is given, the version range against `firstlight`.
    ///
    /// # Errors
    ///
    /// A [`ManifestError`] naming what is wrong.
    pub fn check(&self, firstlight: &Version) -> Result<(), ManifestError> {
        let mut characters = self.name.chars();
        let begins_well = characters.next().is_some_and(|c| c.is_ascii_lowercase());
        let goes_on_well = characters
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
        if !begins_well || !goes_on_well || self.name.len() > NAME_LIMIT {
            return Err(ManifestError::Name { name: self.name.clone() });
        }
        match &self.firstlight {
            Some(wanted) if !wanted.matches(firstlight) => Err(ManifestError::Incompatible {
                wanted: wanted.clone(),
                actual: firstlight.clone(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> bool {
        Manifest::new(name, Version::new(1, 0, 0)).check(&Version::new(0, 1, 0)).is_ok()
    }

    #[test]
    fn a_name_is_a_plain_lower_case_word() {
        for good in ["dice", "a", "keyword-guard", "runtime_status2"] {
            assert!(check(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "Dice", "2dice", "-dice", "a/b", "..", "a b", "é", long.as_str()] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[test]
    fn another_version_of_firstlight_is_refused_by_name() {
        let mut manifest = Manifest::new("dice", Version::new(1, 0, 0));
        manifest.firstlight = Some(VersionReq::parse(">=2").unwrap());
        let error = manifest.check(&Version::new(0, 1, 0)).unwrap_err();
        assert_eq!(error.to_string(), "the plugin needs Firstlight >=2, this is 0.1.0");
    }
}
