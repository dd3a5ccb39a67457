//! Bodies of the open API: each is taken or refused.
#![no_main]

use firstlight_core::model::{BuiltInChat, ChatAddress};
use firstlight_gateway::api::chat::request::SendBody;
use firstlight_gateway::api::open::SendAs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _taken_or_refused = serde_json::from_slice::<SendAs>(bytes).is_ok();
    let Ok(body) = serde_json::from_slice::<SendBody>(bytes) else { return };
    let session = body.session().unwrap_or_else(|| "s1".to_owned());
    assert!(!session.trim().is_empty());
    let Ok(address) = ChatAddress::new(BuiltInChat::Web, "ann", &session) else { return };
    let _taken_or_refused = body.into_message(address, "ann".to_owned()).is_ok();
});
