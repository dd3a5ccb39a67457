//! Where the gateway that holds a data folder can be reached.
//!
//! The lock says who holds the folder; this card beside it says where that process listens. It
//! means nothing unless the folder is held, for a process that was killed leaves it behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "gateway.json";

/// What other commands need to know of a running gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Its process id.
    pub(crate) pid: u32,
    /// Where it serves HTTP.
    pub(crate) url: String,
    /// Its socket for local commands, where the system has such sockets.
    pub(crate) control: Option<PathBuf>,
}

impl Running {
    /// Reads the card, if there is one.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Writes the card as a whole, so that no reader sees half of it.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join(FILE).with_extension("new");
        fs::write(&fresh, serde_json::to_vec(self)?)?;
        fs::rename(fresh, folder.join(FILE))
    }

    /// Takes the card away. A card that stays is only untidy.
    pub(crate) fn remove(folder: &Path) {
        let _ = fs::remove_file(folder.join(FILE));
    }
}

#[cfg(test)]
mod tests {
    use super::Running;

    #[test]
    fn a_card_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Running::read(folder.path()), None);
        let url = "http://127.0.0.1:6185".to_owned();
        let card = Running { pid: 7, url, control: Some("control.sock".into()) };
        card.write(folder.path()).unwrap();
        assert_eq!(Running::read(folder.path()), Some(card));
        Running::remove(folder.path());
        assert_eq!(Running::read(folder.path()), None);
    }
}
