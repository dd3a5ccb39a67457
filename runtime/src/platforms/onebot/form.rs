//! The form of a OneBot platform.

use serde_json::{Value, json};

use super::config::Keys;

/// The names of the type: the one that existing configurations have, and the plain one.
pub(crate) const KINDS: &[&str] = &["aiocqhttp", "onebot"];

/// An entry to begin with: every key with its default.
pub(crate) fn template() -> Value {
    let mut template = json!({ "id": "qq", "type": KINDS.first(), "enable": true });
    if let (Some(template), Value::Object(keys)) =
        (template.as_object_mut(), json!(Keys::default()))
    {
        template.extend(keys);
    }
    template
}

/// How each key is shown.
pub(crate) fn items() -> Value {
    let secret = "env:NAME and file:PATH keep it out of the configuration.";
    json!({
        "ws_reverse_enable": {"type": "bool", "description": "Let clients connect",
            "hint": "Reverse WebSocket: the client connects to ws://HOST:PORT/ws"},
        "ws_reverse_host": {"type": "string", "description": "Address to listen on",
            "hint": "0.0.0.0 to be reached from other machines and containers; needs a token."},
        "ws_reverse_port": {"type": "int", "description": "Port to listen on"},
        "ws_reverse_token": {"type": "string", "description": "Access token of clients",
            "hint": secret},
        "http_callback_enable": {"type": "bool", "description": "Take events by HTTP callback",
            "hint": "On the same address and port."},
        "http_callback_path": {"type": "string", "description": "Path of the callback"},
        "http_callback_secret": {"type": "string", "description": "Secret that signs callbacks",
            "hint": secret},
        "http_api_url": {"type": "string", "description": "Address of the client's HTTP API",
            "hint": "For sending without a WebSocket, for example http://127.0.0.1:5700"},
        "http_api_token": {"type": "string", "description": "Access token of the HTTP API",
            "hint": secret},
        "ws_url": {"type": "string", "description": "Address of the client's WebSocket server",
            "hint": "Forward WebSocket: we connect to it, for example ws://127.0.0.1:3001"},
        "ws_token": {"type": "string", "description": "Access token of the WebSocket server",
            "hint": secret},
        "api_timeout": {"type": "int", "description": "Limit for an answer of the client",
            "hint": "In seconds, 1 to 150."},
        "text_limit": {"type": "int", "description": "Longest message",
            "hint": "In characters; a longer one is split."},
        "concurrent_sends": {"type": "int", "description": "Messages on their way at once",
            "hint": "Each to another session, 1 to 256."},
    })
}
