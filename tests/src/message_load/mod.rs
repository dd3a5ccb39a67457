//! What loads the message path of a gateway: a OneBot peer that asks and counts, and a model that
//! answers at once.
//!
//! Each question carries its number, as `#17`, and the model says it back, so that an answer is
//! known to be the answer to its question and in its place.

mod folder;
mod load;
mod model;
mod peer;

pub use folder::{Folder, prepare};
pub use load::{Flood, Load, Report};
pub use model::serve as serve_model;

/// The number in a text, if one is there: the digits after the last `#`.
fn number(text: &[u8]) -> Option<usize> {
    let at = text.iter().rposition(|byte| *byte == b'#')?;
    let digits = text.get(at + 1..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn the_number_is_behind_the_last_mark() {
        assert_eq!(number(br##"{"messages":"#1 and #207 is asked","model":"m"}"##), Some(207));
        assert_eq!(number(b"#"), None);
        assert_eq!(number(b"none"), None);
    }
}
