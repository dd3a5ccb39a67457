//! What the page offers when a provider is added: one template per vendor, and the fields' forms.
//!
//! Only what is built is offered.

use serde_json::{Map, Value, json};

use super::demo;

/// A vendor: name of the template, adapter, brand, address.
type Vendor = (&'static str, &'static str, &'static str, &'static str);

const OPENAI: &str = "openai_chat_completion";

const VENDORS: &[Vendor] = &[
    ("OpenAI Compatible", OPENAI, "openai", "https://api.openai.com/v1"),
    ("Moonshot", OPENAI, "moonshot", "https://api.moonshot.cn/v1"),
    ("MiniMax", OPENAI, "minimax", "https://api.minimaxi.com/v1"),
    ("Xiaomi", "xiaomi_chat_completion", "xiaomi", "https://api.xiaomimimo.com/v1"),
    ("xAI", "xai_chat_completion", "xai", "https://api.x.ai/v1"),
    ("DeepSeek", OPENAI, "deepseek", "https://api.deepseek.com/v1"),
    ("Zhipu", "zhipu_chat_completion", "zhipu", "https://open.bigmodel.cn/api/paas/v4/"),
    ("LongCat", "longcat_chat_completion", "longcat", "https://api.longcat.chat/openai"),
    ("AIHubMix", "aihubmix_chat_completion", "aihubmix", "https://aihubmix.com/v1"),
    ("OpenRouter", "openrouter_chat_completion", "openrouter", "https://openrouter.ai/api/v1"),
    (
        "SSYCloud(胜算云)",
        "ssycloud_chat_completion",
        "ssycloud",
        "https://router.shengsuanyun.com/api/v1",
    ),
    ("NVIDIA", OPENAI, "nvidia", "https://integrate.api.nvidia.com/v1"),
    ("Azure OpenAI", OPENAI, "azure", ""),
    ("Ollama", OPENAI, "ollama", "http://127.0.0.1:11434/v1"),
    ("LM Studio", OPENAI, "lm_studio", "http://127.0.0.1:1234/v1"),
    (
        "Gemini_OpenAI_API",
        OPENAI,
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai/",
    ),
    ("Groq", "groq_chat_completion", "groq", "https://api.groq.com/openai/v1"),
    ("302.AI", OPENAI, "302ai", "https://api.302.ai/v1"),
    ("SiliconFlow", OPENAI, "siliconflow", "https://api.siliconflow.cn/v1"),
    ("PPIO", OPENAI, "ppio", "https://api.ppinfra.com/v3/openai"),
    ("TokenPony", OPENAI, "tokenpony", "https://api.tokenpony.cn/v1"),
    ("Compshare", OPENAI, "compshare", "https://api.modelverse.cn/v1"),
    ("ModelScope", OPENAI, "modelscope", "https://api-inference.modelscope.cn/v1"),
    ("FastGPT", OPENAI, "fastgpt", "https://api.fastgpt.in/api/v1"),
];

/// The form of a provider: `{provider: {type, config_template, items}}`.
pub fn config_schema() -> Value {
    let mut templates: Map<String, Value> =
        VENDORS.iter().map(|vendor| (vendor.0.to_owned(), template(*vendor))).collect();
    templates.insert("Demo".to_owned(), demo_template());
    json!({"provider": {"type": "list", "config_template": templates, "items": items()}})
}

fn template((_, kind, brand, api_base): Vendor) -> Value {
    let mut template = json!({
        "id": brand,
        "provider": brand,
        "type": kind,
        "provider_type": "chat_completion",
        "enable": true,
        "key": [],
        "api_base": api_base,
        "timeout": 120,
        "proxy": "",
        "custom_headers": {},
    });
    let own = match brand {
        "azure" => json!({"api_version": "2024-05-01-preview"}),
        "ollama" => json!({"key": ["ollama"], "ollama_disable_thinking": false}),
        "lm_studio" => json!({"key": ["lmstudio"]}),
        "xai" => json!({"xai_native_search": false}),
        "fastgpt" => json!({"custom_extra_body": {}}),
        _ => json!({}),
    };
    if let (Some(template), Value::Object(own)) = (template.as_object_mut(), own) {
        template.extend(own);
    }
    template
}

