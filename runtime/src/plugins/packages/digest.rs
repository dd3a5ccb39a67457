//! The digest of a package: of its files with their names, in order, whatever they came in.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a package's content, in hex. It holds nothing but files and folders.
pub(super) fn of_content(folder: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort_unstable();
    let mut all = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    for name in files {
        let mut one = Sha256::new();
        let mut file = File::open(folder.join(&name))?;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            one.update(buffer.get(..read).unwrap_or_default());
        }
        // A name holds no NUL and a digest has one length, so two packages never read the same.
        all.update(name.as_bytes());
        all.update([0]);
        all.update(one.finalize());
    }
    Ok(hex::encode(all.finalize()))
}

fn collect(folder: &Path, below: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        }
        of_content(folder.path()).unwrap()
    }

    #[test]
    fn the_same_files_have_the_same_digest_and_others_another() {
        let one = digest(&[("a", "1"), ("b/c", "2")]);
        assert_eq!(one, digest(&[("b/c", "2"), ("a", "1")]));
        assert_eq!(one.len(), 64);
        for other in
            [[("a", "2"), ("b/c", "2")], [("a", "1"), ("b/d", "2")], [("a", "12"), ("b/c", "")]]
        {
            assert_ne!(one, digest(&other), "{other:?}");
        }
    }
}
