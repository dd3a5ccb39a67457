//! The mark that tells messages apart, wherever they are.

/// What is said, with its mark.
pub(super) fn marked(number: u64) -> String {
    format!("what about #{number}# then")
}

/// The mark in a text, if there is one.
pub(super) fn find(text: &str) -> Option<u64> {
    text.split('#').skip(1).find_map(|piece| piece.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{find, marked};

    #[test]
    fn a_mark_is_found_in_what_a_model_makes_of_it() {
        assert_eq!(find(&format!("You said: # {}", marked(42))), Some(42));
        assert_eq!(find("there is none, # nor here #"), None);
    }
}
