//! Lists of plugins as they were last fetched: one file for each address.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::files;

/// The largest file that is read, in bytes: it was written by us, or is none of ours.
const LIMIT: u64 = 16 << 20;

/// A list as it was fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CachedList {
    /// Where it is from. The name of the file is made from it.
    pub(super) url: String,
    /// How its host calls this state of it.
    pub(super) etag: Option<String>,
    /// Its MD5, as its host says in the file beside it.
    pub(super) md5: Option<String>,
    /// The plugins by name.
    pub(super) plugins: Map<String, Value>,
}

/// Reads the list of an address. What cannot be read is as if it were not there. Blocks.
pub(super) fn read(folder: &Path, url: &str) -> Option<CachedList> {
    let mut bytes = Vec::new();
    File::open(place(folder, url)).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    let list: CachedList = serde_json::from_slice(&bytes).ok()?;
    (list.url == url).then_some(list)
}

/// Keeps a list, in one step. Blocks.
pub(super) fn write(folder: &Path, list: &CachedList) -> io::Result<()> {
    files::make_private(folder)?;
    let place = place(folder, &list.url);
    // Each writer has a file of its own: two may fetch the same list.
    let unfinished = place.with_extension(format!("{}.new", uuid::Uuid::new_v4()));
    let written = File::create_new(&unfinished).and_then(|mut file| {
        file.write_all(&serde_json::to_vec(list)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &place)
    });
    if written.is_err() {
        let _not_there = fs::remove_file(&unfinished);
    }
    written
}

fn place(folder: &Path, url: &str) -> PathBuf {
    let name = hex::encode(Sha256::digest(url.as_bytes()));
    folder.join(name).with_extension("json")
}
