//! Lines that a plugin's program writes: each is a message or is refused, and what is read is
//! written so that it is read again.
#![no_main]

use firstlight_plugins_api::wire::frame::{self, Frame};
use firstlight_plugins_api::wire::{GuestCall, HostCall};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    match Frame::parse(line) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(Frame::Request { id, method, params }) => {
            if let Ok(call) = frame::call::<HostCall>(&method, params) {
                assert_eq!(call.method(), method);
                let written = frame::request(id, &call).expect("it was read");
                assert!(!written.contains('\n'));
                let Ok(Frame::Request { id: again, method, params }) = Frame::parse(&written) else {
                    panic!("{written}")
                };
                assert_eq!(again, id);
                assert_eq!(frame::call::<HostCall>(&method, params).expect("it was written"), call);
            }
            // A plugin reads the same lines.
            let _of_a_gateway = frame::call::<GuestCall>(&method, params);
        }
        Ok(Frame::Answer { id, result }) => {
            let written = frame::answer(id, result.as_ref().map(|text| text.get()));
            if !written.contains('\n') {
                assert!(Frame::parse(&written).is_ok(), "{written}");
            }
        }
        Ok(Frame::Notification { .. }) => {}
    }
});
