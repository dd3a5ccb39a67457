//! Frames and callbacks of a OneBot client.
#![no_main]

use firstlight_runtime::platforms::onebot_fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| onebot_fuzzed::frame(bytes));
