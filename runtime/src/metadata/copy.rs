//! The last good copy on disk.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::catalogue::Catalogue;

/// A copy that was written here is far smaller; anything larger is not one.
const LIMIT: u64 = 64 << 20;

/// Reads the copy. That there is none is no error.
pub(super) fn read(path: &Path) -> io::Result<Option<Catalogue>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Replaces the copy as a whole: after a crash there is the old one or the new one.
pub(super) fn write(path: &Path, catalogue: &Catalogue) -> io::Result<()> {
    let beside = path.with_extension("new");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(catalogue)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::ModelInfo;

    #[test]
    fn a_copy_comes_back_as_it_was_and_a_broken_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("metadata.json");
        assert_eq!(read(&path).unwrap(), None);
        let mut catalogue = Catalogue::default();
        catalogue.models.insert("m".to_owned(), ModelInfo { context: 7, ..ModelInfo::default() });
        write(&path, &catalogue).unwrap();
        assert_eq!(read(&path).unwrap(), Some(catalogue));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::write(&path, "{").unwrap();
        assert!(read(&path).is_err());
    }
}
