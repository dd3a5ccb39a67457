//! Who may see which page of a plugin. A page stands in a sandboxed frame, which sends no cookie, so
//! its address holds a token that is good for that page alone, and only while it is used.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::files::token;

/// How long a token is good after it was used last.
pub(super) const LIFETIME: Duration = Duration::from_mins(1);
/// How many may be open; the one that was used longest ago gives way.
const BOUND: usize = 1000;

/// The open tokens. They are gone with the process.
#[derive(Debug, Default)]
pub struct PageTokens(Mutex<HashMap<String, Pass>>);

#[derive(Debug)]
struct Pass {
    plugin: String,
    page: String,
    ends: Instant,
}

impl PageTokens {
    /// Makes a token for a page.
    pub fn issue(&self, plugin: &str, page: &str) -> String {
        let (token, now) = (token(), Instant::now());
        let mut passes = self.0.lock();
        passes.retain(|_, pass| pass.ends > now);
        if passes.len() >= BOUND {
            let oldest = passes.iter().min_by_key(|(_, pass)| pass.ends).map(|(k, _)| k.clone());
            if let Some(oldest) = oldest {
                passes.remove(&oldest);
            }
        }
        let (plugin, page) = (plugin.to_owned(), page.to_owned());
        passes.insert(token.clone(), Pass { plugin, page, ends: now + LIFETIME });
        token
    }

    /// Whether a token is good for a page. It is good for as long again then.
    pub fn admits(&self, token: &str, plugin: &str, page: &str) -> bool {
        let now = Instant::now();
        let mut passes = self.0.lock();
        let Some(pass) = passes.get_mut(token) else { return false };
        let good = pass.ends > now && pass.plugin == plugin && pass.page == page;
        if good {
            pass.ends = now + LIFETIME;
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_for_its_page_while_it_is_used() {
        let tokens = PageTokens::default();
        let token = tokens.issue("dice", "main");
        assert!(!tokens.admits(&token, "dice", "other"));
        assert!(!tokens.admits(&token, "weather", "main"));
        assert!(!tokens.admits("", "dice", "main"));
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(59)).await;
            assert!(tokens.admits(&token, "dice", "main"));
        }
        tokio::time::advance(LIFETIME).await;
        assert!(!tokens.admits(&token, "dice", "main"));
    }

    #[test]
    fn there_are_only_so_many() {
        let tokens = PageTokens::default();
        for _ in 0..=BOUND {
            tokens.issue("dice", "main");
        }
        assert_eq!(tokens.0.lock().len(), BOUND);
    }
}
