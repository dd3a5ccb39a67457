//! `plugin.toml` as strangers write it: no path of it leads out of its package.
#![no_main]

use firstlight_runtime::plugins::packages::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzzed::manifest(text));
