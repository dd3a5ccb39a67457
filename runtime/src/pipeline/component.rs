//! The `pipelines` component: every configuration document must be usable before messages flow.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use firstlight_core::config::{ConfigError, ConfigStore, DocumentId, Problem};
use firstlight_core::lifecycle::{BoxError, Component, StepCx};
use firstlight_core::messages::Language;
use firstlight_core::model::SessionKey;

use parking_lot::Mutex;

use super::Pipeline;
use super::compiled::Compiled;

/// Checks the profiles and the routing between them.
pub(crate) struct PipelinesComponent {
    config: ConfigStore,
    folder: Arc<Path>,
}

/// Finds the pipeline of a session. A pipeline is a view on its profile, so a profile that is saved
/// counts from the next message on.
#[derive(Clone)]
pub struct Pipelines {
    config: ConfigStore,
    /// The data folder, from which references to secrets start.
    folder: Arc<Path>,
    /// The pipelines that are made, by profile; made again when the profile is another one.
    made: Arc<Mutex<HashMap<String, Pipeline>>>,
}

impl PipelinesComponent {
    pub(crate) fn new(config: ConfigStore, folder: &Path) -> Self {
        Self { config, folder: folder.into() }
    }
}

impl Pipelines {
    fn new(config: ConfigStore, folder: Arc<Path>) -> Self {
        Self { config, folder, made: Arc::default() }
    }

    /// The pipeline of the profile that handles this session. `session` is where the message came
    /// from: what a member of a group has for a session of their own is not known to the routing.
    pub fn of_session(&self, session: &SessionKey) -> Result<Pipeline, ConfigError> {
        let routed = self.config.snapshot().effective(session)?;
        let mut made = self.made.lock();
        let known = made.get(&routed.conf_id);
        if let Some(pipeline) = known.filter(|known| Arc::ptr_eq(&known.profile, &routed.profile)) {
            return Ok(pipeline.clone());
        }
        let compiled =
            Compiled::of(&routed.profile, &self.folder).map_err(|error| ConfigError::Invalid {
                id: DocumentId::Profile(routed.conf_id.clone()),
                problems: vec![Problem::new("", error.to_string())],
            })?;
        let pipeline = Pipeline { profile: routed.profile, compiled: Arc::new(compiled) };
        made.insert(routed.conf_id, pipeline.clone());
        Ok(pipeline)
    }

    /// The language of the default profile, for what is said when no other is known.
    pub(crate) fn language(&self) -> Language {
        let profile = self.config.snapshot().default_profile();
        profile.map_or_else(|_| Language::default(), |profile| profile.language)
    }

    /// Whether the members of this group have sessions of their own.
    pub(crate) fn splits_groups(&self, session: &SessionKey) -> bool {
        let routed = self.config.snapshot().effective(session);
        routed.is_ok_and(|routed| routed.profile.platform_settings.unique_session)
    }
}

impl Component for PipelinesComponent {
    const NAME: &'static str = "pipelines";
    type Handle = Pipelines;

    async fn start(self, cx: &StepCx) -> Result<Pipelines, BoxError> {
        let snapshot = self.config.snapshot();
        let mut unusable = snapshot.unusable();
        for document in snapshot.documents() {
            let item = cx.item(&document.id.to_string());
            item.start();
            match unusable.iter().find(|error| concerns(error, &document.id)) {
                None => item.finish(),
                Some(error) => item.fail(error),
            }
        }
        if unusable.is_empty() {
            return Ok(Pipelines::new(self.config, self.folder));
        }
        Err(unusable.swap_remove(0).into())
    }

    async fn stop(_pipelines: Pipelines) -> Result<(), BoxError> {
        Ok(())
    }
}

fn concerns(error: &ConfigError, document: &DocumentId) -> bool {
    matches!(error, ConfigError::Invalid { id, .. } if id == document)
}
