//! What is sent: one request as the protocol wants it.

use serde_json::{Map, Value, json};

use crate::providers::chat::{ChatRequest, Message, Part, Role};
use crate::providers::config::ProviderConfig;

/// Puts a picture's place where the model takes no pictures.
const IMAGE_MARK: &str = "[image]";

/// The JSON body of a chat request.
pub(super) fn body(request: &ChatRequest, config: &ProviderConfig) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model(request, config)));
    body.insert("messages".to_owned(), Value::Array(messages(request, config)));
    body.insert("stream".to_owned(), json!(request.stream));
    if request.stream {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| json!({"type": "function", "function": tool}));
        body.insert("tools".to_owned(), tools.collect());
    }
    let flag = |key: &str| config.raw.get(key).and_then(Value::as_bool) == Some(true);
    if flag("ollama_disable_thinking") {
        body.insert("reasoning_effort".to_owned(), json!("none"));
    }
    if flag("xai_native_search") {
        body.insert("search_parameters".to_owned(), json!({"mode": "auto"}));
    }
    body.extend(config.custom_extra_body.clone());
    Value::Object(body)
}

/// The model that a request asks.
pub(super) fn model<'a>(request: &'a ChatRequest, config: &'a ProviderConfig) -> &'a str {
    let wanted = request.model.as_deref().filter(|model| !model.is_empty());
    wanted.unwrap_or(&config.model)
}

fn messages(request: &ChatRequest, config: &ProviderConfig) -> Vec<Value> {
    let images = config.modalities.is_empty() || config.modalities.iter().any(|m| m == "image");
    let thinks_back = wants_thinking_back(model(request, config), config);
    let system = request.system_prompt.as_deref().filter(|prompt| !prompt.trim().is_empty());
    let system = system.map(|prompt| Message::new(Role::System, vec![Part::text(prompt)]));
    let said = request.messages.iter().filter(|message| says_something(message));
    system.iter().chain(said).map(|message| self::message(message, images, thinks_back)).collect()
}

/// Vendors refuse messages of the model that hold nothing.
fn says_something(message: &Message) -> bool {
    message.role != Role::Assistant || message.images() > 0 || !message.text().trim().is_empty()
}

/// These refuse a history in which the model's own messages lack the field, be it empty.
fn wants_thinking_back(model: &str, config: &ProviderConfig) -> bool {
    let model = model.to_ascii_lowercase();
    config.api_base.contains("api.deepseek.com") || model.starts_with("mimo-")
}

fn message(message: &Message, images: bool, thinks_back: bool) -> Value {
    let content: Vec<Part> = message
        .content
        .iter()
        .cloned()
        .map(|part| match part {
            Part::ImageUrl { .. } if !images => Part::text(IMAGE_MARK),
            part => part,
        })
        .collect();
    let plain = Message { role: message.role, content, reasoning_content: None };
    let mut wire = serde_json::to_value(&plain).unwrap_or_default();
    if let Some(fields) =
        wire.as_object_mut().filter(|_| thinks_back && plain.role == Role::Assistant)
    {
        let thought = message.reasoning_content.clone().unwrap_or_default();
        fields.insert("reasoning_content".to_owned(), Value::String(thought));
    }
    wire
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::providers::chat::ToolDefinition;

    fn config(more: &Value) -> ProviderConfig {
        let base = json!({"id": "p", "model": "m", "api_base": "https://a/v1"});
        ProviderConfig::merged(Some(&base), more, Path::new("")).unwrap()
    }

    fn request(messages: Vec<Message>) -> ChatRequest {
        ChatRequest { messages, ..ChatRequest::default() }
    }

    #[test]
    fn a_plain_request_has_the_plain_shape() {
        let mut asked =
            request(vec![Message::user("hi"), Message::assistant(" "), Message::user("?")]);
        asked.system_prompt = Some("be brief".to_owned());
        assert_eq!(
            body(&asked, &config(&json!({"id": "p"}))),
            json!({"model": "m", "stream": false, "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "hi"}, {"role": "user", "content": "?"}]})
        );
        asked.stream = true;
        asked.model = Some("other".to_owned());
        let sent = body(&asked, &config(&json!({"id": "p"})));
        assert_eq!(
            (&sent["model"], &sent["stream_options"]["include_usage"]),
            (&json!("other"), &json!(true))
        );
    }

    #[test]
    fn images_go_out_as_data_urls_unless_the_model_takes_none() {
        let parts = vec![Part::text("what?"), Part::image_bytes("image/png", &[1, 2, 3])];
        let asked = request(vec![Message::new(Role::User, parts)]);
        let sent = body(&asked, &config(&json!({"id": "p", "modalities": ["text", "image"]})));
        let url = &sent["messages"][0]["content"][1]["image_url"]["url"];
        assert_eq!(url, "data:image/png;base64,AQID");
        let sent = body(&asked, &config(&json!({"id": "p", "modalities": ["text"]})));
        assert_eq!(sent["messages"][0]["content"][1], json!({"type": "text", "text": "[image]"}));
    }

    #[test]
    fn extra_fields_of_the_configuration_win_and_vendor_switches_are_known() {
        let extra = json!({"id": "p", "custom_extra_body": {"temperature": 0.5, "model": "x"},
            "ollama_disable_thinking": true, "xai_native_search": true});
        let mut asked = request(vec![Message::user("hi")]);
        let parameters = json!({"type": "object"});
        asked.tools =
            vec![ToolDefinition { name: "f".into(), description: "d".into(), parameters }];
        let sent = body(&asked, &config(&extra));
        assert_eq!((&sent["model"], &sent["temperature"]), (&json!("x"), &json!(0.5)));
        assert_eq!(sent["reasoning_effort"], "none");
        assert_eq!(sent["search_parameters"], json!({"mode": "auto"}));
        assert_eq!(sent["tools"][0]["function"]["name"], "f");
    }

    #[test]
    fn thinking_goes_back_only_to_those_who_insist_on_it() {
        let mut said = Message::assistant("yes");
        said.reasoning_content = Some("hm".to_owned());
        let asked = request(vec![said, Message::assistant("no")]);
        let sent = body(&asked, &config(&json!({"id": "p"})));
        assert!(sent["messages"][0].get("reasoning_content").is_none());
        let deepseek = json!({"id": "p", "api_base": "https://api.deepseek.com/v1"});
        let sent = body(&asked, &config(&deepseek));
        assert_eq!(sent["messages"][0]["reasoning_content"], "hm");
        assert_eq!(sent["messages"][1]["reasoning_content"], "");
    }
}
