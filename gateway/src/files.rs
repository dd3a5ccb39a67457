//! Links to files: a random token, good for one download within five minutes, and links to the
//! pictures of plugins, which stay good.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a link is good (reference D.13).
pub const LIFETIME: Duration = Duration::from_mins(5);
/// How many links may be open; the oldest gives way.
const BOUND: usize = 10_000;

/// How many pictures may be linked to; beyond that none is.
const PICTURES: usize = 4096;

/// The open links. They are gone with the process, like the pages that hold them.
#[derive(Debug, Default)]
pub struct FileLinks {
    links: Mutex<HashMap<String, Link>>,
    pictures: Mutex<BTreeMap<PathBuf, String>>,
}

#[derive(Debug)]
struct Link {
    attachment_id: String,
    ends: Instant,
}

impl FileLinks {
    /// Makes a link to an attachment.
    pub fn issue(&self, attachment_id: &str) -> String {
        let token = token();
        let now = Instant::now();
        let mut links = self.links.lock();
        links.retain(|_, link| link.ends > now);
        if links.len() >= BOUND {
            let oldest = links.iter().min_by_key(|(_, link)| link.ends).map(|(k, _)| k.clone());
            if let Some(oldest) = oldest {
                links.remove(&oldest);
            }
        }
        let link = Link { attachment_id: attachment_id.to_owned(), ends: now + LIFETIME };
        links.insert(token.clone(), link);
        token
    }

    /// Uses a link up.
    pub fn redeem(&self, token: &str) -> Option<String> {
        let link = self.links.lock().remove(token)?;
        (link.ends > Instant::now()).then_some(link.attachment_id)
    }

    /// The link to a picture of a plugin, always the same one.
    pub fn picture(&self, path: &Path) -> Option<String> {
        let mut pictures = self.pictures.lock();
        if pictures.len() >= PICTURES {
            // Most are of packages that are gone.
            pictures.retain(|path, _| path.is_file());
        }
        if let Some(token) = pictures.get(path) {
            return Some(token.clone());
        }
        if pictures.len() >= PICTURES {
            return None;
        }
        let token = token();
        pictures.insert(path.to_owned(), token.clone());
        Some(token)
    }

    /// The picture behind a link.
    pub fn picture_of(&self, token: &str) -> Option<PathBuf> {
        let pictures = self.pictures.lock();
        pictures.iter().find(|(_, known)| *known == token).map(|(path, _)| path.clone())
    }
}

/// A token that nobody can guess.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_works_once_and_only_in_time() {
        let links = FileLinks::default();
        let token = links.issue("a");
        assert_eq!(links.redeem(&token).as_deref(), Some("a"));
        assert_eq!(links.redeem(&token), None);
        let late = links.issue("b");
        tokio::time::advance(LIFETIME).await;
        assert_eq!(links.redeem(&late), None);
    }

    #[test]
    fn the_link_of_a_picture_stays() {
        let links = FileLinks::default();
        let token = links.picture(Path::new("/a.png")).unwrap();
        assert_eq!(links.picture(Path::new("/a.png")).as_ref(), Some(&token));
        assert_eq!(links.picture_of(&token).as_deref(), Some(Path::new("/a.png")));
        assert_eq!(links.picture_of("other"), None);
    }
}
