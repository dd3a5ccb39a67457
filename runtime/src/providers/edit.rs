//! Changes to the `providers` document, as pure functions: what it becomes, and which providers
//! are to be loaded again. Saving it is the caller's, and so is asking the [`Registry`] to follow.
//!
//! [`Registry`]: super::Registry

use serde_json::{Map, Value};

/// A changed document.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The document as it is to be saved.
    pub document: Value,
    /// Providers to load again.
    pub reload: Vec<String>,
    /// Providers that are gone.
    pub removed: Vec<String>,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The configuration is not an object with an id.
    #[error("the configuration has no id")]
    NoId,
    /// The id is taken.
    #[error("the id {id:?} is taken")]
    Taken { id: String },
    /// Nothing has this id.
    #[error("there is no {id:?}")]
    Missing { id: String },
}

/// The document, taken apart.
struct Parts {
    sources: Vec<Value>,
    providers: Vec<Value>,
    rest: Map<String, Value>,
}

const PROVIDERS: &str = "provider";
const SOURCES: &str = "provider_sources";
const SOURCE_ID: &str = "provider_source_id";

/// Adds a provider.
pub fn add_provider(document: &Value, config: Value) -> Result<Edited, EditError> {
    let id = id_of(&config)?;
    let mut parts = Parts::of(document);
    if parts.providers.iter().any(|provider| has_id(provider, &id)) {
        return Err(EditError::Taken { id });
    }
    parts.providers.push(config);
    Ok(parts.edited(vec![id], Vec::new()))
}

/// Replaces a provider; a changed id renames it.
pub fn update_provider(document: &Value, id: &str, config: Value) -> Result<Edited, EditError> {
    let mut parts = Parts::of(document);
    let new_id = replace(&mut parts.providers, id, config)?;
    let removed = if new_id == id { Vec::new() } else { vec![id.to_owned()] };
    Ok(parts.edited(vec![new_id], removed))
}

/// Removes a provider.
pub fn delete_provider(document: &Value, id: &str) -> Result<Edited, EditError> {
    let mut parts = Parts::of(document);
    remove(&mut parts.providers, id)?;
    Ok(parts.edited(Vec::new(), vec![id.to_owned()]))
}

/// Adds or replaces a source. When its id changes, its providers follow it.
pub fn put_source(document: &Value, original_id: &str, config: Value) -> Result<Edited, EditError> {
    let mut parts = Parts::of(document);
    let new_id = id_of(&config)?;
    let sources = &mut parts.sources;
    let known = sources.iter().any(|source| has_id(source, original_id));
    if known {
        replace(sources, original_id, config)?;
    } else if sources.iter().any(|source| has_id(source, &new_id)) {
        return Err(EditError::Taken { id: new_id });
    } else {
        sources.push(config);
    }
    let mut reload = Vec::new();
    for provider in parts.providers.iter_mut().filter_map(Value::as_object_mut) {
        let source = text(provider, SOURCE_ID);
        if !source.is_empty() && (source == original_id || source == new_id) {
            provider.insert(SOURCE_ID.to_owned(), Value::String(new_id.clone()));
            reload.push(text(provider, "id").to_owned());
        }
    }
    Ok(parts.edited(reload, Vec::new()))
}

/// Removes a source with all its providers.
pub fn delete_source(document: &Value, id: &str) -> Result<Edited, EditError> {
    let mut parts = Parts::of(document);
    remove(&mut parts.sources, id)?;
    let mut removed = Vec::new();
    parts.providers.retain(|provider| {
        let own = provider.get(SOURCE_ID).and_then(Value::as_str) == Some(id);
        if own {
            removed.extend(id_of(provider).ok());
        }
        !own
    });
    Ok(parts.edited(Vec::new(), removed))
}

/// The providers of these purposes (all for none), each laid over its source. To be called with
/// the masked document when the answer leaves the process.
pub fn listed(document: &Value, purposes: &[&str]) -> Vec<Value> {
    let of = |key: &str| document.get(key).and_then(Value::as_array).into_iter().flatten();
    let merged = of(PROVIDERS).filter_map(Value::as_object).map(|provider| {
        let wanted = text(provider, SOURCE_ID);
        let source = of(SOURCES).find(|source| !wanted.is_empty() && has_id(source, wanted));
        let mut merged = source.and_then(Value::as_object).cloned().unwrap_or_default();
        merged.extend(provider.clone());
        merged
    });
    let asked = |merged: &Map<String, Value>| {
        let purpose = Some(text(merged, "provider_type")).filter(|purpose| !purpose.is_empty());
        purposes.is_empty() || purposes.contains(&purpose.unwrap_or("chat_completion"))
    };
    merged.filter(asked).map(Value::Object).collect()
}

