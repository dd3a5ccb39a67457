//! All documents at one moment, with their typed views. It never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::model::SessionKey;

use super::document::{Document, DocumentId};
use super::error::ConfigError;
use super::platforms::PlatformsConfig;
use super::problem::Problem;
use super::profile::Profile;
use super::providers::ProvidersConfig;
use super::routing::RoutingConfig;

/// The id of the profile that is always there.
pub const DEFAULT_PROFILE: &str = "default";

/// A typed view, or why the document has none. The store refuses to save what has none; another
/// version of the program may have been less strict.
type View<T> = Result<Arc<T>, ConfigError>;

/// All documents at one moment.
#[derive(Debug, Clone)]
pub struct ConfigSnapshot {
    documents: BTreeMap<DocumentId, Arc<Document>>,
    providers: View<ProvidersConfig>,
    platforms: View<PlatformsConfig>,
    routing: View<RoutingConfig>,
    profiles: BTreeMap<String, View<Profile>>,
}

/// The profile that handles a session.
#[derive(Debug, Clone)]
pub struct SessionProfile {
    /// Its id.
    pub conf_id: String,
    /// Its content.
    pub profile: Arc<Profile>,
}

impl ConfigSnapshot {
    pub(super) fn new(documents: impl IntoIterator<Item = Document>) -> Self {
        let documents: BTreeMap<DocumentId, Arc<Document>> = documents
            .into_iter()
            .map(|document| (document.id.clone(), Arc::new(document)))
            .collect();
        let profiles = documents
            .values()
            .filter_map(|document| match &document.id {
                DocumentId::Profile(id) => Some((id.clone(), view(document, Profile::check))),
                _ => None,
            })
            .collect();
        Self {
            providers: find(&documents, DocumentId::Providers, ProvidersConfig::check),
            platforms: find(&documents, DocumentId::Platforms, PlatformsConfig::check),
            routing: find(&documents, DocumentId::Routing, RoutingConfig::check),
            profiles,
            documents,
        }
    }

    /// The same with one document replaced.
    pub(super) fn with(&self, document: Document) -> Self {
        let kept = self.documents.values().filter(|kept| kept.id != document.id);
        let kept: Vec<Document> = kept.map(|kept| Document::clone(kept)).collect();
        Self::new(kept.into_iter().chain([document]))
    }

    /// The same without one document.
    pub(super) fn without(&self, id: &DocumentId) -> Self {
        let kept = self.documents.values().filter(|kept| kept.id != *id);
        Self::new(kept.map(|kept| Document::clone(kept)).collect::<Vec<_>>())
    }

    /// A document, with its secrets.
    pub fn document(&self, id: &DocumentId) -> Option<&Arc<Document>> {
        self.documents.get(id)
    }

    /// All documents, by name.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.documents.values()
    }

    /// The connections to models.
    pub fn providers(&self) -> Result<Arc<ProvidersConfig>, ConfigError> {
        self.providers.clone()
    }

    /// The connections to chat platforms.
    pub fn platforms(&self) -> Result<Arc<PlatformsConfig>, ConfigError> {
        self.platforms.clone()
    }

    /// The routing table.
    pub fn routing(&self) -> Result<Arc<RoutingConfig>, ConfigError> {
        self.routing.clone()
    }

    /// A profile by its id.
    pub fn profile(&self, conf_id: &str) -> Result<Arc<Profile>, ConfigError> {
        match self.profiles.get(conf_id) {
            Some(view) => view.clone(),
            None => Err(ConfigError::Missing { id: DocumentId::Profile(conf_id.to_owned()) }),
        }
    }

    /// The default profile.
    pub fn default_profile(&self) -> Result<Arc<Profile>, ConfigError> {
        self.profile(DEFAULT_PROFILE)
    }

    /// The profile that handles a session: the one that the routing table names, or the default one
    /// when it names none or one that is not there.
    pub fn effective(&self, session: &SessionKey) -> Result<SessionProfile, ConfigError> {
        let routing = self.routing()?;
        let conf_id = routing
            .route(session)
            .filter(|conf_id| self.profiles.contains_key(*conf_id))
            .unwrap_or(DEFAULT_PROFILE);
        Ok(SessionProfile { conf_id: conf_id.to_owned(), profile: self.profile(conf_id)? })
    }

    /// Every document that has no typed view, and why. A bootstrap fails with the first of these.
    pub fn unusable(&self) -> Vec<ConfigError> {
        let profiles = self.profiles.values().filter_map(|view| view.clone().err());
        [self.providers().err(), self.platforms().err(), self.routing().err()]
            .into_iter()
            .flatten()
            .chain(profiles)
            .collect()
    }
}

type Check<T> = fn(&T, &mut Vec<Problem>);

fn find<T: DeserializeOwned>(
    documents: &BTreeMap<DocumentId, Arc<Document>>,
    id: DocumentId,
    check: Check<T>,
) -> View<T> {
    match documents.get(&id) {
        Some(document) => view(document, check),
        None => Err(ConfigError::Missing { id }),
    }
}

fn view<T: DeserializeOwned>(document: &Document, check: Check<T>) -> View<T> {
    match typed(&document.value, check) {
        Ok(typed) => Ok(Arc::new(typed)),
        Err(problems) => Err(ConfigError::Invalid { id: document.id.clone(), problems }),
    }
}

/// The typed view of a value, or what is wrong with it.
pub(super) fn typed<T: DeserializeOwned>(
    value: &serde_json::Value,
    check: Check<T>,
) -> Result<T, Vec<Problem>> {
    // The text of such an error may quote the value, so only its kind is passed on.
    let typed: T = T::deserialize(value).map_err(|error| {
        let message = match error.classify() {
            serde_json::error::Category::Data => "a value has the wrong type",
            _ => "it cannot be read",
        };
        vec![Problem::new("", message)]
    })?;
    let mut problems = Vec::new();
    check(&typed, &mut problems);
    if problems.is_empty() { Ok(typed) } else { Err(problems) }
}
