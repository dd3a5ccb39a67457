//! The texts that a caller reads, in the language that the caller asks for.
//!
//! The general sentence of a code stands in the table of codes. What says more comes from the
//! catalogue of the core, in both languages; what was said by somebody else (a parser, a plugin)
//! is passed on as it is.

use std::borrow::Cow;

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use firstlight_core::messages::{Language, Message};

/// The language that a request asks for.
pub fn wanted(headers: &HeaderMap) -> Language {
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map(Language::accepted).unwrap_or_default()
}

/// Chooses between the two forms of a text.
pub fn pick<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A sentence of the catalogue.
    Message(Message),
    /// A sentence that exists in one language only.
    Plain(Cow<'static, str>),
}

impl Text {
    /// The sentence.
    pub fn in_language(&self, language: Language) -> Cow<'_, str> {
        match self {
            Text::Message(message) => message.text(language),
            Text::Plain(text) => Cow::Borrowed(text),
        }
    }
}

impl From<Message> for Text {
    fn from(message: Message) -> Self {
        Text::Message(message)
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Text::Plain(Cow::Borrowed(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text::Plain(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Text {
    fn from(text: Cow<'static, str>) -> Self {
        Text::Plain(text)
    }
}