fn demo_template() -> Value {
    json!({
        "id": "demo",
        "provider": "demo",
        "type": demo::KIND,
        "provider_type": "chat_completion",
        "model": "demo",
        "enable": true,
        "chunk_delay_ms": 15,
    })
}

fn items() -> Value {
    json!({
        "id": {"type": "string", "description": "Name",
            "hint": "What profiles and sessions choose it by."},
        "enable": {"type": "bool", "description": "Enabled"},
        "type": {"type": "string", "description": "Adapter", "invisible": true},
        "provider": {"type": "string", "description": "Vendor", "invisible": true},
        "provider_type": {"type": "string", "description": "Purpose", "invisible": true},
        "provider_source_id": {"type": "string", "description": "Source", "invisible": true},
        "key": {"type": "list", "items": {"type": "string"}, "description": "API keys",
            "hint": "Several are used in turn; one that is refused or limited rests. \
                     env:NAME and file:PATH keep a key out of the configuration."},
        "api_base": {"type": "string", "description": "Address of the API",
            "hint": "Up to the version, for example https://api.openai.com/v1"},
        "api_version": {"type": "string", "description": "API version",
            "hint": "For Azure only; leave empty elsewhere."},
        "model": {"type": "string", "description": "Model"},
        "modalities": {"type": "list", "items": {"type": "string"},
            "options": ["text", "image", "audio", "tool_use"], "description": "What the model takes",
            "hint": "Empty means everything."},
        "max_context_tokens": {"type": "int", "description": "Size of the context window",
            "hint": "In tokens. 0 looks it up."},
        "timeout": {"type": "int", "description": "Limit for the first piece of an answer",
            "hint": "In seconds."},
        "idle_timeout": {"type": "int", "description": "Limit between two pieces of an answer",
            "hint": "In seconds, 60 by default."},
        "connect_timeout": {"type": "int", "description": "Limit for connecting",
            "hint": "In seconds, 10 by default."},
        "total_timeout": {"type": "int", "description": "Limit for a whole call with its retries",
            "hint": "In seconds, 900 by default."},
        "request_max_retries": {"type": "int", "description": "How often a request is tried in all",
            "hint": "Only before the first piece of an answer. Without one, the profile's setting."},
        "proxy": {"type": "string", "description": "Proxy",
            "hint": "http, https, socks5 or socks5h; for this provider alone."},
        "custom_headers": {"type": "dict", "items": {}, "description": "Further headers"},
        "custom_extra_body": {"type": "dict", "items": {}, "description": "Further fields of the request"},
        "ollama_disable_thinking": {"type": "bool", "description": "Switch thinking off (Ollama)"},
        "xai_native_search": {"type": "bool", "description": "Let the model search (xAI)"},
        "chunk_delay_ms": {"type": "int", "description": "Pace of the demo",
            "hint": "Milliseconds before each piece of its answer."},
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::providers::{ProviderConfig, ProviderDefaults, kinds};

    #[test]
    fn every_template_makes_a_provider_and_has_a_form_for_each_field() {
        let schema = config_schema();
        let items = schema["provider"]["items"].as_object().unwrap();
        let templates = schema["provider"]["config_template"].as_object().unwrap();
        assert_eq!(templates.len(), VENDORS.len() + 1);
        for (name, template) in templates {
            for field in template.as_object().unwrap().keys() {
                assert!(items.contains_key(field), "{name}: {field} has no form");
            }
            let mut template = template.clone();
            if name == "Azure OpenAI" {
                template["api_base"] = json!("https://mine.openai.azure.com");
            }
            let config = ProviderConfig::merged(None, &template, Path::new("")).unwrap();
            let made = kinds::build(&config, &ProviderDefaults::default());
            assert!(made.is_ok(), "{name}: {:?}", made.err());
        }
    }
}
