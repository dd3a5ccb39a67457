//! The bytes of a model's answer, in pieces of any size.
#![no_main]

use firstlight_runtime::providers::openai::fuzzed::stream_chunks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| stream_chunks(bytes));
