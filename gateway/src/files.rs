//! One-time links to files: a random token, good for one download within five minutes.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a link is good (reference D.13).
pub const LIFETIME: Duration = Duration::from_mins(5);
/// How many links may be open; the oldest gives way.
const BOUND: usize = 10_000;

/// The open links. They are gone with the process, like the pages that hold them.
#[derive(Debug, Default)]
pub struct FileLinks(Mutex<HashMap<String, Link>>);

#[derive(Debug)]
struct Link {
    attachment_id: String,
    ends: Instant,
}

impl FileLinks {
    /// Makes a link to an attachment.
    pub fn issue(&self, attachment_id: &str) -> String {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        let now = Instant::now();
        let mut links = self.0.lock();
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
        let link = self.0.lock().remove(token)?;
        (link.ends > Instant::now()).then_some(link.attachment_id)
    }
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
}
