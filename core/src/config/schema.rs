//! The schemas of the documents, and which values a schema calls secret.

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::mcp::McpConfig;
use super::platforms::PlatformsConfig;
use super::profile::Profile;
use super::providers::ProvidersConfig;
use super::routing::RoutingConfig;

/// The extension by which a schema calls a value secret.
pub(super) const SECRET: &str = "x-secret";

/// Schemas may refer to themselves; more steps than this lead nowhere new.
const MAX_REFERENCES: usize = 16;

fn of<T: JsonSchema>() -> Arc<Value> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    Arc::new(settings.into_generator().into_root_schema_for::<T>().to_value())
}

pub(super) static PROVIDERS: LazyLock<Arc<Value>> = LazyLock::new(of::<ProvidersConfig>);
pub(super) static PLATFORMS: LazyLock<Arc<Value>> = LazyLock::new(of::<PlatformsConfig>);
pub(super) static MCP: LazyLock<Arc<Value>> = LazyLock::new(of::<McpConfig>);
pub(super) static ROUTING: LazyLock<Arc<Value>> = LazyLock::new(of::<RoutingConfig>);
pub(super) static PROFILE: LazyLock<Arc<Value>> = LazyLock::new(of::<Profile>);
/// For a plugin that has not said what its settings look like: any of them may be a secret.
pub(super) static ANY: LazyLock<Arc<Value>> =
    LazyLock::new(|| Arc::new(json!({"type": "object", "x-secret": true})));

/// What the schema says about one place in a document.
///
/// Several subschemas can apply to one place, because a schema may combine others.
pub(super) struct Place<'s> {
    root: &'s Value,
    applicable: Vec<&'s Value>,
    secret: bool,
    name: String,
}

impl<'s> Place<'s> {
    /// The whole document.
    pub(super) fn root(schema: &'s Value) -> Self {
        let mut place =
            Self { root: schema, applicable: Vec::new(), secret: false, name: String::new() };
        place.apply(schema, 0);
        place
    }

    /// Whether a value here is secret: the schema says so, or knows nothing of this place and its
    /// name says so.
    pub(super) fn is_secret(&self) -> bool {
        self.secret || (self.applicable.is_empty() && sounds_secret(&self.name))
    }

    /// Whether the schema itself says that a value here is secret.
    pub(super) fn is_marked(&self) -> bool {
        self.secret
    }

    /// The place of a member of the object here.
    pub(super) fn member(&self, key: &str) -> Self {
        let mut place = self.inner(key);
        for schema in &self.applicable {
            let named = schema.get("properties").and_then(|properties| properties.get(key));
            let other = schema.get("additionalProperties").filter(|other| other.is_object());
            if let Some(schema) = named.or(other) {
                place.apply(schema, 0);
            }
        }
        place
    }

    /// The place of an item of the array here.
    pub(super) fn item(&self, index: usize) -> Self {
        let mut place = self.inner(&self.name);
        for schema in &self.applicable {
            let positional = schema.get("prefixItems").and_then(|items| items.get(index));
            let each = schema.get("items").filter(|items| items.is_object());
            if let Some(schema) = positional.or(each) {
                place.apply(schema, 0);
            }
        }
        place
    }

    fn inner(&self, name: &str) -> Self {
        let name = name.to_owned();
        Self { root: self.root, applicable: Vec::new(), secret: self.secret, name }
    }

    fn apply(&mut self, schema: &'s Value, steps: usize) {
        if steps > MAX_REFERENCES || !schema.is_object() {
            return;
        }
        self.secret |= schema.get(SECRET).and_then(Value::as_bool).unwrap_or(false);
        self.applicable.push(schema);
        for combined in ["allOf", "anyOf", "oneOf"] {
            for schema in schema.get(combined).and_then(Value::as_array).into_iter().flatten() {
                self.apply(schema, steps + 1);
            }
        }
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        if let Some(target) = pointer.and_then(|pointer| self.root.pointer(pointer)) {
            self.apply(target, steps + 1);
        }
    }
}

/// Whether a key that no schema describes most likely holds a secret.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let holds = ["secret", "token", "passw", "credential", "cookie", "authorization", "apikey"];
    let ends = ["_key", "-key", "_keys", "-keys"];
    name == "key"
        || name == "keys"
        || holds.iter().any(|part| name.contains(part))
        || ends.iter().any(|end| name.ends_with(end))
}
