//! Values that must not be shown, and the references that may stand in their place.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The largest file that a reference may name.
const MAX_FILE: u64 = 64 * 1024;

/// A secret as it stands in a document: the value itself, or a reference to it.
///
/// References are `env:NAME`, `file:PATH`, and the older `$NAME` and `${NAME}`. A reference is not
/// secret and is shown as it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String", extend("x-secret" = true))]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reference<'a> {
    Variable(&'a str),
    File(&'a str),
}

impl Secret {
    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value to use. Relative paths are taken from `folder`, the data folder.
    ///
    /// Reads a small file at most, so it may be called on an async thread. The error names the
    /// variable or the file and never quotes what is in it.
    pub fn resolve(&self, folder: &Path) -> Result<SecretString, SecretError> {
        match reference(&self.0) {
            None => Ok(SecretString::from(self.0.as_str())),
            Some(Reference::Variable(name)) => variable(name),
            Some(Reference::File(path)) => file(&folder.join(path)),
        }
    }
}

/// Whether the text is a reference and so no secret itself.
pub(super) fn is_reference(text: &str) -> bool {
    reference(text).is_some()
}

fn reference(text: &str) -> Option<Reference<'_>> {
    if let Some(path) = text.strip_prefix("file:") {
        return (!path.is_empty()).then_some(Reference::File(path));
    }
    let braced = || text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let name = text.strip_prefix("env:").or_else(braced).or_else(|| text.strip_prefix('$'))?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some(Reference::Variable(name))
}

fn variable(name: &str) -> Result<SecretString, SecretError> {
    match std::env::var(name) {
        Ok(value) if value.trim().is_empty() => {
            Err(SecretError::Empty { place: format!("the environment variable {name}") })
        }
        Ok(value) => Ok(SecretString::from(value.trim())),
        Err(std::env::VarError::NotPresent) => {
            Err(SecretError::NoVariable { name: name.to_owned() })
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(SecretError::NotText { place: format!("the environment variable {name}") })
        }
    }
}

fn file(path: &Path) -> Result<SecretString, SecretError> {
    let unreadable = |source: std::io::Error| SecretError::Unreadable {
        path: path.to_owned(),
        kind: source.kind(),
    };
    // Looked at before it is opened: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretError::NoFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let source = File::open(path).map_err(unreadable)?;
    source.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(SecretError::TooLarge { path: path.to_owned(), limit: MAX_FILE });
    }
    let place = || format!("the file {}", path.display());
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::NotText { place: place() })?;
    match text.trim() {
        "" => Err(SecretError::Empty { place: place() }),
        text => Ok(SecretString::from(text)),
    }
}

/// Why a reference could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable {name} is not set")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the file {} cannot be read: {kind}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// The path names a folder, a pipe or a device.
    #[error("{} is not an ordinary file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than any secret.
    #[error("the file {} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// What is there is not UTF-8.
    #[error("{place} does not hold UTF-8 text")]
    NotText {
        /// Where.
        place: String,
    },
    /// Nothing is there.
    #[error("{place} is empty")]
    Empty {
        /// Where.
        place: String,
    },
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn resolve(text: &str, folder: &Path) -> Result<String, SecretError> {
        let secret = Secret::from(text.to_owned());
        secret.resolve(folder).map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn a_plain_value_is_itself() {
        let here = Path::new(".");
        assert_eq!(resolve("sk-1", here).unwrap(), "sk-1");
        assert_eq!(resolve("$4 a month", here).unwrap(), "$4 a month");
        assert_eq!(resolve("env:", here).unwrap(), "env:");
    }

    #[test]
    fn every_form_of_variable_is_followed() {
        for form in ["env:CARGO_PKG_NAME", "$CARGO_PKG_NAME", "${CARGO_PKG_NAME}"] {
            assert_eq!(resolve(form, Path::new(".")).unwrap(), "firstlight-core", "{form}");
        }
        assert_eq!(
            resolve("env:FIRSTLIGHT_NO_SUCH", Path::new(".")),
            Err(SecretError::NoVariable { name: "FIRSTLIGHT_NO_SUCH".into() })
        );
    }

    #[test]
    fn a_file_is_read_from_the_data_folder_and_trimmed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "sk-2\r\n").unwrap();
        assert_eq!(resolve("file:key", folder.path()).unwrap(), "sk-2");
        let absolute = format!("file:{}", folder.path().join("key").display());
        assert_eq!(resolve(&absolute, Path::new("/nowhere")).unwrap(), "sk-2");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, content: &[u8], expected: &str| {
            std::fs::write(folder.path().join(name), content).unwrap();
            let error = resolve(&format!("file:{name}"), folder.path()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(expected) && !shown.contains("hush"), "{shown}");
        };
        check("large", &b"hush".repeat(20_000), "has more than 65536 bytes");
        check("binary", b"hush\xff", "does not hold UTF-8 text");
        check("empty", b"\n", "is empty");
        let error = resolve("file:.", folder.path()).unwrap_err();
        assert!(matches!(error, SecretError::NoFile { .. }), "{error}");
        let error = resolve("file:absent", folder.path()).unwrap_err();
        assert!(error.to_string().contains("absent cannot be read"), "{error}");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from("hush".to_owned())), "[secret]");
    }
}
