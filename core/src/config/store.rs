//! Reading, saving and rolling back documents.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;

use crate::db::Database;

use super::diff::{Change, changes};
use super::document::{Document, DocumentId, DocumentView, RevisionInfo};
use super::error::ConfigError;
use super::repository::{self, NewRevision, Written};
use super::saving::{Inner, Save, first_value, missing};
use super::snapshot::ConfigSnapshot;

/// All documents. Clones share them.
#[derive(Clone)]
pub struct ConfigStore {
    inner: Arc<Inner>,
}

impl ConfigStore {
    /// Reads all documents, after making those that a first start lacks.
    pub async fn open(database: Database) -> Result<Self, ConfigError> {
        let mut documents = repository::latest(&database).await?;
        let missing = missing(&documents);
        if !missing.is_empty() {
            repository::write_all(&database, missing).await?;
            documents = repository::latest(&database).await?;
        }
        let inner = Inner {
            database,
            current: watch::Sender::new(Arc::new(ConfigSnapshot::new(documents))),
            plugin_schemas: RwLock::default(),
            turn: Mutex::new(()),
            tasks: TaskTracker::new(),
            home: Handle::current(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All documents as they are now.
    pub fn snapshot(&self) -> Arc<ConfigSnapshot> {
        self.inner.snapshot()
    }

    /// Sees each new snapshot.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ConfigSnapshot>> {
        self.inner.current.subscribe()
    }

    /// The JSON Schema of a document.
    pub fn schema(&self, id: &DocumentId) -> Arc<Value> {
        self.inner.schema(id)
    }

    /// Tells what the settings of a plugin look like. Without this, any object is accepted and all
    /// of it is masked; a plugin that has no secrets and no schema says `{"type": "object"}`.
    pub fn set_plugin_schema(&self, plugin: &str, schema: Value) {
        let mut schemas = self.inner.plugin_schemas.write().unwrap_or_else(PoisonError::into_inner);
        schemas.insert(plugin.to_owned(), Arc::new(schema));
    }

    /// A document as it may leave the process.
    pub fn view(&self, id: &DocumentId) -> Result<DocumentView, ConfigError> {
        Ok(self.inner.masked(&*self.inner.document(id)?))
    }

    /// What a document of that kind holds before anybody saved it. There is no secret in it.
    pub fn default_value(id: &DocumentId) -> Value {
        first_value(id)
    }

    /// What a save of this content would store, secrets included: for trying out what is not saved.
    pub fn checked(&self, id: &DocumentId, value: Value) -> Result<Value, ConfigError> {
        self.inner.checked(id, id, value)
    }

    /// Saves a document. `expected` is the revision that the change is based on, 0 for a new
    /// document. A masked value stands for the stored secret. Saving what is there already makes no
    /// new revision.
    pub async fn save(
        &self,
        id: &DocumentId,
        expected: i64,
        value: Value,
        author: &str,
    ) -> Result<Arc<Document>, ConfigError> {
        let save = Save { based_on: id.clone(), ..Save::new(id, expected, value, author, "saved") };
        self.exclusive(move |inner| async move { inner.save(save).await }).await
    }

    /// Makes a profile, from the given content or the defaults. Masked values in it stand for
    /// secrets of the default profile.
    pub async fn create_profile(
        &self,
        title: &str,
        value: Option<Value>,
        author: &str,
    ) -> Result<Arc<Document>, ConfigError> {
        let id = DocumentId::Profile(uuid::Uuid::new_v4().to_string());
        let value = value.unwrap_or_else(|| first_value(&id));
        let save = Save {
            based_on: DocumentId::default_profile(),
            title: Some(title.to_owned()),
            ..Save::new(&id, 0, value, author, "created")
        };
        self.exclusive(move |inner| async move { inner.save(save).await }).await
    }

    /// Gives a document another title; not a revision.
    pub async fn rename(&self, id: &DocumentId, title: &str) -> Result<(), ConfigError> {
        let (id, title) = (id.clone(), title.to_owned());
        self.exclusive(move |inner| async move {
            let mut document = Document::clone(&*inner.document(&id)?);
            repository::rename(&inner.database, &id, title.clone()).await?;
            document.title = title;
            inner.publish(inner.snapshot().with(document));
            Ok(())
        })
        .await
    }

    /// Deletes a document. Its history stays and can be rolled back to.
    pub async fn delete(&self, id: &DocumentId, author: &str) -> Result<(), ConfigError> {
        if id.is_built_in() {
            return Err(ConfigError::BuiltIn { id: id.clone() });
        }
        let (id, author) = (id.clone(), author.to_owned());
        self.exclusive(move |inner| async move {
            let expected = inner.document(&id)?.revision;
            let note = "deleted".to_owned();
            let new =
                NewRevision { id: id.clone(), expected, value: None, title: None, author, note };
            match repository::write(&inner.database, new).await? {
                Written::Done(_) => inner.publish(inner.snapshot().without(&id)),
                Written::Conflict { found } => {
                    return Err(ConfigError::RevisionConflict { id, expected, found });
                }
            }
            Ok(())
        })
        .await
    }

    /// The saves of a document, newest first; `before` continues a longer list.
    pub async fn history(
        &self,
        id: &DocumentId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RevisionInfo>, ConfigError> {
        let before = before.unwrap_or(i64::MAX);
        Ok(repository::history(&self.inner.database, id, before, limit).await?)
    }

    /// A document as one save left it, masked.
    pub async fn revision(
        &self,
        id: &DocumentId,
        revision: i64,
    ) -> Result<DocumentView, ConfigError> {
        Ok(self.inner.masked(&self.inner.revision(id, revision).await?))
    }

    /// What changed from one revision to another, masked.
    pub async fn diff(
        &self,
        id: &DocumentId,
        from: i64,
        to: i64,
    ) -> Result<Vec<Change>, ConfigError> {
        let before = self.inner.revision(id, from).await?;
        let after = self.inner.revision(id, to).await?;
        Ok(changes(&before.value, &after.value, &self.schema(id)))
    }

    /// Saves an earlier revision anew.
    pub async fn rollback(
        &self,
        id: &DocumentId,
        expected: i64,
        to: i64,
        author: &str,
    ) -> Result<Arc<Document>, ConfigError> {
        let (id, author) = (id.clone(), author.to_owned());
        self.exclusive(move |inner| async move {
            let value = inner.revision(&id, to).await?.value;
            let note = format!("rolled back to {to}");
            inner.save(Save::new(&id, expected, value, &author, &note)).await
        })
        .await
    }

    /// Remembers that a bootstrap reached ready with these documents.
    pub async fn mark_ready(&self, snapshot: &ConfigSnapshot) -> Result<(), ConfigError> {
        let unmarked: Vec<(DocumentId, i64)> = snapshot
            .documents()
            .filter(|document| document.ready_revision != Some(document.revision))
            .map(|document| (document.id.clone(), document.revision))
            .collect();
        if unmarked.is_empty() {
            return Ok(());
        }
        self.exclusive(move |inner| async move {
            repository::mark_ready(&inner.database, unmarked).await?;
            let documents = repository::latest(&inner.database).await?;
            inner.publish(ConfigSnapshot::new(documents));
            Ok(())
        })
        .await
    }

    /// The documents that a bootstrap last reached ready with; `None` when none ever did.
    pub async fn last_ready(&self) -> Result<Option<Arc<ConfigSnapshot>>, ConfigError> {
        let documents = repository::ready(&self.inner.database).await?;
        let any = !documents.is_empty();
        Ok(any.then(|| Arc::new(ConfigSnapshot::new(documents))))
    }

    /// Waits for saves that have begun. To be called before the database is closed.
    pub async fn close(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Runs a change to its end, alone, even when the caller goes away.
    async fn exclusive<T, F>(
        &self,
        change: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Result<T, ConfigError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ConfigError>> + Send,
    {
        let inner = Arc::clone(&self.inner);
        let task = async move {
            let _turn = inner.turn.lock().await;
            change(Arc::clone(&inner)).await
        };
        let running = self.inner.tasks.spawn_on(task, &self.inner.home);
        running.await.map_err(|_| ConfigError::Interrupted)?
    }
}

#[cfg(test)]
mod tests;
