//! Takes our secrets out of texts that others wrote.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::config::ProviderConfig;

/// Shorter "secrets" are placeholders (`ollama`, `none`), and common words besides.
const SHORTEST: usize = 8;
const MARK: &str = "[redacted]";
/// An error's text is for a person and a log line.
const LONGEST: usize = 400;

/// Knows what must not appear in an error.
#[cfg_attr(fuzzing, derive(Default))]
pub(crate) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    pub(super) fn new(config: &ProviderConfig, proxy: Option<&str>) -> Self {
        let mut secrets = config.keys.clone();
        secrets.extend(config.custom_headers.values().map(|value| value.clone().into()));
        let proxy = proxy.and_then(|proxy| Url::parse(proxy).ok());
        let password = proxy.as_ref().and_then(Url::password);
        secrets.extend(password.map(SecretString::from));
        Self::of(secrets)
    }

    /// One that knows these secrets.
    pub(crate) fn of(mut secrets: Vec<SecretString>) -> Self {
        secrets.retain(|secret| secret.expose_secret().len() >= SHORTEST);
        Self { secrets }
    }

    /// The text without secrets, without what follows `?` in addresses, and of bounded length.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.trim().to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), MARK);
        }
        let words = text.split_whitespace().map(|word| match word.split_once('?') {
            Some((address, _query)) if address.contains("://") => address,
            _ => word,
        });
        let text = words.collect::<Vec<_>>().join(" ");
        if text.chars().count() <= LONGEST {
            return text;
        }
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    #[test]
    fn keys_header_values_proxy_passwords_and_queries_do_not_survive() {
        let raw = json!({"id": "p", "key": ["sk-abcdefgh", "short"],
            "custom_headers": {"X-Auth": "header-secret"}});
        let config = ProviderConfig::merged(None, &raw, Path::new("")).unwrap();
        let redactor = Redactor::new(&config, Some("http://me:proxy-secret@host:1"));
        let text = "bad key sk-abcdefgh, header-secret, proxy-secret at https://a/b?key=1 short";
        let clean = redactor.clean(text);
        assert_eq!(clean, "bad key [redacted], [redacted], [redacted] at https://a/b short");
        assert_eq!(redactor.clean(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
