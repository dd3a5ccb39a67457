//! The language of the texts that a caller reads.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// The languages that messages exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, also for everyone who asked for something else.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// The first language of `Accept-Language` that we have, by the order the caller gave.
    ///
    /// Weights are not compared: browsers list languages by preference.
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        wanted
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(|entry| entry.split(';').next().unwrap_or_default().trim())
            .find_map(|tag| match tag.split('-').next().unwrap_or_default() {
                primary if primary.eq_ignore_ascii_case("zh") => Some(Language::Zh),
                primary if primary.eq_ignore_ascii_case("en") => Some(Language::En),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Chooses between the two forms of a text.
    pub fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Language::En => english,
            Language::Zh => chinese,
        }
    }
}
