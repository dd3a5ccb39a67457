//! Masking, with examples and as a property.

use proptest::prelude::*;
use serde_json::json;

use super::super::schema;
use super::*;

fn providers() -> &'static Value {
    &schema::PROVIDERS
}

#[test]
fn keys_are_masked_and_references_are_shown() {
    let value = json!({"provider_sources": [{
        "id": "a",
        "key": ["sk-0123456789abcdef", "short", "short2", "env:NAME", "$NAME", "file:k", ""],
        "custom_headers": {"X-Team": "blue"},
    }]});
    assert_eq!(
        mask(&value, providers()),
        json!({"provider_sources": [{
            "id": "a",
            "key": ["••••cdef", "••••·2", "••••·3", "env:NAME", "$NAME", "file:k", ""],
            "custom_headers": {"X-Team": "••••"},
        }]})
    );
}

#[test]
fn unknown_keys_are_masked_by_their_name_and_passwords_in_addresses_always() {
    let value = json!({"platform": [{
        "id": "t",
        "type": "telegram",
        "telegram_token": "123",
        "nested": {"client_secret": "s", "limit": 3, "name": "n"},
        "max_tokens": 5,
        "endpoint": "http://u:p@host/x",
        "plain": "http://host/u:p@x",
    }]});
    assert_eq!(
        mask(&value, &schema::PLATFORMS),
        json!({"platform": [{
            "id": "t",
            "type": "telegram",
            "telegram_token": "••••·2",
            "nested": {"client_secret": "••••", "limit": 3, "name": "n"},
            "max_tokens": 5,
            "endpoint": "••••st/x",
            "plain": "http://host/u:p@x",
        }]})
    );
}

#[test]
fn a_key_can_be_dropped_from_the_middle_and_another_added() {
    let stored = json!({"provider_sources": [{"id": "a", "key": ["one", "two", "three"]}]});
    let saved = json!({"provider_sources": [{"id": "a", "key": ["new", "••••", "••••·3"]}]});
    assert_eq!(
        unmask(saved, Some(&stored), providers()).unwrap(),
        json!({"provider_sources": [{"id": "a", "key": ["new", "one", "three"]}]})
    );
}

#[test]
fn a_mask_that_stands_for_nothing_is_refused_with_its_place() {
    let saved = json!({"provider_sources": [{"id": "a", "key": ["••••zzzz"]}]});
    let problems = unmask(saved, None, providers()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].pointer, "/provider_sources/0/key/0");
}

#[test]
fn a_mask_cannot_be_moved_to_where_it_would_be_shown() {
    let stored = json!({"provider_sources": [{"id": "a", "key": ["hush"]}]});
    let saved = json!({"provider_sources": [{"id": "••••", "key": []}]});
    let problems = unmask(saved, Some(&stored), providers()).unwrap_err();
    assert_eq!(problems[0].pointer, "/provider_sources/0/id");
}

#[test]
fn a_schema_may_mark_secrets_through_references_and_alternatives() {
    let schema = json!({
        "$defs": {"pin": {"anyOf": [{"type": "integer", "x-secret": true}, {"type": "null"}]}},
        "properties": {"pin": {"$ref": "#/$defs/pin"}, "token": {"type": "string"}},
        "allOf": [{"properties": {"inner": {"x-secret": true, "type": "object"}}}],
    });
    let value = json!({"pin": 1234, "token": "shown", "inner": {"a": ["x"]}});
    let masked = mask(&value, &schema);
    assert_eq!(masked, json!({"pin": "••••·2", "token": "shown", "inner": {"a": ["••••"]}}));
    assert_eq!(unmask(masked, Some(&value), &schema).unwrap(), value);
}

fn secret() -> impl Strategy<Value = String> {
    // Unique enough never to be part of another text by chance.
    "(S3[A-Za-z0-9]{10,40}|S3[A-Za-z0-9é•]{10,12})"
}

fn text() -> impl Strategy<Value = String> {
    "[a-z]{0,8}"
}

fn source() -> impl Strategy<Value = (Value, Vec<String>)> {
    let headers = prop::collection::btree_map("[a-z]{1,4}", secret(), 0..3);
    let keys = prop::collection::vec(secret(), 0..4);
    (text(), keys, headers, secret(), secret(), text()).prop_map(
        |(id, keys, headers, token, password, other)| {
            let value = json!({
                "id": id,
                "key": keys,
                "custom_headers": headers,
                "session_token": token,
                "proxy": format!("socks5://me:{password}@proxy:1080"),
                "unknown": {"list": [other, {"api_key": password}]},
            });
            let mut secrets = keys;
            secrets.extend(headers.into_values());
            secrets.extend([token, password]);
            (value, secrets)
        },
    )
}

proptest! {
    #[test]
    fn no_secret_is_ever_in_a_masked_read_and_saving_it_changes_nothing(
        sources in prop::collection::vec(source(), 0..4)
    ) {
        let (values, secrets): (Vec<Value>, Vec<Vec<String>>) = sources.into_iter().unzip();
        let stored = json!({"provider_sources": values, "provider": []});
        let masked = mask(&stored, providers());
        let shown = masked.to_string();
        for secret in secrets.concat() {
            prop_assert!(!shown.contains(&secret), "{secret} is in {shown}");
        }
        prop_assert_eq!(unmask(masked, Some(&stored), providers()), Ok(stored));
    }
}
