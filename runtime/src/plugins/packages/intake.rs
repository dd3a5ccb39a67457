//! What is let into a package, whichever way it comes: so much, so many, and nothing twice.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::paths::{PackagePath, PathProblem};

/// How many bytes a package has at most.
pub(super) const CONTENT_LIMIT: u64 = 256 << 20;
/// How many files and folders it has at most.
pub(super) const ENTRIES_LIMIT: usize = 10_000;
/// The largest archive, in bytes.
pub(super) const ARCHIVE_LIMIT: u64 = 64 << 20;
/// How many times larger than in the archive a file may be, once it is larger than `RATIO_FREE`.
const RATIO_LIMIT: u64 = 200;
const RATIO_FREE: u64 = 1 << 20;
/// How much is copied at a time.
const BUFFER: usize = 64 * 1024;

/// Why content is not let in. The texts say where, because the author is to repair it.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The archive as such is too large.
    #[error("the archive has more than {ARCHIVE_LIMIT} bytes")]
    ArchiveTooLarge,
    /// It is no zip archive, or a damaged one.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// There is too much in it.
    #[error("the package has more than {CONTENT_LIMIT} bytes")]
    TooLarge,
    /// There are too many files in it.
    #[error("the package has more than {ENTRIES_LIMIT} files and folders")]
    TooMany,
    /// A file grows so much when it is unpacked that it must be meant to do harm.
    #[error("{path} is more than {RATIO_LIMIT} times larger than in the archive")]
    Bomb {
        /// Which.
        path: String,
    },
    /// A path leads out of the package, or is none.
    #[error("the path {path:?} is refused: {problem}")]
    Path {
        /// As it is written.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// Two entries have the same name, as some file systems see it.
    #[error("{path} is there twice, or differs from {other} in upper and lower case only")]
    Twice {
        /// The second.
        path: String,
        /// The first.
        other: String,
    },
    /// An archive has two entries of the very same name.
    #[error("a name is in the archive twice")]
    Repeated,
    /// Two files of an archive share bytes.
    #[error("files of the archive overlap")]
    Overlap,
    /// It is a link.
    #[error("{path} is a link")]
    Link {
        /// Which.
        path: String,
    },
    /// It is a device, a socket or the like.
    #[error("{path} is neither a file nor a folder")]
    Special {
        /// Which.
        path: String,
    },
    /// It is encrypted.
    #[error("{path} is encrypted")]
    Encrypted {
        /// Which.
        path: String,
    },
    /// It could not be read.
    #[error("{path} cannot be read")]
    Read {
        /// Which.
        path: String,
        /// What the system or the archive said.
        #[source]
        source: io::Error,
    },
    /// It could not be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Whether a file may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Executable,
}

impl Mode {
    /// The mode by the permissions that the file had.
    pub(super) fn of(permissions: u32) -> Self {
        if permissions & 0o111 == 0 { Self::Plain } else { Self::Executable }
    }
}

/// Where a package is put.
pub(super) trait Destination {
    type File: Write;

    fn folder(&mut self, path: &str) -> io::Result<()>;
    fn file(&mut self, path: &PackagePath, mode: Mode) -> io::Result<Self::File>;
}

/// A folder that is ours alone, and empty at first.
pub(super) struct OnDisk(pub(super) PathBuf);

impl Destination for OnDisk {
    type File = File;

    fn folder(&mut self, path: &str) -> io::Result<()> {
        fs::create_dir(self.0.join(path))
    }

    fn file(&mut self, path: &PackagePath, mode: Mode) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(match mode {
                Mode::Plain => 0o644,
                Mode::Executable => 0o755,
            });
        }
        #[cfg(not(unix))]
        let _no_such_thing = mode;
        options.open(path.below(&self.0))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

struct Taken {
    spelling: String,
    kind: Kind,
}

/// Takes the entries of a package in, one after the other.
pub(super) struct Intake<D> {
    destination: D,
    /// By the name in lower case: some file systems know no difference.
    taken: HashMap<String, Taken>,
    bytes: u64,
}

impl<D: Destination> Intake<D> {
    pub(super) fn new(destination: D) -> Self {
        Self { destination, taken: HashMap::new(), bytes: 0 }
    }

    /// Makes a folder, with those above it.
    pub(super) fn folder(&mut self, path: &PackagePath) -> Result<(), IntakeError> {
        for ancestor in path.ancestors() {
            self.make_folder(ancestor)?;
        }
        self.make_folder(path.as_str())
    }

    fn make_folder(&mut self, path: &str) -> Result<(), IntakeError> {
        if self.take(path, Kind::Folder)? {
            let made = self.destination.folder(path);
            made.map_err(|source| IntakeError::Write { path: path.to_owned(), source })?;
        }
        Ok(())
    }

    /// Copies a file, with the folders above it. `packed` is how large it is in its archive; what
    /// the archive says of its real size is not believed.
    pub(super) fn file(
        &mut self,
        path: &PackagePath,
        mode: Mode,
        packed: Option<u64>,
        from: &mut dyn Read,
    ) -> Result<(), IntakeError> {
        for ancestor in path.ancestors() {
            self.make_folder(ancestor)?;
        }
        self.take(path.as_str(), Kind::File)?;
        let name = || path.as_str().to_owned();
        let write = |source| IntakeError::Write { path: name(), source };
        let mut file = self.destination.file(path, mode).map_err(write)?;
        let most = packed.map(|packed| packed.saturating_mul(RATIO_LIMIT).max(RATIO_FREE));
        let mut buffer = vec![0; BUFFER];
        let mut size = 0_u64;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => return file.flush().map_err(write),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(IntakeError::Read { path: name(), source }),
            };
            size += read as u64;
            self.bytes += read as u64;
            if self.bytes > CONTENT_LIMIT {
                return Err(IntakeError::TooLarge);
            }
            if most.is_some_and(|most| size > most) {
                return Err(IntakeError::Bomb { path: name() });
            }
            file.write_all(buffer.get(..read).unwrap_or_default()).map_err(write)?;
        }
    }

    /// Takes a name. False when it is a folder that is there already.
    fn take(&mut self, path: &str, kind: Kind) -> Result<bool, IntakeError> {
        let key = path.to_lowercase();
        if let Some(taken) = self.taken.get(&key) {
            if kind == Kind::Folder && taken.kind == Kind::Folder && taken.spelling == path {
                return Ok(false);
            }
            let other = taken.spelling.clone();
            return Err(IntakeError::Twice { path: path.to_owned(), other });
        }
        if self.taken.len() >= ENTRIES_LIMIT {
            return Err(IntakeError::TooMany);
        }
        self.taken.insert(key, Taken { spelling: path.to_owned(), kind });
        Ok(true)
    }
}
