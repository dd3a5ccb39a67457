//! Settings forms of plugins, and settings that were saved by other forms.
#![no_main]

use firstlight_runtime::plugins::settings_form_fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| settings_form_fuzzed::forms(bytes));
