//! The number that a question and its answer carry.

/// The number in a text, if one is there: the digits after the last `#`.
pub(super) fn number(text: &[u8]) -> Option<usize> {
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
