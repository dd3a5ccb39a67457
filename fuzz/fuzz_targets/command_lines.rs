//! Command lines: every line is read to its end, and a quoted text comes back as it was.
#![no_main]

use firstlight_plugins_api::matching::{Line, Word, parse, quote};
use firstlight_plugins_api::{Argument, Message, Piece};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let line = Line::text(text);
    let words = line.words().count();
    assert!(words <= text.chars().count());

    for arguments in declared() {
        if let Err(error) = parse(line.words(), &arguments) {
            // What was wrong is told back shortened, whatever it was.
            assert!(error.to_string().chars().count() < 1_000);
        }
    }

    let quoted = Line::text(quote(text));
    let read: Vec<Word> = quoted.words().collect();
    assert_eq!(read, [Word::Text { text: text.to_owned(), quoted: true }]);

    let mention = Piece::At { qq: "300".to_owned(), name: "Ann".to_owned() };
    let pieces = vec![mention.clone(), Piece::text(text), mention, Piece::text(text)];
    let message = Message { pieces, ..Message::default() };
    let _words_of_any_end = Line::of(&message, text).words().count();
});

fn declared() -> [Vec<Argument>; 4] {
    [
        vec![],
        vec![Argument::int("count"), Argument::text("what").optional()],
        vec![
            Argument::float("x"),
            Argument::bool("loud").named().optional(),
            Argument::choice("colour", ["red", "blue"]).optional(),
            Argument::rest("rest"),
        ],
        vec![Argument::mention("who"), Argument::bool("sure").default(false)],
    ]
}
