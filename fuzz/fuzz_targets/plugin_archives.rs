//! Zip archives by strangers: what is unpacked is bounded, and stays where it belongs.
#![no_main]

use firstlight_runtime::plugins::packages::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzed::archive(bytes));
