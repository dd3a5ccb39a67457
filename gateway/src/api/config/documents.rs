//! Whole documents: read, saved, compared, and rolled back. This is what repairs a document of
//! which no form can make sense any more.

use actix_web::web::Data;
use firstlight_core::config::{
    Change, ConfigError, Document, DocumentId, DocumentView, RevisionInfo,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applying::{self, NotApplied};
use super::saving::{Target, carried_out, change};
use crate::app::App;
use crate::http::{Answer, Json, Query, Reply, Session};

/// The most revisions in one answer.
const MOST: u32 = 200;

/// Which document: `providers`, `platforms`, `routing`, `profile:<id>` or `plugin:<name>`.
#[derive(Deserialize, JsonSchema)]
pub struct Which {
    document: String,
}

/// Which part of which history.
#[derive(Deserialize, JsonSchema)]
pub struct HistoryOf {
    document: String,
    /// Only revisions before this one, to continue a longer list.
    #[serde(default)]
    before: Option<i64>,
    /// At most 200; 50 when absent.
    #[serde(default)]
    limit: Option<u32>,
}

/// The saves of a document, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DocumentHistory")]
pub struct History {
    document: DocumentId,
    /// The revision now; 0 for a document that was deleted.
    revision: i64,
    /// The last revision that a bootstrap reached ready with.
    ready_revision: Option<i64>,
    revisions: Vec<RevisionInfo>,
}

/// Which revision.
#[derive(Deserialize, JsonSchema)]
pub struct RevisionOf {
    document: String,
    revision: i64,
}

/// Which two revisions.
#[derive(Deserialize, JsonSchema)]
pub struct Between {
    document: String,
    from: i64,
    to: i64,
}

/// What changed from one revision to another, with secrets masked.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DocumentDifference")]
pub struct Difference {
    document: DocumentId,
    from: i64,
    to: i64,
    changes: Vec<Change>,
}

/// Where to roll back to.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DocumentRollback")]
pub struct Rollback {
    document: String,
    /// The revision to save anew.
    revision: i64,
    /// The revision that the document has now, to refuse the call when it has a newer one; 0 for a
    /// document that was deleted.
    #[serde(default)]
    expected: Option<i64>,
}

/// A document to be saved.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SaveDocument")]
pub struct Save {
    document: String,
    /// The revision that the change is based on; 0 for settings that were never saved.
    revision: i64,
    /// All of it. Masked values stand for the stored secrets.
    value: Value,
}

/// A document that was saved.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoredDocument")]
pub struct Stored {
    document: DocumentId,
    revision: i64,
    /// What the live runtime could not take over, although it is saved.
    failed: Vec<NotApplied>,
}

/// `GET /api/config/document`
pub async fn read(app: Data<App>, Query(which): Query<Which>) -> Answer<DocumentView> {
    Ok(Reply::data(app.config.view(&which.document.parse()?)?))
}

/// `POST /api/config/document`
pub async fn save(
    app: Data<App>,
    Session(caller): Session,
    Json(Save { document, revision, value }): Json<Save>,
) -> Answer<Stored> {
    let id: DocumentId = document.parse()?;
    let is_known = app.config.snapshot().document(&id).is_some()
        || matches!(&id, DocumentId::Plugin(name) if app.plugins.knows(name));
    if !is_known {
        return Err(ConfigError::Missing { id }.into());
    }
    let author = caller.username.clone();
    let target = Target { id, expected: Some(revision), author };
    let outcome = change(&app, target, move |document| {
        document.clone_from(&value);
        Ok(Vec::new())
    });
    let outcome = outcome.await?;
    Ok(Reply::data(stored(&outcome.document, outcome.failed)))
}

/// `GET /api/config/history`
pub async fn history(app: Data<App>, Query(of): Query<HistoryOf>) -> Answer<History> {
    let document: DocumentId = of.document.parse()?;
    let limit = of.limit.unwrap_or(50).clamp(1, MOST);
    let revisions = app.config.history(&document, of.before, limit).await?;
    let snapshot = app.config.snapshot();
    let current = snapshot.document(&document);
    if current.is_none() && revisions.is_empty() {
        return Err(ConfigError::Missing { id: document }.into());
    }
    Ok(Reply::data(History {
        revision: current.map_or(0, |current| current.revision),
        ready_revision: current.and_then(|current| current.ready_revision),
        document,
        revisions,
    }))
}

/// `GET /api/config/revision`
pub async fn revision(app: Data<App>, Query(of): Query<RevisionOf>) -> Answer<DocumentView> {
    Ok(Reply::data(app.config.revision(&of.document.parse()?, of.revision).await?))
}

/// `GET /api/config/diff`
pub async fn difference(app: Data<App>, Query(between): Query<Between>) -> Answer<Difference> {
    let document = between.document.parse()?;
    let Between { from, to, .. } = between;
    let changes = app.config.diff(&document, from, to).await?;
    Ok(Reply::data(Difference { document, from, to, changes }))
}

/// `POST /api/config/rollback`: saves an earlier revision anew, also one of a deleted document.
pub async fn rollback(
    app: Data<App>,
    Session(caller): Session,
    Json(wanted): Json<Rollback>,
) -> Answer<Stored> {
    let id: DocumentId = wanted.document.parse()?;
    let Rollback { revision, expected, .. } = wanted;
    let author = caller.username.clone();
    let stored = carried_out(&app, "config.rollback", move |app| async move {
        let before = app.config.snapshot().document(&id).cloned();
        let found = before.as_ref().map_or(0, |before| before.revision);
        let expected = expected.unwrap_or(found);
        let document = app.config.rollback(&id, expected, revision, &author).await?;
        let before = before.as_ref().map(|before| &before.value);
        let failed = applying::apply(&app, &id, before, &document.value, Vec::new()).await;
        Ok(stored(&document, failed))
    });
    Ok(Reply::data(stored.await?))
}

fn stored(document: &Document, failed: Vec<NotApplied>) -> Stored {
    Stored { document: document.id.clone(), revision: document.revision, failed }
}
