//! An answer as several messages with pauses between them, as people write.

use std::time::Duration;

use firstlight_core::config::{IntervalMethod, SegmentedReply, SplitMode};
use firstlight_core::model::{Component, MessageChain};

use super::compiled::Compiled;

/// How many messages one answer becomes at most; the last one holds the rest.
const MOST: usize = 50;

/// Splits a message: each piece with the pause before it. The first has none.
pub(super) fn split(
    message: &MessageChain,
    settings: &SegmentedReply,
    compiled: &Compiled,
) -> Vec<(MessageChain, Duration)> {
    let mut pieces: Vec<Vec<Component>> = Vec::new();
    // Quotes and mentions stand in front of what they belong to.
    let mut heads = Vec::new();
    for component in &message.chain {
        match component {
            Component::Reply(_) | Component::At(_) => heads.push(component.clone()),
            Component::Plain(plain) => {
                for text in texts(&plain.text, settings, compiled) {
                    let mut piece = std::mem::take(&mut heads);
                    piece.push(Component::text(text));
                    pieces.push(piece);
                }
            }
            other => {
                let mut piece = std::mem::take(&mut heads);
                piece.push(other.clone());
                pieces.push(piece);
            }
        }
    }
    if pieces.len() > MOST {
        let rest = pieces.split_off(MOST - 1).concat();
        pieces.push(rest);
    }
    let paused = |(index, piece): (usize, Vec<Component>)| {
        let pause = if index == 0 { Duration::ZERO } else { pause(&piece, settings) };
        (message.derive(piece), pause)
    };
    pieces.into_iter().enumerate().map(paused).collect()
}

fn texts(text: &str, settings: &SegmentedReply, compiled: &Compiled) -> Vec<String> {
    let long = text.chars().count() > settings.words_count_threshold as usize;
    let parts: Vec<&str> = match (settings.split_mode, &compiled.segment) {
        _ if long => vec![text],
        (SplitMode::Regex, Some(pattern)) => pattern.matches(text).collect(),
        (SplitMode::Regex, None) => vec![text],
        (SplitMode::Words, _) => by_words(text, &settings.split_words),
    };
    let cleaned = |part: &str| match &compiled.cleanup {
        Some(rule) => rule.remove_from(part),
        None => part.to_owned(),
    };
    parts.into_iter().map(cleaned).filter(|part| !part.trim().is_empty()).collect()
}

/// The pieces between the words; of words that begin at the same place the longest counts.
fn by_words<'t>(text: &'t str, words: &[String]) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let found = words
            .iter()
            .filter(|word| !word.is_empty())
            .filter_map(|word| Some((rest.find(word.as_str())?, word.len())))
            .min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)));
        let Some((at, length)) = found else {
            parts.push(rest);
            return parts;
        };
        let (before, after) = rest.split_at(at);
        parts.push(before);
        rest = after.split_at(length).1;
    }
}

fn pause(piece: &[Component], settings: &SegmentedReply) -> Duration {
    let text: String = piece.iter().filter_map(Component::as_text).collect();
    let (least, most) = match settings.interval_method {
        IntervalMethod::Random => settings.bounds().unwrap_or((1.5, 3.5)),
        IntervalMethod::Log if text.is_empty() => (1.0, 1.75),
        IntervalMethod::Log => {
            let seconds = (words(&text) + 1.0).log(settings.log_base);
            (seconds, seconds + 0.5)
        }
    };
    Duration::try_from_secs_f64(rand::random_range(least..=most)).unwrap_or_default()
}

/// Words where letters make words, letters where each is one.
fn words(text: &str) -> f64 {
    let count = if text.is_ascii() {
        text.split_whitespace().count()
    } else {
        text.chars().filter(|letter| letter.is_alphanumeric()).count()
    };
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use firstlight_core::config::{PlatformSettings, Profile};
    use firstlight_core::model::Image;

    use super::*;

    fn check(settings: SegmentedReply, message: &MessageChain, expected: &[&str]) {
        let settings = SegmentedReply { enable: true, ..settings };
        let platform_settings =
            PlatformSettings { segmented_reply: settings.clone(), ..PlatformSettings::default() };
        let profile = Profile { platform_settings, ..Profile::default() };
        let compiled = Compiled::of(&profile, Path::new("")).unwrap();
        let pieces = split(message, &settings, &compiled);
        let outlines: Vec<String> = pieces.iter().map(|(piece, _)| piece.outline()).collect();
        assert_eq!(outlines, expected);
        assert!(pieces.iter().take(1).all(|(_, pause)| pause.is_zero()));
        assert!(pieces.iter().skip(1).all(|(_, pause)| !pause.is_zero()));
    }

    #[test]
    fn the_default_pattern_splits_after_the_ends_of_sentences_and_at_lines() {
        let message = MessageChain::text("你好。在吗？！\nlast line");
        check(SegmentedReply::default(), &message, &["你好。", "在吗？！", "\nlast line"]);
    }

    #[test]
    fn words_are_left_out_and_the_rule_cleans_each_piece() {
        let settings = SegmentedReply {
            split_mode: SplitMode::Words,
            split_words: vec!["。".into(), "。。".into(), String::new()],
            content_cleanup_rule: "[,，]$".into(),
            ..SegmentedReply::default()
        };
        check(settings, &MessageChain::text("one,。。two。 。three"), &["one", "two", "three"]);
    }

    #[test]
    fn a_long_text_is_one_piece_and_pictures_are_their_own() {
        let settings = SegmentedReply { words_count_threshold: 3, ..SegmentedReply::default() };
        let mut message = MessageChain::text("long。text");
        message.chain.push(Component::Image(Image::default()));
        message.chain.push(Component::text("a。b"));
        check(settings, &message, &["long。text", "[image]", "a。", "b"]);
    }

    #[test]
    fn an_answer_becomes_a_bounded_number_of_messages_and_loses_nothing() {
        let settings = SegmentedReply {
            words_count_threshold: 1_000,
            enable: true,
            ..SegmentedReply::default()
        };
        let platform_settings =
            PlatformSettings { segmented_reply: settings.clone(), ..PlatformSettings::default() };
        let compiled =
            Compiled::of(&Profile { platform_settings, ..Profile::default() }, Path::new(""))
                .unwrap();
        let text = "a。".repeat(200);
        let pieces = split(&MessageChain::text(&text), &settings, &compiled);
        assert_eq!(pieces.len(), MOST);
        let all = pieces.iter().flat_map(|(piece, _)| &piece.chain);
        assert_eq!(all.filter_map(Component::as_text).collect::<String>(), text);
    }
}
