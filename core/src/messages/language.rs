//! The languages there are, and which one a client wants.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language that the gateway speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese.
    #[serde(rename = "zh")]
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The one that an `Accept-Language` header likes best; English when it likes none.
    pub fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::default());
        // A header may be long; nobody speaks more languages than this.
        for wish in header.split(',').take(16) {
            let mut parts = wish.split(';').map(str::trim);
            let language = parts.next().and_then(Self::of_tag);
            let weight = parts
                .find_map(|parameter| parameter.strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if let Some(language) = language.filter(|_| weight > best.0) {
                best = (weight, language);
            }
        }
        best.1
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_decides_by_weight_then_by_order() {
        let check = |header: &str, expected: Language| {
            assert_eq!(Language::accepted(header), expected, "{header}");
        };
        check("", Language::English);
        check("fr, de;q=0.9", Language::English);
        check("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese);
        check("en-US,en;q=0.9,zh-CN;q=0.8", Language::English);
        check("fr, en;q=0.3, ZH-Hant;q=0.7", Language::Chinese);
        check("zh;q=0, en;q=0.1", Language::English);
        check("zh;q=nonsense", Language::English);
        check("zh", Language::Chinese);
        check("zhx", Language::English);
        check(";;;,,,;q=", Language::English);
    }
}
