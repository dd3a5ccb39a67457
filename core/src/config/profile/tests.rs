//! The profile as a document.

use serde_json::{Value, json};

use super::Profile;
use crate::config::schema;

#[test]
fn b24_every_key_has_one_default_which_is_the_one_in_the_schema() {
    let empty: Profile = serde_json::from_value(json!({})).unwrap();
    assert_eq!(empty, Profile::default());
    let default = serde_json::to_value(Profile::default()).unwrap();
    check(&schema::PROFILE, &default, "");
}

/// The schema of each object names the default of each of its keys.
fn check(schema: &Value, default: &Value, place: &str) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (key, property) in properties {
        let place = format!("{place}/{key}");
        let expected = &default[key];
        assert_eq!(property.get("default"), Some(expected), "{place}");
        check(property, expected, &place);
    }
}

#[test]
fn a_part_of_an_object_leaves_the_defaults_of_the_rest() {
    let profile: Profile = serde_json::from_value(json!({
        "platform_settings": { "rate_limit": { "count": 5 }, "reply_prefix": "x" },
        "provider_settings": { "quoted_message_parser": { "max_forward_fetch": 1 } },
        "content_safety": { "internal_keywords": {} },
    }))
    .unwrap();
    assert_eq!(profile.platform_settings.rate_limit.time, 60);
    assert!(profile.platform_settings.no_permission_reply);
    assert_eq!(profile.provider_settings.quoted_message_parser.max_forward_node_depth, 6);
    assert!(profile.content_safety.internal_keywords.enable);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let profile: Profile = serde_json::from_value(json!({
        "platform_settings": {
            "rate_limit": { "count": 20_000 },
            "segmented_reply": { "regex": "(", "interval": "3,1", "log_base": 1,
                "content_cleanup_rule": "[" },
        },
        "content_safety": { "internal_keywords": { "extra_keywords": ["(?!x)"] },
            "moderation": { "enable": true, "url": "ftp://x" } },
    }))
    .unwrap();
    let mut problems = Vec::new();
    profile.check(&mut problems);
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/platform_settings/segmented_reply/regex",
            "/platform_settings/segmented_reply/content_cleanup_rule",
            "/platform_settings/segmented_reply/interval",
            "/platform_settings/segmented_reply/log_base",
            "/platform_settings/rate_limit/count",
            "/content_safety/internal_keywords/extra_keywords",
            "/content_safety/moderation/url",
        ]
    );
}
