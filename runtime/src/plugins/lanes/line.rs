//! The gateway's end of the line to a plugin.

use std::sync::Arc;

use firstlight_plugins_api::Host;
use firstlight_plugins_api::wire::{HostCall, WireError, answer};

use crate::plugins::host::Terms;

/// Answers what one plugin asks; cheap to clone.
#[derive(Clone)]
pub(in crate::plugins) struct HostLine {
    host: Host,
    terms: Arc<Terms>,
}

impl HostLine {
    pub(in crate::plugins) fn new(host: Host, terms: Arc<Terms>) -> Self {
        Self { host, terms }
    }

    pub(in crate::plugins) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    /// The plugin's settings as they are now.
    pub(super) fn settings(&self) -> serde_json::Value {
        self.host.raw_settings()
    }

    /// Makes a call that was granted and answers JSON text.
    pub(super) async fn answer(&self, call: HostCall) -> Result<String, WireError> {
        if let Some(capability) = call.needs() {
            self.terms.check(capability, call.method())?;
        }
        answer(&self.host, call).await
    }
}
