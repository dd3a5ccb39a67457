//! Shell-style patterns over one part of a session key.

/// Whether the pattern fits the whole text. `*` stands for any run of characters, `?` for one, and
/// `[abc]`, `[a-z]`, `[!abc]` for one of a set; a `[` without its `]` is itself. Case counts.
///
/// Linear in the text for each `*`, so a hostile pattern costs little.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&letter) = text.get(read) {
        match step(pattern.get(at..).unwrap_or_default(), letter) {
            Step::Star => {
                at += 1;
                retry = Some((at, read));
                continue;
            }
            Step::One(used) => {
                at += used;
                read += 1;
                continue;
            }
            Step::No => {}
        }
        let Some((after_star, from)) = retry else { return false };
        retry = Some((after_star, from + 1));
        (at, read) = (after_star, from + 1);
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

/// Whether the pattern stands for itself only.
pub(super) fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '['])
}

enum Step {
    /// A star begins here.
    Star,
    /// The letter fits, and so many characters of the pattern are used up.
    One(usize),
    No,
}

fn step(pattern: &[char], letter: char) -> Step {
    match pattern {
        ['*', ..] => Step::Star,
        ['?', ..] => Step::One(1),
        ['[', rest @ ..] => match set(rest) {
            Some((inside, used)) if in_set(inside, letter) => Step::One(used + 1),
            None if letter == '[' => Step::One(1),
            _ => Step::No,
        },
        [expected, ..] if *expected == letter => Step::One(1),
        _ => Step::No,
    }
}

/// What is between the brackets, and how much of the pattern it takes with the closing one. A `]`
/// that comes first belongs to the set.
fn set(rest: &[char]) -> Option<(&[char], usize)> {
    let skip = usize::from(rest.first() == Some(&'!')) + 1;
    let end = rest.iter().skip(skip).position(|letter| *letter == ']')? + skip;
    Some((rest.get(..end)?, end + 1))
}

fn in_set(inside: &[char], letter: char) -> bool {
    let (negated, mut inside) = match inside {
        ['!', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut found = false;
    loop {
        inside = match inside {
            [low, '-', high, rest @ ..] => {
                found |= (*low..=*high).contains(&letter);
                rest
            }
            [one, rest @ ..] => {
                found |= *one == letter;
                rest
            }
            [] => return found != negated,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        };
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a*c", "abbbc", true);
        check("a*c", "abbbd", false);
        check("*!ann!*", "webchat!ann!5f0c", true);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("[a-c]1", "b1", true);
        check("[!a-c]1", "b1", false);
        check("[]x]", "]", true);
        check("[x", "[x", true);
        check("A", "a", false);
        check("**a**", "bab", true);
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!fits(&"*a".repeat(200), &"a".repeat(190)));
    }

    proptest! {
        #[test]
        fn a_literal_fits_itself_and_a_star_fits_everything(text in "[^*?\\[]{0,20}") {
            prop_assert!(fits(&text, &text));
            prop_assert!(fits("*", &text));
        }
    }
}
