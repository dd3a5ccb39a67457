//! Secrets that travel in addresses and headers, taken out of a line before anyone reads it.
//!
//! The contract accepts tokens in the query, and a proxy or a client library may put an address
//! into an error, so every line goes through here, whoever wrote it.

use std::borrow::Cow;

const MASK: &str = "***";

/// What stands before a secret. All of it is kept, what follows is not.
const MARKS: [&str; 10] = [
    "?token=",
    "&token=",
    "?api_key=",
    "&api_key=",
    "?key=",
    "&key=",
    "#setup=",
    "/page-content/",
    "Bearer ",
    "bearer ",
];

/// The line without its secrets.
pub fn redact(line: &str) -> Cow<'_, str> {
    let Some(first) = next_mark(line) else {
        return Cow::Borrowed(line);
    };
    let mut clean = String::with_capacity(line.len());
    let mut rest = line;
    let mut found = Some(first);
    while let Some(end) = found {
        let (kept, secret) = rest.split_at(end);
        clean.push_str(kept);
        let length = secret.find(ends_a_secret).unwrap_or(secret.len());
        if length > 0 {
            clean.push_str(MASK);
        }
        rest = secret.split_at(length).1;
        found = next_mark(rest);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// Where the next secret begins: behind the mark that comes first.
fn next_mark(text: &str) -> Option<usize> {
    MARKS
        .iter()
        .filter_map(|mark| text.find(mark).map(|at| (at, at + mark.len())))
        .min()
        .map(|(_, end)| end)
}

fn ends_a_secret(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '&' | '#' | '"' | '\'' | '\\' | ')' | ']' | '}' | '>' | ',' | ';')
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn tokens_in_addresses_and_headers_are_masked() {
        for (line, expected) in [
            ("GET /api/file?token=abc&x=1 200", "GET /api/file?token=***&x=1 200"),
            ("GET /x?a=1&api_key=abk_zzz", "GET /x?a=1&api_key=***"),
            ("two ?key=a and &key=b end", "two ?key=*** and &key=*** end"),
            (r#"{"uri":"/ws?token=abc"}"#, r#"{"uri":"/ws?token=***"}"#),
            ("authorization: Bearer abc.def", "authorization: Bearer ***"),
            (
                "open http://127.0.0.1:6185/#setup=s3cret now",
                "open http://127.0.0.1:6185/#setup=*** now",
            ),
            (
                "GET /api/plugin/page-content/t0k/dice/p/a.js 200",
                "GET /api/plugin/page-content/*** 200",
            ),
            ("?token=", "?token="),
        ] {
            assert_eq!(redact(line), expected);
        }
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in ["", "conversation_key=webchat:1", "monkey=banana", "token = none"] {
            assert!(matches!(redact(line), std::borrow::Cow::Borrowed(same) if same == line));
        }
    }
}
