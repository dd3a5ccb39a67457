//! Messages as strangers write them: what is taken is bounded, and survives the database.
#![no_main]

use firstlight_core::model::{ChainLimits, MessageChain, parse_request};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, from_slice, json};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(chain) = from_slice::<MessageChain>(bytes) {
        survives(&chain);
    }
    let Ok(value) = from_slice::<Value>(bytes) else { return };
    if let Ok(parts) = parse_request(&value) {
        drop(json!(parts));
    }
    if let Ok(chain) = MessageChain::from_segments(value, ChainLimits::default()) {
        survives(&chain);
    }
});

/// What is written is read back, and means the same. Numbers for ids become texts at the first
/// reading, so that the second writing is the one that counts.
fn survives(chain: &MessageChain) {
    let mut squashed = chain.clone();
    squashed.squash_plain();
    drop((chain.plain_text(), chain.outline(), squashed, format!("{chain:?}")));
    let written = json!(chain);
    let read: MessageChain = serde_json::from_value(written.clone()).expect("it was written so");
    assert_eq!(json!(read), written);
    assert_eq!(read.plain_text(), chain.plain_text());
}
