//! The adapters that run, by platform instance: what a turn asks its platform through.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::adapter::Adapter;

/// The running adapters; cheap to clone.
#[derive(Clone, Default)]
pub struct Adapters {
    running: Arc<RwLock<BTreeMap<String, Arc<dyn Adapter>>>>,
}

impl Adapters {
    /// The adapter of that platform instance, while it runs.
    pub fn find(&self, platform_id: &str) -> Option<Arc<dyn Adapter>> {
        self.running.read().get(platform_id).cloned()
    }

    /// Makes an adapter known, in the place of an earlier one of the same instance.
    pub fn insert(&self, platform_id: &str, adapter: Arc<dyn Adapter>) {
        self.running.write().insert(platform_id.to_owned(), adapter);
    }

    /// Forgets the adapter of an instance.
    pub fn remove(&self, platform_id: &str) {
        self.running.write().remove(platform_id);
    }
}
