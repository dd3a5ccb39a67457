//! How many tokens a text is, roughly, where no provider has counted them.

/// A picture, whatever its size.
pub const IMAGE_TOKENS: u64 = 765;

/// Six tenths of a token per CJK character, three tenths per other character, rounded up.
pub fn estimate(text: &str) -> u64 {
    let tenths: u64 = text.chars().map(|c| if is_cjk(c) { 6 } else { 3 }).sum();
    tenths.div_ceil(10)
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_weighs_twice_what_english_does() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("abcd"), 2);
        assert_eq!(estimate("你好世界"), 3);
    }
}
