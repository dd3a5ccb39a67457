//! Forms beside what they are made for: the store of settings, and the host that follows secrets.

use firstlight_core::config::{ConfigError, DocumentId, is_masked};
use serde_json::json;

use super::support::form;
use crate::plugins::dispatch_tests::world;

#[tokio::test]
async fn settings_are_checked_masked_and_followed_by_the_schema_of_a_form() {
    let world = world().await;
    let (shared, id) = (world.plugins.shared(), DocumentId::Plugin("p".to_owned()));
    let config = shared.config();
    let key = json!({"type": "string", "secret": true, "pattern": "^sk-"});
    let form = form(&json!({
        "key": key,
        "inner": {"type": "object", "items": {"key": key, "token_limit": {"type": "string"}}},
        "headers": {"type": "dict"},
        "peers": {"type": "template_list", "templates": {"t": {"items": {
            "api_key": {"type": "string"}, "url": {"type": "string"},
        }}}},
        "count": {"type": "int", "min": 1},
    }));
    config.set_plugin_schema("p", form.schema());
    std::fs::write(world.folder().join("key.txt"), "sk-file\n").unwrap();
    let value = json!({
        "key": "sk-1", "inner": {"key": "file:key.txt", "token_limit": "9"},
        "left": {"over": "from", "an": [1, "earlier form"]},
        "headers": {"Authorization": "Bearer", "Accept": "text"},
        "peers": [{"__template_key": "t", "api_key": "sk-2", "url": "u"}],
    });
    config.save(&id, 0, value.clone(), "ann").await.unwrap();

    let masked = config.view(&id).unwrap().value;
    assert!(is_masked(masked["key"].as_str().unwrap()));
    assert_eq!(masked["inner"], json!({"key": "file:key.txt", "token_limit": "9"}));
    // It may have been a secret, and nobody knows any more.
    for old in [&masked["left"]["over"], &masked["left"]["an"][0], &masked["left"]["an"][1]] {
        assert!(is_masked(old.as_str().unwrap()));
    }
    // No secrets to the form, but they sound so.
    assert!(is_masked(masked["headers"]["Authorization"].as_str().unwrap()));
    assert_eq!(masked["headers"]["Accept"], "text");
    assert_eq!(masked["peers"][0]["url"], "u");
    assert!(is_masked(masked["peers"][0]["api_key"].as_str().unwrap()));
    assert_eq!(config.checked(&id, masked).unwrap(), value);

    let seen = form.complete(&shared.settings("p"));
    assert_eq!(seen["inner"]["key"], "sk-file");
    assert_eq!((&seen["key"], &seen["count"]), (&json!("sk-1"), &json!(1)));
    std::fs::remove_file(world.folder().join("key.txt")).unwrap();
    assert_eq!(form.complete(&shared.settings("p"))["inner"]["key"], "");

    let bad = json!({"inner": {"key": "hunter2"}, "count": 0});
    let Err(ConfigError::Invalid { problems, .. }) = config.checked(&id, bad) else { panic!() };
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(places, ["/count", "/inner/key"]);
    assert!(!format!("{problems:?}").contains("hunter2"));
}
