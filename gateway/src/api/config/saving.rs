//! One change of a document: read, change, save, apply, and start over when somebody else saved in
//! between.

use std::sync::Arc;

use actix_web::web::Data;
use firstlight_core::config::{ConfigError, ConfigStore, Document, DocumentId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::applying::{self, NotApplied};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Reply};

/// How often a change is tried again when somebody else saved in between. Each time somebody's save
/// got through, so this is how many callers may be saving at once.
const TRIES: usize = 64;

/// Which document is changed, by whom, and from which revision.
pub(in crate::api) struct Target {
    pub(in crate::api) id: DocumentId,
    /// The revision that the change is based on; whichever there is when absent.
    pub(in crate::api) expected: Option<i64>,
    pub(in crate::api) author: String,
}

/// What a save came to.
pub(in crate::api) struct Outcome {
    pub(super) document: Arc<Document>,
    /// What the live runtime could not take over.
    pub(in crate::api) failed: Vec<NotApplied>,
}

/// A change that was saved.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SavedConfig")]
pub struct Saved {
    /// The revision of the document now.
    revision: i64,
}

/// The revision, where the body is the configuration itself.
#[derive(Deserialize, JsonSchema)]
pub struct BasedOn {
    /// The revision that the change is based on; it is refused when there is a newer one.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// Changes a document and tells the live runtime. `edit` changes the stored value, in which secrets
/// are plain, and names the entries that are to be loaded again in any case; it may be called more
/// than once.
pub(in crate::api) async fn change<E>(
    app: &Data<App>,
    target: Target,
    edit: E,
) -> Result<Outcome, ApiError>
where
    E: FnMut(&mut Value) -> Result<Vec<String>, ApiError> + Send + 'static,
{
    carried_out(app, "config.save", |app| async move {
        let (before, document, again) = save(&app, &target, edit).await?;
        let before = before.as_ref().map(|before| &before.value);
        let failed = applying::apply(&app, &document.id, before, &document.value, again);
        Ok(Outcome { failed: failed.await, document })
    })
    .await
}

/// Does the work to its end, also when the caller goes away: a save that was not applied would
/// leave the runtime with what nobody can read any more.
pub(in crate::api) async fn carried_out<T, F>(
    app: &Data<App>,
    task: &'static str,
    work: impl FnOnce(Arc<App>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    let work = work(Arc::clone(app));
    let (tell, told) = oneshot::channel();
    app.background.spawn(task, async move {
        let _ = tell.send(work.await);
    });
    told.await.unwrap_or_else(|_| Err(ConfigError::Interrupted.into()))
}

type Before = Option<Arc<Document>>;

async fn save<E>(
    app: &App,
    target: &Target,
    mut edit: E,
) -> Result<(Before, Arc<Document>, Vec<String>), ApiError>
where
    E: FnMut(&mut Value) -> Result<Vec<String>, ApiError>,
{
    let Target { id, expected, author } = target;
    let mut tries = 0;
    loop {
        let before = app.config.snapshot().document(id).cloned();
        let found = before.as_ref().map_or(0, |document| document.revision);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(ConfigError::RevisionConflict { id: id.clone(), expected, found }.into());
        }
        let mut value = match &before {
            Some(document) => document.value.clone(),
            None => ConfigStore::default_value(id),
        };
        let again = edit(&mut value)?;
        match app.config.save(id, found, value, author).await {
            Ok(document) => return Ok((before, document, again)),
            Err(ConfigError::RevisionConflict { .. }) if expected.is_none() && tries < TRIES => {
                tries += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Outcome {
    /// The answer of a contract row: an error when the runtime did not take the change over,
    /// although it is saved.
    pub(super) fn answer(self) -> Answer<Saved> {
        let revision = self.document.revision;
        if self.failed.is_empty() {
            return Ok(Reply::data(Saved { revision }));
        }
        let reasons: Vec<String> = self.failed.iter().map(ToString::to_string).collect();
        let text = format!("It was saved, but could not be put to work: {}.", reasons.join("; "));
        let data = json!({ "revision": revision, "failed": self.failed });
        Err(ApiError::with(Code::NotApplied, text).data(data))
    }
}

/// A member that must not be empty.
pub(in crate::api) fn given<'a>(member: &str, value: &'a str) -> Result<&'a str, ApiError> {
    let missing = || ApiError::with(Code::Invalid, format!("{member} is missing."));
    Some(value.trim()).filter(|value| !value.is_empty()).ok_or_else(missing)
}

/// What there is not, in a sentence.
pub(in crate::api) fn no_such(thing: &str, id: &str) -> ApiError {
    ApiError::with(Code::NotFound, format!("There is no {thing} {id:?}."))
}
