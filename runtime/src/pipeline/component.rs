//! The `pipelines` component: every configuration document must be usable before messages flow.

use firstlight_core::config::{ConfigError, ConfigStore, DocumentId};
use firstlight_core::lifecycle::{BoxError, Component, StepCx};
use firstlight_core::model::SessionKey;

use super::Pipeline;

/// Checks the profiles and the routing between them.
pub(crate) struct PipelinesComponent {
    config: ConfigStore,
}

/// Finds the pipeline of a session. A pipeline is a view on its profile, so a profile that is saved
/// counts from the next message on, and nothing has to be rebuilt.
#[derive(Clone)]
pub struct Pipelines {
    config: ConfigStore,
}

impl PipelinesComponent {
    pub(crate) fn new(config: ConfigStore) -> Self {
        Self { config }
    }
}

impl Pipelines {
    /// The pipeline of the profile that handles this session.
    pub fn of_session(&self, session: &SessionKey) -> Result<Pipeline, ConfigError> {
        let routed = self.config.snapshot().effective(session)?;
        Ok(Pipeline { profile: routed.profile })
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
            return Ok(Pipelines { config: self.config });
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