impl Parts {
    fn of(document: &Value) -> Self {
        let mut rest = document.as_object().cloned().unwrap_or_default();
        let mut list = |key| match rest.remove(key) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        Self { sources: list(SOURCES), providers: list(PROVIDERS), rest }
    }

    fn edited(self, reload: Vec<String>, removed: Vec<String>) -> Edited {
        let mut document = self.rest;
        document.insert(SOURCES.to_owned(), Value::Array(self.sources));
        document.insert(PROVIDERS.to_owned(), Value::Array(self.providers));
        Edited { document: Value::Object(document), reload, removed }
    }
}

fn replace(list: &mut [Value], id: &str, config: Value) -> Result<String, EditError> {
    let new_id = id_of(&config)?;
    if new_id != id && list.iter().any(|other| has_id(other, &new_id)) {
        return Err(EditError::Taken { id: new_id });
    }
    let place = list.iter_mut().find(|other| has_id(other, id));
    *place.ok_or_else(|| EditError::Missing { id: id.to_owned() })? = config;
    Ok(new_id)
}

fn remove(list: &mut Vec<Value>, id: &str) -> Result<(), EditError> {
    let before = list.len();
    list.retain(|entry| !has_id(entry, id));
    if list.len() == before { Err(EditError::Missing { id: id.to_owned() }) } else { Ok(()) }
}

fn id_of(config: &Value) -> Result<String, EditError> {
    let id = config.get("id").and_then(Value::as_str).unwrap_or_default().trim();
    if id.is_empty() { Err(EditError::NoId) } else { Ok(id.to_owned()) }
}

fn has_id(entry: &Value, id: &str) -> bool {
    entry.get("id").and_then(Value::as_str) == Some(id)
}

fn text<'a>(entry: &'a Map<String, Value>, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "provider_sources": [{"id": "s", "type": "openai_chat_completion", "timeout": 5}],
            "provider": [
                {"id": "a", "provider_source_id": "s", "model": "m"},
                {"id": "b", "provider_type": "embedding"},
            ],
            "kept": 1,
        })
    }

    #[test]
    fn providers_are_added_replaced_renamed_and_removed() {
        let added = add_provider(&document(), json!({"id": "c"})).unwrap();
        assert_eq!(
            (added.reload, added.document["provider"][2]["id"].clone()),
            (vec!["c".to_owned()], json!("c"))
        );
        assert_eq!(added.document["kept"], 1);
        let taken = add_provider(&document(), json!({"id": "a"}));
        assert_eq!(taken, Err(EditError::Taken { id: "a".to_owned() }));
        assert_eq!(add_provider(&json!({}), json!({"id": " "})), Err(EditError::NoId));

        let renamed = update_provider(&document(), "a", json!({"id": "z"})).unwrap();
        assert_eq!((renamed.reload, renamed.removed), (vec!["z".to_owned()], vec!["a".to_owned()]));
        let taken = update_provider(&document(), "a", json!({"id": "b"}));
        assert_eq!(taken, Err(EditError::Taken { id: "b".to_owned() }));
        let missing = Err(EditError::Missing { id: "x".to_owned() });
        assert_eq!(update_provider(&document(), "x", json!({"id": "x"})), missing);
        assert_eq!(delete_provider(&document(), "x"), missing);
        let deleted = delete_provider(&document(), "a").unwrap();
        assert_eq!(deleted.document["provider"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_renamed_source_takes_its_providers_along_and_a_deleted_one_too() {
        let renamed = put_source(&document(), "s", json!({"id": "t"})).unwrap();
        assert_eq!(renamed.document["provider"][0]["provider_source_id"], "t");
        assert_eq!(renamed.reload, ["a"]);
        let added = put_source(&document(), "", json!({"id": "u"})).unwrap();
        assert_eq!(added.document["provider_sources"].as_array().unwrap().len(), 2);
        assert!(added.reload.is_empty());
        let deleted = delete_source(&document(), "s").unwrap();
        assert_eq!(deleted.removed, ["a"]);
        assert_eq!(
            deleted.document["provider"],
            json!([{"id": "b", "provider_type": "embedding"}])
        );
    }

    #[test]
    fn the_list_is_merged_with_the_sources_and_narrowed_by_purpose() {
        let chat = listed(&document(), &["chat_completion", "rerank"]);
        assert_eq!(
            chat,
            [json!({"id": "a", "provider_source_id": "s", "model": "m",
            "type": "openai_chat_completion", "timeout": 5})]
        );
        assert_eq!(listed(&document(), &[]).len(), 2);
    }
}
