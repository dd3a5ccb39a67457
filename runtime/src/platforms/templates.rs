//! What the page offers when a platform is added: one template for each type, and the fields' forms.

use serde_json::{Value, json};

use super::onebot;

/// The form of a platform: `{platform: {type, config_template, items}}`.
pub fn config_schema() -> Value {
    let mut items = json!({
        "id": {"type": "string", "description": "Name",
            "hint": "The first part of its session keys. It cannot be changed later."},
        "type": {"type": "string", "description": "Adapter", "invisible": true},
        "enable": {"type": "bool", "description": "Enabled"},
    });
    let (template, own) = (onebot::template(), onebot::items());
    if let (Some(items), Value::Object(own)) = (items.as_object_mut(), own) {
        items.extend(own);
    }
    let templates = json!({ "OneBot v11": template });
    json!({"platform": {"type": "list", "config_template": templates, "items": items}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_template_has_a_form() {
        let schema = config_schema();
        let items = schema["platform"]["items"].as_object().unwrap();
        for (name, template) in schema["platform"]["config_template"].as_object().unwrap() {
            for field in template.as_object().unwrap().keys() {
                assert!(items.contains_key(field), "{name}: {field} has no form");
            }
        }
    }
}
