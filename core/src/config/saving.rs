//! One save: find the secrets again, check, write, publish.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;

use crate::db::Database;

use super::document::{Document, DocumentId, DocumentView};
use super::error::ConfigError;
use super::mask::{mask, unmask};
use super::mcp::McpConfig;
use super::platforms::PlatformsConfig;
use super::problem::{Problem, against_schema};
use super::profile::Profile;
use super::providers::ProvidersConfig;
use super::repository::{self, NewRevision, Written};
use super::routing::RoutingConfig;
use super::schema;
use super::snapshot::{ConfigSnapshot, typed};

/// Who made the documents of a first start.
const OURSELVES: &str = "firstlight";

/// What the clones of a store share.
pub(super) struct Inner {
    pub(super) database: Database,
    pub(super) current: watch::Sender<Arc<ConfigSnapshot>>,
    pub(super) plugin_schemas: RwLock<BTreeMap<String, Arc<Value>>>,
    /// One save at a time, so that the snapshots follow the database's order.
    pub(super) turn: Mutex<()>,
    pub(super) tasks: TaskTracker,
    /// Saves run here: on the runtime of a caller they could die with it, half way.
    pub(super) home: Handle,
}

pub(super) struct Save {
    pub(super) id: DocumentId,
    /// The document whose secrets masked values stand for.
    pub(super) based_on: DocumentId,
    pub(super) expected: i64,
    pub(super) value: Value,
    pub(super) title: Option<String>,
    pub(super) author: String,
    pub(super) note: String,
}

impl Save {
    pub(super) fn new(
        id: &DocumentId,
        expected: i64,
        value: Value,
        author: &str,
        note: &str,
    ) -> Self {
        Self {
            id: id.clone(),
            based_on: id.clone(),
            expected,
            value,
            title: None,
            author: author.to_owned(),
            note: note.to_owned(),
        }
    }
}

impl Inner {
    pub(super) fn snapshot(&self) -> Arc<ConfigSnapshot> {
        Arc::clone(&self.current.borrow())
    }

    pub(super) fn publish(&self, snapshot: ConfigSnapshot) {
        self.current.send_replace(Arc::new(snapshot));
    }

    pub(super) fn document(&self, id: &DocumentId) -> Result<Arc<Document>, ConfigError> {
        let snapshot = self.snapshot();
        snapshot.document(id).cloned().ok_or_else(|| ConfigError::Missing { id: id.clone() })
    }

    pub(super) fn schema(&self, id: &DocumentId) -> Arc<Value> {
        match id {
            DocumentId::Providers => Arc::clone(&schema::PROVIDERS),
            DocumentId::Platforms => Arc::clone(&schema::PLATFORMS),
            DocumentId::Mcp => Arc::clone(&schema::MCP),
            DocumentId::Routing => Arc::clone(&schema::ROUTING),
            DocumentId::Profile(_) => Arc::clone(&schema::PROFILE),
            DocumentId::Plugin(name) => {
                let schemas = self.plugin_schemas.read().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(schemas.get(name).unwrap_or(&schema::ANY))
            }
        }
    }

    pub(super) fn masked(&self, document: &Document) -> DocumentView {
        DocumentView {
            id: document.id.clone(),
            title: document.title.clone(),
            revision: document.revision,
            ready_revision: document.ready_revision,
            author: document.author.clone(),
            saved_at: document.saved_at,
            value: mask(&document.value, &self.schema(&document.id)),
        }
    }

    pub(super) async fn revision(
        &self,
        id: &DocumentId,
        revision: i64,
    ) -> Result<Document, ConfigError> {
        let found = repository::revision(&self.database, id, revision).await?;
        found.ok_or_else(|| ConfigError::NoRevision { id: id.clone(), revision })
    }

    /// The value as it would be stored: its masks replaced by the secrets of `based_on`, and fit.
    pub(super) fn checked(
        &self,
        id: &DocumentId,
        based_on: &DocumentId,
        value: Value,
    ) -> Result<Value, ConfigError> {
        let (schema, snapshot) = (self.schema(id), self.snapshot());
        let stored = snapshot.document(based_on).map(|document| &document.value);
        unmask(value, stored, &schema)
            .and_then(|value| valid(id, &value, &schema).map(|()| value))
            .map_err(|problems| ConfigError::Invalid { id: id.clone(), problems })
    }

    pub(super) async fn save(&self, save: Save) -> Result<Arc<Document>, ConfigError> {
        let Save { id, based_on, expected, value, title, author, note } = save;
        let snapshot = self.snapshot();
        let current = snapshot.document(&id);
        let found = current.map_or(0, |document| document.revision);
        if found != expected {
            return Err(ConfigError::RevisionConflict { id, expected, found });
        }
        let value = self.checked(&id, &based_on, value)?;
        if let Some(current) = current.filter(|current| current.value == value) {
            return Ok(Arc::clone(current));
        }
        let new = NewRevision {
            id: id.clone(),
            expected,
            value: Some(value.clone()),
            title,
            author: author.clone(),
            note,
        };
        let head = match repository::write(&self.database, new).await? {
            Written::Done(head) => head,
            Written::Conflict { found } => {
                return Err(ConfigError::RevisionConflict { id, expected, found });
            }
        };
        let document = Document {
            id: id.clone(),
            title: head.title,
            revision: head.revision,
            ready_revision: head.ready_revision,
            value,
            author,
            saved_at: head.saved_at,
        };
        self.publish(self.snapshot().with(document));
        self.document(&id)
    }
}

/// Whether a value may be saved: it fits the schema, and its parts fit together.
pub(super) fn valid(id: &DocumentId, value: &Value, schema: &Value) -> Result<(), Vec<Problem>> {
    let problems = against_schema(value, schema);
    if !problems.is_empty() {
        return Err(problems);
    }
    match id {
        DocumentId::Providers => typed(value, ProvidersConfig::check).map(drop),
        DocumentId::Platforms => typed(value, PlatformsConfig::check).map(drop),
        DocumentId::Mcp => typed(value, McpConfig::check).map(drop),
        DocumentId::Routing => typed(value, RoutingConfig::check).map(drop),
        DocumentId::Profile(_) => typed(value, Profile::check).map(drop),
        DocumentId::Plugin(_) => Ok(()),
    }
}

/// What a document holds before anybody saved it.
pub(super) fn first_value(id: &DocumentId) -> Value {
    match id {
        DocumentId::Providers => ProvidersConfig::first(),
        DocumentId::Platforms => json!({"platform": []}),
        DocumentId::Mcp => json!({"mcpServers": {}}),
        DocumentId::Routing => json!({"routes": []}),
        DocumentId::Profile(_) => serde_json::to_value(Profile::default()).unwrap_or_default(),
        DocumentId::Plugin(_) => json!({}),
    }
}

pub(super) fn missing(documents: &[Document]) -> Vec<NewRevision> {
    [
        DocumentId::Providers,
        DocumentId::Platforms,
        DocumentId::Mcp,
        DocumentId::Routing,
        DocumentId::default_profile(),
    ]
    .into_iter()
    .filter(|id| documents.iter().all(|document| document.id != *id))
    .map(|id| NewRevision {
        title: Some(match &id {
            DocumentId::Profile(name) => name.clone(),
            other => other.to_string(),
        }),
        expected: 0,
        value: Some(first_value(&id)),
        author: OURSELVES.to_owned(),
        note: "first start".to_owned(),
        id,
    })
    .collect()
}
