//! What a well-behaved server says. Written by hand, so that a mistake of the library that the
//! gateway uses is not made twice.

use serde_json::{Value, json};

/// Lists come in pages of so many tools.
const PAGE: usize = 3;

/// The answer to a message; none for notifications.
pub fn answer(message: &Value, tools: &[String]) -> Option<Value> {
    let id = message.get("id")?;
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": "fake", "version": "1" },
        }),
        "tools/list" => {
            let cursor = message["params"]["cursor"].as_str();
            let begin = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0_usize);
            let page = tools.iter().skip(begin).take(PAGE);
            let page: Vec<Value> = page.map(|name| tool(name)).collect();
            let end = begin + page.len();
            let mut result = json!({ "tools": page });
            if end < tools.len() {
                result["nextCursor"] = json!(end.to_string());
            }
            result
        }
        "ping" => json!({}),
        _ => {
            let error = json!({ "code": -32601, "message": "method not found" });
            return Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

/// What a server says when its tools are others now.
pub fn list_changed() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })
}

fn tool(name: &str) -> Value {
    json!({
        "name": name,
        "description": format!("does {name}"),
        "inputSchema": { "type": "object", "properties": { "n": { "type": "integer" } } },
    })
}
